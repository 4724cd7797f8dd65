"""Where devices send: telemetry by POST, their WebSocket, and MQTT over WebSocket."""
