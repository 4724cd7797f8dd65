"""What is in `readings`, known without asking the file: an idle hub's keeper has nothing to ask then."""

import numpy as np

from hub.history.batch import Batch


class Arrived:
    """Told by who folds; the keeper corrects it whenever it looks. Both hold `HistoryFile.exclusive`."""

    def __init__(self) -> None:
        self.rows = 0
        self.oldest: int | None = None  # the least received_at, µs UTC
        self.is_news = True  # there may be more to do than these two say

    def add(self, batch: Batch) -> None:
        """This was folded."""
        self.rows += len(batch.metric) + len(batch.texts)
        came = [int(np.min(batch.runs[1::3]))] if batch.runs else []
        came += [received_at for _, _, _, received_at, _ in batch.texts]
        if self.oldest is not None:
            came.append(self.oldest)
        self.oldest = min(came, default=None)
        if batch.changes_metrics:
            self.is_news = True

    def correct(self, rows: int, oldest: int | None) -> None:
        """The file says so."""
        self.rows, self.oldest = rows, oldest

    def is_full(self, now: int, rows: int, age: int) -> bool:
        """Whether there are so many rows, or one that came so long ago (µs)."""
        return self.rows >= rows or (self.oldest is not None and now - self.oldest >= age)
