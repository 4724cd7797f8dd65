"""How readings are checked against what is known of their device.

Theory. Readings that come together are mostly alike: numbers of the same known metrics, each in its range.
Those are checked column by column, which is a few calls for all of them instead of a few for each value.
Where anything at all is different, they are checked one by one, and what is unusual in one of them is taken
with care. One by one is right in every case; the columns may only take what it would take.
"""

from collections.abc import Sequence
from itertools import islice, repeat
from typing import NamedTuple, cast

from pydantic_core import to_json

from hub.config import LimitsConfig, ReadingsConfig
from hub.errors import Invalid
from hub.history.batch import Batch
from hub.intake.known import TYPES, UNKNOWN, KnownDevice, MetricCheck, ValueSpan
from hub.intake.sequence import REPEATED
from hub.intake.values import ValueChecks
from hub.model import Fault, Metric, Reading, Refusal, Run, Value, refusal_of, refusals_of

# A reading with more values or longer texts counts as several in limits.pending_readings: it bounds memory.
READING_VALUES = 10
VALUE_CHARS = 20

# How far ahead devices' times are believed while the hub's clock is not set.
FUTURE_UNKNOWN_US = 20 * 366 * 86_400_000_000

ALIKE_MIN = 8  # readings; fewer are checked sooner one by one
NAMED_MAX = 5  # metrics in one sentence


