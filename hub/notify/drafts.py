from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hub.model.alert import Alert
from hub.model.delivery import ALERTS_MAX, AlertDelivery, AlertWatch, DeliveryState

QUEUED_MAX = 10_000  # messages that wait; one more is kept as failed, and says why
HELD = "held"  # the end of the groups of those that quiet hours hold
WatchKey = tuple[int, int]  # route, alert


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """What is to be written, all at once."""

    deliveries: list[AlertDelivery] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    watches: list[AlertWatch] = field(default_factory=list)
    unwatched: list[WatchKey] = field(default_factory=list)
    escalated: list[tuple[int, str]] = field(default_factory=list)  # alerts, and to whom

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.deliveries or self.dropped or self.watches or self.unwatched)


class Board:
    """What waits: messages that are queued, and alerts that were told and fire. `sending` are on their way
    out now: they count as told.
    """

    def __init__(self) -> None:
        self.queued: dict[int, AlertDelivery] = {}
        self.watches: dict[WatchKey, AlertWatch] = {}
        self.sending: set[int] = set()
        self.next_id = 1
        self._groups: dict[str, int] = {}  # the newest message of each group
        self._of_alert: dict[int, set[int]] = {}  # messages, by an alert in them

    def put(self, delivery: AlertDelivery) -> None:
        """A message is like this now; one that ended waits no more."""
        if delivery.state is not DeliveryState.QUEUED:
            self.drop(delivery.id)
            return
        self.queued[delivery.id] = delivery
        self._groups[delivery.group] = delivery.id
        for alert in delivery.alerts:
            self._of_alert.setdefault(alert.id, set()).add(delivery.id)

    def drop(self, delivery_id: int) -> None:
        """A message waits no more."""
        found = self.queued.pop(delivery_id, None)
        if found is None:
            return
        if self._groups.get(found.group) == delivery_id:
            del self._groups[found.group]
        for alert in found.alerts:
            ids = self._of_alert.get(alert.id, set())
            ids.discard(delivery_id)
            if not ids:
                self._of_alert.pop(alert.id, None)

    def of_group(self, group: str) -> AlertDelivery | None:
        """The newest of a group that waits."""
        found = self._groups.get(group)
        return None if found is None else self.queued.get(found)

    def with_alert(self, alert_id: int) -> list[AlertDelivery]:
        """The messages that wait with this alert in them."""
        return [self.queued[one] for one in sorted(self._of_alert.get(alert_id, ()))]

    def move(self, by: int) -> None:
        """The clock was set by so much (µs): what waits for a time waits as long as before. What is held
        until a time of the day is held until then.
        """
        for delivery in list(self.queued.values()):
            if not delivery.group.endswith(HELD):
                self.queued[delivery.id] = replace(delivery, due=delivery.due + by)
        for key, watch in self.watches.items():
            remind_at = None if watch.remind_at is None else watch.remind_at + by
            escalate_at = None if watch.escalate_at is None else watch.escalate_at + by
            self.watches[key] = replace(watch, remind_at=remind_at, escalate_at=escalate_at)

    def apply(self, plan: DeliveryPlan) -> None:
        """The plan was written."""
        for delivery_id in plan.dropped:
            self.drop(delivery_id)
        for delivery in plan.deliveries:
            before = self.queued.get(delivery.id)
            if before is not None:  # alerts may have left it
                self.drop(delivery.id)
            self.put(delivery)
            self.next_id = max(self.next_id, delivery.id + 1)
        for key in plan.unwatched:
            self.watches.pop(key, None)
        for watch in plan.watches:
            self.watches[watch.route, watch.alert.id] = watch


