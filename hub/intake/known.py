"""What the intake knows of one device: its metrics and what their values must be, sequence numbers, rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.feed import DeviceChannel
from hub.intake.rate import DeviceRate
from hub.intake.sequence import SequenceCount
from hub.intake.watched import Watched
from hub.model import Metric, MetricType, Value

TYPES: dict[type, MetricType] = {float: MetricType.NUMBER, str: MetricType.TEXT, bool: MetricType.BOOLEAN}
_CLASSES = {metric: kind for kind, metric in TYPES.items()}


class ValueSpan(NamedTuple):
    """The least and the greatest of some values."""

    least: float
    greatest: float


OF_TEXTS = ValueSpan(math.inf, -math.inf)  # no number lies in it


class MetricCheck(NamedTuple):
    """What a value of one metric must be: the hot path's form of a Metric."""

    number: int
    kind: type
    low: float
    high: float

    def span(self, values: Sequence[Value]) -> ValueSpan | None:
        """The least and the greatest, if all are of the metric's type and within its range; else None."""
        if set(map(type, values)) != {self.kind}:
            return None
        if self.kind is str:
            return OF_TEXTS
        least, greatest = min(values), max(values)
        fits = self.low <= least and greatest <= self.high  # type: ignore[operator]
        return ValueSpan(least, greatest) if fits else None  # type: ignore[arg-type]


UNKNOWN = MetricCheck(0, type(None), 0.0, 0.0)  # of no kind that a value has


@dataclass(slots=True)
class IntakeCounts:
    """Totals since the start."""

    readings: int = 0
    values: int = 0
    repeated: int = 0
    refused: int = 0
    lost: int = 0
    limited_s: dict[str, float] = field(default_factory=dict)  # how long devices had to wait, by limit


class KnownDevice:
    """All that the intake knows of one device. What operators may change of a device itself is not here."""

    __slots__ = ("channel", "checks", "counts", "metrics", "number", "rate", "sequence", "watched")

    def __init__(
        self,
        number: int,
        channel: DeviceChannel,
        sequence: SequenceCount,
        rate: DeviceRate,
        counts: IntakeCounts,
        watched: Watched,
    ) -> None:
        self.number = number
        self.channel = channel
        self.sequence = sequence
        self.rate = rate
        self.counts = counts  # what it sends is counted here: those of all devices, or its own
        self.watched = watched
        self.metrics: dict[str, Metric] = {}
        self.checks: dict[str, MetricCheck] = {}

    def learn(self, metric: Metric) -> None:
        """Take in a new or changed metric."""
        low = -math.inf if metric.minimum is None else metric.minimum
        high = math.inf if metric.maximum is None else metric.maximum
        self.metrics[metric.name] = metric
        self.checks[metric.name] = MetricCheck(metric.number, _CLASSES[metric.type], low, high)
        self.watched.learn(metric)

    def replace(self, name: str, edited: Metric) -> None:
        """A metric is another one from now on, in the same place."""
        metrics, self.metrics, self.checks = list(self.metrics.values()), {}, {}
        self.watched.forget(name, "" if edited.name == name else f"the metric is called {edited.name} now")
        for metric in metrics:
            self.learn(edited if metric.name == name else metric)

    def forget(self, name: str) -> None:
        """A metric is no more."""
        del self.metrics[name], self.checks[name]
        self.watched.forget(name, "the metric was removed")
