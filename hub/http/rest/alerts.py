"""REST: alerts. A viewer sees those of its devices; to acknowledge and to comment takes an operator."""

from typing import Any

from hub.alerts.wire import shown_alert
from hub.errors import Invalid, NotFound
from hub.feed.channel import wire_ms
from hub.formats.json import MS_MAX
from hub.http.access import permit
from hub.http.endpoint import Call, Nothing
from hub.http.rest.alert_shapes import (
    AcknowledgedManyOut,
    AcknowledgeIn,
    AlertDetailOut,
    AlertOut,
    AlertsOut,
    AlertsQuery,
    CommentIn,
    RemarkIn,
)
from hub.http.rest.rules import number_in
from hub.http.rest.times import read_time
from hub.http.rooms import ALERTS, FEED
from hub.model import Alert, Event, Right
from hub.people.rule import Decision, OfDevice, Whole, decide


async def list_alerts(call: Call[AlertsQuery, Nothing]) -> AlertsOut:
    """List alerts, newest first."""
    query, stored = call.query, call.app[ALERTS].stored
    since = read_time(query.start, "from") if query.start else 0
    until = read_time(query.end, "to") if query.end else MS_MAX * 1000
    if since >= until:
        raise Invalid("from: it is not before to", "from")
    if query.device is not None and call.principal.scopes is not None and not call.may_see(query.device):
        raise NotFound(f"there is no device {query.device!r}")
    await call.app[ALERTS].ledger.flush()
    listed = await stored.find(
        since,
        until,
        query.limit + 1,
        firing={"firing": True, "resolved": False, "all": None}[query.state],
        device=query.device,
        devices=_in_sight(call),
        rule=query.rule,
        severity=query.severity,
        before=query.before,
    )
    found = listed[: query.limit]
    following = found[-1].id if len(listed) > query.limit else None
    return AlertsOut(alerts=[AlertOut.model_validate(shown_alert(one)) for one in found], next=following)


def _in_sight(call: Call[Any, Any]) -> list[str] | None:
    """The devices whose alerts the principal may see; None for all, those that were removed among them."""
    scopes = call.principal.scopes
    if scopes is None:
        return None
    named = {device_id for scope in scopes for device_id in scope.devices}
    known = call.app[FEED].known
    return [
        device_id
        for device_id in named | {device.id for device in call.devices()}
        if decide(call.principal, Right.DEVICES_READ, known(device_id)) is Decision.ALLOW
    ]


async def show_alert(call: Call[Nothing, Nothing]) -> AlertDetailOut:
    """Show one alert, with what happened to it."""
    alert = await _found(call, Right.DEVICES_READ)
    history = [
        {"event": one.event, "at": wire_ms(one.at), "by": one.by, "text": one.text}
        for one in await call.app[ALERTS].stored.history(alert.id)
    ]
    return AlertDetailOut.model_validate({**shown_alert(alert), "history": history})


async def acknowledge(call: Call[Nothing, CommentIn]) -> AlertOut:
    """Say that one has seen an alert; who was first stays."""
    alert = await _found(call, Right.NOTES_WRITE)
    [done] = await call.app[ALERTS].ledger.acknowledge([alert.id], call.principal.name, call.body.comment)
    return AlertOut.model_validate(shown_alert(done))


async def acknowledge_many(call: Call[Nothing, AcknowledgeIn]) -> AcknowledgedManyOut:
    """Say that one has seen several alerts."""
    ledger = call.app[ALERTS].ledger
    known: list[int] = []
    unknown: list[int] = []
    for alert_id in dict.fromkeys(call.body.ids):
        try:
            alert = await ledger.find(alert_id)
        except NotFound:
            unknown.append(alert_id)
            continue
        is_theirs = _may(call, alert, Right.NOTES_WRITE) is Decision.ALLOW
        (known if is_theirs else unknown).append(alert_id)
    await ledger.acknowledge(known, call.principal.name, call.body.comment)
    return AcknowledgedManyOut(acknowledged=known, unknown=unknown)


async def comment(call: Call[Nothing, RemarkIn]) -> AlertOut:
    """Say something of an alert."""
    alert = await _found(call, Right.NOTES_WRITE)
    ledger = call.app[ALERTS].ledger
    said = await ledger.note(alert.id, Event.COMMENTED, call.principal.name, call.body.comment)
    return AlertOut.model_validate(shown_alert(said))


async def _found(call: Call[Any, Any], right: Right) -> Alert:
    """The alert in the path. Raises NotFound, also for one out of sight, and Forbidden."""
    alert_id = number_in(call, "alert_id", "alert")
    await call.app[ALERTS].ledger.flush()
    try:
        alert = await call.app[ALERTS].ledger.find(alert_id)
    except NotFound:
        permit(call.principal, right, None)
        raise
    if not permit(call.principal, right, _about(call, alert)):
        raise NotFound(f"there is no alert {alert_id}")
    return alert


def _may(call: Call[Any, Any], alert: Alert, right: Right) -> Decision:
    return decide(call.principal, right, _about(call, alert))


def _about(call: Call[Any, Any], alert: Alert) -> OfDevice | Whole | None:
    """The device; of one that was removed, alerts are for those who see all devices."""
    known = call.app[FEED].known(alert.device_id)
    if known is None and call.principal.scopes is None:
        return Whole.HUB
    return known
