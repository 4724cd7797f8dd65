"""Transport: MQTT 3.1.1 and 5.0. A codec without I/O, and the hub's own endpoint."""
