"""HTTP: the page, REST, the devices' and the dashboards' sockets. They parse, call and encode; nothing is decided here.

app            make_app: one application, for TCP and for the Unix socket
endpoint, api  REST as one table, from which the routes are registered and OpenAPI is written
access         who is asking; problems and middleware: what every answer has in common
telemetry, device_socket, mqtt_socket    devices send here
live           dashboards watch here
client         the command line's way to a hub
"""
