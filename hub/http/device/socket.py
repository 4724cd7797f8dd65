"""`GET /api/v1/device/socket`: readings, attributes and commands over one WebSocket.

Everything that came together is read in one turn of the loop and accepted in one call; each message gets its
answer after the commit that holds it, in the order the messages came. Over its rate, or with the disk behind, the device is
not read from for a while: nothing is dropped, and TCP tells it to wait.
"""

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Coroutine
from enum import Enum
from typing import NamedTuple

import orjson
import structlog
from aiohttp import WSCloseCode, web

from hub.errors import HubError, NotFound, StoreError, Unauthenticated
from hub.feed.channel import wire_ms
from hub.fleet.keys import Login
from hub.fleet.session import EndReason, SharedAttributes
from hub.http.access import ACCESS
from hub.http.device import telemetry
from hub.http.device.messages import Report, Response, read, read_key
from hub.http.device.outcome import Message, Outcome, outcomes
from hub.http.problems import Overloaded
from hub.http.services import Services
from hub.model import Command, Device, Refusal
from hub.websocket import frames
from hub.websocket.peers import Peers
from hub.websocket.socket import RESTARTING, RETRY_AFTER_S, UNAUTHENTICATED, Socket, closing_code
from hub.websocket.upgrade import Upgrade

SOURCE = "websocket"
UNANSWERED_MAX = (
    10_000  # messages that wait for their commit; beyond, nothing is read until some are answered
)
GOODBYE_TIMEOUT_S = 2.0  # how long a stopping hub waits for the last commits

_CLOSE_CODES = {
    EndReason.REVOKED: UNAUTHENTICATED,
    EndReason.REMOVED: UNAUTHENTICATED,
    EndReason.TAKEN_OVER: int(WSCloseCode.POLICY_VIOLATION),
}
_log = structlog.get_logger("http")


class _Answer(NamedTuple):
    stored: Future[None] | None  # None: there is nothing to wait for
    text: bytes


class _Hold(Enum):
    """Why the device is not read from at present."""

    RATE = "it is over its rate"
    STORE = "too much waits for the disk"
    UNANSWERED = "too many of its messages wait for their commit"
    JOB = "something it said is being stored"
    STOPPING = "the hub is stopping"


