"""A message on its way to a target, and what an alert that was told waits for."""

from dataclasses import dataclass
from enum import StrEnum

from hub.model.alert import Alert

ALERTS_MAX = 50  # in one message; of more only the count is told


class DeliveryState(StrEnum):
    """How far it has come."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """One message to one target. All times are µs, UTC.

    `key` is `<alert>-<event>-<n>`, of the first alert in it: whoever gets it twice knows it by that. `event`
    is an Event, or "test". Others of the same `group` join it until it is `due`, and not after that.
    """

    id: int
    key: str
    target: int
    target_name: str
    route: int  # 0 for a test
    event: str
    group: str
    alerts: tuple[Alert, ...]
    made_at: int
    due: int  # when it is to be sent, or tried again
    more: int = 0  # alerts beyond those in `alerts`
    by: str = ""  # who has acknowledged
    text: str = ""
    state: DeliveryState = DeliveryState.QUEUED
    tries: int = 0
    why: str = ""  # the last try failed
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class AlertWatch:
    """An alert that fires and that a route has told of. To `unaware` nothing of it was told after all."""

    route: int
    alert: Alert
    remind_at: int | None = None  # µs, UTC
    escalate_at: int | None = None
    escalated: bool = False
    unaware: tuple[int, ...] = ()  # targets
