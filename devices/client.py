"""DeviceClient: readings in, and they arrive: queued, sent in batches, kept until acknowledged, sent again.

How it works: `send` puts an encoded reading into the backlog. One task connects, and while a link lives,
takes batches from the backlog and delivers them; what the hub acknowledged, or refused for good, leaves the
backlog. When the link ends, what was on its way becomes unsent again and the task tries again after a wait.
So nothing is lost and nothing is remembered twice; what may happen is that a reading is stored twice, when
the link broke between the hub's commit and its acknowledgement. `numbered=True` closes that: the hub drops a
number it has seen.
"""

import asyncio
import logging
import ssl
import time as clock
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from devices import wire
from devices.backlog import Backlog, MemoryBacklog
from devices.backoff import Backoff
from devices.errors import Busy, Closed, DeviceError, LinkLost, TooLarge, flat, rank
from devices.inbox import CommandInbox
from devices.spool import Spool
from devices.transports import Link, transport_for
from devices.wire import BacklogEntry, Refusal, SendOutcome

_BATCH_MAX = 500  # readings in a message

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DeviceCounts:
    """What became of the readings of one client so far."""

    queued: int = 0
    acknowledged: int = 0
    refused: int = 0  # at most: where the hub does not say which of a message, all of it counts
    dropped: int = 0  # by a full queue
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A message from the hub to this device."""

    id: str
    method: str
    params: object  # any JSON value
    _client: "DeviceClient" = field(repr=False, compare=False)

    async def answer(self, response: object) -> None:
        """Send the answer, any JSON value; waits for a connection if there is none. Raises as `send` does.

        An answer is sent once: lost with its connection, it leaves the command to expire at the hub.
        """
        await self._client._answer(self.id, response)


class DeviceClient:
    """One device's side of a hub.

        async with DeviceClient("mqtt://hub.example", key) as device:
            await device.send({"temperature": 20.5})

    `url` is that of the hub; its scheme picks the transport: mqtt, mqtts, ws, wss, http, https.
    `numbered` gives each reading a `seq`, so that storage is exactly-once. The numbers must go on rising when
    the program starts again: give a `spool`, which remembers them, or `first_seq`.
    `spool` is a file that keeps what was not acknowledged; without it that is in memory, and gone with the
    program.
    `queue_max` bounds the readings kept, in memory or on disk. When full, the oldest that is not on its way
    is dropped and counted in `counts.dropped`, unless `send(wait=True)` waits.
    `drain_s` is how long leaving the `async with` block waits for the acknowledgement of what is left.
    `tls` replaces the system's certificates. `backoff` and `now_ms` bring randomness and time in from
    outside.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        numbered: bool = False,
        first_seq: int | None = None,
        spool: Path | str | None = None,
        queue_max: int = 10_000,
        drain_s: float = 5.0,
        tls: ssl.SSLContext | None = None,
        backoff: Backoff | None = None,
        now_ms: Callable[[], float] = lambda: clock.time() * 1000,
    ) -> None:
        if queue_max < 2:
            raise ValueError("queue_max must be 2 at least: one reading on its way, one to drop")
        if numbered and spool is None and first_seq is None:
            raise ValueError(
                "numbered=True needs spool or first_seq: numbers must go on rising after a restart"
            )
        if first_seq is not None and (spool is not None or not numbered):
            raise ValueError(
                "first_seq goes with numbered=True and no spool: a spool remembers its own numbers"
            )
        self.counts = DeviceCounts()
        self.connected = False
        self.last_refusal: Refusal | None = None
        self.last_error: DeviceError | None = None
        self._transport = transport_for(url, key, tls)
        self._numbered = numbered
        self._first_seq = first_seq or 1
        self._spool = Path(spool) if spool is not None else None
        self._queue_max = queue_max
        self._drain_s = drain_s
        self._backoff = backoff or Backoff(Random())
        self._now_ms = now_ms
        # A message put off by the hub must not be overtaken by the next one where readings carry numbers: its
        # own would be below the highest stored, and taken for repeated. So those go one message at a time.
        self._in_order = numbered
        self._batch_max = _BATCH_MAX
        self._messages = 0  # on their way
        self._put_off: Busy | TooLarge | None = None
        self._listening = False
        self._inbox = CommandInbox()
        self._link: Link | None = None
        self._changed = asyncio.Event()
        self._backlog: Backlog = MemoryBacklog(self._first_seq)
        self._runner: asyncio.Task[None] | None = None
        self._told = False
        self._leaving = False

    async def __aenter__(self) -> Self:
        """Open the spool and begin to connect. Raises SpoolError; never waits for the hub."""
        if self._spool is not None:
            self._backlog = Spool(self._spool)
        self._runner = asyncio.create_task(self._run(), name="device client")  # ended by __aexit__
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait up to `drain_s` for what is left, then disconnect. Raises KeyRefused if no call has yet."""
        runner = self._runner
        if runner is None:
            return
        try:
            if error is None and not self._told:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._drain_s):
                        await self.flush()
        finally:
            # A task group whose child fails in the turn it is cancelled reports the failure alone (Python
            # 3.11).
            self._leaving = True
            runner.cancel()
            await asyncio.wait([runner])
            if not runner.cancelled():
                runner.exception()  # was raised by a call, or yields to the error on its way out
            self._runner = None
            self._pulse()
            if self.waiting and self._spool is None:
                log.warning("%d readings were not acknowledged and are lost", self.waiting)
            self._backlog.close()

    @property
    def waiting(self) -> int:
        """How many readings are not acknowledged yet."""
        return self._backlog.unsent + self._backlog.taken

    async def send(
        self,
        values: Mapping[str, object],
        *,
        time: datetime | float | None = None,
        seq: int | None = None,
        wait: bool = False,
    ) -> None:
        """Queue a reading; it is sent later, in order.

        `time` is when it was measured: an aware datetime, or ms since 1970 UTC; now if not given.
        `seq` is the device's own number for it, where the device numbers for itself.
        `wait` waits while the queue is full, instead of dropping the oldest.
        Raises ValueError or TypeError for what JSON cannot carry, KeyRefused, Closed, SpoolError.
        """
        if seq is not None and self._numbered:
            raise ValueError("numbered=True gives the numbers: leave out seq")
        time_ms = wire.milliseconds(self._now_ms() if time is None else time)
        await asyncio.sleep(0)  # a program that only sends must not keep the connection from working
        self._check()
        if wait:
            await self._until(lambda: self.waiting < self._queue_max)
        text = wire.encode(values, time_ms, self._backlog.next_place if self._numbered else seq)
        if self.waiting >= self._queue_max:
            self._backlog.drop()  # at most half of the queue is ever on its way, so there is one to drop
            self.counts.dropped += 1
        if seq is not None:
            self._in_order = True
        self._backlog.add(text)
        self.counts.queued += 1
        self._pulse()

    async def flush(self) -> None:
        """Wait until all readings are acknowledged, or refused for good. Raises as `send` does."""
        await self._until(lambda: not self.waiting)

    async def commands(self) -> AsyncIterator[Command]:
        """The commands that the hub sends to this device, each once, as they come."""
        self._listen()
        while True:
            await self._until(lambda: len(self._inbox.commands) > 0)
            request = self._inbox.commands.popleft()
            self._pulse()
            yield Command(request.id, request.method, request.params, self)

    async def wishes(self) -> AsyncIterator[dict[str, object]]:
        """The attributes that operators wish for, as they come; None for one that is wished for no more.

        They are pending at the hub, and come again at every connection, until `report` says that it is so.
        """
        self._listen()
        while True:
            await self._until(lambda: bool(self._inbox.wishes))
            yield self._inbox.next_wishes()

    async def report(self, values: Mapping[str, object]) -> None:
        """Report attributes, any JSON values; None takes one away. Waits and raises as `Command.answer`."""
        await self._say(lambda link: link.report(values))

    def _listen(self) -> None:
        self._listening = True
        self._pulse()

    async def _answer(self, command_id: str, response: object) -> None:
        await self._say(lambda link: link.answer(command_id, response))

    async def _say(self, say: Callable[[Link], Awaitable[None]]) -> None:
        lost: Link | None = None
        while True:
            link = await self._next_link(lost)
            try:
                return await say(link)
            except LinkLost:
                lost = link  # the session notices too, and makes the next

    async def _next_link(self, lost: Link | None) -> Link:
        while True:
            await self._until(lambda: self._link is not None and self._link is not lost)
            if self._link is not None:
                return self._link

    def _pulse(self) -> None:
        """Wake all who wait for a change; each looks whether it was theirs."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, holds: Callable[[], bool]) -> None:
        self._check()
        while not holds():
            await self._changed.wait()
            self._check()

    def _check(self) -> None:
        """Raise what ended the client, if it has ended."""
        if self._runner is None:
            raise Closed("the client is not open: use it inside its `async with` block")
        if self._runner.done() and not self._runner.cancelled():
            error = self._runner.exception()
            if error is not None:
                self._told = True
                raise error

    async def _run(self) -> None:
        """Connect, deliver until the link ends, wait, again. Ends by KeyRefused, SpoolError, or being
        cancelled.
        """
        loop = asyncio.get_running_loop()
        try:
            while not self._leaving:
                opened_s = loop.time()
                error = await self._session()
                self.last_error = error
                if isinstance(error, TooLarge):
                    self._shrink()
                elif not isinstance(error, LinkLost | Busy):
                    raise error
                if loop.time() - opened_s > self._backoff.cap_s:
                    self._backoff.reset()
                wait_s = self._backoff.next_s(getattr(error, "retry_after_s", None))
                log.info("not connected: %s; next try in %.1f s", error, wait_s)
                await asyncio.sleep(wait_s)
        finally:
            self._pulse()

    async def _session(self) -> DeviceError:
        """One link, from its making to its end; returns why it ended."""
        errors: list[DeviceError] = []
        try:
            async with self._transport.connect(self._inbox.arrived) as link, asyncio.TaskGroup() as group:
                self._opened(link)
                group.create_task(link.watch())
                group.create_task(self._receive(link))
                group.create_task(self._deliver_all(link))
        except* DeviceError as group_of_errors:
            errors = flat(group_of_errors)
        finally:
            self._link = None
            self.connected = False
            self._messages = 0
            self._put_off = None
            if not any(isinstance(error, TooLarge) for error in errors):
                self._backlog.rewind()
            self._pulse()
        return min(errors, key=rank)

    def _opened(self, link: Link) -> None:
        self._link = link
        self.connected = True
        self.counts.connections += 1
        self._pulse()

    async def _receive(self, link: Link) -> None:
        await self._until(lambda: self._listening)
        await link.listen()
        while True:
            await self._until(lambda: self._inbox.has_room)
            self._inbox.take(await self._inbox.arrived.get())
            self._pulse()

    async def _deliver_all(self, link: Link) -> None:
        """Take batches and deliver them, several at once where the link and the numbering allow."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._until(lambda: self._put_off is not None or self._may_take(link))
                if self._put_off is not None:
                    await self._stand_back()
                    continue
                entries = self._backlog.take(min(self._batch_max, self._room()), link.message_max_bytes)
                self._messages += 1
                group.create_task(self._deliver(link, entries))

    def _may_take(self, link: Link) -> bool:
        window = 1 if self._in_order else link.window
        return self._backlog.unsent > 0 and self._messages < window and self._room() > 0

    def _room(self) -> int:
        """How many more readings may be on their way: half of the queue, so that the other half can be
        dropped.
        """
        return self._queue_max // 2 - self._backlog.taken

    async def _deliver(self, link: Link, entries: Sequence[BacklogEntry]) -> None:
        try:
            outcome = await link.deliver(entries)
        except (Busy, TooLarge) as error:
            self._put_off = self.last_error = error
        else:
            self._backlog.done(entries)
            self._settle(len(entries), outcome)
            self._backoff.reset()
        finally:
            self._messages -= 1
            self._pulse()

    def _settle(self, sent: int, outcome: SendOutcome) -> None:
        self.counts.refused += outcome.refused
        self.counts.acknowledged += sent - outcome.refused
        if outcome.last is not None:
            self.last_refusal = outcome.last
            log.warning("refused: %s", outcome.last.message)

    async def _stand_back(self) -> None:
        """The hub put a message off: let the others on their way arrive, then wait as asked and send it
        again.
        """
        await self._until(lambda: self._messages == 0)
        error, self._put_off = self._put_off, None
        if isinstance(error, TooLarge):
            self._shrink()
            return
        self._backlog.rewind()
        await asyncio.sleep(self._backoff.next_s(error.retry_after_s if error else None))

    def _shrink(self) -> None:
        """A message was too large: from now on one at a time, with half as many in it."""
        sent = self._backlog.taken
        self._backlog.rewind()
        self._in_order = True
        if sent == 1:
            self._backlog.done(self._backlog.take(1, wire.READING_MAX_BYTES))
            self._settle(1, SendOutcome(1, Refusal(-1, "too_large", "the hub takes no reading of this size")))
        elif sent > 1:
            self._batch_max = max(1, min(self._batch_max, sent) // 2)
