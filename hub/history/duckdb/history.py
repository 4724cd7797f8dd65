"""The history: readings by device, metric and time. A journal, and one DuckDB file with many readers.

Theory. A reading goes through two group commits, one after the other. The first has it on disk within
milliseconds, in the journal, and then it is acknowledged. The second folds what has gathered into the file
within a minute, at a fraction of what a transaction for each message would cost.

    open batch ──> in flight ──> journal      acknowledged from here on
                                    └──> absorbed ──> being folded ──> the file; its part of the journal goes

Each of the four is a batch in memory, in the columns that queries take. So a query sees everything: what is
in the file, and of these four what the file has not.

A keeper's thread seals, compacts and forgets (see keeper.py); queries run in a small pool of threads (see
open_file.py) and never stall the loop.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import duckdb
import numpy as np

from hub.errors import StoreError
from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.history.contract import (
    Columns,
    Copied,
    Format,
    Held,
    JournalSize,
    Lacking,
    Latest,
    Page,
    PagePlace,
    Policy,
    Preview,
    Rows,
    Series,
)
from hub.history.duckdb import comparing, conversion, copying, export, queries, ranges
from hub.history.duckdb.file import identity
from hub.history.duckdb.fold import Fold, committed
from hub.history.duckdb.folding import Folding
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.history.duckdb.open_file import HistoryFile
from hub.history.duckdb.state import state_of
from hub.history.group import GroupCommit, Words
from hub.history.journal.journal import Journal
from hub.logs import Logger
from hub.model import Device, Metric, MetricType, Rejection, SequenceMark

LATE_S = 5.0
JOURNAL = "journal"
JOURNAL_MAX_MB = 128
STORING = Words(
    "storing",
    fails="readings cannot be stored; that is tried again, and nothing is acknowledged meanwhile",
    is_late="readings take too long to reach the disk; nothing is acknowledged meanwhile",
    works="readings are stored again",
)
FRESH_TIMEOUT_S = 5.0
RECOVERED_AT_ONCE = 500_000  # readings
MIB = 1_048_576

_log = Logger("history")


class EmbeddedHistory(GroupCommit):
    """The embedded history. Make it with `open`."""

    def __init__(
        self, database: HistoryFile, journal: Journal, fold: Fold, interval_s: float, late_s: float
    ) -> None:
        self.database = database  # for this room alone
        self._journal = journal
        number = committed(database.writing()) + 1
        super().__init__(STORING, journal.append, number, interval_s, late_s)
        self._folding = Folding(fold, journal, number, self._look)
        self._told_full = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        memory_limit_mb: int,
        rejections_max: int,
        late_s: float = LATE_S,
        *,
        journal: Path | None = None,
        journal_max_mb: int = JOURNAL_MAX_MB,
        commit_interval_s: float = 0.0,
    ) -> AsyncIterator["EmbeddedHistory"]:
        """The history in the file at `path`, made or migrated as needed. Raises StoreError.

        Its journal is in the folder `journal`, beside the file if that is None. A commit that takes longer
        than `late_s` is told of as a failure, though it may still come.
        """
        database = HistoryFile(path, memory_limit_mb)
        with ExitStack() as opened:
            opened.callback(database.close, at_rest=True)
            folder = journal or path.with_name(JOURNAL)
            run = uuid4().bytes
            kept = Journal(folder, identity(database.writing()), journal_max_mb * MIB, run)
            opened.callback(kept.release)
            fold = Fold(database, rejections_max)
            _recover(database, kept, fold)
            history = cls(database, kept, fold, commit_interval_s, late_s)
            opened.pop_all()
        history.start()
        history._folding.start()
        try:
            yield history
        finally:
            await history._close()

    # Writing

    @property
    def failure(self) -> str | None:
        """Why nothing can be stored at present; None while all is well."""
        if self._failure is not None:
            return self._failure
        if why := self._full:
            return f"the journal is full (limits.journal_max_mb): {why}"
        if self.is_late:
            return f"nothing has reached the disk for over {self._late_s:g} s (limits.storing_late_s)"
        return None

    @property
    def behind(self) -> str | None:
        """Why what the journal has does not get into the file; None while it does."""
        return self._folding.behind

    @property
    def journal(self) -> JournalSize:
        """How large the journal is, and how large it may become."""
        return JournalSize(self._journal.bytes, self._journal.bytes_max)

    @property
    def syncs(self) -> int:
        """How often the journal was synced, and the file."""
        return self.commits + self._folding.commits

    @property
    def _full(self) -> str | None:
        """Why a full journal does not become smaller; None while there is room, or soon will be."""
        if not self._held:
            return None
        return self.behind or ("that takes long" if self.is_late else None)

    def _after(self, batch: Batch) -> None:
        self._folding.take(batch)
        if self._journal.is_full:
            self.hold()
            self._look()

    def _on_late(self) -> None:
        super()._on_late()
        self._look()

    def _look(self) -> None:
        """Some of the journal is gone, or stays for longer than it should."""
        if not self._journal.is_full:
            self.release()
        why = self._full
        if why and not self._told_full:
            _log.error(
                "the journal is full; nothing is acknowledged until the history has taken some of it over",
                why=why,
                journal_max_mb=self._journal.bytes_max // MIB,
            )
        elif self._told_full and not why:
            _log.info("the journal has room again")
        self._told_full = bool(why)

    async def _close(self) -> None:
        """Bring all into the journal, and all of that into the file, where that works."""
        at_rest = await self.close()
        at_rest = await self._folding.close() and at_rest
        if at_rest:  # else a thread waits for the disk, and closing would wait for it too
            self._journal.close()
        self.database.close(at_rest=at_rest)

    # Moving: in a thread of its own, so that no query waits for it. All raise StoreError

    async def held(self, series: Sequence[Series], start: int, end: int) -> list[Held]:
        """Of which of these metrics there is something from `start` up to `end` (µs, UTC), and how much."""
        await self._folded()
        return await self.database.move(lambda cursor: export.held(cursor, series, start, end))

    async def pages(
        self, found: Sequence[Held], written: Format, *, guarded: bool = False
    ) -> AsyncIterator[bytes]:
        """The values as lines of text, page by page; CSV begins with its header.

        `guarded`: with ' before what spreadsheets take for a formula.
        """
        if head := export.head(written):
            yield head
        for together in export.gathered(found):
            for piece in await self.database.move(partial(export.pieces, together=together)):
                step = partial(export.page, piece=piece, written=written, guarded=guarded)
                if page := await self.database.move(step):
                    yield page

    async def write_parquet(self, found: Sequence[Held], path: Path) -> None:
        """The values as a Parquet file at `path`."""
        await self.database.move(lambda cursor: export.write_parquet(cursor, found, path))

    async def lacking(self, rows: Rows, metrics: np.ndarray) -> Lacking:
        """Which of these rows of a file the history does not hold; `metrics` has each row's metric number."""
        await self._folded()
        return await self.database.move(lambda cursor: comparing.lacking(cursor, rows, metrics))

    async def copy(self, path: Path) -> Copied:
        """A consistent copy at `path`, which grows while others go on."""
        await self._folded()
        return await self.database.move(lambda cursor: copying.copy(cursor, path))

    # Keeping

    def keeper(self, kept: Policy, clock: Callable[[], int], bounds: Bounds | None = None) -> Keeper:
        """What brings values to rest and forgets those that are over; it is to be run beside the rest."""
        return Keeper(self.database, kept, clock, bounds)

    # Reading

    def _unfolded(self) -> list[Batch]:
        """What the file may not have, oldest first; the batches' numbers tell a query which of it."""
        return [*self._folding.unstored, *self.unstored]

    async def _fresh(self) -> bool:
        """Bring what was appended into the file. Whether it is there: a slow disk is not waited for long."""
        await self.flush(FRESH_TIMEOUT_S)
        return await self._folding.flush(FRESH_TIMEOUT_S)

    async def _folded(self) -> None:
        """For what reads the file alone. Raises StoreError where something accepted is not in it."""
        if not await self._fresh():
            why = self.behind or "it takes long"
            raise StoreError(f"history: what was accepted last is in the journal only: {why}")

    async def metrics(self) -> list[Metric]:
        """All metrics, by number."""
        await self._fresh()
        return await self.database.query(queries.metrics, limited=False)

    async def highest_metric(self) -> int:
        """The highest number that a metric was ever given: none is given twice."""
        await self._fresh()
        return await self.database.query(queries.highest_metric, limited=False)

    async def sequences(self) -> dict[int, SequenceMark]:
        """How far each device had counted its readings, by its number."""
        await self._fresh()
        return await self.database.query(queries.sequences, limited=False)

    async def latest(self) -> list[Latest]:
        """The newest value of every metric."""
        await self._fresh()
        return await self.database.query(queries.latest, limited=False)

    async def range(self, metric: Metric, start: int, end: int, points: int) -> Columns:
        """One metric from `start` up to `end` (µs, UTC), in at most about `points` rows (see ranges.py)."""
        [found] = await self.ranges([metric], start, end, points)
        return found

    async def ranges(self, metrics: Iterable[Metric], start: int, end: int, points: int) -> list[Columns]:
        """The same of several metrics, in their order."""
        batches = self._unfolded()
        asked = [(metric, [batch.of(metric) for batch in batches]) for metric in metrics]
        return await self.database.query(
            lambda cursor: [
                ranges.range_of(cursor, metric, unstored, start, end, points) for metric, unstored in asked
            ]
        )

    async def raw(self, metric: Metric, start: int, end: int, after: PagePlace | None, limit: int) -> Page:
        """A page of the readings of one metric, by time; each comes on exactly one page."""
        unstored = [batch.of(metric) for batch in self._unfolded()]
        return await self.database.query(
            lambda cursor: ranges.page_of(cursor, metric, unstored, start, end, after, limit)
        )

    async def preview(self, metric: Metric, kind: MetricType) -> Preview:
        """What would become of the values of a metric if this were its type."""
        await self._fresh()
        return await self.database.query(lambda cursor: conversion.preview(cursor, metric, kind))

    async def count(self, *metrics: Metric) -> int:
        """How many values of these metrics are stored, each as it came."""
        await self._fresh()
        return await self.database.query(
            lambda cursor: sum(conversion.count(cursor, metric) for metric in metrics)
        )

    async def rejections(self, device: Device, limit: int) -> list[Rejection]:
        """A device's newest rejections, newest first."""
        if any(one.device == device.number for batch in self._unfolded() for one in batch.rejections):
            await self._fresh()
        return await self.database.query(lambda cursor: queries.rejections(cursor, device.number, limit))


def _recover(database: HistoryFile, journal: Journal, fold: Fold) -> None:
    """Bring into the file what the journal has from before this start. Raises StoreError.

    All of it is looked at before any of it is taken: a journal that is refused leaves the file as it is. In
    pieces, so that a small machine has the memory for it.
    """
    state = state_of(database.writing())
    batches = readings = 0
    for batch in journal.found(state, Commit()):
        batches += 1
        readings += batch.readings
    if batches:
        _log.info("the journal is brought into the history", batches=batches, readings=readings)
    found = Batch(state.batches, Commit())
    try:
        for batch in journal.found(state, found.stored):
            found.absorb(batch)
            if found.readings >= RECOVERED_AT_ONCE:
                fold.take(found, journal.run)
                found = Batch(found.number, found.stored)
        if found:
            fold.take(found, journal.run)
    except duckdb.Error as error:
        raise StoreError(
            f"what waits in the journal cannot be brought into the history: {error}; it stays where it is"
        ) from error
    journal.clear()
