"""REST: rules, for those who may set them in their scope, and what a rule would have said."""

from typing import Any

from hub.alerts.thresholds import rules_of
from hub.alerts.trial import TrialSeries, Tried
from hub.errors import Forbidden, Invalid, NotFound
from hub.feed.channel import wire_ms
from hub.feed.feed import LabelledDevice
from hub.http.access import permit
from hub.http.endpoint import Call, Nothing
from hub.http.rest.rule_shapes import (
    RuleChange,
    RuleIn,
    RuleOut,
    RulesOut,
    RulesQuery,
    TrialAlertOut,
    TrialIn,
    TrialOut,
)
from hub.http.rooms import ALERTS, FEED, INGEST
from hub.http.slots import SLOTS
from hub.model import Device, Right, Rule
from hub.model.condition import Differs, IsPresent
from hub.model.rule import Which, read_rule, write_rule
from hub.people.rule import Decision, OfDevice, Whole, decide

BUILTIN_MAX = 1000
TRIED_MAX = 100  # metrics that one rule is played over
DIGITS_MAX = 18


def reach(call: Call[Any, Any], which: Which) -> OfDevice | Whole | None:
    """Which devices a rule or silence is about, as the rule of access asks: a device; what carries a label
    and nothing else; or the whole hub. None: a device that is not there.
    """
    if which.device is not None:
        return call.app[FEED].known(which.device)
    return Whole.HUB if which.label is None else LabelledDevice("", dict([which.label]))


def is_visible(call: Call[Any, Any], rule: Rule) -> bool:
    """Whether a rule is wholly about devices in sight, and names no other."""
    if call.principal.scopes is None:
        return True
    if decide(call.principal, Right.DEVICES_READ, reach(call, rule.on)) is not Decision.ALLOW:
        return False
    return all(call.may_see(device_id) for _, device_id in _named(rule))


def _named(rule: Rule) -> list[tuple[str, str]]:
    """The devices that a rule names besides those that it is about, each with where."""
    other = rule.when.device if isinstance(rule.when, Differs) else None
    support = None if rule.depends_on is None else rule.depends_on.device
    named = (("when.differs.device", other), ("depends_on.device", support))
    return [(where, device_id) for where, device_id in named if device_id is not None]


async def list_rules(call: Call[RulesQuery, Nothing]) -> RulesOut:
    """List rules, newest first; or those that thresholds of metrics are."""
    query = call.query
    if query.builtin:
        return RulesOut(rules=_builtin(call), next=None)
    found = [
        rule
        for rule in reversed(call.app[ALERTS].rules.all())
        if (query.before is None or rule.id < query.before) and is_visible(call, rule)
    ]
    page = found[: query.limit]
    shown = [RuleOut.of(rule) for rule in page]
    return RulesOut(rules=shown, next=page[-1].id if len(found) > query.limit else None)


def _builtin(call: Call[Any, Any]) -> list[RuleOut]:
    shown: list[RuleOut] = []
    for device in call.devices():
        for metric in call.app[INGEST].metrics(device).values():
            shown += [RuleOut.of(rule) for rule in rules_of(device, metric)]
            if len(shown) >= BUILTIN_MAX:
                return shown[:BUILTIN_MAX]
    return shown


async def show_rule(call: Call[Nothing, Nothing]) -> RuleOut:
    """Show one rule."""
    return RuleOut.of(_found(call))


async def add_rule(call: Call[Nothing, RuleIn]) -> RuleOut:
    """Make a rule: who may set rules for all devices that it is about."""
    rule = _read(call, call.body)
    return RuleOut.of(await call.app[ALERTS].rules.add(rule, call.principal.name))


async def change_rule(call: Call[Nothing, RuleChange]) -> RuleOut:
    """Change a rule; alerts that are open are judged anew."""
    before = _changeable(call)
    wanted = write_rule(before) | call.body.model_dump(mode="json", exclude_unset=True)
    if "presence" in _when(wanted):
        wanted["metric"] = None
    rule = read_rule({name: value for name, value in wanted.items() if value is not None}, before.id)
    _refuse_beyond(call, rule)
    return RuleOut.of(await call.app[ALERTS].rules.change(rule, call.principal.name))


def _when(wanted: dict[str, object]) -> dict[str, object]:
    when = wanted.get("when")
    return when if isinstance(when, dict) else {}


async def remove_rule(call: Call[Nothing, Nothing]) -> None:
    """Remove a rule; its alerts end, and say why."""
    await call.app[ALERTS].rules.remove(_changeable(call).id)


