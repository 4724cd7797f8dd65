"""The history: readings by device, metric and time. DuckDB, one file, one writer, many readers.

What is appended goes into the open batch in the loop's thread; a writer thread commits (see writer.py); a
keeper's thread seals, compacts and forgets (see keeper.py); queries run in a small pool of threads, each on a
cursor of its own, for a limited time, and never stall the loop.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np

from hub.errors import StoreError
from hub.history.batch import Batch, Unstored
from hub.history.commit import Commit
from hub.history.contract import Columns, Format, Held, Lacking, Latest, Page, PagePlace, Rows, Series
from hub.history.duckdb import comparing, conversion, export, queries, ranges
from hub.history.duckdb.conversion import Preview
from hub.history.duckdb.file import connect
from hub.history.duckdb.writer import Writer, committed
from hub.logs import Logger
from hub.model import Device, Metric, MetricType, Rejection, SequenceMark

T = TypeVar("T")

QUERY_THREADS = 2
WAITS_MAX = 1_000
LATE_S = 5.0
STOP_TIMEOUT_S = 3.0
LAST_TRY_TIMEOUT_S = 1.0
FRESH_TIMEOUT_S = 1.0
QUERY_TIMEOUT_S = 10.0
INTERRUPT_EVERY_S = 0.01
INTERRUPTS_MAX = 100  # then the thread is left to end by itself: it waits for the disk, not for DuckDB

_log = Logger("history")


class History:
    """The readings' store. Make it with `open`; all methods are for the loop's thread."""

    def __init__(self, path: Path, memory_limit_mb: int, rejections_max: int, late_s: float = LATE_S) -> None:
        self._path = path
        self._memory_limit_mb = memory_limit_mb
        self._loop = asyncio.get_running_loop()
        self._connection = connect(path, memory_limit_mb)
        self._reconnecting = threading.Lock()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()  # at work now
        # Held while a batch is committed, and by the keeper while it turns tables over.
        self.exclusive = threading.Lock()
        self._broken = False
        self._open = Batch(committed(self._connection) + 1, Commit(loop=self._loop))
        self._in_flight: Batch | None = None
        self._handing_over = False
        self._done = Commit(loop=self._loop)
        self._done.set_result(None)
        # The writer told something: there may be room, or nothing left to wait for.
        self._told = asyncio.Event()
        self._failure: str | None = None  # why the last try failed
        self._late_s = late_s
        self._late: asyncio.TimerHandle | None = None  # of the batch in flight
        self._is_late = False
        self.commits = 0
        # How long each of the last commits took, from its first reading on.
        self.waits_s: deque[float] = deque(maxlen=WAITS_MAX)
        self.pending = 0  # readings not on disk yet
        self.querying = 0  # queries that run or wait for a thread
        self.query_timeout_s = QUERY_TIMEOUT_S
        self._writer = Writer(
            self._write_connection, self._tell_committed, self._tell_failed, self.exclusive, rejections_max
        )
        self._readers = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="history-reader")
        self._keeping = ThreadPoolExecutor(1, thread_name_prefix="history-keeper")
        self._moving = ThreadPoolExecutor(1, thread_name_prefix="history-mover")

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, memory_limit_mb: int, rejections_max: int, late_s: float = LATE_S
    ) -> AsyncIterator["History"]:
        """The history in the file at `path`, made or migrated as needed. Raises StoreError.

        A commit that takes longer than `late_s` is told of as a failure, though it may still come.
        """
        history = cls(path, memory_limit_mb, rejections_max, late_s)
        history._writer.start()
        try:
            yield history
        finally:
            await history._close()

    # Writing

    @property
    def batch(self) -> Batch:
        """The open batch, to be filled at once and without an await; `stored` is done when it is on disk."""
        if not self._handing_over and self._in_flight is None:
            self._handing_over = True
            self._open.began_s = self._loop.time()
            self._loop.call_soon(self._hand_over)
        return self._open

    @property
    def stored(self) -> Commit:
        """Done when everything appended so far is on disk."""
        if self._open:
            return self._open.stored
        return self._in_flight.stored if self._in_flight else self._done

    @property
    def failure(self) -> str | None:
        """Why nothing can be stored at present; None while all is well."""
        if self._failure is None and self._is_late:
            return f"nothing has reached the disk for over {self._late_s:g} s (limits.storing_late_s)"
        return self._failure

    @property
    def waiting_s(self) -> float:
        """How long the oldest reading that is not on disk has waited."""
        return self._loop.time() - self._in_flight.began_s if self._in_flight else 0.0

    async def room(self, pending_max: int) -> None:
        """Wait until less than `pending_max` readings are on their way to the disk."""
        while self.pending >= pending_max:
            self._told.clear()
            await self._told.wait()

    def _hand_over(self) -> None:
        self._handing_over = False
        if self._in_flight is None and self._open:
            self._in_flight = self._open
            self._open = Batch(self._in_flight.number + 1, Commit(loop=self._loop))
            self._writer.write(self._in_flight)
            self._late = self._loop.call_later(self._late_s, self._on_late)

    def _on_late(self) -> None:
        self._is_late = True
        if self._failure is None and self._in_flight:
            _log.error("storing takes too long", why=self.failure, readings=self._in_flight.readings)

    def _tell_committed(self, batch: Batch) -> None:
        self._loop.call_soon_threadsafe(self._on_committed, batch)

    def _on_committed(self, batch: Batch) -> None:
        if self._late:
            self._late.cancel()
        if self.failure is not None:
            _log.info("storing again", after=self.failure)
            self._failure, self._is_late = None, False
        self.commits += 1
        self.waits_s.append(self._loop.time() - batch.began_s)
        self.pending -= batch.readings
        self._in_flight = None
        if not batch.stored.cancelled():
            batch.stored.set_result(None)
        self._told.set()
        self._hand_over()

    def _tell_failed(self, batch: Batch, error: Exception) -> None:
        self._broken = True
        self._loop.call_soon_threadsafe(self._on_failed, batch, str(error))

    def _on_failed(self, batch: Batch, message: str) -> None:
        if self._failure is None:
            _log.error(
                "cannot store; retrying, nothing is acknowledged meanwhile",
                why=message,
                readings=batch.readings,
            )
        self._failure = message
        self._told.set()

    def _write_connection(self) -> duckdb.DuckDBPyConnection:
        if self._broken:
            with self._reconnecting:
                self._drop_connection()
                self._connection = connect(self._path, self._memory_limit_mb)
            self._broken = False
        return self._connection

    def _drop_connection(self) -> None:
        """Close the connection. DuckDB refuses that while one of its cursors is at work, so these are stopped
        first: on a connection that has failed they can do nothing any more.
        """
        for _ in range(INTERRUPTS_MAX):
            for cursor in list(self._cursors):
                with suppress(duckdb.Error):  # closed meanwhile
                    cursor.interrupt()
            with suppress(duckdb.OperationalError):
                self._connection.close()
                return
            time.sleep(INTERRUPT_EVERY_S)
        self._connection.close()

    async def _close(self) -> None:
        """Commit what is there, unless the disk says no. Then end the writer: it takes nothing after that."""
        self._hand_over()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                while (self._in_flight or self._open) and self._failure is None:
                    self._told.clear()
                    await self._told.wait()
        self._writer.stop()
        await asyncio.to_thread(self._writer.join, LAST_TRY_TIMEOUT_S)
        if self._late:
            self._late.cancel()
        for batch in (self._in_flight, self._open):
            if batch and not batch.stored.done():
                batch.stored.abandon()  # never acknowledged: the devices still have these readings
        self._keeping.shutdown(cancel_futures=True)
        self._moving.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)
        if not self._writer.is_alive():  # else the disk holds it, and closing would wait for the disk too
            self._connection.close()

    # Moving: in a thread of its own, so that no query waits for it. All raise StoreError

    async def held(self, series: Sequence[Series], start: int, end: int) -> list[Held]:
        """Of which of these metrics there is something from `start` up to `end` (µs, UTC), and how much."""
        return await self.move(lambda cursor: export.held(cursor, series, start, end))

    async def pages(
        self, found: Sequence[Held], written: Format, *, guarded: bool = False
    ) -> AsyncIterator[bytes]:
        """The values as lines of text, page by page; CSV begins with its header.

        `guarded`: with ' before what spreadsheets take for a formula.
        """
        if head := export.head(written):
            yield head
        for together in export.gathered(found):
            for piece in await self.move(partial(export.pieces, together=together)):
                if page := await self.move(
                    partial(export.page, piece=piece, written=written, guarded=guarded)
                ):
                    yield page

    async def write_parquet(self, found: Sequence[Held], path: Path) -> None:
        """The values as a Parquet file at `path`."""
        await self.move(lambda cursor: export.write_parquet(cursor, found, path))

    async def lacking(self, rows: Rows, metrics: np.ndarray) -> Lacking:
        """Which of these rows of a file the history does not hold; `metrics` has each row's metric number."""
        return await self.move(lambda cursor: comparing.lacking(cursor, rows, metrics))

    async def move(self, step: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run a step of an export, an import or a backup on a cursor of its own. For this room alone."""
        return await self._run(self._moving, step)

    # Keeping

    async def keep(self, step: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run a step of the keeper in its thread, on a cursor of its own. For this room alone.

        Raises StoreError.
        """
        return await self._run(self._keeping, step)

    # Reading

    async def _query(self, query: Callable[[duckdb.DuckDBPyConnection], T], *, limited: bool = True) -> T:
        """Run a query in a reader's thread. Raises StoreError; if `limited`, also when it takes too long."""
        self.querying += 1
        try:
            async with asyncio.timeout(self.query_timeout_s if limited else None):
                return await self._run(self._readers, query)
        except TimeoutError:
            raise StoreError(
                f"history: no answer within {self.query_timeout_s:g} s; ask for a shorter range, or later"
            ) from None
        finally:
            self.querying -= 1

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run `work` in a thread of `pool` on a cursor of its own; a caller that gives up stops it."""
        cursors: list[duckdb.DuckDBPyConnection] = []

        def run() -> T:
            try:
                with self._reconnecting:
                    cursor = self._connection.cursor()
                with closing(cursor):
                    cursors.append(cursor)
                    self._cursors.add(cursor)
                    try:
                        return work(cursor)
                    finally:
                        self._cursors.discard(cursor)
            except duckdb.Error as error:
                raise StoreError(f"history: {error}") from error

        running = pool.submit(run)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            # Again until it is over, because between two statements there is nothing to interrupt.
            for _ in range(INTERRUPTS_MAX):
                if running.done():
                    break
                for cursor in cursors:
                    with suppress(duckdb.Error):  # closed meanwhile
                        cursor.interrupt()
                await asyncio.sleep(INTERRUPT_EVERY_S)
            raise

    def _unstored(self, metric: Metric) -> list[Unstored]:
        """What may not be on disk yet; the batches' numbers tell the query which of it is."""
        batches = (self._in_flight, self._open)
        return [batch.of(metric) for batch in batches if batch]

    async def metrics(self) -> list[Metric]:
        """All metrics, by number."""
        return await self._query(queries.metrics, limited=False)

    async def highest_metric(self) -> int:
        """The highest number that a metric was ever given: none is given twice."""
        return await self._query(queries.highest_metric, limited=False)

    async def sequences(self) -> dict[int, SequenceMark]:
        """How far each device had counted its readings, by its number."""
        return await self._query(queries.sequences, limited=False)

    async def latest(self) -> list[Latest]:
        """The newest stored value of every metric."""
        return await self._query(queries.latest, limited=False)

    async def range(self, metric: Metric, start: int, end: int, points: int) -> Columns:
        """One metric from `start` up to `end` (µs, UTC), in at most about `points` rows (see ranges.py)."""
        [found] = await self.ranges([metric], start, end, points)
        return found

    async def ranges(self, metrics: Iterable[Metric], start: int, end: int, points: int) -> list[Columns]:
        """The same of several metrics, in their order."""
        asked = [(metric, self._unstored(metric)) for metric in metrics]
        return await self._query(
            lambda cursor: [
                ranges.range_of(cursor, metric, unstored, start, end, points) for metric, unstored in asked
            ]
        )

    async def raw(self, metric: Metric, start: int, end: int, after: PagePlace | None, limit: int) -> Page:
        """A page of the readings of one metric, by time; each comes on exactly one page."""
        unstored = self._unstored(metric)
        return await self._query(
            lambda cursor: ranges.page_of(cursor, metric, unstored, start, end, after, limit)
        )

    async def preview(self, metric: Metric, kind: MetricType) -> Preview:
        """What would become of the values of a metric if this were its type."""
        await self._fresh()
        return await self._query(lambda cursor: conversion.preview(cursor, metric, kind))

    async def count(self, metric: Metric) -> int:
        """How many values of a metric are stored, each as it came."""
        await self._fresh()
        return await self._query(lambda cursor: conversion.count(cursor, metric))

    async def _fresh(self) -> None:
        """What was appended is on disk, unless the disk is slow: then the answer is of a moment before."""
        if self.failure is None:
            await asyncio.wait([self.stored], timeout=FRESH_TIMEOUT_S)

    async def rejections(self, device: Device, limit: int) -> list[Rejection]:
        """A device's newest rejections, newest first."""
        await self._fresh()
        return await self._query(lambda cursor: queries.rejections(cursor, device.number, limit))
