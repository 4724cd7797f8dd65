"""The hub's end of one connection as the packets see it: what is sent, what must wait, what is done in order.

Nothing here awaits. Acknowledgements leave in the order of what they acknowledge (4.6), each after the future it
waits for. Whatever has to await (a key to check, attributes to store) is a job: jobs run one after another, and
reading goes on once there are few.
"""

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

import structlog

from hub.errors import HubError
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import NONE, Disconnect, Packet, Properties, Reason, Version

JOBS_MAX = 64  # jobs that wait; more, and reading waits too
CLOSE_TIMEOUT_S = 5.0  # how long what is written may take to leave a closing connection
PACKET_MAX = 268_435_460  # what the standard allows in any case: five bytes of header and the longest body

_log = structlog.get_logger("mqtt")

Job = Coroutine[None, None, bytes]
"""Something to be done in order; it returns the acknowledgement to send, b"" for none."""


class Hold(Enum):
    """Why nothing is read at present."""

    OPENING = "the key is being checked"
    RATE = "the device is over its rate"
    STORE = "too much waits for the disk"
    JOBS = "too many jobs wait"
    UNACKNOWLEDGED = "too much waits for its acknowledgement"
    WRITING = "the peer does not read what it is sent"
    STOPPING = "the hub is stopping"


class _Ack(NamedTuple):
    when: Future[None] | Future[bytes]
    raw: bytes  # b"" where it is what a job returns
    messages: int  # of QoS 1, acknowledged by it


