"""How readings are checked against what is known of their device.

Theory. Readings that come together are mostly alike: numbers of the same known metrics, each in its range. Those are checked
column by column, which is a few calls for all of them instead of a few for each value. Where anything at all is
different, they are checked one by one, and whatever is unusual in one of them is taken with care: that answers for
every case, and the columns only ever say what it would say too.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple, cast

from pydantic_core import to_json

from hub.config import LimitsConfig
from hub.history.batch import Batch
from hub.intake.known import TYPES, UNKNOWN, KnownDevice, MetricCheck
from hub.intake.sequence import REPEATED
from hub.model import RAW_MAX, Metric, Reading, Refusal, Run, Value

# A reading with more values or longer texts counts as several in limits.pending_readings, so that it bounds memory.
READING_VALUES = 10
VALUE_CHARS = 20

ALIKE_MIN = 8  # readings; fewer are checked sooner one by one

_Fault = tuple[str, str]
"""Code and message of a refusal."""


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


class Checked(NamedTuple):
    """What became of readings: those taken, as the feed and as the history want them, and the others."""

    run: Run
    columns: Columns
    refusals: Sequence[Refusal] = ()
    repeated: int = 0
    lost: int = 0  # sequence numbers that were jumped over
    restarted: bool = False  # the device began to count again


class ReadingChecks:
    """Checks readings. New metrics get their numbers here."""

    def __init__(self, limits: LimitsConfig) -> None:
        self.next_metric = 1
        self._limits = limits
        self._future_max = round(limits.future_max_s * 1e6)

    def check(self, known: KnownDevice, readings: Sequence[Reading], now: int, batch: Batch) -> Checked:
        """Check readings that came at `now` (µs, UTC); new metrics and sequence numbers go into the batch."""
        latest_allowed = now + self._future_max
        if len(readings) >= ALIKE_MIN:
            alike = self._alike(known, readings, now, latest_allowed, batch)
            if alike is not None:
                return alike
        return self._one_by_one(known, readings, now, latest_allowed, batch)

    def _alike(
        self, known: KnownDevice, readings: Sequence[Reading], now: int, latest_allowed: int, batch: Batch
    ) -> Checked | None:
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
            check = known.checks.get(name, UNKNOWN)
            try:
                values = [row[name] for row in rows]
            except KeyError:
                return None
            if not check.fits(values):
                return None
            columns.add(check.number, times, values)
        lost, newest = 0, max(times)
        if seqs.count(None) != count:
            first, sequence = seqs[0], known.sequence
            if first is None or first <= sequence.highest or seqs != tuple(range(first, first + count)):
                return None
            if sequence.old_until >= 0 and min(times) <= sequence.old_until:
                return None
            lost = sequence.count_up(first, seqs[-1], newest)
            batch.sequences[known.number] = (sequence.highest, sequence.lost)
        return Checked(Run(times, rows, alike=times[-1] == newest), columns, lost=lost)

    def _one_by_one(
        self, known: KnownDevice, readings: Sequence[Reading], now: int, latest_allowed: int, batch: Batch
    ) -> Checked:
        """Any readings: each is taken, refused, or dropped because it is repeated."""
        columns, checks, sequence = Columns(), known.checks, known.sequence
        times: list[int] = []
        rows: list[dict[str, Value]] = []
        refusals: list[Refusal] = []
        repeated = lost = 0
        restarts = sequence.restarts
        for position, (told, values, seq) in enumerate(readings):
            if seq is not None:
                jumped = sequence.take(seq, told, now, latest_allowed)
                if jumped == REPEATED:
                    repeated += 1
                    continue
                lost += jumped
                batch.sequences[known.number] = (sequence.highest, sequence.lost)
            time = now if told is None else told
            if time > latest_allowed:
                fault: _Fault | None = ("future", self._too_early(time, now))
            else:
                mark = len(columns.metrics)
                fault = None
                for name, value in values.items():
                    # Unpacked at once: four reads of a named tuple's fields cost a tenth of this loop.
                    number, kind, low, high = checks.get(name, UNKNOWN)
                    if type(value) is not float or kind is not float or not low <= value <= high:
                        columns.cut(mark)
                        fault = self._take_with_care(known, time, values, columns, batch)
                        break
                    columns.metrics.append(number)
                    columns.times.append(time)
                    columns.values.append(value)
            if fault is None:
                times.append(time)
                rows.append(values)
            else:
                refusals.append(_refusal(position, Reading(time, values, seq), *fault))
        restarted = sequence.restarts != restarts
        return Checked(Run(times, rows, len(rows) == 1), columns, refusals, repeated, lost, restarted)

    def _take_with_care(
        self, known: KnownDevice, time: int, values: dict[str, Value], columns: Columns, batch: Batch
    ) -> _Fault | None:
        """A reading with texts, truth values, new metrics, or a fault, which is told: all of it is taken, or none."""
        checks = known.checks
        for name, value in values.items():
            check = checks.get(name)
            fault = None if check is None else _fault(check, name, value)
            if fault is not None:
                return fault
        new = values.keys() - checks.keys()
        if new and len(checks) + len(new) > self._limits.metrics_max:
            return (
                "too_many_metrics",
                f"a device has at most {self._limits.metrics_max} metrics (limits.metrics_max)",
            )
        for name, value in values.items():
            check = checks.get(name) or self.new_metric(known, name, value, batch)
            columns.add(check.number, (time,), (value,))
        return None

    def new_metric(self, known: KnownDevice, name: str, value: Value, batch: Batch) -> MetricCheck:
        """Make a metric of this value's type."""
        metric = Metric(self.next_metric, known.number, name, TYPES[type(value)])
        self.next_metric += 1
        batch.metrics[metric.number] = metric
        known.learn(metric)
        return known.checks[name]

    def _too_early(self, time: int, now: int) -> str:
        ahead_s = (time - now) / 1e6
        return f"ts: {ahead_s:.0f} s ahead of the hub's clock; at most {self._limits.future_max_s:.0f} s (limits.future_max_s)"


def _fault(check: MetricCheck, name: str, value: Value) -> _Fault | None:
    if type(value) is not check.kind:
        return "type", f"{name}: a {TYPES[check.kind]} is wanted, got a {TYPES[type(value)]}"
    if not isinstance(value, str) and not check.low <= value <= check.high:
        return "range", f"{name}: {value} is outside {check.low} to {check.high}"
    return None


def _refusal(position: int, reading: Reading, code: str, message: str) -> Refusal:
    shown = {"ts": None if reading.time is None else reading.time / 1000, "values": reading.values}
    if reading.seq is not None:
        shown["seq"] = reading.seq
    return Refusal(position, code, message, to_json(shown)[:RAW_MAX])
