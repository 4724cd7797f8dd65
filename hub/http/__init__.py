"""HTTP: the page, REST, the devices' and the dashboards' sockets. They parse, call and encode; nothing is
decided here.

app        make_app: one application, for TCP and for the Unix socket; rooms: what its handlers call server
where it listens; connection: one of aiohttp's, with the hub's bounds; body: what a request brings endpoint
one route of REST; api: all of them as one table, from which routes and OpenAPI are made access     who is
asking; problems and middleware: what every answer has in common rest       each resource, with its shapes
device     devices send here live       dashboards watch here
"""