async def try_rule(call: Call[Nothing, TrialIn]) -> TrialOut:
    """Play a rule over the history: when it would have fired. Nothing is changed."""
    body = call.body
    start, end = round(body.start * 1000), round(body.end * 1000)
    if start >= end:
        raise Invalid("from: it is not before to", "from")
    told = body.rule.model_dump(mode="json", exclude_unset=True)
    rule = read_rule({name: value for name, value in told.items() if value is not None})
    if isinstance(rule.when, IsPresent):
        raise Invalid(
            "rule.when.presence: cannot be played: the history has no presence", "rule.when.presence"
        )
    chosen = _chosen(call, rule)
    async with call.app[SLOTS].queries.taken(call.proof):
        tried = await call.app[ALERTS].trial.run(rule, chosen, start, end)
    return _shown(tried)


def _chosen(call: Call[Nothing, TrialIn], rule: Rule) -> list[TrialSeries]:
    """The metrics that the rule is for, of devices whose history the principal may read."""
    ingest, named = call.app[INGEST], call.body.devices
    for device_id in named or ():
        call.look_up(device_id)
    found: list[TrialSeries] = []
    for device in call.devices():
        metric = ingest.metrics(device).get(rule.metric)
        is_meant = rule.on.covers(device.id, device.labels) and (named is None or device.id in named)
        if metric is None or not is_meant:
            continue
        if not isinstance(rule.when, Differs):
            found.append(TrialSeries(device, metric))
        elif other := _other(call, device, rule.when):
            found.append(TrialSeries(device, metric, other))
    if len(found) > TRIED_MAX:
        raise Invalid(f"devices: at most {TRIED_MAX} metrics are played at once; name some", "devices")
    return found


def _other(call: Call[Any, Any], device: Device, when: Differs) -> Any:
    other = device if when.device is None else call.look_up(when.device)
    return call.app[INGEST].metrics(other).get(when.metric)


def _shown(tried: Tried) -> TrialOut:
    alerts = [
        TrialAlertOut(
            device=one.device,
            metric=one.metric,
            opened=wire_ms(one.episode.opened),
            resolved=None if one.episode.resolved is None else wire_ms(one.episode.resolved),
            peak=None if one.episode.peak is None else (wire_ms(one.episode.peak_at), one.episode.peak),
            count=one.episode.count,
        )
        for one in tried.alerts
    ]
    return TrialOut.model_validate(
        {
            "alerts": alerts,
            "readings": tried.readings,
            "took_ms": round(tried.took_ms, 3),
            "tier": tried.tier,
            "whole": tried.is_whole,
        }
    )


def _found(call: Call[Any, Any]) -> Rule:
    """The rule in the path. Raises NotFound, also for one out of sight."""
    rule_id = number_in(call, "rule_id", "rule")
    rule = call.app[ALERTS].rules.find(rule_id)
    if not is_visible(call, rule):
        raise NotFound(f"there is no rule {rule_id}")
    return rule


def _changeable(call: Call[Any, Any]) -> Rule:
    """The same, if the principal may change it. Raises Forbidden, too."""
    rule = _found(call)
    if call.principal.scopes is not None or reach(call, rule.on) is not None:
        permit(call.principal, Right.RULES_WRITE, reach(call, rule.on))
    return rule


def _read(call: Call[Any, Any], body: RuleIn) -> Rule:
    told = body.model_dump(mode="json", exclude_unset=True)
    rule = read_rule({name: value for name, value in told.items() if value is not None})
    _refuse_beyond(call, rule)
    return rule


def _refuse_beyond(call: Call[Any, Any], rule: Rule) -> None:
    """Raises NotFound for devices that are not there, or out of sight; Forbidden for those beyond reach."""
    about = reach(call, rule.on)
    if not permit(call.principal, Right.RULES_WRITE, about):
        if isinstance(about, LabelledDevice) and not about.id:
            raise Forbidden(f"{call.principal.name!r} may set rules for devices of a scope only")
        raise NotFound(f"on.device: there is no device {rule.on.device!r}")
    for where, device_id in _named(rule):
        if not call.may_see(device_id):
            raise NotFound(f"{where}: there is no device {device_id!r}")
    support = rule.depends_on
    if support is None or support.label is None or call.principal.scopes is None:
        return
    if decide(call.principal, Right.DEVICES_READ, reach(call, support)) is not Decision.ALLOW:
        raise Forbidden(f"depends_on.label: {call.principal.name!r} sees devices of a scope only")


def number_in(call: Call[Any, Any], name: str, what: str) -> int:
    """A number in the path. Raises NotFound for what is none."""
    text = call.request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise NotFound(f"there is no {what} {text[:DIGITS_MAX]!r}")
    return int(text)