class Wire:
    """Writes to a transport. `spawn` starts a task; `resume` is called when nothing holds the reading back any more."""

    def __init__(
        self,
        transport: asyncio.Transport,
        spawn: Callable[[Coroutine[None, None, None]], None],
        resume: Callable[[], None],
    ) -> None:
        self.transport = transport
        self.version = Version.V311  # until CONNECT says
        self.packet_max = PACKET_MAX  # the longest packet the peer takes
        self.explains = True  # the peer wants reason strings (3.1.2.11.7)
        self.connected = False  # CONNACK was sent, and said yes
        self.unacknowledged = 0  # messages of QoS 1 that wait for their PUBACK
        self.held: set[Hold] = set()
        self.closing = False
        self._spawn = spawn
        self._resume = resume
        self._loop = asyncio.get_running_loop()
        self._acks: deque[_Ack] = deque()  # bounded by what is unacknowledged and by the jobs
        self._jobs: list[tuple[Job, Future[bytes]]] = []  # at most about JOBS_MAX
        self._working = False
        self._timers: dict[Hold, asyncio.TimerHandle] = {}
        self._abort: asyncio.TimerHandle | None = None
        self._settled: Future[None] | None = None

    @property
    def address(self) -> str:
        """Where the peer connects from; "" where the transport does not know."""
        peer = self.transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else ""

    # Sending

    @property
    def says_reasons(self) -> bool:
        """Whether acknowledgements have room for a reason."""
        return self.version is Version.V5

    @property
    def writable(self) -> bool:
        """Whether the peer reads what it is sent."""
        return Hold.WRITING not in self.held and not self.closing

    def send(self, packet: Packet) -> bool:
        """Write a packet; False when it is longer than the peer takes, even without its explanations."""
        raw = self.form(packet)
        if raw:
            self.write(raw)
        return bool(raw)

    def write(self, raw: bytes) -> None:
        """Write what is encoded already."""
        if not self.closing:
            self.transport.write(raw)

    def form(self, packet: Packet) -> bytes:
        """The packet as bytes, without its explanations if they do not fit or are not wanted; b"" if it never fits."""
        raw = encode(packet, self.version)
        if len(raw) > self.packet_max:
            bare = _unexplained(packet)
            raw = b"" if bare is None else encode(bare, self.version)
        return raw if len(raw) <= self.packet_max else b""

    def because(self, message: str) -> Properties:
        """A reason string for any packet but CONNACK and DISCONNECT, if the peer wants it."""
        return Properties(reason_string=message[:1000]) if self.explains and message else NONE

    # Acknowledging

    def acknowledge(self, stored: Future[None] | Future[bytes], raw: bytes, messages: int) -> None:
        """Once `stored` is done send `raw`, which acknowledges so many messages of QoS 1, or others."""
        self.unacknowledged += messages
        if stored.done() and not self._acks:
            self._acks.append(_Ack(stored, raw, messages))
            self._flush(stored)
            return
        self._acks.append(_Ack(stored, raw, messages))
        stored.add_done_callback(self._flush)

    def _flush(self, _future: Future[None] | Future[bytes]) -> None:
        out = []
        acks = self._acks
        lost = False
        while acks and acks[0].when.done() and not lost:
            when, raw, messages = acks.popleft()
            self.unacknowledged -= messages
            lost = when.cancelled() or when.exception() is not None
            if not lost:
                out.append(raw or when.result() or b"")
        if out:
            self.write(
                b"".join(out)
            )  # what is on disk is acknowledged, whatever became of what came after it
        if lost:
            self.fail()
            return
        if Hold.UNACKNOWLEDGED in self.held:
            self.release(Hold.UNACKNOWLEDGED)
        if self._settled is not None and not self._settled.done() and self.quiet:
            self._settled.set_result(None)

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be acknowledged."""
        return not self._acks

    def settled(self) -> Future[None]:
        """Done when nothing waits to be acknowledged any more."""
        if self._settled is None:
            self._settled = self._loop.create_future()
            if self.quiet:
                self._settled.set_result(None)
        return self._settled

    # Jobs

    def do(self, job: Job, messages: int = 0) -> Future[bytes]:
        """Do this after the jobs before it, and acknowledge it in its place; `messages` as in `acknowledge`."""
        done: Future[bytes] = self._loop.create_future()
        self.unacknowledged += messages
        self._acks.append(_Ack(done, b"", messages))
        self._jobs.append((job, done))
        done.add_done_callback(self._flush)
        if len(self._jobs) >= JOBS_MAX:
            self.hold(Hold.JOBS)
        if not self._working:
            self._working = True
            self._spawn(self._work())
        return done

    async def _work(self) -> None:
        """Goes on after the connection is gone: what came before the end is still to be done."""
        try:
            while self._jobs:
                job, done = self._jobs.pop(0)
                try:
                    done.set_result(await job)
                except HubError as error:
                    _log.warning("a job of a connection failed", why=str(error))
                    done.cancel()
                except Exception:  # noqa: BLE001  # one connection's fault must not end the others in its task group
                    _log.exception("a job of a connection failed")
                    done.cancel()
                if len(self._jobs) < JOBS_MAX and Hold.JOBS in self.held:
                    self.release(Hold.JOBS)
        finally:
            self._working = False
            for job, _ in self._jobs:
                job.close()

    # Holding back

    def hold(self, why: Hold) -> None:
        """Read no more until this is released; what was read already waits in the decoder."""
        if not self.held and not self.closing:
            self.transport.pause_reading()
        self.held.add(why)

    def hold_for(self, why: Hold, wait_s: float) -> None:
        """Read no more for so long."""
        self.hold(why)
        if why in self._timers:
            self._timers[why].cancel()
        self._timers[why] = self._loop.call_later(wait_s, self.release, why)

    def release(self, why: Hold) -> None:
        """This is no reason any more; with the last reason gone, reading goes on."""
        if why not in self.held:
            return
        self.held.discard(why)
        if not self.held and not self.closing:
            self.transport.resume_reading()
            self._resume()

    # Closing

    def close(self, reason: Reason, message: str) -> None:
        """Say why, where the protocol can, and close once that is sent."""
        if self.closing:
            return
        if self.connected and self.version is Version.V5:
            self.send(Disconnect(reason, Properties(reason_string=message[:1000])))
        self.shut()

    def shut(self) -> None:
        """Close once what is written has left, or after a while in any case."""
        if not self.closing:
            self.closing = True
            self._abort = self._loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)
            self.transport.close()

    def fail(self) -> None:
        """Something could not be stored: end without acknowledging it, so that the device keeps it."""
        self.close(Reason.UNSPECIFIED_ERROR, "what was sent last could not be stored; send it again")

    def lost(self) -> None:
        """The connection is gone."""
        self.closing = True
        for timer in self._timers.values():
            timer.cancel()
        if self._abort is not None:
            self._abort.cancel()


def _unexplained(packet: Packet) -> Packet | None:
    """The packet without reason string and user properties; None if it has no properties to lose."""
    properties: Properties | None = getattr(packet, "properties", None)
    if properties is None or (properties.reason_string is None and not properties.user_property):
        return None
    return replace(packet, properties=replace(properties, reason_string=None, user_property=()))  # type: ignore[arg-type]
