"""`GET /api/v1/live`, subprotocol `hub.v1`: dashboards and tools watch channels.

What is sent, and what a slow viewer gets instead, the feed decides; the shared writer sends it; here is the reader of
the requests, and how a connection begins and ends.
"""

import asyncio
from contextlib import suppress
from typing import Annotated, Literal, NamedTuple

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.errors import Forbidden, HubError, StoreError, Unauthenticated
from hub.feed import Resume, Viewer
from hub.feed.channel import wire_ms
from hub.http.access import ACCESS, Kind, Proof
from hub.http.device_messages import read_token
from hub.http.live_viewers import Viewers, refusal, shutdown_message
from hub.http.live_writer import WRITE_BUFFER_MAX_BYTES, Framer, Place, SharedWriter, answers
from hub.http.problems import TooLarge
from hub.http.services import Services
from hub.http.socket import CLOSE_TIMEOUT_S, UNAUTHENTICATED, Socket
from hub.model import Principal

PROTOCOL = "hub.v1"
ANSWERS_MAX = 100  # that wait to be sent; beyond, no further request is read
READ_MAX_BYTES = (
    1_048_576  # a message over live.max_message_bytes is read and refused; over this it ends the socket
)
PING = b"\x89\x00"  # FIN, ping, nothing in it (RFC 6455, 5.5.2)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True)

    channel: Annotated[str, Field(max_length=300)]


class _ResumeAt(BaseModel):
    epoch: str
    offset: Annotated[int, Field(ge=0)]


class Subscribe(_Request):
    """Watch a channel, from where the viewer was if it says."""

    type: Literal["subscribe"]
    resume: _ResumeAt | None = None


class Unsubscribe(_Request):
    """Watch it no more."""

    type: Literal["unsubscribe"]


class Ping(BaseModel):
    """Are you there, and what time is it with you? For pages, whose script cannot send a WebSocket's ping."""

    type: Literal["ping"]


_read_request = TypeAdapter(
    Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="type")]
).validator.validate_json


class _End(NamedTuple):
    code: int
    reason: str
    retry_after_s: float | None


class LiveSocket:
    """One dashboard's connection. `proof` is what let it in, and is checked again and again."""

    __slots__ = (
        "_end",
        "_place",
        "_reading",
        "_request",
        "_room",
        "_services",
        "_socket",
        "_transport",
        "_unsent",
        "_viewers",
        "_writer",
        "proof",
        "quiet_steps",
        "viewer",
    )

    def __init__(
        self,
        request: web.Request,
        transport: asyncio.Transport,
        socket: Socket,
        proof: Proof,
        principal: Principal,
        live: "LiveSockets",
    ) -> None:
        self._writer = live.writer
        self._place = Place(self._writer, self)
        self.viewer = Viewer(principal, live.services.config.live.subscriptions_max, self._place)
        self.proof = proof
        self.quiet_steps = 0
        self._services = live.services
        self._viewers = live.viewers
        self._request = request
        self._socket = socket
        self._transport = transport
        self._transport.set_write_buffer_limits(WRITE_BUFFER_MAX_BYTES)
        self._unsent = 0  # answers that wait
        self._room: asyncio.Event | None = None  # there while the reader waits for answers to be sent
        self._reading: asyncio.Timeout | None = None
        self._end: _End | None = None

    async def run(self) -> None:
        """Serve the viewer until either side ends it."""
        with self._viewers.watching(self), suppress(TimeoutError, ConnectionError):
            await self._read_until_ended()
        if self._end is None:
            await self._socket.close()
            return
        with suppress(ConnectionError, TimeoutError):  # gone, or too slow, before it could be told
            if self._end.retry_after_s is not None:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._socket.say(shutdown_message(self._end.retry_after_s))
        await self._socket.close(code=self._end.code, message=self._end.reason.encode())

    async def _read_until_ended(self) -> None:
        """Raises TimeoutError when the hub ends it: no deadline but one that `end` sets to now, so that the reader
        needs no second task that waits for the end.
        """
        try:
            async with asyncio.timeout(None) as self._reading:
                if self._end is None:
                    await self._read()
        finally:
            self._reading = None

    def end(self, code: int, reason: str, retry_after_s: float | None = None) -> None:
        """Close the socket, saying why and when to come back."""
        if self._end is None:
            self._end = _End(code, reason, retry_after_s)
            if self._reading is not None:
                self._reading.reschedule(asyncio.get_running_loop().time())

    # Signs of life

    def is_heard(self) -> bool:
        """Whether the peer said something, or is only slow to read: then its system still answers for it."""
        heard, self._socket.heard = self._socket.heard, False
        return heard or (self._is_backed_up() and answers(self._transport))

    def ping(self) -> None:
        """Ask for a sign of life; not of a peer to which nothing gets through, it would only add to that."""
        if not self._is_backed_up() and not self._transport.is_closing():
            self._transport.write(PING)

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._socket.abort()

    # Writing

    def _is_backed_up(self) -> bool:
        return self._request.protocol.writing_paused

    def write(self) -> bool:
        """Hand on one frame of all that is pending. False: `drain` tells when it can be taken."""
        if self._transport.is_closing():
            return True
        if self._is_backed_up() or (self._socket.compress and self._place.is_set()):
            return False
        self._place.leave()
        message = self._take()
        if message:
            # Past aiohttp's writer, with a frame made once for all: its send_frame made the header and the copy for
            # each viewer anew, and was a coroutine: 4 µs a viewer against 1.
            self._transport.write(self._writer.framer.frame(message))
        return True

    async def drain(self) -> None:
        """Return when there is room. A compressed message is sent here, for its bytes are this viewer's own."""
        await self._request.writer.drain()
        if self._socket.compress:
            message = self._take()
            if message:
                await self._socket.say(message)

    def _take(self) -> bytes:
        self._unsent = 0
        if self._room is not None:
            self._room.set()
        return self.viewer.take()

    # Reading

    async def _read(self) -> None:
        while (raw := await self._socket.read()) is not None:
            if self._unsent >= ANSWERS_MAX:
                self._room = asyncio.Event()
                await self._room.wait()
                self._room = None
            self._answer(raw)

    def _answer(self, raw: bytes) -> None:
        self._unsent += 1
        bytes_max = self._services.config.live.max_message_bytes
        if len(raw) > bytes_max:
            message = f"a message of {len(raw)} bytes is over {bytes_max} (live.max_message_bytes)"
            self._say(refusal(TooLarge(message)))
            return
        try:
            request = _read_request(raw)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = ".".join(str(part) for part in fault["loc"])
            self._say({"type": "error", "code": "invalid", "message": f"{path} {fault['msg']}".strip()})
            return
        if isinstance(request, Ping):
            self._say({"type": "pong", "time": wire_ms(self._services.clock())})
            return
        try:
            if isinstance(request, Subscribe):
                at = request.resume
                resume = None if at is None else Resume(at.epoch, at.offset)
                self._viewers.subscribe(self.viewer, request.channel, resume)
            else:
                self.viewer.unsubscribe(request.channel)
                self._say({"type": "unsubscribed", "channel": request.channel})
        except HubError as error:
            self._say(refusal(error, request.channel))

    def _say(self, said: dict[str, object]) -> None:
        self.viewer.say(orjson.dumps(said))


