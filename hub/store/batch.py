"""What one commit writes: the columns of the readings, and all that must be on disk together with them."""

import asyncio
from array import array
from collections.abc import Sequence

from hub.model import Metric, Rejection


class Batch:
    """An open batch gathers; once handed to the writer it is only read.

    Columns, not rows: the numbers go to DuckDB as they lie in memory. `runs` holds what is the same for all
    values of one append: (device number, received_at, count).
    """

    __slots__ = (
        "metric",
        "metrics",
        "readings",
        "rejections",
        "removed",
        "runs",
        "sequences",
        "stored",
        "texts",
        "time",
        "value",
    )

    def __init__(self, stored: asyncio.Future[None]) -> None:
        self.stored = stored  # done when all of this batch is on disk
        self.readings = 0
        self.runs: list[tuple[int, int, int]] = []
        self.metric = array("i")
        self.time = array("q")  # µs, UTC
        self.value = array("d")
        self.texts: list[tuple[int, int, int, int, str]] = []  # device, metric, time, received_at, text
        self.metrics: dict[int, Metric] = {}  # new or changed, by number
        self.sequences: dict[int, tuple[int, int]] = {}  # device number: (highest stored, lost so far)
        self.rejections: list[Rejection] = []
        self.removed: set[int] = set()  # device numbers: all that was stored of them goes

    def __bool__(self) -> bool:
        return bool(
            self.runs or self.texts or self.metrics or self.sequences or self.rejections or self.removed
        )

    def add(
        self,
        device: int,
        received_at: int,
        metrics: Sequence[int],
        times: Sequence[int],
        values: Sequence[float],
    ) -> None:
        """Append the values of some readings of one device: three columns of the same length.

        `fromlist` and not `extend`: 10 ns a value instead of 25.
        """
        self.runs.append((device, received_at, len(metrics)))
        self.metric.fromlist(list(metrics))
        self.time.fromlist(list(times))
        self.value.fromlist(list(values))
