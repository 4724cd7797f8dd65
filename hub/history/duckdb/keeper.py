"""The history's keeper: a loop that brings readings to rest, puts parts together, and forgets what is over.

Each step is small, a transaction or two in the keeper's own thread, beside the commits; only turning
`readings` over (a few ms) and checkpoints exclude them. Whatever a step needs to know it reads from the file,
so one that fails, or is cut short by a kill, is simply taken again.

To look whether there is something to do takes five queries. So the keeper looks after a fold that changes
what is stored, when `readings` is full or old, and when its chores are due, all of which it knows without
asking (see arrived.py): looking every two seconds was a third of what an idle hub took.

    fold     readings  metrics  sequences  rejections  commits
    keeper   filled  sealed  sealing  minutes  hours  latest  cuts  compacted
             and takes from `removed` and `conversions`
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from hub.errors import StoreError
from hub.history.contract import Policy
from hub.history.duckdb import compaction, conversion, retention, sealing
from hub.history.duckdb.open_file import HistoryFile
from hub.logs import Logger
from hub.timers import aligned_sleep

INTERVAL_S = 2.0
PAUSE_S = 0.02  # between steps while there is much to do: commits and queries come first
CHORES_INTERVAL_US = 600_000_000  # retention and compaction are looked for this often

_log = Logger("keeper")


@dataclass
class Bounds:
    """How large things may grow before the keeper takes them on."""

    fill_rows: int = sealing.FILL_ROWS
    fill_age: int = sealing.FILL_AGE_US
    piece_rows: int = sealing.PIECE_ROWS


class Keeper:
    """Keeps one history's file. `kept` says how long values stay, by device; `clock` gives µs UTC."""

    def __init__(
        self,
        database: HistoryFile,
        kept: Policy,
        clock: Callable[[], int],
        bounds: Bounds | None = None,
    ) -> None:
        self._database = database
        self._kept = kept
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._pieces: list[sealing.Span] = []  # of `filled`, the next one last
        self._compacting: tuple[compaction.Tier, int, list[sealing.Span]] | None = None
        self._chores_at = 0
        self._forgot = False

    async def run(self) -> None:
        """Keep until cancelled. A disk that says no is tried again at the next turn; the writer tells."""
        told = ""  # a full disk says the same every time: once is enough
        while True:
            try:
                while await self.step():  # noqa: ASYNC110 - no poll: each step is work
                    await asyncio.sleep(PAUSE_S)
                told = ""
            except StoreError as error:
                if str(error) != told:
                    told = str(error)
                    _log.warning("a step failed; it is taken again", why=told)
            await aligned_sleep(INTERVAL_S)
            while not told and not self.is_due():
                await aligned_sleep(INTERVAL_S)

    def is_due(self) -> bool:
        """Whether there may be something to do, as far as one knows without asking the file."""
        now, arrived, bounds = self._clock(), self._database.arrived, self._bounds
        return (
            arrived.is_news
            or arrived.is_full(now, bounds.fill_rows, bounds.fill_age)
            or self._has_chores(now)
        )

    async def step(self) -> bool:
        """Do the next piece of work, if any; whether there was."""
        return await self._database.keep(self._next)

    def _next(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """Retention before compaction: what is to go need not be put together first."""
        self._database.arrived.is_news = False
        return (
            sealing.sweep(cursor)
            or self._seal(cursor)
            or conversion.convert(cursor, self._database.exclusive)
            or self._turn_over(cursor)
            or self._forget(cursor)
            or self._compact(cursor)
        )

    def _turn_over(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        arrived, bounds = self._database.arrived, self._bounds
        with self._database.exclusive:
            arrived.correct(*sealing.arrived(cursor))
            if not arrived.is_full(self._clock(), bounds.fill_rows, bounds.fill_age):
                return False
            sealing.turn_over(cursor)
            arrived.correct(0, None)
        return True

    def _seal(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        if not sealing.is_filled(cursor):
            return False
        if not self._pieces:
            self._pieces = sealing.pieces(cursor, self._bounds.piece_rows)[::-1]
        if self._pieces:
            # A piece that fails may be sealed all the same: then look again.
            left, self._pieces = self._pieces, []
            sealing.seal(cursor, left.pop())
            self._pieces = left
        if not self._pieces:
            sealing.clear(cursor)
        return True

    def _has_chores(self, now: int) -> bool:
        """Where the last ones are ahead of `now`, the clock was set back, and they are due."""
        return not self._chores_at - CHORES_INTERVAL_US <= now < self._chores_at

    def _forget(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        now = self._clock()
        if not self._has_chores(now):
            return False
        if retention.forget(cursor, self._kept(), now):
            self._forgot = True
            return True
        self._chores_at = now + CHORES_INTERVAL_US
        if self._forgot:
            self._forgot = False
            self._make_room(cursor)
        self._compacting = self._next_compaction(cursor)
        return False

    def _make_room(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Fold the log into the file, so that what was forgotten is free for what comes.

        DuckDB does so by itself when its log is large. After retention it is short: it only says what went.
        """
        with self._database.exclusive:
            cursor.execute("CHECKPOINT")

    def _next_compaction(
        self, cursor: duckdb.DuckDBPyConnection
    ) -> tuple[compaction.Tier, int, list[sealing.Span]] | None:
        for tier in compaction.TIERS:
            start = compaction.due(cursor, tier, self._clock())
            if start is not None:
                return tier, start, compaction.pieces(cursor, tier, start, self._bounds.piece_rows)
        return None

    def _compact(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        if self._compacting is None:
            return False
        tier, start, pieces = self._compacting
        if pieces:
            compaction.compact(cursor, tier, start, pieces[-1])
            pieces.pop()
            return True
        compaction.finish(cursor, tier, start)
        self._compacting = self._next_compaction(cursor)
        return True
