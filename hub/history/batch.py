"""What one commit writes: the columns of the readings, and all that must be on disk together with them."""

from array import array
from typing import NamedTuple

import numpy as np

from hub.history.commit import Commit
from hub.model import Metric, MetricType, Rejection, SequenceMark


class Unstored(NamedTuple):
    """One metric's values in a batch that may be on its way to the disk, column by column."""

    batch: int  # Batch.number
    time: np.ndarray  # µs, UTC
    value: np.ndarray  # numbers; texts as objects


class Retyped(NamedTuple):
    """A metric's type was changed: from now on its values have a number of their own."""

    old: int  # Metric.number
    old_type: MetricType
    new: int
    new_type: MetricType


class Batch:
    """An open batch gathers; once handed to the writer it is only read. They are committed by their numbers.

    Columns, not rows: the numbers go to the disk as they lie in memory. `runs` holds what is the same for all
    values of one append, flat: device number, received_at, count, and so on.
    """

    __slots__ = (
        "began_s",
        "metric",
        "metrics",
        "number",
        "readings",
        "rejections",
        "removed",
        "removed_metrics",
        "retyped",
        "runs",
        "sequences",
        "stored",
        "texts",
        "time",
        "value",
    )

    def __init__(self, number: int, stored: Commit) -> None:
        self.number = number  # once others were absorbed, that of the last one
        self.stored = stored  # done when all of this batch is on disk
        self.began_s = 0.0  # the loop's time when it may have got its first reading
        self.readings = 0
        self.runs = array("q")
        self.metric = array("i")
        self.time = array("q")  # µs, UTC
        self.value = array("d")
        self.texts: list[tuple[int, int, int, int, str]] = []  # device, metric, time, received_at, text
        self.metrics: dict[int, Metric] = {}  # new or changed, by number
        self.sequences: dict[int, SequenceMark] = {}  # by device number
        self.rejections: list[Rejection] = []
        self.removed: set[int] = set()  # device numbers: all that was stored of them goes
        self.removed_metrics: set[int] = set()  # the same of single metrics, by number
        self.retyped: list[Retyped] = []

    def __bool__(self) -> bool:
        return bool(self.runs or self.sequences or self.has_rare)

    @property
    def has_rare(self) -> bool:
        """Whether there is anything but numbers and sequence marks."""
        return bool(
            self.texts
            or self.metrics
            or self.rejections
            or self.removed
            or self.removed_metrics
            or self.retyped
        )

    def add(
        self,
        device: int,
        received_at: int,
        metrics: list[int],
        times: list[int],
        values: list[float],
    ) -> None:
        """Append the values of some readings of one device: three columns of the same length.

        `fromlist` and not `extend`: 10 ns a value instead of 25.
        """
        self.runs.fromlist([device, received_at, len(metrics)])
        self.metric.fromlist(metrics)
        self.time.fromlist(times)
        self.value.fromlist(values)

    def add_rows(
        self,
        devices: np.ndarray,
        received_at: np.ndarray,
        metrics: np.ndarray,
        times: np.ndarray,
        values: np.ndarray,
    ) -> None:
        """Append values of many devices: columns of the same length. 2 ms for 10,000 that were all received
        at different times.
        """
        changes = np.flatnonzero((np.diff(devices) != 0) | (np.diff(received_at) != 0)) + 1
        starts = np.concatenate(([0], changes))
        counts = np.diff(np.concatenate((starts, [len(times)])))
        runs = np.column_stack((devices[starts], received_at[starts], counts))
        self.runs.frombytes(runs.astype(np.int64).tobytes())
        self.metric.frombytes(metrics.astype(np.int32).tobytes())
        self.time.frombytes(times.astype(np.int64).tobytes())
        self.value.frombytes(values.astype(np.float64).tobytes())

    def absorb(self, later: "Batch") -> None:
        """Append all of a batch that came after everything here: one commit of both is as good as two."""
        self.number = later.number
        self.readings += later.readings
        self.runs.extend(later.runs)
        self.metric.extend(later.metric)
        self.time.extend(later.time)
        self.value.extend(later.value)
        self.texts.extend(later.texts)
        self.metrics.update(later.metrics)
        self.sequences.update(later.sequences)
        self.rejections.extend(later.rejections)
        self.removed.update(later.removed)
        self.removed_metrics.update(later.removed_metrics)
        self.retyped.extend(later.retyped)

    @property
    def changes_metrics(self) -> bool:
        """Whether it takes away, or converts, what is stored already."""
        return bool(self.removed or self.removed_metrics or self.retyped)

    def of(self, metric: Metric) -> Unstored:
        """What is here of one metric, copied because columns may grow meanwhile. 0.3 ms at 400,000 values."""
        if metric.type is MetricType.TEXT:
            return self._texts_of(metric)
        chosen = np.flatnonzero(np.array(self.metric) == metric.number)
        return Unstored(self.number, np.array(self.time)[chosen], np.array(self.value)[chosen])

    def _texts_of(self, metric: Metric) -> Unstored:
        found = [(time, text) for _, number, time, _, text in self.texts if number == metric.number]
        time = np.array([time for time, _ in found], np.int64)
        return Unstored(self.number, time, np.array([text for _, text in found], dtype=object))