class LiveSockets:
    """The route of the live sockets, and what they share."""

    def __init__(self, services: Services, viewers: Viewers) -> None:
        self.services = services
        self.viewers = viewers
        self.writer = SharedWriter(Framer())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route. Raises Forbidden for a foreign page, Unauthenticated, Overloaded or Busy when there are too many."""
        live = self.services.config.live
        access = request.app[ACCESS]
        proof = access.shown(request)
        if proof is not None and proof.kind is Kind.SESSION:
            if "Origin" not in request.headers:
                proof = None  # no browser: whoever this is shows a token
            elif not access.is_own_page(request):
                raise Forbidden(access.explain_origin(request))
        if proof is not None and proof.kind is Kind.TOKEN:
            await access.check(proof)
        with self.viewers.place(request):
            socket = Socket(
                max_bytes=max(live.max_message_bytes, READ_MAX_BYTES),
                ping_interval_s=live.ping_interval_s,
                protocols=(PROTOCOL,),
                compress=live.compress,
            )
            await socket.open(request)
            transport = request.transport
            if transport is None:
                return socket  # gone already
            try:
                proof = proof or await self._ask_for_token(socket)
                principal = await access.check(proof)
            except (Unauthenticated, StoreError) as error:
                await _turn_away(socket, error)
                return socket
            await LiveSocket(request, transport, socket, proof, principal, self).run()
            return socket

    async def _ask_for_token(self, socket: Socket) -> Proof:
        timeout_s = self.services.config.limits.connect_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                raw = await socket.read()
        except TimeoutError as error:
            raise Unauthenticated(
                f"no token came within {timeout_s:g} s (limits.connect_timeout_s)"
            ) from error
        token = None if raw is None else read_token(raw)
        if token is None:
            raise Unauthenticated(
                'without a session or a header the first message is {"type":"auth","token":"…"}'
            )
        return Proof(Kind.TOKEN, token)


async def _turn_away(socket: Socket, error: HubError) -> None:
    with suppress(ConnectionError):  # gone before it could be told
        await socket.say(orjson.dumps(refusal(error)))
        await socket.close(code=UNAUTHENTICATED, message=str(error).encode())


LIVE_SOCKETS = web.AppKey("live_sockets", LiveSockets)
