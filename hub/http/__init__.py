"""HTTP: the page, REST, the devices' and the dashboards' sockets. They parse, call and encode; nothing is
decided here.

server          listens, by TCP and by the Unix socket
connection      one of aiohttp's connections, with the hub's bounds
app             make_app: every route, and what the handlers call
rooms           the keys under which the handlers find that
middleware      what every answer has in common
access          who is asking, from where, and from which page
hosts           under which names the hub is found
forwarded       what proxies say of that
body            what a request brings, bounded and unpacked
problems        errors as answers
oidc/           logging in by providers of OpenID Connect
around          time and chance, for those who need them
plain_page      answers in words, for people without the page

api             REST as one table, from which routes and OpenAPI are made
endpoint        one row of it: how a call is read, checked and answered
rest/           each resource, with its shapes
idempotency     a write that is sent again is done once
openapi         the description of REST

device/         devices send here
live/           dashboards watch here
sockets         what the WebSockets of both share

static          the page's files
negotiation     what a client has already, and what it takes
health          /healthz, /readyz
storage         whether readings get to the disk and into the history, in words
metrics         /metrics
proxy_faults    what a proxy leaves out, told in the log
"""
