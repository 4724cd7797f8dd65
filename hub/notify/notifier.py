"""Targets, routes and deliveries: built in compose, run by serve, asked by REST."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace

from hub.alerts.wire import shown_alert
from hub.clock import Step
from hub.errors import Conflict, NotFound, StoreError
from hub.logs import Logger
from hub.model import Alert, AlertChange, Severity
from hub.model.delivery import AlertDelivery, DeliveryState
from hub.model.route import Route
from hub.model.target import AlertTarget, TargetKind
from hub.notify.drafts import Board, DeliveryPlan
from hub.notify.outbox import Outbox, wait_for
from hub.notify.planner import Planner
from hub.notify.senders import Letter, Outcome, Sender
from hub.notify.texts import TEST, Notice, check_templates, for_inbox, message_of
from hub.registry.registry import Registry
from hub.timers import aligned_sleep

US = 1_000_000
TARGETS_MAX = 100
ROUTES_MAX = 100
KEPT_US = 7_776_000 * US  # deliveries that ended: 90 days
KEPT_MAX = 50_000
FORGET_S = 3_600.0
RETRY_S = 5.0
TEST_S = 15.0  # how long a test waits for its end
SAMPLE = "boiler-1"

_log = Logger("notify")

Labels = Callable[[str], Mapping[str, str]]
Escalated = Callable[[int, str], Awaitable[None]]


class Notifier:
    """Is given the changes of alerts (see hub/alerts/stream). `labels` gives those of a device; `may_see`
    tells whether a person may see a device, and None whether there is such a person; `escalated` notes in an
    alert's history that it was told to others; `tell` says to a person that something is in their inbox.
    `base_url` is where people open the page.
    """

    def __init__(
        self,
        registry: Registry,
        senders: Mapping[TargetKind, Sender],
        labels: Labels,
        may_see: Callable[[str, str | None], bool],
        escalated: Escalated,
        tell: Callable[[str], Awaitable[None]],
        clock: Callable[[], int],
        uniform: Callable[[float, float], float],
        base_url: str,
    ) -> None:
        self._registry = registry
        self._senders = senders
        self._labels = labels
        self._may_see = may_see
        self._escalated = escalated
        self._clock = clock
        self._base_url = base_url
        self.targets: dict[int, AlertTarget] = {}
        self._board = Board()
        self._lock = asyncio.Lock()
        self._taken = 0
        self._watched = asyncio.Event()
        self.planner = Planner(self._board, self._reaches)
        self._outbox = Outbox(
            self._board,
            registry.deliveries,
            self.targets,
            self._send,
            tell,
            self._lock,
            clock,
            uniform,
        )

    async def restore(self) -> None:
        """Go on where an earlier run of the hub ended. Raises StoreError."""
        stored = self._registry.deliveries
        for target in await self._registry.targets.all():
            self._know(target)
        for route in await self._registry.routes.all():
            self.planner.routes[route.id] = route
        for delivery in await stored.queued():
            self._board.put(delivery)
        for watch in await stored.watches():
            self._board.watches[watch.route, watch.alert.id] = watch
        self._board.next_id = await stored.highest() + 1
        self._taken = await stored.taken()
        self._outbox.restore()

    def loops(self) -> list[Coroutine[object, object, None]]:
        """What has to run."""
        return [self._outbox.run(), self._pass_time(), self._forget()]

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set."""
        self._board.move(step.by)
        self._outbox.clock_stepped(step)
        self._watched.set()

    async def close(self) -> None:
        """End what is under way."""
        for sender in self._senders.values():
            await sender.close()

    # Alerts

    async def take(self, change: AlertChange) -> None:
        """Take a change of an alert over, once, however often it is given. Raises StoreError."""
        async with self._lock:
            if change.number <= self._taken or not self.planner.routes:
                return
            labels = self._labels(change.alert.device_id)
            await self._carry_out(self.planner.take(change, labels, self._clock()), change.number)

    async def _carry_out(self, plan: DeliveryPlan, taken: int | None = None) -> None:
        if plan.is_empty:
            return
        await self._registry.deliveries.write(
            plan.deliveries, plan.dropped, plan.watches, plan.unwatched, taken
        )
        self._taken = taken or self._taken
        self._board.apply(plan)
        for one in plan.deliveries:
            if one.state is DeliveryState.FAILED:
                _log.error("a message cannot be delivered", target=one.target_name, key=one.key, why=one.why)
        self._watched.set()
        self._outbox.look()

    async def _pass_time(self) -> None:
        while True:
            self._watched.clear()
            try:
                await self.look()
            except StoreError as error:
                _log.error("reminders cannot be written; retrying", why=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            await wait_for(self._watched, self.planner.next_due(), self._clock())

    async def look(self) -> None:
        """See what the time has brought. Raises StoreError."""
        async with self._lock:
            due = self.planner.next_due()
            if due is None or due > self._clock():
                return
            plan = self.planner.pass_to(self._clock())
            await self._carry_out(plan)
        for alert_id, text in plan.escalated:
            with suppress(NotFound):  # it was forgotten meanwhile
                await self._escalated(alert_id, text)

    def _reaches(self, target_id: int, device_id: str) -> bool:
        target = self.targets.get(target_id)
        if target is None:
            return False
        return target.kind is not TargetKind.PERSON or self._may_see(target.address, device_id)

    # Messages

    async def _send(self, delivery: AlertDelivery, target: AlertTarget) -> Outcome:
        message = message_of(delivery, self.planner.routes.get(delivery.route), self._base_url)
        if target.kind is TargetKind.PERSON:
            if self._may_see(target.address, None):
                return Outcome(told=for_inbox(delivery, target.address, message))
            return Outcome("there is no such person any more", is_final=True)
        body: dict[str, object] = {
            "event": delivery.event,
            "alert": shown_alert(delivery.alerts[0]),
            "link": message.link,
        }
        if len(delivery.alerts) > 1:
            body |= {"alerts": [shown_alert(one) for one in delivery.alerts], "more": delivery.more}
        return await self._senders[target.kind].send(Letter(target, delivery.key, message, body))

    def preview(self, route: Route, event: str, alert: Alert | None) -> Notice:
        """What a message of a route would say, of this alert or of one that is made up."""
        check_templates(route.templates)
        shown = alert or self._sample()
        return message_of(self._delivery(0, "", event, shown, route.id), route, self._base_url)

    def _sample(self) -> Alert:
        now = self._clock()
        value = 91.2
        severity = Severity.CRITICAL
        sample = Alert(0, 0, "Boiler too hot", severity, 0, SAMPLE, "temperature", now, now, value)
        return replace(sample, peak_at=now, peak=93.0)

    def _delivery(self, target_id: int, key: str, event: str, alert: Alert, route: int) -> AlertDelivery:
        now = self._clock()
        name = self.planner.names.get(target_id, "")
        return AlertDelivery(0, key, target_id, name, route, event, key, (alert,), now, now)

    async def test(self, target_id: int) -> AlertDelivery:
        """Send a test, and wait a while for its end. Raises NotFound, StoreError."""
        target = self.find_target(target_id)
        async with self._lock:
            delivery_id = self._board.next_id
            made = self._delivery(target.id, f"0-{TEST}-{delivery_id}", TEST, self._sample(), 0)
            ended = self._outbox.end_of(delivery_id)
            await self._carry_out(DeliveryPlan([replace(made, id=delivery_id)]))
        self._outbox.try_now(target.id)
        with suppress(TimeoutError):  # then it is still on its way, and the answer says so
            async with asyncio.timeout(TEST_S):
                await ended.wait()
        found = await self._registry.deliveries.one(delivery_id)
        if found is None:
            raise NotFound(f"there is no delivery {delivery_id}")
        return found

    async def deliveries(
        self, limit: int, state: str | None, alert: int | None, target: int | None, before: int | None
    ) -> list[AlertDelivery]:
        """Deliveries, newest first. Raises StoreError."""
        return await self._registry.deliveries.find(
            limit, state=state, alert=alert, target=target, before=before
        )

    # What people set

    def find_target(self, target_id: int) -> AlertTarget:
        """A target. Raises NotFound."""
        try:
            return self.targets[target_id]
        except KeyError:
            raise NotFound(f"there is no target {target_id}") from None

    async def add_target(self, target: AlertTarget, by: str) -> AlertTarget:
        """A new one. Raises Conflict for one too many, Invalid, StoreError."""
        if len(self.targets) >= TARGETS_MAX:
            raise Conflict(f"there are {TARGETS_MAX} targets; remove some of them")
        self._check_person(target)
        added = await self._registry.targets.add(replace(target, created_at=self._clock(), by=by))
        self._know(added)
        return added

    async def change_target(self, target: AlertTarget) -> AlertTarget:
        """One that there is, changed. What waits for it is tried at once. Raises Invalid, StoreError."""
        self._check_person(target)
        await self._registry.targets.update(target)
        self._know(target)
        self._outbox.try_now(target.id)
        return target

    async def remove_target(self, target_id: int) -> None:
        """What waits for it is not sent. Raises NotFound; Conflict where a route leads to it; StoreError."""
        target = self.find_target(target_id)
        routes = self.planner.routes.values()
        if used := [one.id for one in routes if target_id in (*one.targets, *one.escalate_to)]:
            raise Conflict(f"route {used[0]} leads to {target.name!r}: change or remove the route first")
        await self._registry.targets.remove(target_id)
        self.targets.pop(target_id, None)
        self.planner.names.pop(target_id, None)
        self._outbox.try_now(target_id)

    def _know(self, target: AlertTarget) -> None:
        self.targets[target.id] = target
        self.planner.names[target.id] = target.name

    def _check_person(self, target: AlertTarget) -> None:
        if target.kind is TargetKind.PERSON and not self._may_see(target.address, None):
            raise NotFound(f"person: there is no operator {target.address!r}")

    def find_route(self, route_id: int) -> Route:
        """A route. Raises NotFound."""
        try:
            return self.planner.routes[route_id]
        except KeyError:
            raise NotFound(f"there is no route {route_id}") from None

    async def add_route(self, route: Route, by: str) -> Route:
        """A new one. Raises Conflict for one too many, Invalid, NotFound for a target, StoreError."""
        if len(self.planner.routes) >= ROUTES_MAX:
            raise Conflict(f"there are {ROUTES_MAX} routes; remove some of them")
        self._check_route(route)
        now = self._clock()
        added = await self._registry.routes.add(replace(route, created_at=now, updated_at=now, by=by))
        self.planner.routes[added.id] = added
        return added

    async def change_route(self, route: Route, by: str) -> Route:
        """One that there is, changed. Raises Invalid, NotFound for a target, StoreError."""
        self._check_route(route)
        changed = replace(route, updated_at=self._clock(), by=by)
        await self._registry.routes.update(changed)
        self.planner.routes[changed.id] = changed
        self._watched.set()
        return changed

    async def remove_route(self, route_id: int) -> None:
        """What it has told already stays on its way. Raises NotFound, StoreError."""
        self.find_route(route_id)
        async with self._lock:
            await self._registry.routes.remove(route_id)
            self.planner.routes.pop(route_id, None)
            for key in [key for key in self._board.watches if key[0] == route_id]:
                del self._board.watches[key]

    def _check_route(self, route: Route) -> None:
        check_templates(route.templates)
        for target_id in (*route.targets, *route.escalate_to):
            self.find_target(target_id)

    async def _forget(self) -> None:
        while True:
            await aligned_sleep(FORGET_S)
            try:
                await self.forget()
            except StoreError as error:
                _log.error("old deliveries cannot be taken away; retrying", why=str(error))

    async def forget(self) -> None:
        """Take away deliveries that ended long ago. Raises StoreError."""
        await self._registry.deliveries.forget(self._clock() - KEPT_US, KEPT_MAX)
