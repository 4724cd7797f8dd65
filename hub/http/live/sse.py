"""`GET /api/v1/live/sse?channel=…`: the live channels as Server-Sent Events.

They are for `curl -N`, and for where WebSockets do not pass.

Each event's `data` is what a frame of the live socket is: a message, or an array of messages. Its `id` holds
epoch and offset of every channel, in the order of the query, so that Last-Event-ID resumes all of them.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub.errors import Invalid
from hub.feed import Resume, Viewer
from hub.http.access import ACCESS, Proof
from hub.http.live.viewers import VIEWERS, Viewers, shutdown_message
from hub.http.rooms import CONFIG
from hub.http.sockets import STOPPING
from hub.model import Principal, Right
from hub.websocket.frames import RESTARTING
from hub.websocket.peers import STEPS_PER_INTERVAL
from hub.websocket.socket import WRITE_BUFFER_MAX_BYTES
from hub.websocket.tcp import answers

COMMENT = b": still here\n\n"
RETRY_MS = 1_000  # how long a browser waits before it connects again


class SseQuery(BaseModel):
    """What to watch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Annotated[
        list[str],
        Field(description="device/<id>, label/<key>=<value>, overview or alerts; may be given several times"),
    ]


class SseStream:
    """One viewer's stream."""

    def __init__(
        self,
        viewers: Viewers,
        request: web.Request,
        proof: Proof,
        principal: Principal,
        channels: int,
        idle_s: float,
    ) -> None:
        self._viewers = viewers
        self._ready = asyncio.Event()
        self.viewer = Viewer(principal, channels, self._ready)
        self.proof = proof
        self.quiet_steps = 0
        self._idle_s = idle_s
        self._request = request
        self._shutdown_s: float | None = None
        self._is_ended = False

    async def run(self, response: web.StreamResponse, order: Sequence[str]) -> None:
        """Send what comes, until either side ends it."""
        while not self._is_ended:
            try:
                async with asyncio.timeout(self._idle_s):
                    await self._ready.wait()
            except TimeoutError:
                await response.write(COMMENT)
                continue
            message = self.viewer.take()
            if message:
                places = self.viewer.places()
                event_id = ",".join(f"{places[name].epoch}:{places[name].offset}" for name in order)
                await response.write(b"id: %b\ndata: %b\n\n" % (event_id.encode(), message))
                await self._request.writer.drain()
        if self._shutdown_s is not None:
            said = shutdown_message(self._shutdown_s)
            await response.write(b"retry: %d\ndata: %b\n\n" % (self._shutdown_s * 1000, said))

    def end(self, code: int, reason: str, retry_after_s: float | None = None) -> None:
        """End the stream; a stopping hub says when to come back."""
        del reason
        self._shutdown_s = retry_after_s if code == RESTARTING else None
        self._is_ended = True
        self._ready.set()

    def stop(self) -> None:
        """The hub stops."""
        self.end(RESTARTING, STOPPING, self._viewers.come_back_s())

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection, until it is gone."""
        return self._request.transport

    def is_heard(self, within_s: float) -> bool:
        """A stream is one way: its peer's system answers for it."""
        return self.transport is not None and answers(self.transport, within_s)

    def ping(self) -> None:
        """The comments do that."""

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self.transport is not None:
            self.transport.abort()


async def stream(request: web.Request) -> web.StreamResponse:
    """The route.

    Raises Unauthenticated, Forbidden, Invalid, NotFound; Overloaded or Busy when too many watch.
    """
    live = request.app[CONFIG].live
    viewers = request.app[VIEWERS]
    proof, principal = await request.app[ACCESS].let_in(request, Right.LIVE_READ)
    channels = _channels(request, live.subscriptions_max)
    places = _places(request.headers.get("Last-Event-ID", ""), len(channels))
    idle_s = live.ping_interval_s / STEPS_PER_INTERVAL
    connection = SseStream(viewers, request, proof, principal, len(channels), idle_s)
    with viewers.watching(connection, request.app[ACCESS].address(request)):
        for channel, place in zip(channels, places, strict=True):
            viewers.subscribe(connection.viewer, channel, place)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        if request.transport is not None:
            request.transport.set_write_buffer_limits(WRITE_BUFFER_MAX_BYTES)
        with suppress(ConnectionError):
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            await connection.run(response, channels)
        return response


def _channels(request: web.Request, channels_max: int) -> list[str]:
    for name in request.query:
        if name != "channel":
            raise Invalid(f"{name[:40]}: only channel is known here", name[:40])
    channels = list(dict.fromkeys(request.query.getall("channel", [])))
    if not 1 <= len(channels) <= channels_max:
        raise Invalid(f"channel: 1 to {channels_max} are wanted, got {len(channels)}", "channel")
    return channels


def _places(event_id: str, count: int) -> list[Resume | None]:
    """The places that an event's id holds; what is none, or of another query, resumes nothing."""
    found: list[Resume | None] = []
    for part in event_id.split(","):
        epoch, _, offset = part.strip().rpartition(":")
        is_place = epoch and offset.isdecimal() and offset.isascii() and len(offset) <= 18
        found.append(Resume(epoch, int(offset)) if is_place else None)
    return found if len(found) == count else [None] * count
