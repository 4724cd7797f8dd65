"""Where devices send.

telemetry     readings by POST
socket        readings, attributes and commands over one WebSocket
commands      commands by a GET that waits, and the answers to them
attributes    facts about a device, by HTTP
messages      what a device says there, read. Pure
results       what a device is told of its readings, on both of these
mqtt_socket   MQTT over WebSocket
"""
