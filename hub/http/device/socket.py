"""`GET /api/v1/device/socket`: readings, attributes and commands over one WebSocket.

Everything that came together is read in one turn of the loop and accepted in one call; each message gets its
answer after the commit that holds it, in the order the messages came. Over its rate, or with the disk behind,
the device is not read from for a while: nothing is dropped, and TCP tells it to wait.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

import orjson
from aiohttp import web

from hub.config import LimitsConfig
from hub.errors import HubError, NotFound
from hub.feed.channel import wire_ms
from hub.fleet.commands import OPEN_MAX, Commands
from hub.fleet.fleet import Fleet
from hub.fleet.keys import Login
from hub.fleet.presence import Roster
from hub.fleet.session import EndReason, Handover, Leaving, SharedAttributes, right_to_get
from hub.flow import TURN_BYTES, Acknowledgements, Hold, Holds, StoreWait
from hub.http.access import ACCESS
from hub.http.device import telemetry
from hub.http.device.messages import (
    AttributesMessage,
    CommandAck,
    CommandResponse,
    ReadingsMessage,
    allowed,
    read,
)
from hub.http.device.results import ReadingsResult, results
from hub.http.problems import Overloaded
from hub.http.sockets import (
    RETRY_AFTER_S,
    STOPPING,
    ask_for_secret,
    refusal,
    take_unproven_place,
    turned_away_if_refused,
)
from hub.intake.accept import Ingest
from hub.intake.receipts import Receipt
from hub.logs import Logger
from hub.model import Command, Device, Refusal
from hub.websocket import frames
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket, SocketState
from hub.websocket.upgrade import Upgrade

SOURCE = "websocket"
# Messages that wait for their commit; beyond, nothing is read until some are answered.
UNACKNOWLEDGED_MAX = 10_000
LIMIT_TOLD_EVERY_S = 10.0
GOODBYE_TIMEOUT_S = 2.0  # how long a stopping hub waits for the last commits

_CLOSE_CODES = {
    EndReason.REVOKED: frames.UNAUTHENTICATED,
    EndReason.EXPIRED: frames.UNAUTHENTICATED,
    EndReason.REMOVED: frames.UNAUTHENTICATED,
    EndReason.TAKEN_OVER: frames.REFUSED,
    EndReason.TOO_MANY: frames.LIMITED,
}
_log = Logger("http")


class DeviceSocket(Socket):
    """One connected device: to presence, its session, once `serve` has let it in."""

    device: Device
    key_id: str

    def __init__(self, sockets: "DeviceSockets") -> None:
        super().__init__(sockets.peers, sockets.message_max_bytes)
        self._sockets = sockets
        self._gathered: list[ReadingsMessage] = []  # bounded by what the socket holds in one turn
        # Commands sent here that were not acknowledged, oldest first: at most OPEN_MAX, as more are not open.
        self._unacknowledged: dict[int, None] = {}
        self._size = 0  # bytes of messages taken in this turn
        self._told_limit_at = -LIMIT_TOLD_EVERY_S
        self._holds = Holds(self.pace, self.read)
        self._answers: Acknowledgements[bytes] = Acknowledgements(self._write, self.abort, self._answered)

    # A session, as presence sees it

    def deliver(self, message: Command | SharedAttributes) -> Handover | None:
        """Send a command or attributes.

        None when its key does not allow it, too much waits already, or the socket is closing.
        """
        if self.is_backed_up or not self.is_open or right_to_get(message) not in self._rights:
            return None
        if isinstance(message, Command):
            said: dict[str, object] = {
                "type": "command",
                "id": message.id,
                "method": message.method,
                "params": message.params,
            }
            if message.sent_at is not None:
                said["again"] = True  # it may have arrived the first time
            self._unacknowledged[message.id] = None
            if len(self._unacknowledged) > OPEN_MAX:
                del self._unacknowledged[next(iter(self._unacknowledged))]
        else:
            said = {"type": "attributes", "values": message.values}
        self.say(orjson.dumps(said))
        return Handover.CONFIRMED_LATER

    def end(self, reason: EndReason) -> None:
        """Close the socket, saying why."""
        if reason is EndReason.SHUTDOWN:
            self.stop()
        else:
            self._sockets.roster.leave(self, Leaving.ENDED)
            self.close(_CLOSE_CODES[reason], reason.value)

    # Its life

    def serve(self, login: Login) -> None:
        """Let the device in. Raises Overloaded."""
        if not self.is_open:
            return
        self._sockets.refuse_when_full(login.device)
        self.device, self.key_id, self._rights = login
        self.say(
            orjson.dumps(
                {"type": "welcome", "device": self.device.id, "time": wire_ms(self._sockets.clock())}
            )
        )
        self.begin()
        self._sockets.roster.enter(self)
        self._sockets.commands.ready(self.device)
        if self._sockets.fleet.attributes.may_be_pending(self.device):
            self._work(self._send_pending)
        self.read()

    def stop(self) -> None:
        """The hub stops: what was taken is answered first."""
        if self._answers:
            self._holds.hold(Hold.STOPPING)
            asyncio.get_running_loop().call_later(GOODBYE_TIMEOUT_S, self._say_goodbye)
        else:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        """What was not acknowledged by now the device still has."""
        self.say(orjson.dumps({"type": "shutdown", "retry_after_s": RETRY_AFTER_S}))
        self.close(frames.RESTARTING, STOPPING)

    def leave(self) -> None:
        """What was read is taken all the same; only its answer goes nowhere."""
        self._accept_gathered()
        said_goodbye = self.state is SocketState.CLOSING
        self._sockets.roster.leave(self, Leaving.GOODBYE if said_goodbye else Leaving.LOST)
        self._sockets.commands.returned(self.device, self._unacknowledged)

    def lost(self) -> None:
        """Stop its timer."""
        self._holds.end()

    # Reading

    def may_take(self) -> bool:
        """Whether nothing holds the reading."""
        return not self._holds

    def take(self, message: frames.Message) -> None:
        """Something the device says. When that was much, other connections have their turn first."""
        self._size += len(message.content)
        if self._size > TURN_BYTES:
            self._holds.hold(Hold.TURN)
            asyncio.get_running_loop().call_soon(self._holds.release, Hold.TURN)
        match allowed(read(message.content), self._rights, message.content):
            case ReadingsMessage() as readings:
                self._gathered.append(readings)
            case AttributesMessage() as attributes:
                self._accept_gathered()
                self._work(partial(self._report, attributes))
            case CommandResponse() as response:
                self._work(partial(self._respond, response))
            case CommandAck(command_id):
                if command_id in self._unacknowledged:
                    del self._unacknowledged[command_id]
                    self._sockets.commands.delivered(self.device, [command_id])

    def _work(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do something that takes its time, and read nothing until it is done."""
        self._holds.hold(Hold.WORK)
        self._sockets.spawn(self._until_done(work))

    async def _until_done(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001  # the other devices must not suffer
            _log.exception("a device's socket failed; its connection is dropped", device=self.device.id)
            self.abort()
        self._holds.release(Hold.WORK)

    def turned(self) -> None:
        """Accept what was read in this turn."""
        if self._gathered:
            self._accept_gathered()

    def broken(self, error: frames.FrameError) -> None:
        """A message that is too big is a rejection like any other."""
        if error.code == frames.TOO_BIG and self.state is SocketState.OPEN:
            text = f"{error} (http.max_body_bytes)"
            self._gathered.append(ReadingsMessage(None, (), [Refusal(-1, "too_large", text, b"")]))

    def _accept_gathered(self) -> None:
        """Accept what was read, and note the answers for when it is stored."""
        messages, self._gathered = self._gathered, []
        if not messages:
            return
        readings = [reading for message in messages for reading in message.readings]
        unread = [refusal for message in messages for refusal in message.refusals]
        ingest = self._sockets.ingest
        try:
            size, self._size = self._size, 0
            receipt = ingest.accept(self.device, readings, SOURCE, unread, size=size)
        except NotFound:
            self.end(EndReason.REMOVED)
            return
        add, stored = self._answers.add, receipt.stored
        for message, result in zip(messages, results(messages, receipt.refusals), strict=True):
            add(stored, _framed(_told(message.id, result)))
        if receipt.wait_s > 0:
            self._say_limit(receipt)
            self._holds.wait_out(receipt.wait_s)
        if ingest.full:
            self._sockets.store_wait.hold(self._holds)
        if self._answers.messages >= UNACKNOWLEDGED_MAX:
            self._holds.hold(Hold.UNACKNOWLEDGED)

    def _say_limit(self, receipt: Receipt) -> None:
        """Say behind the answers why nothing is read for a while; not each time, a fast device knows soon."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._told_limit_at >= LIMIT_TOLD_EVERY_S:
            self._told_limit_at = now_s
            self._answer(
                {"type": "limited", "limit": receipt.limit, "retry_after_s": round(receipt.wait_s, 3)}
            )

    async def _send_pending(self) -> None:
        try:
            await self._sockets.fleet.attributes.deliver_pending(self)
        except HubError as error:
            _log.warning("pending attributes were not sent", device=self.device.id, why=str(error))

    async def _report(self, attributes: AttributesMessage) -> None:
        try:
            await self._sockets.fleet.attributes.report(self.device, attributes.values)
            self._answer(_identified({"type": "ack"}, attributes.id))
        except HubError as error:
            self._answer(_identified(refusal(error), attributes.id))

    async def _respond(self, response: CommandResponse) -> None:
        """A refusal here has a type of its own, because its `id` names the command and not a message."""
        try:
            await self._sockets.commands.answer(self.device, response.command_id, response.response)
        except HubError as error:
            self._answer({**refusal(error, id=response.command_id), "type": "response_refused"})

    # Answering

    def _answer(self, said: dict[str, object]) -> None:
        """Say this behind what was to be said before."""
        self._answers.add(None, _framed(said))

    def _write(self, answers: list[bytes]) -> None:
        if self.is_open:
            self.transport.write(b"".join(answers))

    def _answered(self) -> None:
        if self._answers.messages < UNACKNOWLEDGED_MAX:
            self._holds.release(Hold.UNACKNOWLEDGED)
        if Hold.STOPPING in self._holds and not self._answers:
            self._say_goodbye()

    def pause_writing(self) -> None:
        """The device does not read: it is not read from either."""
        super().pause_writing()
        self._holds.hold(Hold.WRITING)

    def has_room(self) -> None:
        """Read on, and send the commands that found no room."""
        if self.state is SocketState.OPEN:
            self._sockets.commands.ready(self.device)
        self._holds.release(Hold.WRITING)


def _framed(said: dict[str, object]) -> bytes:
    return frames.frame(frames.Opcode.TEXT, orjson.dumps(said))


def _told(message_id: int | str | None, result: ReadingsResult) -> dict[str, object]:
    if not result.refusals:
        return _identified({"type": "ack", "accepted": result.accepted}, message_id)
    first = result.refusals[0]
    said = _identified({"type": "error", "code": first.code, "message": first.message}, message_id)
    return {
        **said,
        "accepted": result.accepted,
        "refused": result.refused(),
        "refused_count": len(result.refusals),
    }


def _identified(said: dict[str, object], message_id: int | str | None) -> dict[str, object]:
    if message_id is not None:
        said["id"] = message_id
    return said


class DeviceSockets:
    """The route of the device sockets, and what they share."""

    def __init__(
        self,
        message_max_bytes: int,
        limits: LimitsConfig,
        fleet: Fleet,
        ingest: Ingest,
        roster: Roster,
        commands: Commands,
        clock: Callable[[], int],
        peers: Peers,
    ) -> None:
        self.message_max_bytes = message_max_bytes
        self.fleet = fleet
        self.ingest = ingest
        self.roster = roster
        self.commands = commands
        self.clock = clock
        self._limits = limits
        self.peers = peers
        self.store_wait = StoreWait(ingest.room, self.spawn)
        self._jobs: asyncio.TaskGroup | None = None  # while it runs

    async def run(self) -> None:
        """Loops until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._jobs:
                await asyncio.Event().wait()
        finally:
            self._jobs = None

    def spawn(self, job: Coroutine[None, None, None]) -> None:
        """Run something to its end beside the sockets. An exception that it lets out ends the hub."""
        if self._jobs is None:
            job.close()
        else:
            self._jobs.create_task(job)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route. Raises Unauthenticated for a wrong key, Overloaded if there are too many."""
        login = await telemetry.authenticate(request)
        if login is not None:  # who is yet to say its key may be one that takes over
            self.refuse_when_full(login.device)
        upgrade = Upgrade(request)
        socket = DeviceSocket(self)
        place = take_unproven_place(request) if login is None else None
        try:
            if await upgrade.hand_over(request, socket):
                with turned_away_if_refused(socket):
                    socket.serve(login or await self._ask_for_key(socket, request))
        finally:
            if place is not None:
                place.leave()
        return upgrade

    def refuse_when_full(self, device: Device) -> None:
        """Raises Overloaded where there is no place for the device."""
        if not self.roster.has_place(device):
            raise Overloaded(
                "too many devices are connected (limits.connections_max)",
                RETRY_AFTER_S,
                "limits.connections_max",
            )

    async def _ask_for_key(self, socket: DeviceSocket, request: web.Request) -> Login:
        key = await ask_for_secret(socket, "key", self._limits.connect_timeout_s)
        return await self.fleet.keys.authenticate(key, request.app[ACCESS].address(request))


DEVICE_SOCKETS = web.AppKey("device_sockets", DeviceSockets)
