"""What the routes of WebSockets share: who is let in by a first message, and how others are turned away.

Until a connection has shown who it is, it has one of the few places for the unproven. Where these are taken,
the oldest one goes, first of the newcomer's own address. So silent strangers push out each other, and nobody
who was let in.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from aiohttp import web

from hub.config import LimitsConfig
from hub.errors import Busy, Forbidden, HubError, Unauthenticated
from hub.formats.parsing import parse_json
from hub.http.access import ACCESS, Access
from hub.http.problems import Overloaded
from hub.places import ConnectionPlace, ConnectionPlaces
from hub.websocket.frames import FORBIDDEN, LIMITED, TOO_LATE, TRY_AGAIN_LATER, UNAUTHENTICATED
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket

RETRY_AFTER_S = 1.0  # what a stopping hub tells those who will come back; they add jitter of their own
STOPPING = "the hub is stopping"

# An unproven connection has time for its first message, and so much more to be told why it is turned away.
TURNED_AWAY_S = 5.0


class NotShownInTime(Unauthenticated):
    """No first message came. Nothing that was shown is wrong: who was slow may come back."""


_CODES: tuple[tuple[type[HubError], int], ...] = (
    (NotShownInTime, TOO_LATE),
    (Unauthenticated, UNAUTHENTICATED),
    (Forbidden, FORBIDDEN),
)

PEERS = web.AppKey("peers", Peers)
UNPROVEN = web.AppKey("unproven", ConnectionPlaces)


def unproven_places(limits: LimitsConfig, access: Access) -> ConnectionPlaces:
    """The places for connections that have not shown who they are."""
    return ConnectionPlaces(
        "limits.unproven_max",
        limits.unproven_max,
        limits.connect_timeout_s + TURNED_AWAY_S,
        per_address=limits.unproven_per_address_max,
        is_exempt=access.is_proxy,
        keeps_busy=False,
    )


def take_unproven_place(request: web.Request) -> ConnectionPlace:
    """A place for this connection, to be left when it has shown who it is. Raises Overloaded."""
    transport = request.transport
    if transport is None:
        raise Overloaded("the connection is gone", RETRY_AFTER_S)
    place = request.app[UNPROVEN].take(request.app[ACCESS].address(request), file=0)
    if place is None:
        raise Overloaded(
            "too many connections have not shown who they are (limits.unproven_max)",
            RETRY_AFTER_S,
            "limits.unproven_max",
        )
    place.ends_by(transport.abort)
    return place


async def ask_for_secret(socket: Socket, name: str, timeout_s: float) -> str:
    """What a first message {"type": "auth", name: "…"} says. Raises NotShownInTime, and Unauthenticated for
    another message.
    """
    try:
        async with asyncio.timeout(timeout_s):
            raw = await socket.first_message()
    except TimeoutError as error:
        raise NotShownInTime(f"no {name} came within {timeout_s:g} s (limits.connect_timeout_s)") from error
    secret = None if raw is None else read_secret(raw, name)
    if secret is None:
        raise Unauthenticated(
            f'without a header that says who you are, the first message is {{"type":"auth","{name}":"…"}}'
        )
    return secret


def read_secret(raw: bytes, name: str) -> str | None:
    """The secret in a first message; None if it is not an `auth`."""
    try:
        parsed = parse_json(raw)
    except ValueError:
        return None
    if not isinstance(parsed, dict) or parsed.get("type") != "auth":
        return None
    secret = parsed.get(name)
    return secret if isinstance(secret, str) else None


@contextmanager
def turned_away_if_refused(socket: Socket) -> Iterator[None]:
    """For what comes between the handshake and letting in: who is refused is told why and goes.

    A connection that HTTP has handed over gets no other answer, and must not stay, whatever happens.
    """
    try:
        yield
    except HubError as error:
        socket.say(orjson.dumps(refusal(error)))
        is_limit = isinstance(error, Busy) and error.limit
        other = LIMITED if is_limit else TRY_AGAIN_LATER
        code = next((code for kind, code in _CODES if isinstance(error, kind)), other)
        socket.close(code, str(error))
    except BaseException:
        socket.abort()
        raise


def refusal(error: HubError, **more: object) -> dict[str, object]:
    """What a peer is told of what cannot be met, and where a limit says so, which, and when to come back."""
    if isinstance(error, Busy):
        more["retry_after_s"] = round(error.retry_after_s, 3)
        if error.limit:
            more["limit"] = error.limit
    return {"type": "error", "code": error.code, "message": str(error), **more}
