"""What every answer has in common: errors as problem details, security headers, the access log."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from hub.errors import HubError, Unreadable
from hub.http.access import ACCESS
from hub.http.audit import note_refusal
from hub.http.plain_page import plain_page
from hub.http.problems import problem, problem_of
from hub.logs import Logger
from hub.model.key import without_secrets

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_TELLING = ("Allow", "Upgrade", "Connection", "Sec-WebSocket-Version")  # what would be right instead
HSTS = "max-age=31536000"

_log = Logger("http")


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong becomes an answer that says what, and nobody else's request suffers."""
    expected = request.headers.get("Expect", "100-continue").lower()
    if expected != "100-continue":
        return problem(
            HTTPStatus.EXPECTATION_FAILED,
            "expectation",
            f"nothing but 100-continue can be expected here, got {expected[:40]!r}",
        )
    try:
        return await handler(request)
    except HubError as error:
        await note_refusal(request, error)
        return problem_of(error)
    except RequestPayloadError as error:
        said = str(error).partition("message:")[2].strip().partition("\n")[0].rstrip(".:")
        return problem_of(Unreadable(f"the body broke off: {said}"))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _of_http(request, error)
    except Exception as error:  # noqa: BLE001  # the last place that can answer; the log has all of it
        if isinstance(error, ConnectionError) and _is_gone(request):
            return web.Response()  # nobody reads it; strangers could fill the log by going
        _log.exception("a request failed", method=request.method, path=request.path)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the hub made a mistake; its log says more"
        )


def _is_gone(request: web.Request) -> bool:
    """Whether who asked has left, or was cut off for not reading."""
    return request.transport is None or request.transport.is_closing()


def _of_http(request: web.Request, error: web.HTTPException) -> web.Response:
    """What aiohttp itself refuses: no such path, no such method, a handshake that is none."""
    status = HTTPStatus(error.status)
    details = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.path}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.path} does not take {request.method}",
    }
    detail = details.get(status, error.text or status.phrase)
    if status is HTTPStatus.NOT_FOUND and request.method in ("GET", "HEAD") and not _is_rest(request):
        return plain_page(status, "Nothing here", f"There is nothing at {request.path}.")
    headers = {name: error.headers[name] for name in _TELLING if name in error.headers}
    return problem(status, status.name.lower(), detail, headers=headers)


async def expect(_request: web.Request) -> None:
    """Nothing: aiohttp would say 100 Continue at once, and here that is said when the body is read."""


def _is_rest(request: web.Request) -> bool:
    """Whether it is for REST, at the root or below the path of `http.public_url`."""
    return "/api/" in request.path


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request, at debug. Never a header or a query: secrets may be there."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    response = await handler(request)
    _log.debug(
        "request",
        method=request.method,
        path=without_secrets(request.path),
        status=response.status,
        ms=round((loop.time() - started_s) * 1000, 1),
    )
    return response


def harden(headers: MutableMapping[str, str], *, is_secure: bool) -> None:
    """Tell browsers what the hub's answers may do (OWASP HTTP Security Response Headers Cheat Sheet)."""
    headers["Server"] = "sensor-hub"  # and not which versions of what it is built on
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if is_secure:
        headers["Strict-Transport-Security"] = HSTS


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer of the application carries."""
    harden(response.headers, is_secure=request.app[ACCESS].is_secure(request))
    if _is_rest(request) and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