class DeviceSocket(Socket):
    """One connected device: to presence, its session, once `serve` has let it in."""

    device: Device
    key_id: str

    def __init__(self, sockets: "DeviceSockets") -> None:
        super().__init__(sockets.services.config.http.max_body_bytes)
        self._sockets = sockets
        self._services = sockets.services
        self._gathered: list[Message] = []  # bounded by what the socket holds in one turn
        self._answers: deque[_Answer] = deque()
        self._holds: set[_Hold] = set()
        self._rate_timer: asyncio.TimerHandle | None = None

    # A session, as presence sees it

    def deliver(self, message: Command | SharedAttributes) -> bool:
        """Send a command or attributes; False when too much waits to be sent already, or the socket is closing."""
        if self.is_backed_up or not self.is_open:
            return False
        if isinstance(message, Command):
            said: dict[str, object] = {
                "type": "command",
                "id": message.id,
                "method": message.method,
                "params": message.params,
            }
        else:
            said = {"type": "attributes", "values": message.values}
        self.say(orjson.dumps(said))
        return True

    def end(self, reason: EndReason) -> None:
        """Close the socket, saying why; a stopping hub answers first what it has taken."""
        if reason is EndReason.SHUTDOWN and self._answers:
            self._holds.add(_Hold.STOPPING)
            asyncio.get_running_loop().call_later(GOODBYE_TIMEOUT_S, self._say_goodbye)
        elif reason is EndReason.SHUTDOWN:
            self._say_goodbye()
        else:
            self.close(_CLOSE_CODES[reason], reason.value)

    def _say_goodbye(self) -> None:
        """What was not acknowledged by now the device still has."""
        self.say(orjson.dumps({"type": "shutdown", "retry_after_s": RETRY_AFTER_S}))
        self.close(RESTARTING, EndReason.SHUTDOWN.value)

    # Its life

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over."""
        super().connection_made(transport)
        self._sockets.came(self)

    def serve(self, login: Login) -> None:
        """Let the device in."""
        if not self.is_open:
            return
        services = self._services
        self.device, self.key_id = login.device, login.key_id
        self.say(
            orjson.dumps({"type": "welcome", "device": self.device.id, "time": wire_ms(services.clock())})
        )
        services.roster.enter(self)
        services.commands.ready(self.device)
        self.begin()

    def leave(self) -> None:
        """What was read is taken all the same; only its answer goes nowhere."""
        self._accept_gathered()
        self._services.roster.leave(self)

    def lost(self) -> None:
        """Make room for another."""
        if self._rate_timer is not None:
            self._rate_timer.cancel()
        self._sockets.gone(self)

    # Reading

    def may_take(self) -> bool:
        """Whether nothing holds the reading."""
        return not self._holds and not self.is_backed_up

    def _hold(self, why: _Hold, until: Coroutine[None, None, None]) -> None:
        """Read nothing until something is done."""
        if why in self._holds:
            until.close()
        else:
            self._holds.add(why)
            self._sockets.spawn(self._release_after(why, until))

    async def _release_after(self, why: _Hold, until: Coroutine[None, None, None]) -> None:
        try:
            await until
        except Exception:  # noqa: BLE001  # whatever it is, the other devices must not suffer
            _log.exception("a device's socket failed; its connection is dropped", device=self.device.id)
            self.abort()
        self._release(why)

    def _release(self, why: _Hold) -> None:
        if why in self._holds:
            self._holds.remove(why)
            self.read()

    def take(self, message: frames.Message) -> None:
        """Something the device says."""
        match read(message.content):
            case Message() as readings:
                self._gathered.append(readings)
            case Report() as report:
                self._accept_gathered()
                self._hold(_Hold.JOB, self._report(report))
            case Response() as response:
                self._hold(_Hold.JOB, self._respond(response))

    def turned(self) -> None:
        """Accept what was read in this turn."""
        if self._gathered:
            self._accept_gathered()

    def broken(self, error: frames.FrameError) -> None:
        """A message that is too big is a rejection like any other."""
        if error.code == frames.TOO_BIG and self._has_begun:
            text = f"{error} (http.max_body_bytes)"
            self._gathered.append(Message(None, (), [Refusal(-1, "too_large", text, b"")]))

    def _accept_gathered(self) -> None:
        """Accept what was read, and note the answers for when it is stored."""
        messages, self._gathered = self._gathered, []
        if not messages:
            return
        readings = [reading for message in messages for reading in message.readings]
        unread = [refusal for message in messages for refusal in message.refusals]
        ingest = self._services.ingest
        try:
            receipt = ingest.accept(self.device, readings, SOURCE, unread)
        except NotFound:
            self.end(EndReason.REMOVED)
            return
        for message, outcome in zip(messages, outcomes(messages, receipt.refusals), strict=True):
            self._answers.append(_Answer(receipt.stored, _told(message.id, outcome)))
        receipt.stored.add_done_callback(self._answer)
        if receipt.wait_s:
            self._holds.add(_Hold.RATE)
            loop = asyncio.get_running_loop()
            self._rate_timer = loop.call_later(receipt.wait_s, self._release, _Hold.RATE)
        if ingest.full:
            self._hold(_Hold.STORE, ingest.room())
        if len(self._answers) >= UNANSWERED_MAX:
            self._holds.add(_Hold.UNANSWERED)

    async def _report(self, report: Report) -> None:
        try:
            await self._services.fleet.attributes.report(self.device, report.values)
            said = _identified({"type": "ack"}, report.id)
        except HubError as error:
            said = _error(error.code, str(error), report.id)
        self._answers.append(_Answer(None, orjson.dumps(said)))
        self._answer()

    async def _respond(self, answer: Response) -> None:
        """An answer that is not wanted is told of in a message of its own: `id` names the command, not a message."""
        try:
            await self._services.commands.answer(self.device, answer.command_id, answer.response)
        except HubError as error:
            said = {
                "type": "response_refused",
                "id": answer.command_id,
                "code": error.code,
                "message": str(error),
            }
            self._answers.append(_Answer(None, orjson.dumps(said)))
            self._answer()

    # Answering

    def _answer(self, _stored: Future[None] | None = None) -> None:
        """Send the answers whose turn has come, as one write."""
        told: list[bytes] = []
        while self._answers and (self._answers[0].stored is None or self._answers[0].stored.done()):
            answer = self._answers.popleft()
            if answer.stored is not None and answer.stored.cancelled():
                self.abort()  # the hub stopped before this was stored
                return
            told.append(frames.text_frame(answer.text, deflate=False))
        if told and self.is_open:
            self.transport.write(b"".join(told))
        if len(self._answers) < UNANSWERED_MAX:
            self._release(_Hold.UNANSWERED)
        if _Hold.STOPPING in self._holds and not self._answers:
            self._say_goodbye()

    def has_room(self) -> None:
        """Read on, and send the commands that found no room."""
        if self._has_begun:
            self._services.commands.ready(self.device)
        self.read()


def _told(message_id: int | str | None, outcome: Outcome) -> bytes:
    if not outcome.refusals:
        return orjson.dumps(_identified({"type": "ack", "accepted": outcome.accepted}, message_id))
    first_refusal = outcome.refusals[0]
    said = _error(first_refusal.code, first_refusal.message, message_id)
    said["accepted"] = outcome.accepted
    said["refused"] = outcome.refused()
    said["refused_count"] = len(outcome.refusals)
    return orjson.dumps(said)


def _error(code: str, message: str, message_id: int | str | None = None) -> dict[str, object]:
    return _identified({"type": "error", "code": code, "message": message}, message_id)


def _identified(said: dict[str, object], message_id: int | str | None) -> dict[str, object]:
    if message_id is not None:
        said["id"] = message_id
    return said


class DeviceSockets:
    """The device sockets that are open, those whose device has not said who it is included."""

    def __init__(self, services: Services, peers: Peers) -> None:
        self.services = services
        self._peers = peers
        self._jobs: asyncio.TaskGroup | None = None  # while it runs
        self._open: set[DeviceSocket] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def run(self) -> None:
        """Loops until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._jobs:
                await asyncio.Event().wait()
        finally:
            self._jobs = None

    def spawn(self, job: Coroutine[None, None, None]) -> None:
        """Run something to its end beside the sockets. `job` handles its own errors."""
        if self._jobs is None:
            job.close()
        else:
            self._jobs.create_task(job)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route. Raises Unauthenticated for a wrong key in the header, Overloaded when there are too many."""
        if len(self._open) >= self.services.config.limits.connections_max:
            raise Overloaded("too many devices are connected (limits.connections_max)", RETRY_AFTER_S)
        login = await telemetry.authenticate(request)
        upgrade = Upgrade(request)
        socket = DeviceSocket(self)
        if not await upgrade.hand_over(request, socket):
            return upgrade
        try:
            socket.serve(login or await self._ask_for_key(socket, request))
        except (Unauthenticated, StoreError) as error:
            socket.say(orjson.dumps(_error(error.code, str(error))))
            socket.close(closing_code(error), str(error))
        return upgrade

    async def _ask_for_key(self, socket: DeviceSocket, request: web.Request) -> Login:
        timeout_s = self.services.config.limits.connect_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                raw = await socket.first_message()
        except TimeoutError as error:
            raise Unauthenticated(f"no key came within {timeout_s:g} s (limits.connect_timeout_s)") from error
        key = None if raw is None else read_key(raw)
        if key is None:
            raise Unauthenticated(
                'without an Authorization header the first message is {"type":"auth","key":"hk_…"}'
            )
        return await self.services.fleet.keys.authenticate(key, request.app[ACCESS].address(request))

    def came(self, socket: DeviceSocket) -> None:
        """One more is connected."""
        self._open.add(socket)
        self._peers.add(socket)

    def gone(self, socket: DeviceSocket) -> None:
        """It is not any more."""
        self._open.discard(socket)
        self._peers.remove(socket)

    async def close(self, _app: web.Application) -> None:
        """The hub stops: end every socket."""
        for socket in list(self._open):
            socket.end(EndReason.SHUTDOWN)


DEVICE_SOCKETS = web.AppKey("device_sockets", DeviceSockets)
