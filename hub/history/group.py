"""Group commit: what comes while one batch is being stored gathers in the next one.

Theory. The loop's thread fills an open batch while the writer's thread stores the one before. When that is
done, the loop takes notice, completes its future and hands over what has gathered meanwhile. So a quiet hub
stores each message at once and a busy one stores large batches, with no timer in either case. Handing over
happens in the loop's thread only, so a batch is never torn.

An `interval_s` is the shortest time between two hand-overs: then a quiet hub writes less often and waits
longer. What has become large is not kept waiting, nor what somebody asks for (`hurry`).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.history.writer import Writer
from hub.logs import Logger

READINGS_MAX = 50_000  # so many do not wait for an interval to end
WAITS_MAX = 1_000
STOP_TIMEOUT_S = 3.0
LAST_TRY_TIMEOUT_S = 1.0

_log = Logger("history")


class Words(NamedTuple):
    """What the log says of a group commit: once when trouble begins, and once when it is over."""

    name: str
    fails: str
    is_late: str
    works: str


class GroupCommit:
    """One open batch, at most one in flight, and the thread that stores it. For the loop's thread.

    `store` is called in the thread, and raises where it fails. `number` is the first batch's. A batch that
    takes longer than `late_s` is told of as a failure, though it may still come.
    """

    def __init__(
        self, words: Words, store: Callable[[Batch], None], number: int, interval_s: float, late_s: float
    ) -> None:
        self._words = words
        self._loop = asyncio.get_running_loop()
        self._open = Batch(number, Commit(loop=self._loop))
        self._open.began_s = self._loop.time()
        self._in_flight: Batch | None = None
        self._done = Commit(loop=self._loop)
        self._done.set_result(None)
        self._interval_s = interval_s
        self._earliest_s = 0.0  # when the next batch may be handed over
        self._hurrying = False  # the open batch is not to wait for that
        self._handing_over: asyncio.Handle | None = None
        self._held = False
        self._told = asyncio.Event()  # the writer said something: there may be room, or nothing left
        self._failure: str | None = None  # why the last try failed
        self._late_s = late_s
        self._late: asyncio.TimerHandle | None = None
        self._waits_since_s: float | None = None  # what was handed over, or is held
        self._is_late = False
        self.commits = 0
        # How long each of the last commits took, from its first reading on.
        self.waits_s: deque[float] = deque(maxlen=WAITS_MAX)
        self._writer = Writer(f"history-{words.name}", store, self._tell_stored, self._tell_failed)

    @property
    def batch(self) -> Batch:
        """The open batch, to be filled at once and without an await; `stored` is done when it is stored."""
        if self._in_flight is None and not self._held:
            if self._handing_over is None:
                self._open.began_s = self._loop.time()
                self._schedule()
            elif self._open.readings >= READINGS_MAX and self._interval_s and not self._hurrying:
                self.hurry()
        return self._open

    @property
    def stored(self) -> Commit:
        """Done when everything appended so far is stored."""
        if self._open:
            return self._open.stored
        return self._in_flight.stored if self._in_flight else self._done

    @property
    def unstored(self) -> list[Batch]:
        """What may not be stored yet, oldest first; the batches' numbers tell which of it is."""
        return [batch for batch in (self._in_flight, self._open) if batch]

    @property
    def pending(self) -> int:
        """How many readings are not stored yet."""
        return self._open.readings + (self._in_flight.readings if self._in_flight else 0)

    @property
    def failure(self) -> str | None:
        """Why nothing can be stored at present; None while all is well."""
        return self._failure

    @property
    def is_late(self) -> bool:
        """Whether the batch in flight takes longer than it should, or none may be handed over."""
        return self._is_late

    @property
    def waiting_s(self) -> float:
        """How long the oldest reading that is not stored has waited, once its batch was handed over."""
        if self._in_flight:
            return self._loop.time() - self._in_flight.began_s
        return self._loop.time() - self._open.began_s if self._held and self._open else 0.0

    async def room(self, pending_max: int) -> None:
        """Wait until less than `pending_max` readings wait."""
        while self.pending >= pending_max:
            self._told.clear()
            await self._told.wait()

    def hurry(self) -> None:
        """Hand over what there is without waiting for the interval's end."""
        self._hurrying = bool(self._open)
        if self._hurrying and self._in_flight is None and not self._held:
            self._schedule()

    def hold(self) -> None:
        """Hand nothing over until `release`: what stores the batches has no room."""
        self._held = True
        self._watch(self._loop.time())

    def release(self) -> None:
        """Go on."""
        if self._held:
            self._held = self._is_late = False
            if self._open and self._in_flight is None:
                self._schedule()

    def start(self) -> None:
        """Begin to store."""
        self._writer.start()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until what was appended so far is stored, unless that fails or takes long; whether it is."""
        stored = self.stored
        self.hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not stored.done() and self.failure is None:
                    self._told.clear()
                    await self._told.wait()
        return stored.done() and not stored.cancelled()

    async def close(self) -> bool:
        """Store what is there, unless that fails. Whether the thread has ended; else the disk holds it."""
        await self.flush(STOP_TIMEOUT_S)
        self._writer.stop()
        await asyncio.to_thread(self._writer.join, LAST_TRY_TIMEOUT_S)
        for handle in (self._late, self._handing_over):
            if handle:
                handle.cancel()
        for batch in self.unstored:
            if not batch.stored.done():
                batch.stored.abandon()  # never acknowledged: the devices still have these readings
        self._told.set()
        return not self._writer.is_alive()

    def _schedule(self) -> None:
        if self._handing_over:
            self._handing_over.cancel()
        if self._hurrying or not self._interval_s or self._earliest_s <= self._loop.time():
            self._handing_over = self._loop.call_soon(self._hand_over)
        else:
            self._handing_over = self._loop.call_at(self._earliest_s, self._hand_over)

    def _hand_over(self) -> None:
        self._handing_over = None
        if self._in_flight is None and self._open and not self._held:
            self._hurrying = False
            now_s = self._loop.time()
            self._earliest_s = now_s + self._interval_s
            self._in_flight = self._open
            self._open = Batch(self._in_flight.number + 1, Commit(loop=self._loop))
            self._open.began_s = now_s
            self._watch(now_s)
            self._writer.write(self._in_flight)  # last: its thread wakes, and wants Python's lock

    def _watch(self, now_s: float) -> None:
        """One timer for many batches: one for each took a twelfth of what a small batch costs."""
        self._waits_since_s = now_s
        if self._late is None:
            self._late = self._loop.call_later(self._late_s, self._look_late)

    def _look_late(self) -> None:
        self._late = None
        if self._waits_since_s is None:
            return
        late_at_s = self._waits_since_s + self._late_s
        if self._loop.time() < late_at_s:
            self._late = self._loop.call_at(late_at_s, self._look_late)
        else:
            self._on_late()

    def _on_late(self) -> None:
        self._is_late = bool(self._in_flight or self._open)
        if self._failure is None and self._is_late and not self._held:
            _log.error(self._words.is_late, over_s=self._late_s, readings=self.pending)

    def _tell_stored(self, batch: Batch) -> None:
        self._loop.call_soon_threadsafe(self._on_stored, batch)

    def _on_stored(self, batch: Batch) -> None:
        self._waits_since_s = None
        if self._failure is not None or self._is_late:
            _log.info(self._words.works, after=self._failure or f"over {self._late_s:g} s")
            self._failure, self._is_late = None, False
        self.commits += 1
        self.waits_s.append(self._loop.time() - batch.began_s)
        self._in_flight = None
        self._after(batch)
        if self._open and not self._held:
            self._schedule()
        if not batch.stored.cancelled():
            batch.stored.set_result(None)  # last: those it tells go on reading, and append
        self._told.set()

    def _after(self, batch: Batch) -> None:
        """A batch is stored: for those who go on with it, before anybody is told."""

    def _tell_failed(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._on_failed, str(error))

    def _on_failed(self, message: str) -> None:
        if self._failure is None:
            _log.error(self._words.fails, why=message, readings=self.pending)
        self._failure = message
        self._told.set()