class TakenValues:
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
        size = len(self.metrics)
        if self.texts:
            size += sum(1 + len(text) // VALUE_CHARS for _, _, text in self.texts)
        return size // READING_VALUES


class Checked(NamedTuple):
    """What became of readings: those taken, as the feed and as the history want them, and the others."""

    run: Run
    columns: TakenValues
    refusals: Sequence[Refusal] = ()
    repeated: int = 0
    lost: int = 0  # sequence numbers that were jumped over
    restarted: bool = False  # the device began to count again
    spans: Sequence[
        ValueSpan
    ] = ()  # of readings that are alike, by metric, in the order of the first reading


class ReadingChecks:
    """Checks readings. New metrics get their numbers here."""

    def __init__(self, limits: LimitsConfig, readings: ReadingsConfig) -> None:
        self.next_metric = 1
        self._values = ValueChecks(readings)
        self._limits = limits
        self._future_max = round(limits.future_max_s * 1e6)
        self.hub_has_time = True  # else devices know better than the hub what is ahead of now

    def latest_allowed(self, now: int) -> int:
        """The latest time (µs, UTC) that is taken in now."""
        return now + (self._future_max if self.hub_has_time else FUTURE_UNKNOWN_US)

    def check(self, known: KnownDevice, readings: Sequence[Reading], now: int, batch: Batch) -> Checked:
        """Check readings that came at `now` (µs, UTC); new metrics and sequence numbers go into the batch."""
        latest_allowed = self.latest_allowed(now)
        if len(readings) >= ALIKE_MIN:
            alike = self._alike(known, readings, now, latest_allowed, batch)
            if alike is not None:
                return alike
        return self._one_by_one(known, readings, now, latest_allowed, batch)

    def _alike(
        self, known: KnownDevice, readings: Sequence[Reading], now: int, latest_allowed: int, batch: Batch
    ) -> Checked | None:
        """Readings with the same known metrics and nothing wrong. None of others; then nothing was changed.

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
        columns = TakenValues()
        spans: list[ValueSpan] = []
        for name in names:
            check = known.checks.get(name, UNKNOWN)
            try:
                values = [row[name] for row in rows]
            except KeyError:
                return None
            span = check.span(values)
            if span is None:
                return None
            spans.append(span)
            columns.add(check.number, times, values)
        lost, newest = 0, max(times)
        if seqs.count(None) != count:
            first, sequence = seqs[0], known.sequence
            if first is None or first <= sequence.highest or seqs != tuple(range(first, first + count)):
                return None
            if sequence.old_until >= 0 and min(times) <= sequence.old_until:
                return None
            lost = sequence.count_up(first, seqs[-1], newest)
            batch.sequences[known.number] = sequence.mark()
        return Checked(Run(times, rows, alike=times[-1] == newest), columns, lost=lost, spans=spans)

    def _one_by_one(
        self, known: KnownDevice, readings: Sequence[Reading], now: int, latest_allowed: int, batch: Batch
    ) -> Checked:
        """Any readings: each is taken, wholly or in part, refused, or dropped because it is repeated."""
        columns, checks, sequence = TakenValues(), known.checks, known.sequence
        times: list[int] = []
        rows: list[dict[str, Value]] = []
        refusals: list[Refusal] = []
        repeated = lost = 0
        restarts, is_counted = sequence.restarts, False
        for position, (told, values, seq) in enumerate(readings):
            if seq is not None:
                jumped = sequence.take(seq, told, now, latest_allowed)
                if jumped == REPEATED:
                    repeated += 1
                    continue
                lost += jumped
                is_counted = True
            time = now if told is None else told
            if time > latest_allowed:
                early = Fault("", "future", self._too_early(time, now), b"")
                refusals.append(refusal_of(position, [early], _raw(time, values, seq)))
                continue
            mark = len(columns.metrics)
            taken = values
            for name, value in values.items():
                # Unpacked at once: four reads of a named tuple's fields cost a tenth of this loop.
                number, kind, low, high = checks.get(name, UNKNOWN)
                if type(value) is not float or kind is not float or not low <= value <= high:
                    columns.cut(mark)
                    taken, refused = self._take_with_care(known, position, time, values, seq, columns, batch)
                    refusals += refused
                    break
                columns.metrics.append(number)
                columns.times.append(time)
                columns.values.append(value)
            if taken:
                times.append(time)
                rows.append(taken)
        if is_counted:
            batch.sequences[known.number] = sequence.mark()
        restarted = sequence.restarts != restarts
        return Checked(Run(times, rows, len(rows) == 1), columns, refusals, repeated, lost, restarted)

    def _take_with_care(
        self,
        known: KnownDevice,
        position: int,
        time: int,
        values: dict[str, Value],
        seq: int | None,
        columns: TakenValues,
        batch: Batch,
    ) -> tuple[dict[str, Value], list[Refusal]]:
        """A reading with texts, truth values, new metrics or faults: what was taken of it, and refused."""
        checks = known.checks
        taken: dict[str, Value] = {}
        faults: list[Fault] = []
        for name, value in values.items():
            check = checks.get(name)
            try:
                read = self._values.read(check, name, value)
                if read is None:
                    continue
                if check is None:
                    check = self._new_check(known, name, read, batch)
            except Invalid as error:
                faults.append(Fault(name, error.code, str(error), _raw(time, {name: value}, seq)))
                continue
            columns.add(check.number, (time,), (read,))
            taken[name] = read
        if taken:
            return taken, refusals_of(position, faults) if faults else []
        if not faults:
            named = ", ".join(islice(values, NAMED_MAX))
            empty = f"{named}: no value in this reading, only words for none (readings.no_value)"
            faults.append(Fault("", "empty", empty, b""))
        return taken, [refusal_of(position, faults, _raw(time, values, seq))]

    def _new_check(self, known: KnownDevice, name: str, value: Value, batch: Batch) -> MetricCheck:
        """Of a metric that this value is the first of. Raises Invalid."""
        if len(known.checks) >= self._limits.metrics_max:
            most = self._limits.metrics_max
            raise Invalid(
                f"{name}: a device has at most {most} metrics (limits.metrics_max)", name, "too_many_metrics"
            )
        return self.new_metric(known, name, value, batch)

    def new_metric(self, known: KnownDevice, name: str, value: Value, batch: Batch) -> MetricCheck:
        """Make a metric of this value's type."""
        metric = Metric(self.next_metric, known.number, name, TYPES[type(value)])
        self.next_metric += 1
        batch.metrics[metric.number] = metric
        known.learn(metric)
        return known.checks[name]

    def _too_early(self, time: int, now: int) -> str:
        ahead_s = (time - now) / 1e6
        most_s = self._limits.future_max_s
        return f"ts: {ahead_s:.0f} s ahead of the hub's clock; at most {most_s:.0f} s (limits.future_max_s)"


def _raw(time: int, values: dict[str, Value], seq: int | None) -> bytes:
    """A reading, or one value of it, as it is kept when it was refused."""
    shown: dict[str, object] = {"ts": time / 1000, "values": values}
    if seq is not None:
        shown["seq"] = seq
    return to_json(shown)
