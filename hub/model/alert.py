"""One occurrence of a rule, and what happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub.model.rule import Severity, Which
from hub.model.value import Value

LATE_US = 60_000_000  # an alert that the hub learns of later than this after it opened pages nobody


class AlertState(StrEnum):
    """Whether it is over."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Event(StrEnum):
    """What can happen to an alert."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    COMMENTED = "commented"
    ESCALATED = "escalated"
    REMINDER = "reminder"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who has seen it, and when (µs, UTC)."""

    by: str
    at: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Silenced:
    """Why nobody is told: a silence with its id, until when (µs, UTC); or what it depends on is down."""

    by: str
    until: int | None = None
    comment: str = ""
    silence: int | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One occurrence of a rule. `opened`, `resolved` and `peak` are on the readings' own time, `received` is
    when the hub knew; all are µs, UTC.

    `rule` is 0 for the thresholds of a metric. `count` is how often it opened: again and again within a short
    time, it is `flapping`, and one alert.
    """

    id: int
    rule: int
    name: str
    severity: Severity
    device: int  # Device.number
    device_id: str
    metric: str
    opened: int
    received: int
    value: Value | None = None
    peak_at: int = 0
    peak: Value | None = None
    resolved: int | None = None
    acknowledged: Acknowledged | None = None
    silenced: Silenced | None = None
    flapping: bool = False
    count: int = 1
    notify: bool = True  # whether anybody is to be told at all
    labels: Mapping[str, str] = field(default_factory=dict)  # of its rule
    why: str = ""  # it ended for another reason than its condition: the rule was removed, …

    @property
    def state(self) -> AlertState:
        """Whether it is over."""
        return AlertState.FIRING if self.resolved is None else AlertState.RESOLVED

    @property
    def late(self) -> bool:
        """Whether the hub knew it so late that nobody is to be paged."""
        return self.received - self.opened > LATE_US


@dataclass(frozen=True, slots=True)
class AlertChange:
    """Something that happened to an alert, which is as it was after that. `number` only ever rises."""

    number: int
    alert: Alert
    event: Event
    at: int  # µs, UTC
    by: str = ""  # a person, or "" for the hub
    text: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of alerts of these devices, or of this rule, until then (µs, UTC)."""

    id: int
    until: int
    by: str
    made_at: int
    which: Which | None = None
    rule: int | None = None
    comment: str = ""

    def covers(self, alert: Alert, labels: Mapping[str, str]) -> bool:
        """Whether an alert of a device with these labels is meant."""
        if self.rule is not None:
            return alert.rule == self.rule
        return self.which is not None and self.which.covers(alert.device_id, labels)
