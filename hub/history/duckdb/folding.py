"""The second stage of the way to the disk: from the journal into the history's file."""

from collections.abc import Callable

from hub.history.batch import Batch
from hub.history.duckdb.fold import Fold
from hub.history.group import GroupCommit, Words
from hub.history.journal.journal import Journal

# A fold costs 5 to 10 ms of processor time and 10 KB on the disk, however few readings there are. What waits
# is in the journal and in memory, and is not much: READINGS_MAX and `is_large` bring it in earlier.
INTERVAL_S = 60.0
LATE_S = 30.0
FOLDING = Words(
    "folding",
    fails="the journal does not get into the history; that is tried again, and nothing is lost meanwhile",
    is_late="the journal takes too long to get into the history; nothing is lost meanwhile",
    works="the journal gets into the history again",
)


class Folding(GroupCommit):
    """Gathers what the journal has, and folds it.

    `look` is called when some of the journal is gone, and when something goes wrong with that.
    """

    def __init__(self, fold: Fold, journal: Journal, number: int, look: Callable[[], None]) -> None:
        super().__init__(FOLDING, self._store, number, INTERVAL_S, LATE_S)
        self._fold = fold
        self._journal = journal
        self._look = look

    def take(self, batch: Batch) -> None:
        """This one is in the journal; the file has all before it, or they wait here."""
        self.batch.absorb(batch)
        if batch.changes_metrics or self._journal.is_large:
            self.hurry()  # people wait for that, and look

    @property
    def behind(self) -> str | None:
        """Why nothing gets into the file; None while it does."""
        if self.failure is None and self.is_late:
            return f"nothing was brought into the history for over {LATE_S:g} s"
        return self.failure

    def _store(self, batch: Batch) -> None:
        self._fold.take(batch, self._journal.run)
        self._journal.forget(batch.number)

    def _after(self, batch: Batch) -> None:
        del batch
        self._look()

    def _on_failed(self, message: str) -> None:
        super()._on_failed(message)
        self._look()

    def _on_late(self) -> None:
        super()._on_late()
        self._look()
