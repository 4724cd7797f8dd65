"""The one way in: every reading of every device, whatever brought it.

`Ingest.accept` checks readings against their device's metrics, drops repeated sequence numbers, stamps the
time, publishes to the feed and appends to the history's open batch, all in one turn of the loop. What it
returns tells the transport when to acknowledge.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from hub.clock import HubClock, Step
from hub.config import LimitsConfig, ReadingsConfig
from hub.errors import Conflict, Invalid, NotFound, OverRate, StoreError
from hub.feed import Feed
from hub.history.batch import Batch, Retyped
from hub.history.commit import Commit
from hub.history.contract import History
from hub.intake.checks import ReadingChecks
from hub.intake.known import IntakeCounts, KnownDevice
from hub.intake.rate import DeviceRate, Limited, TokenBucket, rates_of
from hub.intake.receipts import Receipt
from hub.intake.sequence import SequenceCount
from hub.intake.watched import Unwatched, Watch
from hub.logs import Logger
from hub.model import (
    NOT_COUNTED,
    Device,
    Metric,
    MetricType,
    Reading,
    Refusal,
    Rejection,
    SequenceState,
    Value,
    converted,
)

NOTICES_PER_S = 1 / 3  # lines in the log about devices' sequence numbers; more are counted
NOTICES_BURST = 20
REJECTIONS_PER_BATCH = 1000  # more are counted, not kept: a flood of nonsense must not fill the disk
WHAT_IS_LIMITED = {
    "limits.readings_per_s": "readings",
    "limits.values_per_s": "values",
    "limits.bytes_per_s": "bytes",
}
_EXAMPLES: dict[MetricType, Value] = {
    MetricType.NUMBER: 0.0,
    MetricType.TEXT: "",
    MetricType.BOOLEAN: False,
}


_log = Logger("intake")

Heard = Callable[[Device, int], None]
"""Is told that a device sent something, and when (µs, UTC)."""


class Ingest:
    """Takes readings in. `heard` is told of every sign of life; `watch` gives what looks at a device's
    readings then, its rules; `clock` is the hub's.
    """

    def __init__(
        self,
        history: History,
        feed: Feed,
        heard: Heard,
        limits: LimitsConfig,
        readings: ReadingsConfig,
        clock: HubClock,
        watch: Watch = Unwatched,
    ) -> None:
        self._watch = watch
        self._history = history
        self._feed = feed
        self._heard = heard
        self._limits = limits
        self._clock = clock
        self._checks = ReadingChecks(limits, readings)
        self._devices: dict[int, KnownDevice] = {}
        self._notices = TokenBucket(NOTICES_PER_S, NOTICES_BURST)
        self._unsaid = 0
        self.counts = IntakeCounts()

    async def restore(self, devices: Iterable[Device]) -> dict[int, int]:
        """Open the known devices, with what the history has: metrics, sequence numbers, latest values.

        Returns by Device.number when it last heard of each that it has something of (µs, UTC).
        """
        metrics = {metric.number: metric for metric in await self._history.metrics()}
        sequences = await self._history.sequences()
        latest = {found.metric: found for found in await self._history.latest()}
        last_seen: dict[int, int] = {}
        for number, found in latest.items():
            owner = metrics[number].device
            last_seen[owner] = max(found.received_at, last_seen.get(owner, 0))
        self._clock.begin(max(last_seen.values(), default=0))
        self._checks.hub_has_time = self._clock.is_set
        now = self._clock()
        for device in devices:
            self.open(device, SequenceCount(sequences.get(device.number, NOT_COUNTED)))
        for metric in metrics.values():
            known = self._devices.get(metric.device)
            if known is None:
                continue  # of a device that was removed
            known.learn(metric)
            if metric.number in latest:
                # A clock that was ahead may have stamped it: what comes now has to be newer.
                time = min(latest[metric.number].time, now)
                known.channel.restore(metric.name, time, latest[metric.number].value)
                known.sequence.restore_newest(latest[metric.number].time)
        self._believe_until(self._checks.latest_allowed(now))
        self._checks.next_metric = await self._history.highest_metric() + 1
        return {number: min(seen, self._clock.began - 1) for number, seen in last_seen.items()}

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set."""
        self._checks.hub_has_time = True
        for known in self._devices.values():
            known.channel.set_back(step.at)
        self._believe_until(self._checks.latest_allowed(step.at))

    def _believe_until(self, latest_allowed: int) -> None:
        for known in self._devices.values():
            known.sequence.believe_until(latest_allowed)

    def open(self, device: Device, sequence: SequenceCount | None = None) -> None:
        """Make the device known to intake and feed."""
        channel = self._feed.add(device.id, counted=device.counted)
        rate = DeviceRate(rates_of(self._limits, device))
        counts = self.counts if device.counted else IntakeCounts()
        self._devices[device.number] = KnownDevice(
            device.number, channel, sequence or SequenceCount(), rate, counts, self._watch(device)
        )

    def update(self, device: Device) -> None:
        """The device has other labels now, and by them maybe other rates. Raises NotFound."""
        known = self._known(device)
        known.rate.set(rates_of(self._limits, device))
        known.watched.update(device)

    def close(self, device: Device) -> Commit:
        """Forget a removed device. Done when its readings are gone too."""
        self._feed.remove(device.id)
        self._devices.pop(device.number).watched.close()
        return self.forget([device.number])

    def forget(self, numbers: Iterable[int]) -> Commit:
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
        size: int = 0,
        present: bool = True,
    ) -> Receipt:
        """Take in readings of one device; one call for all that arrived together, in `size` bytes.

        `refused` is what the transport could not read; it is kept as rejections with those found here, in the
        same commit, and is not in the receipt. Not `present` is what is said for a device that is gone: no
        sign of life. Raises NotFound for a device removed meanwhile.
        """
        known = self._known(device)
        now = self._clock()
        batch = self._history.batch
        run, columns, refusals, repeated, lost, restarted, spans = self._checks.check(
            known, readings, now, batch
        )
        values = len(columns)
        if run.times:
            known.channel.publish(run)
            if columns.metrics:
                batch.add(device.number, now, columns.metrics, columns.times, columns.values)
            for metric, time, text in columns.texts:
                batch.texts.append((device.number, metric, time, now, text))
            if known.watched.series:
                known.watched.take(run, now, spans)
            weight = max(len(run.times), columns.weight())
            batch.readings += weight
            known.counts.readings += len(run.times)
            known.counts.values += values
        if present:
            self._heard(device, now)
        if refused or refusals:
            known.counts.refused += len(refused) + len(refusals)
            _keep(device, [*refused, *refusals], source, now, batch)
        if repeated or restarted:
            self._tell(device, known.sequence, repeated, now, restarted=restarted)
        known.counts.repeated += repeated
        known.counts.lost += lost
        wait_s = known.rate.spend(len(readings) + len(refused), values, size, now)
        accepted = len(run.times) + repeated
        stored = batch.stored if run.times else self._history.stored
        if wait_s > 0:
            limit = self._limit(known, known.rate.dearest(values, size), wait_s, now)
            return Receipt(accepted, refusals, stored, wait_s, limit)
        return Receipt(accepted, refusals, stored, wait_s)

    @staticmethod
    def _limit(known: KnownDevice, limit: str, wait_s: float, now: int) -> str:
        """Note that the device has to wait, and why; the limit."""
        total = known.counts.limited_s
        total[limit] = total.get(limit, 0.0) + known.rate.note(limit, wait_s, now)
        return limit

    def adopt(self, device: Device, name: str, kind: MetricType) -> Metric:
        """The metric of that name, made if need be. Raises NotFound, Invalid for another type or too many."""
        known = self._known(device)
        metric = known.metrics.get(name)
        if metric is None:
            if len(known.checks) >= self._limits.metrics_max:
                raise Invalid(
                    f"{device.id}: a device has at most {self._limits.metrics_max} metrics "
                    "(limits.metrics_max)"
                )
            self._checks.new_metric(known, name, _EXAMPLES[kind], self._history.batch)
            return known.metrics[name]
        if metric.type is not kind:
            raise Invalid(f"{device.id}: {name} is a {metric.type}, and not a {kind}")
        return metric

    def supplement(self, device: Device, name: str, time: int, value: Value) -> None:
        """An import has brought this: the latest value of the metric, unless there is a newer one."""
        channel = self._known(device).channel
        newest = channel.time_of(name)
        if newest is None or newest <= time:
            channel.restore(name, time, value)

    @property
    def latest_allowed(self) -> int:
        """The latest time that is taken in now, from a file as from a device (µs, UTC)."""
        return self._checks.latest_allowed(self._clock())

    def wait_s(self, device: Device) -> float:
        """How long the device should wait before it sends more, for transports that can say so beforehand."""
        return self._known(device).rate.spend(0, 0, 0, self._clock())

    def refuse_over_rate(self, device: Device) -> None:
        """For transports that cannot wait. Raises OverRate, with the limit, for a device that is over one."""
        wait_s = self.wait_s(device)
        if wait_s > 0:
            rate = self._known(device).rate
            limit = rate.last_limit()
            per_s, what = getattr(rate.rates, limit.rpartition(".")[2]), WHAT_IS_LIMITED[limit]
            raise OverRate(
                f"{device.id!r} is over its rate of {per_s:.0f} {what} a second ({limit})", wait_s, limit
            )

    def limited(self, device: Device) -> Mapping[str, Limited]:
        """The limits that hold the device back now, by name."""
        return self._known(device).rate.biting(self._clock())

    @property
    def full(self) -> bool:
        """Too much waits for the disk: transports stop reading until `room` returns."""
        return self._history.pending >= self._limits.pending_readings

    async def room(self) -> None:
        """Wait until no longer full."""
        await self._history.room(self._limits.pending_readings)

    def metrics(self, device: Device) -> Mapping[str, Metric]:
        """The device's metrics, by name, oldest first."""
        return self._known(device).metrics

    def sequence(self, device: Device) -> SequenceState:
        """How far the device has counted its readings."""
        return self._known(device).sequence.state()

    async def reset_sequence(self, device: Device) -> None:
        """Take whatever number comes next as the first; on disk when it returns.

        What the device sends again from before is stored again. Raises NotFound, StoreError.
        """
        sequence = self._known(device).sequence
        self.refuse_while_failing()
        sequence.reset()
        self._history.batch.sequences[device.number] = sequence.mark()
        await self._history.stored

    def _tell(
        self, device: Device, sequence: SequenceCount, repeated: int, now: int, *, restarted: bool
    ) -> None:
        """Log that a device began to count again, or, once each time, that only repeated readings come."""
        begins = repeated and sequence.dropped == repeated
        if not (restarted or begins):
            return
        if self._notices.spend(0, now) > 0:
            self._unsaid += 1
            return
        self._notices.spend(1, now)
        if restarted:
            what = "a device began to count its readings again"
        else:
            what = "acknowledged and dropped as repeated; if the device counts again, reset its sequence"
        _log.warning(what, device=device.id, highest=sequence.highest, more_unsaid=self._unsaid)
        self._unsaid = 0

    def metric(self, device: Device, name: str) -> Metric:
        """One metric of the device. Raises NotFound."""
        try:
            return self._known(device).metrics[name]
        except KeyError:
            raise NotFound(f"{device.id!r} has no metric {name!r}") from None

    def refuse_while_failing(self) -> None:
        """For what is to be on disk when it is answered. Raises StoreError while nothing can be stored."""
        if self._history.failure is not None:
            raise StoreError(f"nothing can be stored at present: {self._history.failure}")

    def describe(self, device: Device, changed: Sequence[Metric]) -> Commit:
        """Take in what is set of the device's metrics; done when that is on disk. Raises NotFound."""
        known = self._known(device)
        for metric in changed:
            known.learn(metric)
            self._history.batch.metrics[metric.number] = metric
        return self._history.stored

    def edit(self, device: Device, metric: Metric, edited: Metric) -> Commit:
        """Give a metric another name, type, or both, from the next reading on. Raises Conflict, NotFound.

        Another name keeps its history; for another type the history's keeper converts what is stored.
        """
        known, batch = self._known(device), self._history.batch
        if edited.name != metric.name and edited.name in known.metrics:
            raise Conflict(f"{device.id!r} has a metric {edited.name!r} already")
        if edited.type is not metric.type:
            edited = replace(edited, number=self._checks.next_metric)
            self._checks.next_metric += 1
            batch.retyped.append(Retyped(metric.number, metric.type, edited.number, edited.type))
        batch.metrics[edited.number] = edited
        known.replace(metric.name, edited)
        latest = known.channel.forget(metric.name)
        value = None if latest is None else converted(latest.value, edited.type)
        if latest is not None and value is not None:
            known.channel.restore(edited.name, latest.time, value)
        self._feed.renew(device.id)
        return self._history.stored

    def drop(self, device: Device, *metrics: Metric) -> Commit:
        """Forget metrics and all that was stored of them: sent again they are new ones. Raises NotFound."""
        known = self._known(device)
        for metric in metrics:
            known.forget(metric.name)
            known.channel.forget(metric.name)
            self._history.batch.removed_metrics.add(metric.number)
        self._feed.renew(device.id)
        return self._history.stored

    def _known(self, device: Device) -> KnownDevice:
        try:
            return self._devices[device.number]
        except KeyError:
            raise NotFound(f"the device {device.id!r} was removed") from None


def _keep(device: Device, refusals: Sequence[Refusal], source: str, now: int, batch: Batch) -> None:
    room = REJECTIONS_PER_BATCH - len(batch.rejections)
    batch.rejections.extend(
        Rejection(device.number, now, refusal.code, refusal.message, source, refusal.raw)
        for refusal in refusals[: max(0, room)]
    )
