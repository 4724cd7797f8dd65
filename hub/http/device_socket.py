"""`GET /api/v1/device/socket`: readings, attributes and commands over one WebSocket.

Everything that lies in the socket is read in one turn of the loop and accepted in one call; each message gets its
answer after the commit that holds it, in the order the messages came. Over its rate, or with the disk behind, the device is
not read from for a while: nothing is dropped, and TCP tells it to wait.
"""

import asyncio
from asyncio import Future
from collections import deque
from typing import NamedTuple

import orjson
import structlog
from aiohttp import WSCloseCode, web

from hub.errors import HubError, NotFound, StoreError, Unauthenticated
from hub.feed.channel import wire_ms
from hub.fleet import Login
from hub.http import telemetry
from hub.http.access import ACCESS
from hub.http.device_messages import Report, Response, read, read_key
from hub.http.outcome import Message, Outcome, outcomes
from hub.http.problems import Overloaded
from hub.http.services import SERVICES, Services
from hub.http.socket import RESTARTING, RETRY_AFTER_S, UNAUTHENTICATED, Socket, first
from hub.model import Command, Refusal
from hub.presence import EndReason, SharedAttributes

SOURCE = "websocket"
OUTGOING_MAX = 256  # commands and attributes that wait to be sent; beyond, `deliver` says no and the command stays queued
UNANSWERED_MAX = (
    10_000  # messages that wait for their commit; beyond, nothing is read until some are answered
)
GOODBYE_TIMEOUT_S = 2.0  # how long a stopping hub waits for the last commits

_CLOSE_CODES = {
    EndReason.REVOKED: UNAUTHENTICATED,
    EndReason.REMOVED: UNAUTHENTICATED,
    EndReason.TAKEN_OVER: WSCloseCode.POLICY_VIOLATION,
    EndReason.SHUTDOWN: RESTARTING,
}
_log = structlog.get_logger("http")


class _Answer(NamedTuple):
    stored: Future[None] | None  # None: there is nothing to wait for
    text: bytes


