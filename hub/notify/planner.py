"""What is told to whom, and when. Pure: changes of alerts, routes and the time go in, and a plan comes out.

Theory. Every message waits as a delivery with a time. Alerts of one rule that come before that time join it:
one cause, one message. Quiet hours only move the time, and what is held by them is one message for each kind
of event. A route that has told of an alert watches it: only who was told that it opened is told how it ends,
is reminded, or is told that nobody has acknowledged it.

    opened, reminder       told, if the alert is not late, silenced, acknowledged, or to be told to nobody
    acknowledged           told to those who know of it; who does not know yet is not told at all
    silenced               who does not know yet is not told; what waits for a time is over
    resolved               told to those who know of it; in quiet hours the message that waits says so
    commented, escalated   not told: the planner itself says when an alert escalates

An alert that flaps opens once with the word that it does (see hub/alerts/damping), and that is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hub.model.alert import Alert, AlertChange, Event
from hub.model.delivery import AlertDelivery, AlertWatch
from hub.model.route import Route
from hub.notify.drafts import HELD, Board, DeliveryPlan, Draft

US = 1_000_000
TIMES_FROM = 10**11  # numbers of changes are below, and times in ms above: see _due

MaySee = Callable[[int, str], bool]


class Planner:
    """`may_see` tells whether a target may be told of a device: people only of those in their scope."""

    def __init__(self, board: Board, may_see: MaySee) -> None:
        self.board = board
        self.routes: dict[int, Route] = {}
        self.names: dict[int, str] = {}  # of targets, by id
        self._may_see = may_see

    def take(self, change: AlertChange, labels: Mapping[str, str], now: int) -> DeliveryPlan:
        """What comes of a change of an alert, whose device has these labels. Times are µs, UTC."""
        draft = Draft(self.board, self.names)
        alert = change.alert
        match change.event:
            case Event.OPENED | Event.REMINDER:
                self._tell(draft, change, labels, now)
            case Event.ACKNOWLEDGED:
                unaware = self._leave_out(draft, alert)
                for watch in self._watches(alert, now):
                    watch = _without(watch, unaware)
                    self._acknowledged(draft, watch, change, labels, now)
            case Event.SILENCED:
                unaware = self._leave_out(draft, alert)
                for watch in self._watches(alert, now):
                    self._silenced(draft, _without(watch, unaware))
            case Event.RESOLVED:
                for watch in self._watches(alert, now):
                    self._resolved(draft, watch, change, labels, now)
            case Event.COMMENTED | Event.ESCALATED:
                pass
        return draft.plan()

    def pass_to(self, now: int) -> DeliveryPlan:
        """What comes of the time: reminders, and alerts that nobody has acknowledged."""
        draft = Draft(self.board, self.names)
        for watch in self.board.watches.values():
            route = self.routes.get(watch.route)
            if route is None or not route.enabled:
                draft.unwatch(watch)
                continue
            after = watch
            if watch.remind_at is not None and watch.remind_at <= now:
                after = self._remind(draft, route, after, watch.remind_at, now)
            if watch.escalate_at is not None and watch.escalate_at <= now:
                after = self._escalate(draft, route, after, watch.escalate_at, now)
            if after is not watch:
                draft.watch(after)
        return draft.plan()

    def next_due(self) -> int | None:
        """When `pass_to` has something to do (µs, UTC)."""
        times = [one.remind_at for one in self.board.watches.values() if one.remind_at is not None]
        times += [one.escalate_at for one in self.board.watches.values() if one.escalate_at is not None]
        return min(times, default=None)

    def _in_turn(self, now: int) -> list[Route]:
        """Of two routes to one target the one comes first that sends first."""
        routes = self.routes.values()
        return sorted(routes, key=lambda one: (one.sends_at(now + round(one.group_s * US)), one.id))

    def _watches(self, alert: Alert, now: int) -> list[AlertWatch]:
        keys = [(route.id, alert.id) for route in self._in_turn(now)]
        return [replace(self.board.watches[key], alert=alert) for key in keys if key in self.board.watches]

    def _tell(self, draft: Draft, change: AlertChange, labels: Mapping[str, str], now: int) -> None:
        alert = change.alert
        is_quiet = alert.silenced or alert.acknowledged or alert.resolved is not None
        if is_quiet or alert.late or not alert.notify:
            return
        for route in self._in_turn(now):
            if not route.takes(alert, labels, now):
                continue
            key = route.id, alert.id
            watch = self.board.watches.get(key)
            if watch is not None:
                watch = replace(watch, alert=alert, unaware=())
            told_at = now
            if change.event in route.events:
                told_at = self._put(
                    draft, route, self._targets(route, watch), change.event, change, labels, now
                )
            if watch is None:
                draft.watch(
                    AlertWatch(
                        route.id,
                        alert,
                        None if route.remind_s is None else told_at + round(route.remind_s * US),
                        None if route.escalate_s is None else told_at + round(route.escalate_s * US),
                    )
                )
            else:
                draft.watch(watch)

    def _acknowledged(
        self, draft: Draft, watch: AlertWatch, change: AlertChange, labels: Mapping[str, str], now: int
    ) -> None:
        route = self.routes[watch.route]
        knowing = self._targets(route, watch)
        if not knowing:
            draft.unwatch(watch)
            return
        draft.watch(replace(watch, remind_at=None, escalate_at=None))
        if Event.ACKNOWLEDGED in route.events:
            self._put(draft, route, knowing, Event.ACKNOWLEDGED, change, labels, now)

    def _silenced(self, draft: Draft, watch: AlertWatch) -> None:
        if self._targets(self.routes[watch.route], watch):
            draft.watch(replace(watch, remind_at=None, escalate_at=None))
        else:
            draft.unwatch(watch)

    def _leave_out(self, draft: Draft, alert: Alert) -> tuple[int, ...]:
        """Take the alert out of all that waits. The targets that were told nothing of it with that."""
        unaware = []
        for delivery in draft.untold(alert.id):
            draft.leave_out(delivery, alert.id)
            route = self.routes.get(delivery.route)
            is_new = delivery.event == Event.OPENED or (
                delivery.event == Event.ESCALATED and route and delivery.target not in route.targets
            )
            if is_new:
                unaware.append(delivery.target)
        return tuple(dict.fromkeys(unaware))

    def _resolved(
        self, draft: Draft, watch: AlertWatch, change: AlertChange, labels: Mapping[str, str], now: int
    ) -> None:
        route, alert = self.routes[watch.route], change.alert
        draft.unwatch(watch)
        if alert.silenced is not None:
            return
        told = []
        for target in self._targets(route, watch):
            held = [one for one in draft.untold(alert.id, target) if one.group.endswith(HELD)]
            for delivery in held:
                draft.renew(delivery, alert)
            if not held:
                told.append(target)
        if Event.RESOLVED in route.events:
            self._put(draft, route, told, Event.RESOLVED, change, labels, now)

    def _remind(self, draft: Draft, route: Route, watch: AlertWatch, due: int, now: int) -> AlertWatch:
        if route.remind_s is None:
            return replace(watch, remind_at=None)
        if route.schedule is not None and (opens_at := route.schedule.opens_at(now)) > now:
            return replace(watch, remind_at=opens_at)
        targets = self._targets(route, watch)
        self._put(draft, route, targets, Event.REMINDER, _due(watch, due, Event.REMINDER), {}, now)
        return replace(watch, remind_at=now + round(route.remind_s * US))

    def _escalate(self, draft: Draft, route: Route, watch: AlertWatch, due: int, now: int) -> AlertWatch:
        if route.escalate_s is None:
            return replace(watch, escalate_at=None)
        targets = [one for one in route.escalate_to if self._may_see(one, watch.alert.device_id)]
        self._put(draft, route, targets, Event.ESCALATED, _due(watch, due, Event.ESCALATED), {}, now)
        names = ", ".join(self.names.get(one, str(one)) for one in targets)
        draft.escalated.append((watch.alert.id, f"nobody has acknowledged it: told {names or 'nobody'}"))
        return replace(watch, escalate_at=None, escalated=True)

    def _targets(self, route: Route, watch: AlertWatch | None) -> list[int]:
        further = route.escalate_to if watch is not None and watch.escalated else ()
        unaware = watch.unaware if watch is not None else ()
        return [one for one in dict.fromkeys((*route.targets, *further)) if one not in unaware]

    def _put(
        self,
        draft: Draft,
        route: Route,
        targets: list[int],
        event: Event,
        change: AlertChange,
        labels: Mapping[str, str],
        now: int,
    ) -> int:
        """Have the targets told, and when that is. What the time brings does not wait for more of it: it
        comes to all alerts of one message at once.
        """
        alert = change.alert
        is_of_time = change.number > TIMES_FROM
        together = now if is_of_time else now + round(route.group_s * US)
        due = route.sends_at(together)
        cause = f"{alert.rule or alert.name}:{labels.get(route.group_by, '') if route.group_by else ''}"
        told_at = due
        for target in targets:
            if not self._may_see(target, alert.device_id):
                continue
            held = due > together
            told_at = draft.add(
                AlertDelivery(
                    id=0,
                    key=f"{alert.id}-{event}-{change.number}",
                    target=target,
                    target_name="",
                    route=route.id,
                    event=event,
                    group=f"{route.id}:{target}:{event}:{HELD if held else cause}",
                    alerts=(alert,),
                    made_at=now,
                    due=max(due, draft.waits_until(alert.id, target)),
                    by=change.by,
                    text=change.text,
                ),
                now,
            )
        return told_at


def _due(watch: AlertWatch, due: int, event: Event) -> AlertChange:
    """What time brings, as a change. Its number is the time in ms, which no change of the ledger has."""
    return AlertChange(due // 1000, watch.alert, event, due)


def _without(watch: AlertWatch, unaware: tuple[int, ...]) -> AlertWatch:
    return replace(watch, unaware=tuple(dict.fromkeys((*watch.unaware, *unaware))))
