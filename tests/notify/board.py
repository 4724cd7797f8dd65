"""A planner with its board, and alerts for it."""

from collections.abc import Mapping
from typing import Any

from hub.model import Alert, AlertChange, Severity
from hub.model.alert import Acknowledged, Event, Silenced
from hub.model.delivery import AlertDelivery, DeliveryState
from hub.model.route import Route, read_route
from hub.notify.drafts import Board
from hub.notify.planner import Planner

S = 1_000_000
T0 = 1_795_170_094 * S  # Friday, 20 November 2026, 10:21:34 UTC
NAMES = {1: "ops", 2: "boss", 3: "ada"}


def alert_of(number: int, device: str = "", at_s: float = 0.0, **more: Any) -> Alert:
    """An alert of rule 7 that opens then, in seconds after T0."""
    at = T0 + round(at_s * S)
    given = {"rule": 7, "severity": Severity.CRITICAL, "received": at, "opened": at, **more}
    return Alert(
        id=number,
        name=f"rule {given['rule']}",
        device=number,
        device_id=device or f"d{number}",
        metric="t",
        value=91.0,
        peak=91.0,
        **given,
    )


ACKNOWLEDGED = Acknowledged("ada", T0, "seen")
SILENCED = Silenced("ada", T0 + 3600 * S)


class Desk:
    """Plans, as the notifier does. Time is in seconds after T0."""

    def __init__(self, *routes: Mapping[str, Any], beyond: Mapping[int, str] | None = None) -> None:
        self.board = Board()
        self.planner = Planner(self.board, lambda target, device: (beyond or {}).get(target) != device)
        self.planner.names = dict(NAMES)
        for number, told in enumerate(routes, 1):
            self.planner.routes[number] = read_route({"targets": [1], "group_s": 30, **told}, number)
        self.sent: list[AlertDelivery] = []
        self.at_s = 0.0
        self._number = 0

    @property
    def now(self) -> int:
        return T0 + round(self.at_s * S)

    def route(self, number: int = 1) -> Route:
        return self.planner.routes[number]

    def take(self, alert: Alert, event: Event, labels: Mapping[str, str] | None = None, by: str = "") -> None:
        """Something happens to an alert now."""
        self._number += 1
        change = AlertChange(self._number, alert, event, self.now, by)
        self.board.apply(self.planner.take(change, labels or {}, self.now))

    def open(self, number: int, device_labels: Mapping[str, str] | None = None, **more: Any) -> Alert:
        """An alert opens now."""
        alert = alert_of(number, at_s=self.at_s, **more)
        self.take(alert, Event.OPENED, device_labels)
        return alert

    def pass_to(self, at_s: float) -> None:
        """Time passes, from one moment at which something is due to the next; what is due is sent."""
        while True:
            self.board.apply(self.planner.pass_to(self.now))
            for one in sorted(self.board.queued.values(), key=lambda one: one.id):
                if one.due <= self.now and one.state is DeliveryState.QUEUED:
                    self.board.drop(one.id)
                    self.sent.append(one)
            if self.at_s >= at_s:
                return
            times = [one.due for one in self.board.queued.values()]
            due = self.planner.next_due()
            following = min([*times, *([] if due is None else [due])], default=T0 + round(at_s * S))
            self.at_s = min(at_s, max((following - T0) / S, self.at_s + 0.001))

    def told(self, target: int | None = None) -> list[tuple[str, list[int]]]:
        """What was sent: the event, and of which alerts."""
        return [
            (one.event, [alert.id for alert in one.alerts])
            for one in self.sent
            if target in (None, one.target)
        ]
