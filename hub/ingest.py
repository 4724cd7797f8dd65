"""The one way in: every reading of every device, whatever brought it.

`Ingest.accept` checks readings against their device's metrics, drops repeated sequence numbers, stamps the
time, publishes to the feed and appends to the history's open batch, all in one turn of the loop. What it
returns tells the transport when to acknowledge.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic_core import to_json

from hub.config import LimitsConfig
from hub.errors import Invalid, NotFound, StoreError
from hub.feed import DeviceChannel, Feed
from hub.model import RAW_MAX, Device, Metric, MetricType, Reading, Refusal, Rejection, Value
from hub.presence import Roster
from hub.store.batch import Batch
from hub.store.history import History

REJECTIONS_PER_BATCH = 1000  # more are counted, not kept: a flood of nonsense must not fill the disk
# A reading with more values or longer texts counts as several in limits.pending_readings, so that it bounds memory.
READING_VALUES = 10
VALUE_CHARS = 20

_TYPES: dict[type, MetricType] = {float: MetricType.NUMBER, str: MetricType.TEXT, bool: MetricType.BOOLEAN}
_EXAMPLES: dict[MetricType, Value] = {
    MetricType.NUMBER: 0.0,
    MetricType.TEXT: "",
    MetricType.BOOLEAN: False,
}


class Receipt(NamedTuple):
    """What became of the readings of one call."""

    accepted: int  # taken, or repeated and dropped: nothing more is needed of them
    refusals: Sequence[Refusal]
    stored: asyncio.Future[None]  # done when all of this call, rejections included, is on disk
    wait_s: float  # over 0: the device is over its rate; read no more from it for so long


@dataclass(slots=True)
class Counts:
    """Totals since the start."""

    readings: int = 0
    values: int = 0
    repeated: int = 0
    refused: int = 0
    lost: int = 0


class _Gauge(NamedTuple):
    """What a value of one metric must be: the hot path's form of a Metric."""

    number: int
    kind: type
    low: float
    high: float


_UNKNOWN = _Gauge(0, type(None), 0.0, 0.0)  # of no kind that a value has


class _Inlet:
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
        kind = {kind: python for python, kind in _TYPES.items()}[metric.type]
        low = -math.inf if metric.minimum is None else metric.minimum
        high = math.inf if metric.maximum is None else metric.maximum
        self.metrics[metric.name] = metric
        self.gauges[metric.name] = _Gauge(metric.number, kind, low, high)


