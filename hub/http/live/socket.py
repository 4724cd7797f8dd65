"""`GET /api/v1/live`, subprotocol `hub.v1`: dashboards and tools watch channels.

What is sent, and what a slow viewer gets instead, the feed decides; the shared writer sends it; here is the
reader of the requests, and how a connection begins and ends. After the handshake a connection is a protocol
of the hub's own, without a task or a timer: 5,000 that are silent cost the hub nothing but their memory.
"""

import time
from collections.abc import Callable
from typing import Annotated, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.config import LiveConfig
from hub.errors import Forbidden, HubError, Unauthenticated, plain
from hub.feed import Resume, Viewer
from hub.feed.channel import wire_ms
from hub.http.access import ACCESS, Proof, ProofKind, permit
from hub.http.audit import note_wrong_token
from hub.http.live.viewers import Viewers, shutdown_message
from hub.http.live.writer import Framer, SharedWriter
from hub.http.problems import TooLarge
from hub.http.rooms import NOTES
from hub.http.sockets import (
    STOPPING,
    ask_for_secret,
    refusal,
    take_unproven_place,
    turned_away_if_refused,
)
from hub.model import Principal, Right
from hub.websocket.frames import RESTARTING, Message
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket, SocketState
from hub.websocket.upgrade import Upgrade

PROTOCOL = "hub.v1"
ANSWERS_MAX_BYTES = 65_536  # that wait to be sent; beyond, no further request is read until they are
# A message over live.max_message_bytes is read and refused; one over this ends the socket.
READ_MAX_BYTES = 1_048_576
NOBODY = Principal("", ())  # sees nothing
NO_PROOF = Proof(ProofKind.TOKEN, "")  # of nobody


class _LiveRequest(BaseModel):
    model_config = ConfigDict(frozen=True)

    channel: Annotated[str, Field(max_length=300)]


class _ResumeAt(BaseModel):
    epoch: str
    offset: Annotated[int, Field(ge=0)]


class SubscribeIn(_LiveRequest):
    """Watch a channel, from where the viewer was if it says."""

    type: Literal["subscribe"]
    resume: _ResumeAt | None = None


class UnsubscribeIn(_LiveRequest):
    """Do not watch it any more."""

    type: Literal["unsubscribe"]


class Ping(BaseModel):
    """Are you there, and what time is it with you? For pages, whose script cannot send a WebSocket's ping."""

    type: Literal["ping"]


_read_request = TypeAdapter(
    Annotated[SubscribeIn | UnsubscribeIn | Ping, Field(discriminator="type")]
).validator.validate_json


