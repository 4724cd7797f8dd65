"""What the routes of WebSockets share: who is let in by a first message, and how others are turned away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from aiohttp import web
from pydantic_core import from_json

from hub.errors import HubError, Unauthenticated
from hub.websocket.frames import TRY_AGAIN_LATER, UNAUTHENTICATED
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket

RETRY_AFTER_S = 1.0  # what a stopping hub tells those who will come back; they add jitter of their own
STOPPING = "the hub is stopping"

PEERS = web.AppKey("peers", Peers)


async def ask_for_secret(socket: Socket, name: str, timeout_s: float) -> str:
    """What a first message {"type": "auth", name: "…"} says. Raises Unauthenticated if none comes in time."""
    try:
        async with asyncio.timeout(timeout_s):
            raw = await socket.first_message()
    except TimeoutError as error:
        raise Unauthenticated(f"no {name} came within {timeout_s:g} s (limits.connect_timeout_s)") from error
    secret = None if raw is None else read_secret(raw, name)
    if secret is None:
        raise Unauthenticated(
            f'without a header that says who you are, the first message is {{"type":"auth","{name}":"…"}}'
        )
    return secret


def read_secret(raw: bytes, name: str) -> str | None:
    """The secret in a first message; None if it is not an `auth`."""
    try:
        parsed = from_json(raw)
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
        code = UNAUTHENTICATED if isinstance(error, Unauthenticated) else TRY_AGAIN_LATER
        socket.close(code, str(error))
    except BaseException:
        socket.abort()
        raise


def refusal(error: HubError, **more: object) -> dict[str, object]:
    """What a peer is told of what cannot be met."""
    return {"type": "error", "code": error.code, "message": str(error), **more}
