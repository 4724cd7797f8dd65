"""What is known of one device where its readings come in, and how they are checked against it.

Theory. Readings that come together are mostly alike: numbers of the same known metrics, each in its range. Those are checked
column by column, which is a few calls for all of them instead of a few for each value. Where anything at all is
different, they are checked one by one, and whatever is unusual in one of them is taken with care: that answers for
every case, and the columns only ever say what it would say too.
"""

import math
from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple, cast

from pydantic_core import to_json

from hub.config import LimitsConfig
from hub.feed import DeviceChannel
from hub.history.batch import Batch
from hub.model import RAW_MAX, Device, Metric, MetricType, Reading, Refusal, Run, Value

# A reading with more values or longer texts counts as several in limits.pending_readings, so that it bounds memory.
READING_VALUES = 10
VALUE_CHARS = 20

ALIKE_MIN = 8  # readings; fewer are checked sooner one by one

_TYPES: dict[type, MetricType] = {float: MetricType.NUMBER, str: MetricType.TEXT, bool: MetricType.BOOLEAN}
_KINDS = {metric: kind for kind, metric in _TYPES.items()}


class _Gauge(NamedTuple):
    """What a value of one metric must be: the hot path's form of a Metric."""

    number: int
    kind: type
    low: float
    high: float

    def fits(self, values: Sequence[Value]) -> bool:
        """Whether all are of the metric's type and within its range."""
        if set(map(type, values)) != {self.kind}:
            return False
        return self.kind is str or (self.low <= min(values) and max(values) <= self.high)  # type: ignore[operator]


_Fault = tuple[str, str]
"""Code and message of a refusal."""

_UNKNOWN = _Gauge(0, type(None), 0.0, 0.0)  # of no kind that a value has


class Inlet:
    """All that the intake knows of one device."""

    __slots__ = ("channel", "device", "filled_at", "gauges", "highest", "lost", "metrics", "tokens")

    def __init__(
        self, device: Device, channel: DeviceChannel, highest: int, lost: int, tokens: float
    ) -> None:
        self.device = device
        self.channel = channel
        self.highest = highest  # sequence number; -1 before the first
        self.lost = lost
        self.metrics: dict[str, Metric] = {}
        self.gauges: dict[str, _Gauge] = {}
        self.tokens = tokens  # readings it may send at once
        self.filled_at = 0  # µs

    def know(self, metric: Metric) -> None:
        """Take in a new or changed metric."""
        low = -math.inf if metric.minimum is None else metric.minimum
        high = math.inf if metric.maximum is None else metric.maximum
        self.metrics[metric.name] = metric
        self.gauges[metric.name] = _Gauge(metric.number, _KINDS[metric.type], low, high)


