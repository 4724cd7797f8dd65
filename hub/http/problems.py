"""Errors as HTTP answers: problem details (RFC 9457), from one table."""

import math
from collections.abc import Mapping
from http import HTTPStatus

import orjson
from aiohttp import web

from hub.errors import (
    Busy,
    Conflict,
    Forbidden,
    HubError,
    Invalid,
    NotFound,
    Refused,
    StepUp,
    StoreError,
    Unauthenticated,
    Unreadable,
)

CONTENT_TYPE = "application/problem+json"
ENCODINGS = "gzip, deflate"  # of bodies that are taken
STORE_RETRY_S = 5.0
_STATUSES: tuple[tuple[type[HubError], HTTPStatus], ...] = (
    (Unreadable, HTTPStatus.BAD_REQUEST),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Refused, HTTPStatus.BAD_REQUEST),
    (Busy, HTTPStatus.TOO_MANY_REQUESTS),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (HubError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


class TooLarge(Refused):
    """A body over `http.max_body_bytes`; `start` is how it began."""

    code = "too_large"

    def __init__(self, message: str, start: bytes = b"") -> None:
        super().__init__(message)
        self.start = start


class Unsupported(Refused):
    """A body that is packed, or written, in a way that is not known here."""

    code = "unsupported"


class Misdirected(Refused):
    """A request for a host that is not this one (RFC 9110, 15.5.20)."""

    code = "misdirected"


class Overloaded(Busy):
    """The hub, not this caller, has too much to do."""

    code = "overloaded"


_OWN: tuple[tuple[type[HubError], HTTPStatus], ...] = (
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (Unsupported, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (Misdirected, HTTPStatus.MISDIRECTED_REQUEST),
    (Overloaded, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> web.Response:
    """An answer of type application/problem+json; `more` are further members of it."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
        **more,
    }
    return web.Response(
        status=status.value, body=orjson.dumps(body), content_type=CONTENT_TYPE, headers=headers
    )


def problem_of(error: HubError) -> web.Response:
    """The answer that an error stands for."""
    status = next(status for kind, status in (*_OWN, *_STATUSES) if isinstance(error, kind))
    headers: dict[str, str] = {}
    more: dict[str, object] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="hub"'
    if isinstance(error, Unsupported):
        headers["Accept-Encoding"] = ENCODINGS  # what would be right (RFC 9110, 15.5.16)
    if isinstance(error, Busy):
        headers["Retry-After"] = retry_after(error.retry_after_s)
        more["retry_after_s"] = round(error.retry_after_s, 3)
        if error.limit:
            more["limit"] = error.limit
    if isinstance(error, StoreError):
        headers["Retry-After"] = retry_after(STORE_RETRY_S)
    if isinstance(error, StepUp):
        more["confirm_by"] = error.confirm_by
    if isinstance(error, Invalid) and error.where:
        more["where"] = error.where
    return problem(status, error.code, str(error), headers=headers, **more)


def retry_after(seconds: float) -> str:
    """Whole seconds, as Retry-After has them (RFC 9110, 10.2.3)."""
    return str(max(1, math.ceil(seconds)))
