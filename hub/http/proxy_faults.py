"""What a proxy before the hub leaves out, logged with what to set: the page just stays disconnected."""

from urllib.parse import urlsplit

from aiohttp import web

from hub.http.access import Access
from hub.http.middleware import Handler
from hub.logs import Logger, RateLimitedLog

_log = Logger("http")


class ProxyFaults:
    """Looks at requests that were refused. It logs each kind of fault once in a while."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._log = RateLimitedLog(_log)

    def look(self, request: web.Request, status: int) -> None:
        """At a request that was answered with `status`, 400 or above."""
        headers = request.headers
        if "Sec-WebSocket-Key" in headers and headers.get("Upgrade", "").lower() != "websocket":
            self._say(
                request,
                "a proxy leaves the Upgrade header out, so no WebSocket opens and pages stay disconnected",
                "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
                'proxy_set_header Connection "upgrade";',
            )
        if status == web.HTTPMisdirectedRequest.status_code:
            self._say(
                request,
                "a request was turned away: it is for a host that is not known as the hub",
                f'http.allowed_hosts = ["{request.host[:200].rpartition(":")[0] or request.host[:200]}"]',
            )
        is_forbidden = status == web.HTTPForbidden.status_code
        if is_forbidden and "Origin" in headers and not self._access.is_own_page(request):
            self._look_at_origin(request, headers["Origin"][:200])

    def _look_at_origin(self, request: web.Request, origin: str) -> None:
        if urlsplit(origin).netloc.lower() == request.host.lower():
            self._say(
                request,
                "a page that came by TLS was turned away: no proxy that the hub trusts says in "
                "X-Forwarded-Proto that it did",
                f'http.trusted_proxies = ["{request.remote}"]; '
                "nginx: proxy_set_header X-Forwarded-Proto $scheme;",
                origin=origin,
            )
        else:
            self._say(
                request,
                "a page was turned away: it is at another address than the Host header says; "
                "if a proxy is between, it leaves that header out",
                "nginx: proxy_set_header Host $http_host; "
                "or http.public_url, the address at which people open the hub",
                origin=origin,
                host=request.host,
            )

    def _say(self, request: web.Request, what: str, set_: str, **details: str) -> None:
        self._log.warning(what, request.remote or "local", set=set_, more="docs/proxies.md", **details)


PROXY_FAULTS = web.AppKey("proxy_faults", ProxyFaults)


@web.middleware
async def look_for_proxy_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Look at what is refused."""
    response = await handler(request)
    if response.status >= web.HTTPBadRequest.status_code:
        request.app[PROXY_FAULTS].look(request, response.status)
    return response