class Columns:
    """The values of one call, as the batch wants them."""

    __slots__ = ("metrics", "texts", "times", "values")

    def __init__(self) -> None:
        self.metrics: list[int] = []
        self.times: list[int] = []
        self.values: list[float] = []
        self.texts: list[tuple[int, int, str]] = []  # metric, time, text

    def add(self, metric: int, times: Sequence[int], values: Sequence[Value]) -> None:
        """Values of one metric, all of its type."""
        if isinstance(values[0], str):
            self.texts += zip(repeat(metric), times, cast("Sequence[str]", values))
        else:
            self.metrics += [metric] * len(times)
            self.times += times
            self.values += cast("Sequence[float]", values)

    def cut(self, mark: int) -> None:
        """Only so many numbers are left."""
        del self.metrics[mark:], self.times[mark:], self.values[mark:]

    def __len__(self) -> int:
        return len(self.metrics) + len(self.texts)

    def weight(self) -> int:
        """How many readings of ordinary size this is."""
        return (
            len(self.metrics) + sum(1 + len(text) // VALUE_CHARS for _, _, text in self.texts)
        ) // READING_VALUES


class Sifted(NamedTuple):
    """What became of readings: those taken, as the feed and as the history want them, and the others."""

    run: Run
    columns: Columns
    refusals: Sequence[Refusal] = ()
    repeated: int = 0
    lost: int = 0  # sequence numbers that were jumped over


class Sieve:
    """Checks readings. New metrics get their numbers here."""

    def __init__(self, limits: LimitsConfig) -> None:
        self.next_metric = 1
        self._limits = limits
        self._future_max = round(limits.future_max_s * 1e6)

    def sift(self, inlet: Inlet, readings: Sequence[Reading], now: int, batch: Batch) -> Sifted:
        """Check readings that came at `now` (µs, UTC); new metrics and sequence numbers go into the batch."""
        latest_allowed = now + self._future_max
        if len(readings) >= ALIKE_MIN:
            alike = self._alike(inlet, readings, now, latest_allowed, batch)
            if alike is not None:
                return alike
        return self._one_by_one(inlet, readings, now, latest_allowed, batch)

    def _alike(
        self, inlet: Inlet, readings: Sequence[Reading], now: int, latest_allowed: int, batch: Batch
    ) -> Sifted | None:
        """Readings with the same known metrics and nothing wrong; None of others, and then nothing was changed.

        The path of every reading: 0.2 µs with two values where many come together, one by one it is 0.8.
        """
        times, rows, seqs = zip(*readings, strict=True)
        count = len(rows)
        if times.count(None) == count:
            times = (now,) * count
        elif None in times or max(times) > latest_allowed:
            return None
        names = rows[0].keys()
        if set(map(len, rows)) != {len(names)}:
            return None
        columns = Columns()
        for name in names:
            gauge = inlet.gauges.get(name, _UNKNOWN)
            try:
                values = [row[name] for row in rows]
            except KeyError:
                return None
            if not gauge.fits(values):
                return None
            columns.add(gauge.number, times, values)
        lost = 0
        if seqs.count(None) != count:
            first = seqs[0]
            if first is None or first <= inlet.highest or seqs != tuple(range(first, first + count)):
                return None
            lost = _count_up(inlet, first, seqs[-1], batch)
        return Sifted(Run(times, rows, alike=times[-1] == max(times)), columns, lost=lost)

    def _one_by_one(
        self, inlet: Inlet, readings: Sequence[Reading], now: int, latest_allowed: int, batch: Batch
    ) -> Sifted:
        """Any readings: each is taken, refused, or dropped because it is repeated."""
        columns, gauges = Columns(), inlet.gauges
        times: list[int] = []
        rows: list[dict[str, Value]] = []
        refusals: list[Refusal] = []
        repeated = lost = 0
        for position, (told, values, seq) in enumerate(readings):
            if seq is not None:
                if seq <= inlet.highest:
                    repeated += 1
                    continue
                lost += _count_up(inlet, seq, seq, batch)
            time = now if told is None else told
            if time > latest_allowed:
                fault: _Fault | None = ("future", self._too_early(time, now))
            else:
                mark = len(columns.metrics)
                fault = None
                for name, value in values.items():
                    # Unpacked at once: four reads of a named tuple's fields cost a tenth of this loop.
                    number, kind, low, high = gauges.get(name, _UNKNOWN)
                    if type(value) is not float or kind is not float or not low <= value <= high:
                        columns.cut(mark)
                        fault = self._take_with_care(inlet, time, values, columns, batch)
                        break
                    columns.metrics.append(number)
                    columns.times.append(time)
                    columns.values.append(value)
            if fault is None:
                times.append(time)
                rows.append(values)
            else:
                refusals.append(_refusal(position, Reading(time, values, seq), *fault))
        return Sifted(Run(times, rows, len(rows) == 1), columns, refusals, repeated, lost)

    def _take_with_care(
        self, inlet: Inlet, time: int, values: dict[str, Value], columns: Columns, batch: Batch
    ) -> _Fault | None:
        """A reading with texts, truth values, new metrics, or a fault, which is told: all of it is taken, or none."""
        gauges = inlet.gauges
        for name, value in values.items():
            gauge = gauges.get(name)
            fault = None if gauge is None else _fault(gauge, name, value)
            if fault is not None:
                return fault
        new = values.keys() - gauges.keys()
        if new and len(gauges) + len(new) > self._limits.metrics_max:
            return (
                "too_many_metrics",
                f"a device has at most {self._limits.metrics_max} metrics (limits.metrics_max)",
            )
        for name, value in values.items():
            gauge = gauges.get(name) or self.new_gauge(inlet, name, value, batch)
            columns.add(gauge.number, (time,), (value,))
        return None

    def new_gauge(self, inlet: Inlet, name: str, value: Value, batch: Batch) -> _Gauge:
        """Make a metric of this value's type."""
        metric = Metric(self.next_metric, inlet.device.number, name, _TYPES[type(value)])
        self.next_metric += 1
        batch.metrics[metric.number] = metric
        inlet.know(metric)
        return inlet.gauges[name]

    def _too_early(self, time: int, now: int) -> str:
        ahead_s = (time - now) / 1e6
        return f"ts: {ahead_s:.0f} s ahead of the hub's clock; at most {self._limits.future_max_s:.0f} s (limits.future_max_s)"


def _count_up(inlet: Inlet, first: int, last: int, batch: Batch) -> int:
    """Sequence numbers, none missing between these, came after the highest so far; how many that one and they leave out."""
    jumped = first - inlet.highest - 1 if inlet.highest >= 0 else 0
    inlet.lost += jumped
    inlet.highest = last
    batch.sequences[inlet.device.number] = (last, inlet.lost)
    return jumped


def _fault(gauge: _Gauge, name: str, value: Value) -> _Fault | None:
    if type(value) is not gauge.kind:
        return "type", f"{name}: a {_TYPES[gauge.kind]} is wanted, got a {_TYPES[type(value)]}"
    if not isinstance(value, str) and not gauge.low <= value <= gauge.high:
        return "range", f"{name}: {value} is outside {gauge.low} to {gauge.high}"
    return None


def _refusal(position: int, reading: Reading, code: str, message: str) -> Refusal:
    shown = {"ts": None if reading.time is None else reading.time / 1000, "values": reading.values}
    if reading.seq is not None:
        shown["seq"] = reading.seq
    return Refusal(position, code, message, to_json(shown)[:RAW_MAX])