class Draft:
    """A plan in the making: reads what waits on the board as it will be after it."""

    def __init__(self, board: Board, names: Mapping[int, str]) -> None:
        self._board = board
        self._names = names
        self._put: dict[int, AlertDelivery] = {}
        self._groups: dict[str, int] = {}
        self._dropped: set[int] = set()
        self._watches: dict[WatchKey, AlertWatch] = {}
        self._unwatched: set[WatchKey] = set()
        self._next = board.next_id
        self._new: set[int] = set()
        self._told: set[tuple[int, str, int]] = set()
        self.escalated: list[tuple[int, str]] = []

    def plan(self) -> DeliveryPlan:
        """What has come of it."""
        return DeliveryPlan(
            list(self._put.values()),
            sorted(self._dropped),
            list(self._watches.values()),
            sorted(self._unwatched),
            self.escalated,
        )

    def watch(self, watch: AlertWatch) -> None:
        """Put a watch, or put it in place of the one before."""
        key = watch.route, watch.alert.id
        self._unwatched.discard(key)
        self._watches[key] = watch

    def unwatch(self, watch: AlertWatch) -> None:
        """Take a watch away."""
        key = watch.route, watch.alert.id
        self._watches.pop(key, None)
        self._unwatched.add(key)

    def add(self, made: AlertDelivery, now: int) -> int:
        """Have a message sent, or its alert with others of the group that still wait for their time. Two
        routes to one target tell it once. When it is due.
        """
        alert = made.alerts[0]
        told = alert.id, made.event, made.target
        if told in self._told:
            return made.due
        self._told.add(told)
        waiting = self._waiting(made.group)
        if waiting is not None and (now < waiting.due or waiting.id in self._new) and not waiting.tries:
            others = tuple(one for one in waiting.alerts if one.id != alert.id)
            if len(others) < ALERTS_MAX:
                joined = replace(waiting, alerts=(*others, alert))
            else:
                joined = replace(waiting, more=waiting.more + 1)
            self._put[waiting.id] = joined
            return joined.due
        made = replace(made, id=self._next, target_name=self._names.get(made.target, ""))
        self._next += 1
        if len(self._board.queued) + len(self._put) >= QUEUED_MAX:
            why = f"{QUEUED_MAX} messages wait to be sent already"
            made = replace(made, state=DeliveryState.FAILED, why=why, ended_at=now)
        self._put[made.id] = made
        self._groups[made.group] = made.id
        self._new.add(made.id)
        return made.due

    def _waiting(self, group: str) -> AlertDelivery | None:
        own = self._groups.get(group)
        if own is not None:
            found = self._put[own]
            return found if found.state is DeliveryState.QUEUED else None
        on_board = self._board.of_group(group)
        if on_board is None or on_board.id in self._dropped or on_board.id in self._board.sending:
            return None
        return self._put.get(on_board.id, on_board)

    def untold(self, alert_id: int, target: int | None = None) -> list[AlertDelivery]:
        """Messages, to a target, with this alert in them that nobody has seen anything of."""
        found = []
        for one in self._board.with_alert(alert_id):
            one = self._put.get(one.id, one)
            is_meant = target in (None, one.target) and one.id not in self._dropped
            if is_meant and not one.tries and one.id not in self._board.sending:
                found.append(one)
        return found

    def waits_until(self, alert_id: int, target: int) -> int:
        """Until when the last message to a target with this alert in it waits; 0 where none does."""
        found = [one.due for one in self._board.with_alert(alert_id) if one.target == target]
        return max(found, default=0)

    def leave_out(self, delivery: AlertDelivery, alert_id: int) -> None:
        """Take an alert out of a message; one that is empty then is not sent."""
        left = tuple(one for one in delivery.alerts if one.id != alert_id)
        if left:
            # The key stays: it is of the message, which is still the same one.
            self._put[delivery.id] = replace(delivery, alerts=left)
        else:
            self._put.pop(delivery.id, None)
            self._dropped.add(delivery.id)

    def renew(self, delivery: AlertDelivery, alert: Alert) -> None:
        """Say in a message that waits how an alert is now."""
        alerts = tuple(alert if one.id == alert.id else one for one in delivery.alerts)
        self._put[delivery.id] = replace(delivery, alerts=alerts)
