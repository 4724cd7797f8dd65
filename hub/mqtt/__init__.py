"""Transport: MQTT 3.1.1 and 5.0. A codec without I/O, the hub's own endpoint, and the client of an outside broker."""
