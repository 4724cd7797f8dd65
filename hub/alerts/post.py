"""A machine at its place: which device and metric it looks at, and the alert that it has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.alerts.damping import Damping
from hub.alerts.machine import RuleMachine, Step
from hub.model import Alert, Device, Value
from hub.model.condition import Differs, IsPresent, Silent
from hub.model.rule import Rule

if TYPE_CHECKING:
    from hub.alerts.series import WatchedMetric

Key = tuple[int, str, int, str]  # rule, which threshold, Device.number, metric


class Post:
    """One rule at one metric of one device. `alert` is the one that is open; `held` is whether one would be,
    if what the rule depends on were not down.
    """

    __slots__ = ("alert", "damping", "device", "held", "machine", "metric", "rule", "series")

    def __init__(self, rule: Rule, device: Device, series: WatchedMetric | None) -> None:
        self.rule = rule
        self.device = device
        self.metric = rule.metric
        self.series = series  # None: it is of the device's presence
        self.machine = RuleMachine(rule)
        self.damping = Damping()
        self.alert: Alert | None = None
        self.held = False

    @property
    def key(self) -> Key:
        """What no other one has."""
        return key_of(self.rule, self.device.number)

    @property
    def is_silence(self) -> bool:
        """Whether it waits for readings, and does not look at their values."""
        return isinstance(self.rule.when, Silent)

    @property
    def is_presence(self) -> bool:
        """Whether it is of the device's presence."""
        return isinstance(self.rule.when, IsPresent)

    def take(self, series: WatchedMetric, time: int, value: Value) -> list[Step]:
        """A reading of one of its metrics."""
        del series
        return self.machine.take(time, value)

    def restart(self) -> None:
        """Begin anew: what is known of readings is to be played to it again."""
        self.machine = RuleMachine(self.rule)


class DiffersPost(Post):
    """Of two metrics: each reading of either counts with the latest of the other."""

    __slots__ = ("_other", "_own", "_time", "other")

    def __init__(self, rule: Rule, device: Device, series: WatchedMetric, other: WatchedMetric) -> None:
        super().__init__(rule, device, series)
        self.other = other
        self._own: float | None = None
        self._other: float | None = None
        self._time = 0

    def take(self, series: WatchedMetric, time: int, value: Value) -> list[Step]:
        """A reading. The clocks of two devices differ a little: time does not go back for that."""
        if isinstance(value, str):
            return []
        if series is self.series:
            self._own = value
        else:
            self._other = value
        self._time = max(self._time, time)
        if self._own is None or self._other is None:
            return []
        return self.machine.take(self._time, self._own - self._other)

    def restart(self) -> None:
        """Begin anew."""
        super().restart()
        self._own = self._other = None
        self._time = 0


def key_of(rule: Rule, device: int) -> Key:
    """What no other rule at no other metric and device has."""
    return rule.id, rule.severity if rule.thresholds else "", device, rule.metric


def other_of(rule: Rule, device: Device) -> tuple[str, str] | None:
    """The device and metric that a rule compares with; None where it compares with none."""
    if not isinstance(rule.when, Differs):
        return None
    return rule.when.device or device.id, rule.when.metric