class LiveSocket(Socket):
    """One dashboard's connection. It is served from the moment `watch` lets it in."""

    __slots__ = ("_address", "_is_due", "_live", "proof", "viewer")

    def __init__(self, live: "LiveSockets", address: str, *, deflates: bool) -> None:
        config = live.config
        super().__init__(live.peers, max(config.max_message_bytes, READ_MAX_BYTES), deflates=deflates)
        self.viewer = Viewer(NOBODY, config.subscriptions_max, self)
        self.proof = NO_PROOF
        self._live = live
        self._address = address
        # Something is pending: this is in the writer's round, or will be when there is room.
        self._is_due = False

    # How it begins and ends

    def watch(self, proof: Proof, principal: Principal) -> None:
        """Let the viewer in. What it showed is checked again and again. Raises Overloaded, Busy."""
        if self.is_open:
            self.proof, self.viewer.principal = proof, principal
            self._live.viewers.enter(self, self._address)
            self.begin()
            self.read()

    def end(self, code: int, reason: str, retry_after_s: float | None = None) -> None:
        """Close the socket, saying why and when to come back."""
        if retry_after_s is not None:
            self.say(shutdown_message(retry_after_s))
        self.close(code, reason)

    def stop(self) -> None:
        """The hub stops. A viewer is told when to come back; who has not shown who they are yet need not."""
        retry_after_s = self._live.viewers.come_back_s() if self.state is SocketState.OPEN else None
        self.end(RESTARTING, STOPPING, retry_after_s)

    def leave(self) -> None:
        """Watch nothing any more."""
        self._live.viewers.leave(self)

    # Writing. For its viewer this is the signal that something is pending

    def set(self) -> None:
        """Something is pending."""
        if not self._is_due:
            self._is_due = True
            self._live.writer.queue(self)

    def clear(self) -> None:
        """It was taken: `write` has noted that already."""

    def is_set(self) -> bool:
        """Whether something is pending."""
        return self._is_due

    def write(self) -> None:
        """Hand on one frame of all that is pending; while there is no room, it stays pending."""
        if self.is_backed_up or not self.is_open:
            return
        self._is_due = False
        message = self.viewer.take()
        if message:
            self.has_sent = True
            self.transport.write(self._live.writer.framer.frame(message, deflate=self.deflates))
        if self.is_held:
            self.read()

    def has_room(self) -> None:
        """What is pending can be sent."""
        if self._is_due:
            self._live.writer.queue(self)

    # Reading

    def may_take(self) -> bool:
        """Whether one more answer may be added to those that wait."""
        return self.viewer.answers_bytes < ANSWERS_MAX_BYTES

    def take(self, message: Message) -> None:
        """A request."""
        self._answer(message.content)

    def _answer(self, raw: bytes) -> None:
        config = self._live.config
        if len(raw) > config.max_message_bytes:
            message = (
                f"a message of {len(raw)} bytes is over {config.max_message_bytes} (live.max_message_bytes)"
            )
            self._reply(refusal(TooLarge(message)))
            return
        try:
            request = _read_request(raw)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = ".".join(str(part) for part in fault["loc"])
            self._reply(
                {"type": "error", "code": "invalid", "message": f"{path} {plain(fault['msg'])}".strip()}
            )
            return
        if isinstance(request, Ping):
            self._reply({"type": "pong", "time": wire_ms(self._live.clock())})
            return
        try:
            if isinstance(request, SubscribeIn):
                at = request.resume
                resume = None if at is None else Resume(at.epoch, at.offset)
                self._live.viewers.subscribe(self.viewer, request.channel, resume)
            else:
                self.viewer.unsubscribe(request.channel)
                self._reply({"type": "unsubscribed", "channel": request.channel})
        except HubError as error:
            self._reply(refusal(error, channel=request.channel))

    def _reply(self, said: dict[str, object]) -> None:
        """In its place behind the answers before it, and before what comes live."""
        self.viewer.say(orjson.dumps(said))


class LiveSockets:
    """The route of the live sockets, and what they share. A first message is due in `first_s`."""

    def __init__(
        self, config: LiveConfig, first_s: float, clock: Callable[[], int], viewers: Viewers, peers: Peers
    ) -> None:
        self.config = config
        self.clock = clock
        self._first_s = first_s
        self.viewers = viewers
        self.peers = peers
        self.writer = SharedWriter(Framer(), time.thread_time, viewers.counts)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route.

        Raises Forbidden for a foreign page or without the right, Unauthenticated, and Overloaded or Busy when
        there are too many.
        """
        access = request.app[ACCESS]
        proof = access.shown(request)
        if proof is not None and proof.kind is ProofKind.SESSION:
            if "Origin" not in request.headers:
                proof = None  # no browser: a token is wanted
            elif not access.is_own_page(request):
                raise Forbidden(access.explain_origin(request))
        address = access.address(request)
        is_proven = proof is not None and proof.kind is not ProofKind.SESSION
        if proof is not None and is_proven:
            permit(await access.check(proof, address), Right.LIVE_READ, None)
            self.viewers.refuse_when_full(address)
        upgrade = Upgrade(request, (PROTOCOL,), may_deflate=self.config.compress)
        socket = LiveSocket(self, address, deflates=upgrade.deflates)
        place = None if is_proven else take_unproven_place(request)
        try:
            if await upgrade.hand_over(request, socket):
                with turned_away_if_refused(socket):
                    # A session is checked here: a page learns nothing of a handshake that was refused.
                    proof = proof or await self._ask_for_token(socket)
                    principal = await _checked(request, proof, address)
                    permit(principal, Right.LIVE_READ, None)
                    socket.watch(proof, principal)
                    await request.app[NOTES].inbox.greet(principal)
        finally:
            if place is not None:
                place.leave()
        return upgrade

    async def _ask_for_token(self, socket: LiveSocket) -> Proof:
        timeout_s = self._first_s
        return Proof(ProofKind.TOKEN, await ask_for_secret(socket, "token", timeout_s))


async def _checked(request: web.Request, proof: Proof, address: str) -> Principal:
    """Whose proof it is. Raises Unauthenticated; here nobody else notes it."""
    try:
        return await request.app[ACCESS].check(proof, address)
    except Unauthenticated as error:
        note_wrong_token(request, proof, error)
        raise


LIVE_SOCKETS = web.AppKey("live_sockets", LiveSockets)
