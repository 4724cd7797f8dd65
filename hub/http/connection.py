"""One HTTP connection: aiohttp's, with deadlines, a bounded number of them, and the hub's own errors."""

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, InvalidURLError, LineTooLong

from hub.http.middleware import harden
from hub.http.problems import problem
from hub.logs import Logger, RateLimitedLog
from hub.places import ConnectionPlace

IDLE_S = 75.0  # a connection that waits for its next request; longer than proxies keep theirs
# How long what is left of a refused body is thrown away, so that the peer gets to read the answer.
LINGER_S = 2.0
LINE_MAX_BYTES = 8_190
HEADERS_MAX = 128

_log = Logger("http")


class HttpConnection(web.RequestHandler):
    """Its place is silent until a request's head is whole, busy while that is answered, then idle."""

    __slots__ = ("_place", "_refusals", "_seen", "polled")

    def __init__(self, server: web.Server, place: ConnectionPlace, refusals: RateLimitedLog) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
            # As aiohttp's own runner takes it: the hub has a log of its own.
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,  # a body is unpacked after its sender is known: body.py
            max_line_size=LINE_MAX_BYTES,
            max_field_size=LINE_MAX_BYTES,
            max_headers=HEADERS_MAX,
        )
        self._place = place
        self._refusals = refusals
        self._seen = 0  # requests whose head was whole
        self.polled: tuple[int, ...] = ()  # the commands in the last answer: see device/commands.py

    @property
    def peername(self) -> str:
        """The peer's address, which handlers see as `request.remote`."""
        return self._place.address

    def data_received(self, data: bytes) -> None:
        """More of a request. aiohttp counts those whose head is whole."""
        super().data_received(data)
        if self._request_count != self._seen:
            self._seen = self._request_count
            self._place.busy()
        elif data and self._place.is_idle:
            self._place.silent()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the rest of an answer. Then the connection is idle, unless another request has come."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if not self._messages:
                self._place.idle()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over, or given to a WebSocket, which is counted elsewhere."""
        self._place.leave()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, and to what went wrong outside the handlers."""
        del status, message
        if isinstance(exc, HttpProcessingError):
            found, detail = _explained(exc)
            self._refusals.info("a request was not HTTP", self._place.address, why=detail)
        else:
            found, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "the hub made a mistake; its log says more"
            _log.error("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was under way; there is no place for another")
        answer = problem(found, found.name.lower(), detail)
        harden(answer.headers, is_secure=self.ssl_context is not None)
        answer.headers["Cache-Control"] = "no-store"
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What aiohttp would write as a traceback."""
        _log.error("a connection failed", why=" ".join(str(one) for one in args)[:200], **kw)


def _explained(error: HttpProcessingError) -> tuple[HTTPStatus, str]:
    """Status and words for what the parser refuses; it has none but 400 itself."""
    if isinstance(error, LineTooLong):
        if isinstance(error.args[0], bytearray):  # so the parser reports a target, and a header as bytes
            return HTTPStatus.REQUEST_URI_TOO_LONG, f"the target is over {LINE_MAX_BYTES} bytes"
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a header is over {LINE_MAX_BYTES} bytes"
    said = error.message.partition("\n")[0].strip().rstrip(":")
    if said.startswith("Too many headers"):
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"there are over {HEADERS_MAX} headers"
    if isinstance(error, BadHttpMethod) and "HTTPS" in said:
        return HTTPStatus.BAD_REQUEST, "this port speaks HTTP without TLS; use http://, or set http.tls_cert"
    if isinstance(error, InvalidURLError):
        return HTTPStatus.BAD_REQUEST, "the target is not a path"
    return HTTPStatus.BAD_REQUEST, f"not a request of HTTP/1.1: {said[:100]}"
