"""The thread behind a group commit: it stores one batch after the other, and tries again what failed.

A batch that cannot be stored (disk full, disk failing) is kept and tried again, with a growing pause. Until
then nothing newer is stored.
"""

import queue
import threading
from collections.abc import Callable

from hub.history.batch import Batch

RETRY_MIN_S = 0.25
RETRY_MAX_S = 5.0


class Writer(threading.Thread):
    """Calls `store` with the batches it is given, in order.

    `store` raises where it has failed, and is called again with the same batch. `stored` and `failed` are
    told in this thread what became of each try. A writer that stops tries its batch once more.
    """

    def __init__(
        self,
        name: str,
        store: Callable[[Batch], None],
        stored: Callable[[Batch], None],
        failed: Callable[[Exception], None],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._store = store
        self._stored = stored
        self._failed = failed
        # One batch is in flight at most, so this holds no more than it and the order to stop.
        self._batches: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def write(self, batch: Batch) -> None:
        """Take a batch to store; the caller has none in flight."""
        self._batches.put(batch)

    def stop(self) -> None:
        """End after what was given; a disk that fails now is not waited for."""
        self._stopping.set()
        self._batches.put(None)

    def run(self) -> None:
        """Store until told to stop."""
        while (batch := self._batches.get()) is not None:
            pause_s = RETRY_MIN_S
            while not self._try(batch):
                if self._stopping.wait(pause_s):
                    if not self._try(batch):
                        return
                    break
                pause_s = min(RETRY_MAX_S, 2 * pause_s)

    def _try(self, batch: Batch) -> bool:
        try:
            self._store(batch)
        except Exception as error:  # noqa: BLE001 - this thread must live to try again
            self._failed(error)
            return False
        self._stored(batch)
        return True
