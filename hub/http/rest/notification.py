"""REST: targets, routes and deliveries, for admins."""

import asyncio
from dataclasses import replace
from typing import Any

from hub.errors import Invalid
from hub.feed.channel import wire_ms
from hub.http.endpoint import Call, Nothing
from hub.http.rest.notification_shapes import (
    DeliveriesOut,
    DeliveriesQuery,
    DeliveryOut,
    PreviewIn,
    PreviewOut,
    RouteChange,
    RouteIn,
    RouteOut,
    RoutesOut,
    TargetChange,
    TargetIn,
    TargetOut,
    TargetsOut,
)
from hub.http.rest.rules import number_in
from hub.http.rooms import ALERTS, NOTIFIER
from hub.model.delivery import AlertDelivery, DeliveryState
from hub.model.route import read_route, write_route
from hub.model.target import AlertTarget, TargetKind, read_target
from hub.notify.by_apprise import check_url


async def list_targets(call: Call[Nothing, Nothing]) -> TargetsOut:
    """List whom alerts can be told; without what is secret."""
    found = call.app[NOTIFIER].targets
    return TargetsOut(targets=[TargetOut.of(found[one]) for one in sorted(found)])


async def add_target(call: Call[Nothing, TargetIn]) -> TargetOut:
    """Add a target: an Apprise URL, a webhook, or a person."""
    target = await _checked(read_target(call.body.model_dump(exclude_unset=True)))
    return TargetOut.of(await call.app[NOTIFIER].add_target(target, call.principal.name))


async def change_target(call: Call[Nothing, TargetChange]) -> TargetOut:
    """Change a target; what waits for it is tried at once."""
    before = call.app[NOTIFIER].find_target(number_in(call, "target_id", "target"))
    asked = call.body.model_dump(exclude_none=True)
    wanted: dict[str, object] = {"name": before.name, **asked}
    if not any(kind.value in asked for kind in TargetKind):
        wanted[before.kind.value] = before.address
    if before.kind is TargetKind.WEBHOOK and TargetKind.WEBHOOK.value in wanted:
        wanted.setdefault("secret", before.secret)
    read = await _checked(read_target(wanted, before.id))
    target = replace(read, created_at=before.created_at, by=before.by)
    return TargetOut.of(await call.app[NOTIFIER].change_target(target))


async def remove_target(call: Call[Nothing, Nothing]) -> None:
    """Remove a target that no route leads to; what waits for it is not sent."""
    await call.app[NOTIFIER].remove_target(number_in(call, "target_id", "target"))


async def test_target(call: Call[Nothing, Nothing]) -> DeliveryOut:
    """Send a test to a target, and say what came of it; where that takes long, that it is queued."""
    return _shown(await call.app[NOTIFIER].test(number_in(call, "target_id", "target")))


async def _checked(target: AlertTarget) -> AlertTarget:
    """Raises Invalid for a URL that Apprise does not take."""
    if target.kind is TargetKind.URL and (why := await asyncio.to_thread(check_url, target.address)):
        raise Invalid(f"url: Apprise does not take it: {why}", "url")
    return target


async def list_routes(call: Call[Nothing, Nothing]) -> RoutesOut:
    """List which alerts go to which targets."""
    found = call.app[NOTIFIER].planner.routes
    return RoutesOut(routes=[RouteOut.of(found[one]) for one in sorted(found)])


async def show_route(call: Call[Nothing, Nothing]) -> RouteOut:
    """Show one route."""
    return RouteOut.of(call.app[NOTIFIER].find_route(number_in(call, "route_id", "route")))


async def add_route(call: Call[Nothing, RouteIn]) -> RouteOut:
    """Add a route: alerts that match go to its targets."""
    route = read_route(call.body.model_dump(exclude_unset=True))
    return RouteOut.of(await call.app[NOTIFIER].add_route(route, call.principal.name))


async def change_route(call: Call[Nothing, RouteChange]) -> RouteOut:
    """Change a route."""
    before = call.app[NOTIFIER].find_route(number_in(call, "route_id", "route"))
    wanted = write_route(before) | call.body.model_dump(exclude_unset=True)
    route = replace(read_route(wanted, before.id), created_at=before.created_at)
    return RouteOut.of(await call.app[NOTIFIER].change_route(route, call.principal.name))


async def remove_route(call: Call[Nothing, Nothing]) -> None:
    """Remove a route; what it has queued is still sent."""
    await call.app[NOTIFIER].remove_route(number_in(call, "route_id", "route"))


async def preview(call: Call[Nothing, PreviewIn]) -> PreviewOut:
    """Show what people would read. Nothing is sent."""
    body = call.body
    route = read_route({"targets": [1], "templates": body.templates})
    alert = None if body.alert is None else await call.app[ALERTS].ledger.find(body.alert)
    message = call.app[NOTIFIER].preview(route, body.event, alert)
    return PreviewOut(title=message.title, body=message.body, link=message.link)


async def list_deliveries(call: Call[DeliveriesQuery, Nothing]) -> DeliveriesOut:
    """List messages, newest first: queued, sent, failed, with tries and why."""
    asked: Any = call.query
    found = await call.app[NOTIFIER].deliveries(
        asked.limit + 1, asked.state, asked.alert, asked.target, asked.before
    )
    page = found[: asked.limit]
    following = page[-1].id if len(found) > asked.limit else None
    return DeliveriesOut(deliveries=[_shown(one) for one in page], next=following)


def _shown(delivery: AlertDelivery) -> DeliveryOut:
    is_queued = delivery.state is DeliveryState.QUEUED
    return DeliveryOut.model_validate(
        {
            "id": delivery.id,
            "key": delivery.key,
            "target": delivery.target,
            "target_name": delivery.target_name,
            "route": delivery.route or None,
            "event": delivery.event,
            "alerts": [alert.id for alert in delivery.alerts if alert.id],
            "more": delivery.more,
            "state": delivery.state,
            "tries": delivery.tries,
            "why": delivery.why,
            "made_at": wire_ms(delivery.made_at),
            "next_try": wire_ms(delivery.due) if is_queued else None,
            "ended_at": None if delivery.ended_at is None else wire_ms(delivery.ended_at),
        }
    )