class _Columns:
    """The values of one call, as the batch wants them."""

    __slots__ = ("metrics", "texts", "times", "values")

    def __init__(self) -> None:
        self.metrics: list[int] = []
        self.times: list[int] = []
        self.values: list[float] = []
        self.texts: list[tuple[int, int, str]] = []  # metric, time, text

    def weight(self) -> int:
        """How many readings of ordinary size this is."""
        return (
            len(self.metrics) + sum(1 + len(text) // VALUE_CHARS for _, _, text in self.texts)
        ) // READING_VALUES


class Ingest:
    """Takes readings in. `clock` gives µs UTC."""

    def __init__(
        self, history: History, feed: Feed, roster: Roster, limits: LimitsConfig, clock: Callable[[], int]
    ) -> None:
        self._history = history
        self._feed = feed
        self._roster = roster
        self._limits = limits
        self._clock = clock
        self._future_max = round(limits.future_max_s * 1e6)
        self._inlets: dict[int, _Inlet] = {}
        self._next_metric = 1
        self.counts = Counts()

    async def restore(self, devices: Iterable[Device]) -> None:
        """Open the known devices, with what the history holds of them: metrics, sequence numbers, latest values."""
        metrics = {metric.number: metric for metric in await self._history.metrics()}
        sequences = await self._history.sequences()
        latest = {found.metric: found for found in await self._history.latest()}
        last_seen: dict[int, int] = {}
        for number, found in latest.items():
            owner = metrics[number].device
            last_seen[owner] = max(found.received_at, last_seen.get(owner, 0))
        for device in devices:
            self.open(device, sequences.get(device.number, (-1, 0)), last_seen.get(device.number))
        for metric in metrics.values():
            inlet = self._inlets.get(metric.device)
            if inlet is None:
                continue  # of a device that was removed
            inlet.know(metric)
            if metric.number in latest:
                inlet.channel.restore(metric.name, latest[metric.number].time, latest[metric.number].value)
        self._next_metric = await self._history.highest_metric() + 1

    def open(self, device: Device, sequence: tuple[int, int] = (-1, 0), last_seen: int | None = None) -> None:
        """Make the device known to intake, feed and roster."""
        channel = self._feed.add(device.id)
        self._inlets[device.number] = _Inlet(device, channel, *sequence, tokens=self._limits.readings_burst)
        self._roster.add(device, last_seen)

    def close(self, device: Device) -> asyncio.Future[None]:
        """Forget a removed device: its sessions end. Done when its readings are gone too."""
        self._roster.remove(device)
        self._feed.remove(device.id)
        del self._inlets[device.number]
        return self.forget([device.number])

    def forget(self, numbers: Iterable[int]) -> asyncio.Future[None]:
        """Take what was stored of removed devices away; done when it is gone."""
        self._history.batch.removed.update(numbers)
        return self._history.stored

    def accept(
        self,
        device: Device,
        readings: Sequence[Reading],
        source: str,
        refused: Sequence[Refusal] = (),
        *,
        present: bool = True,
    ) -> Receipt:
        """Take in readings of one device; one call for all that arrived together.

        `refused` is what the transport could not read; it is kept as rejections with those found here, in the
        same commit. Not `present` is what is said for a device that is gone: no sign of life. Raises NotFound for a device removed meanwhile.
        """
        inlet = self._inlet(device)
        now = self._clock()
        batch = self._history.batch
        columns, taken, refusals, repeated = self._check(inlet, readings, now, batch)
        if taken:
            inlet.channel.publish(taken)
            if columns.metrics:
                batch.add(device.number, now, columns.metrics, columns.times, columns.values)
            for metric, time, text in columns.texts:
                batch.texts.append((device.number, metric, time, now, text))
            weight = max(len(taken), columns.weight())
            batch.readings += weight
            self._history.pending += weight
            self.counts.readings += len(taken)
            self.counts.values += len(columns.metrics) + len(columns.texts)
        if present:
            self._roster.heard(device, now)
        if refused or refusals:
            refusals = [*refused, *refusals]
            self._keep(device, refusals, source, now, batch)
        self.counts.repeated += repeated
        wait_s = self._spend(inlet, len(readings) + len(refused), now)
        return Receipt(len(taken) + repeated, refusals, self._history.stored, wait_s)

    def _check(
        self, inlet: _Inlet, readings: Sequence[Reading], now: int, batch: Batch
    ) -> tuple[_Columns, list[Reading], Sequence[Refusal], int]:
        """Sort the readings into columns, those taken, those refused, and a count of repeated ones.

        The path of every reading: known metrics with finite numbers within their range take three appends each.
        """
        columns = _Columns()
        numbers, times, values, gauges = columns.metrics, columns.times, columns.values, inlet.gauges
        taken: list[Reading] = []
        refusals: list[Refusal] = []
        repeated = 0
        latest_allowed = now + self._future_max
        for position, reading in enumerate(readings):
            time, named, seq = reading
            if seq is not None:
                if seq <= inlet.highest:
                    repeated += 1
                    continue
                self._count_up(inlet, seq, batch)
            if time is None:
                time = now
                reading = Reading(now, named, seq)
            elif time > latest_allowed:
                refusals.append(_refusal(position, reading, "future", self._too_early(time, now)))
                continue
            mark = len(numbers)
            for name, value in named.items():
                # Unpacked at once: four reads of a named tuple's fields cost a tenth of this loop.
                number, kind, low, high = gauges.get(name, _UNKNOWN)
                if type(value) is not float or kind is not float or not low <= value <= high:
                    del numbers[mark:], times[mark:], values[mark:]
                    refusal = self._take_with_care(inlet, position, reading, columns, batch)
                    break
                numbers.append(number)
                times.append(time)
                values.append(value)
            else:
                refusal = None
            if refusal is None:
                taken.append(reading)
            else:
                refusals.append(refusal)
        return columns, taken, refusals, repeated

    def _take_with_care(
        self, inlet: _Inlet, position: int, reading: Reading, columns: _Columns, batch: Batch
    ) -> Refusal | None:
        """A reading with texts, truth values, new metrics, or something wrong with it: all of it is taken, or none."""
        for name, value in reading.values.items():
            fault = self._fault(inlet, name, value)
            if fault is not None:
                return _refusal(position, reading, *fault)
        new = reading.values.keys() - inlet.gauges.keys()
        if new and len(inlet.gauges) + len(new) > self._limits.metrics_max:
            message = f"a device has at most {self._limits.metrics_max} metrics (limits.metrics_max)"
            return _refusal(position, reading, "too_many_metrics", message)
        time = reading.time or 0
        for name, value in reading.values.items():
            gauge = inlet.gauges.get(name) or self._new_gauge(inlet, name, value, batch)
            if isinstance(value, str):
                columns.texts.append((gauge.number, time, value))
            else:
                columns.metrics.append(gauge.number)
                columns.times.append(time)
                columns.values.append(float(value))
        return None

    def _fault(self, inlet: _Inlet, name: str, value: Value) -> tuple[str, str] | None:
        gauge = inlet.gauges.get(name)
        if gauge is None:
            return None
        if type(value) is not gauge.kind:
            return "type", f"{name}: a {_TYPES[gauge.kind]} is wanted, got a {_TYPES[type(value)]}"
        if not isinstance(value, str) and not gauge.low <= value <= gauge.high:
            return "range", f"{name}: {value} is outside {gauge.low} to {gauge.high}"
        return None

    def _new_gauge(self, inlet: _Inlet, name: str, value: Value, batch: Batch) -> _Gauge:
        metric = Metric(self._next_metric, inlet.device.number, name, _TYPES[type(value)])
        self._next_metric += 1
        batch.metrics[metric.number] = metric
        inlet.know(metric)
        return inlet.gauges[name]

    def adopt(self, device: Device, name: str, kind: MetricType) -> Metric:
        """The metric of that name, made if there is none. Raises Invalid for another type or too many, NotFound."""
        inlet = self._inlet(device)
        metric = inlet.metrics.get(name)
        if metric is None:
            if len(inlet.gauges) >= self._limits.metrics_max:
                raise Invalid(
                    f"{device.id}: a device has at most {self._limits.metrics_max} metrics (limits.metrics_max)"
                )
            self._new_gauge(inlet, name, _EXAMPLES[kind], self._history.batch)
            return inlet.metrics[name]
        if metric.type is not kind:
            raise Invalid(f"{device.id}: {name} is a {metric.type}, and not a {kind}")
        return metric

    def supplement(self, device: Device, name: str, time: int, value: Value) -> None:
        """An import has brought this: the latest value of the metric, unless there is a newer one."""
        channel = self._inlet(device).channel
        known = channel.time_of(name)
        if known is None or known <= time:
            channel.restore(name, time, value)

    def _count_up(self, inlet: _Inlet, seq: int, batch: Batch) -> None:
        if inlet.highest >= 0 and seq > inlet.highest + 1:
            jumped = seq - inlet.highest - 1
            inlet.lost += jumped
            self.counts.lost += jumped
        inlet.highest = seq
        batch.sequences[inlet.device.number] = (seq, inlet.lost)

    def _too_early(self, time: int, now: int) -> str:
        ahead_s = (time - now) / 1e6
        return f"ts: {ahead_s:.0f} s ahead of the hub's clock; at most {self._limits.future_max_s:.0f} s (limits.future_max_s)"

    def _keep(self, device: Device, refusals: Sequence[Refusal], source: str, now: int, batch: Batch) -> None:
        self.counts.refused += len(refusals)
        room = REJECTIONS_PER_BATCH - len(batch.rejections)
        batch.rejections.extend(
            Rejection(device.number, now, refusal.code, refusal.message, source, refusal.raw)
            for refusal in refusals[: max(0, room)]
        )

    def _spend(self, inlet: _Inlet, count: int, now: int) -> float:
        """Token bucket: what is over the rate is taken all the same, and paid for by waiting."""
        limits = self._limits
        elapsed_s = (now - inlet.filled_at) / 1e6
        filled = min(limits.readings_burst, inlet.tokens + max(0.0, elapsed_s) * limits.readings_per_s)
        inlet.tokens = filled - count
        inlet.filled_at = now
        return max(0.0, -inlet.tokens / limits.readings_per_s)

    def wait_s(self, device: Device) -> float:
        """How long the device should wait before it sends more, for transports that can say so beforehand."""
        return self._spend(self._inlet(device), 0, self._clock())

    @property
    def full(self) -> bool:
        """Too much waits for the disk: transports stop reading until `room` returns."""
        return self._history.pending >= self._limits.pending_readings

    async def room(self) -> None:
        """Wait until no longer full."""
        await self._history.room(self._limits.pending_readings)

    def metrics(self, device: Device) -> Mapping[str, Metric]:
        """The device's metrics, by name, oldest first."""
        return self._inlet(device).metrics

    def lost(self, device: Device) -> int:
        """How many readings the device's sequence numbers jumped over."""
        return self._inlet(device).lost

    def metric(self, device: Device, name: str) -> Metric:
        """One metric of the device. Raises NotFound."""
        try:
            return self._inlet(device).metrics[name]
        except KeyError:
            raise NotFound(f"{device.id!r} has no metric {name!r}") from None

    def refuse_while_failing(self) -> None:
        """For what is to be on disk when it is answered. Raises StoreError while nothing can be stored."""
        if self._history.failure is not None:
            raise StoreError(f"nothing can be stored at present: {self._history.failure}")

    def describe(self, device: Device, changed: Sequence[Metric]) -> asyncio.Future[None]:
        """Take in what is set of the device's metrics; done when that is on disk. Others wait for the same commit.

        Raises NotFound.
        """
        inlet = self._inlet(device)
        for metric in changed:
            inlet.know(metric)
            self._history.batch.metrics[metric.number] = metric
        return self._history.stored

    def _inlet(self, device: Device) -> _Inlet:
        try:
            return self._inlets[device.number]
        except KeyError:
            raise NotFound(f"the device {device.id!r} was removed") from None


def _refusal(position: int, reading: Reading, code: str, message: str) -> Refusal:
    shown = {"ts": None if reading.time is None else reading.time / 1000, "values": reading.values}
    if reading.seq is not None:
        shown["seq"] = reading.seq
    return Refusal(position, code, message, to_json(shown)[:RAW_MAX])