class DeviceSocket:
    """One connected device: to presence, its session."""

    def __init__(self, socket: Socket, login: Login, services: Services) -> None:
        self.device = login.device
        self.key_id = login.key_id
        self._socket = socket
        self._services = services
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Message] = []  # bounded by what the socket holds in one turn
        self._answers: deque[_Answer] = deque()
        self._outgoing: deque[bytes] = deque()
        self._wake = asyncio.Event()  # something can be sent
        self._sent = asyncio.Event()  # some answers were sent
        self._ended = asyncio.Event()
        self._reason: EndReason | None = None
        self._wait_s = 0.0

    # A session, as presence sees it

    def deliver(self, message: Command | SharedAttributes) -> bool:
        """Send a command or attributes; False when too much waits to be sent already, or the socket is closing."""
        if len(self._outgoing) >= OUTGOING_MAX or self._ended.is_set() or self._socket.closed:
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
        self._outgoing.append(orjson.dumps(said))
        self._wake.set()
        return True

    def end(self, reason: EndReason) -> None:
        """Close the socket, saying why."""
        if self._reason is None:
            self._reason = reason
            self._ended.set()

    # Its life

    async def run(self) -> None:
        """Serve the device until either side ends it."""
        services = self._services
        welcome = {"type": "welcome", "device": self.device.id, "time": wire_ms(services.clock())}
        self._outgoing.append(orjson.dumps(welcome))
        self._wake.set()
        services.roster.enter(self)
        try:
            services.commands.ready(self.device)
            await first(self._read(), self._write(), self._socket.heartbeat(), self._ended.wait())
            self._accept_gathered()
            await self._say_goodbye()
        finally:
            services.roster.leave(self)

    async def _say_goodbye(self) -> None:
        reason = self._reason
        if reason is None:
            await self._socket.close()
            return
        if reason is EndReason.SHUTDOWN:
            try:
                async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                    while self._answers:
                        await self._send_pending()
                        if self._answers:
                            await self._wake.wait()
                            self._wake.clear()
                    await self._socket.say(orjson.dumps({"type": "shutdown", "retry_after_s": RETRY_AFTER_S}))
            except (TimeoutError, ConnectionError):
                pass  # what was not acknowledged the device still has
        await self._socket.close(code=_CLOSE_CODES[reason], message=reason.value.encode())

    # Reading

    async def _read(self) -> None:
        while (raw := await self._socket.read()) is not None:
            if self._wait_s or self._services.ingest.full or len(self._answers) >= UNANSWERED_MAX:
                await self._hold()
            match read(raw):
                case Message() as message:
                    if not self._gathered:
                        self._loop.call_soon(self._accept_gathered)
                    self._gathered.append(message)
                case Report() as report:
                    await self._report(report)
                case Response() as response:
                    await self._respond(response)
        if self._socket.was_too_big:
            limit = self._services.config.http.max_body_bytes
            message_text = f"a message is over {limit} bytes (http.max_body_bytes)"
            self._gathered.append(Message(None, (), [Refusal(-1, "too_large", message_text, b"")]))

    async def _hold(self) -> None:
        """Read nothing until the device is within its rate again, and there is room."""
        self._socket.held = True
        wait_s, self._wait_s = self._wait_s, 0.0
        await asyncio.sleep(wait_s)
        await self._services.ingest.room()
        while len(self._answers) >= UNANSWERED_MAX:
            self._sent.clear()
            await self._sent.wait()
        self._socket.held = False

    def _accept_gathered(self) -> None:
        """Accept what was read in this turn, and note the answers for when it is stored."""
        messages, self._gathered = self._gathered, []
        if not messages or self._reason in (EndReason.REVOKED, EndReason.REMOVED):
            return
        readings = [reading for message in messages for reading in message.readings]
        unread = [refusal for message in messages for refusal in message.refusals]
        try:
            receipt = self._services.ingest.accept(self.device, readings, SOURCE, unread)
        except NotFound:
            self.end(EndReason.REMOVED)
            return
        self._wait_s = receipt.wait_s
        for message, outcome in zip(
            messages, outcomes(messages, receipt.refusals[len(unread) :]), strict=True
        ):
            self._answers.append(_Answer(receipt.stored, _told(message.id, outcome)))
        receipt.stored.add_done_callback(self._wake_writer)

    def _wake_writer(self, _stored: Future[None]) -> None:
        self._wake.set()

    async def _report(self, report: Report) -> None:
        self._accept_gathered()
        try:
            await self._services.fleet.report_attributes(self.device, report.values)
            said = _identified({"type": "ack"}, report.id)
        except HubError as error:
            said = _error(error.code, str(error), report.id)
        self._answers.append(_Answer(None, orjson.dumps(said)))
        self._wake.set()

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
            self._wake.set()

    # Writing

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._send_pending()

    async def _send_pending(self) -> None:
        while self._outgoing:
            await self._socket.say(self._outgoing.popleft())
        while self._answers and (self._answers[0].stored is None or self._answers[0].stored.done()):
            answer = self._answers.popleft()
            if answer.stored is not None and answer.stored.cancelled():
                raise ConnectionAbortedError("the hub stopped before this was stored")
            await self._socket.say(answer.text)
            self._sent.set()


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

    def __init__(self) -> None:
        self._opening = 0
        self._open: set[DeviceSocket] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route. Raises Unauthenticated for a wrong key in the header, Overloaded when there are too many."""
        services = request.app[SERVICES]
        if len(self._open) + self._opening >= services.config.limits.connections_max:
            raise Overloaded("too many devices are connected (limits.connections_max)", RETRY_AFTER_S)
        login = await telemetry.authenticate(request)
        socket = Socket(
            max_bytes=services.config.http.max_body_bytes,
            ping_interval_s=services.config.live.ping_interval_s,
        )
        await socket.open(request)
        if login is None:
            self._opening += 1
            try:
                login = await _ask_for_key(socket, request)
            except Unauthenticated as error:
                await _turn_away(socket, error)
                return socket
            finally:
                self._opening -= 1
        session = DeviceSocket(socket, login, services)
        self._open.add(session)
        try:
            await session.run()
        except StoreError as error:
            _log.error("a device's socket failed", device=login.device.id, why=str(error))
        finally:
            self._open.discard(session)
        return socket

    async def close(self, _app: web.Application) -> None:
        """The hub stops: end every socket."""
        for session in list(self._open):
            session.end(EndReason.SHUTDOWN)


async def _ask_for_key(socket: Socket, request: web.Request) -> Login:
    services = request.app[SERVICES]
    timeout_s = services.config.limits.connect_timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            raw = await socket.read()
    except TimeoutError as error:
        raise Unauthenticated(f"no key came within {timeout_s:g} s (limits.connect_timeout_s)") from error
    key = None if raw is None else read_key(raw)
    if key is None:
        raise Unauthenticated(
            'without an Authorization header the first message is {"type":"auth","key":"hk_…"}'
        )
    return await services.fleet.authenticate(key, request.app[ACCESS].address(request))


async def _turn_away(socket: Socket, error: Unauthenticated) -> None:
    try:
        await socket.say(orjson.dumps(_error(error.code, str(error))))
        await socket.close(code=UNAUTHENTICATED, message=str(error).encode())
    except ConnectionError:
        pass  # gone before it could be told


DEVICE_SOCKETS = web.AppKey("device_sockets", DeviceSockets)
