"""Who is told of which alerts, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.errors import Invalid
from hub.model.alert import Alert, Event
from hub.model.rule import NOTE_MAX, Severity
from hub.model.schedule import DAYS, Schedule, read_schedule

NAME_MAX = 100
TARGETS_MAX = 20  # of one route
GROUP_MAX_S = 3_600.0
AFTER_MIN_S = 1.0
AFTER_MAX_S = 2_592_000.0
REMIND_MIN_S = 60.0
GROUP_S = 30.0
TOLD = (Event.OPENED, Event.ACKNOWLEDGED, Event.RESOLVED, Event.REMINDER)
_FIELDS = (
    *(
        "name",
        "enabled",
        "match",
        "targets",
        "events",
        "group_s",
        "group_by",
        "quiet",
        "remind_s",
        "escalate",
    ),
    "templates",
)


@dataclass(frozen=True, slots=True)
class Template:
    """Title and body of a message, with placeholders: {device}. "" is as usual."""

    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that match go to the targets.

    `group_s`: alerts of one rule that open within it are one message; with `group_by`, the key of a label,
    each value of it has its own. `quiet`: hours in which nothing is sent; it is kept until they end.
    `remind_s` and `escalate_s`: while nobody has acknowledged it, tell the targets again, and others.
    """

    id: int
    targets: tuple[int, ...]
    name: str = ""
    enabled: bool = True
    severities: frozenset[Severity] = frozenset(Severity)
    label: tuple[str, str] | None = None  # of the rule, or of the device
    schedule: Schedule | None = None
    events: frozenset[Event] = frozenset(TOLD)
    group_s: float = GROUP_S
    group_by: str = ""
    quiet: Schedule | None = None
    remind_s: float | None = None
    escalate_s: float | None = None
    escalate_to: tuple[int, ...] = ()
    templates: Mapping[Event, Template] = field(default_factory=dict)
    created_at: int = 0  # µs, UTC
    updated_at: int = 0
    by: str = ""

    def takes(self, alert: Alert, labels: Mapping[str, str], now: int) -> bool:
        """Whether an alert of a device with these labels is meant now (µs, UTC)."""
        if not self.enabled or alert.severity not in self.severities:
            return False
        if self.label is not None:
            key, value = self.label
            if alert.labels.get(key) != value and labels.get(key) != value:
                return False
        return self.schedule is None or self.schedule.opens_at(now) == now

    def sends_at(self, now: int) -> int:
        """`now`, or when the quiet hours end that it lies in (µs, UTC)."""
        if self.quiet is None:
            return now
        at = now
        for start, end in self.quiet.spans(now):
            if start <= at < end:
                at = end
        return at


def read_route(told: Mapping[str, object], route_id: int = 0) -> Route:
    """A route as the wire says it. Raises Invalid, naming the field."""
    for name in told:
        if name not in _FIELDS:
            raise Invalid(f"{name}: not known here", name)
    match = _object(told.get("match"), "match", ("severity", "label", "schedule"))
    escalate = _object(told.get("escalate"), "escalate", ("after_s", "targets"))
    if not isinstance(told.get("enabled", True), bool):
        raise Invalid("enabled: true or false is wanted", "enabled")
    schedule, quiet = match.get("schedule"), told.get("quiet")
    hours = None if quiet is None else read_schedule(quiet, "quiet")
    if hours is not None and hours.begin == hours.end and len(hours.days) == len(DAYS):
        raise Invalid("quiet: it never ends: nothing would be sent", "quiet")
    return Route(
        id=route_id,
        targets=_targets(told.get("targets"), "targets"),
        name=_text(told.get("name"), "name", NAME_MAX),
        enabled=told.get("enabled", True) is True,
        severities=_severities(match.get("severity")),
        label=_label(match.get("label")),
        schedule=None if schedule is None else read_schedule(schedule, "match.schedule"),
        events=_events(told.get("events")),
        group_s=_seconds(told.get("group_s", GROUP_S), "group_s", 0.0, GROUP_MAX_S),
        group_by=_text(told.get("group_by"), "group_by", 200),
        quiet=hours,
        remind_s=None
        if told.get("remind_s") is None
        else _seconds(told["remind_s"], "remind_s", REMIND_MIN_S, AFTER_MAX_S),
        escalate_s=_seconds(escalate.get("after_s"), "escalate.after_s", AFTER_MIN_S, AFTER_MAX_S)
        if escalate
        else None,
        escalate_to=_targets(escalate.get("targets"), "escalate.targets") if escalate else (),
        templates=_templates(told.get("templates")),
    )


def write_route(route: Route) -> dict[str, object]:
    """The same for the wire; without its id, and without who changed it."""
    return {
        "name": route.name,
        "enabled": route.enabled,
        "match": {
            "severity": [one.value for one in Severity if one in route.severities],
            "label": None if route.label is None else "=".join(route.label),
            "schedule": None if route.schedule is None else route.schedule.written(),
        },
        "targets": list(route.targets),
        "events": [one.value for one in TOLD if one in route.events],
        "group_s": route.group_s,
        "group_by": route.group_by,
        "quiet": None if route.quiet is None else route.quiet.written(),
        "remind_s": route.remind_s,
        "escalate": None
        if route.escalate_s is None
        else {"after_s": route.escalate_s, "targets": list(route.escalate_to)},
        "templates": {
            event.value: {"title": one.title, "body": one.body} for event, one in route.templates.items()
        },
    }


def _object(told: object, where: str, known: tuple[str, ...]) -> Mapping[str, object]:
    if told is None:
        return {}
    if not isinstance(told, Mapping):
        raise Invalid(f"{where}: an object is wanted", where)
    for name in told:
        if name not in known:
            raise Invalid(f"{where}.{name}: known here are {', '.join(known)}", f"{where}.{name}"[:100])
    return told


def _targets(told: object, where: str) -> tuple[int, ...]:
    is_right = (
        isinstance(told, list | tuple)
        and 1 <= len(told) <= TARGETS_MAX
        and all(
            isinstance(one, int | float) and not isinstance(one, bool) and one == int(one) for one in told
        )
    )
    if not is_right or not isinstance(told, list | tuple):
        raise Invalid(f"{where}: the ids of 1 to {TARGETS_MAX} targets are wanted", where)
    return tuple(dict.fromkeys(int(one) for one in told))


def _severities(told: object) -> frozenset[Severity]:
    if told is None:
        return frozenset(Severity)
    if not isinstance(told, list | tuple) or not told or not all(one in tuple(Severity) for one in told):
        raise Invalid('match.severity: some of "warning" and "critical" are wanted', "match.severity")
    return frozenset(Severity(one) for one in told)


def _label(told: object) -> tuple[str, str] | None:
    if told is None:
        return None
    key, equals, value = told.partition("=") if isinstance(told, str) and len(told) <= 400 else ("", "", "")
    if not key or not equals:
        raise Invalid('match.label: "k=v" is wanted', "match.label")
    return key, value


def _events(told: object) -> frozenset[Event]:
    if told is None:
        return frozenset(TOLD)
    if not isinstance(told, list | tuple) or not told or not all(one in TOLD for one in told):
        raise Invalid(f"events: some of {', '.join(TOLD)} are wanted", "events")
    return frozenset(Event(one) for one in told)


def _seconds(told: object, where: str, least: float, most: float) -> float:
    if isinstance(told, int | float) and not isinstance(told, bool) and least <= told <= most:
        return float(told)
    raise Invalid(f"{where}: a number of seconds from {least:g} to {most:g} is wanted", where)


def _templates(told: object) -> dict[Event, Template]:
    known = (*TOLD, Event.ESCALATED)
    found = {}
    for event, parts in _object(told, "templates", known).items():
        where = f"templates.{event}"
        read = _object(parts, where, ("title", "body"))
        title = _text(read.get("title"), f"{where}.title", 200)
        found[Event(event)] = Template(title, _text(read.get("body"), f"{where}.body", NOTE_MAX, lines=True))
    return found


def _text(told: object, where: str, longest: int, *, lines: bool = False) -> str:
    value = "" if told is None else told
    if not isinstance(value, str) or len(value) > longest or not _is_plain(value, lines=lines):
        raise Invalid(
            f"{where}: a text of at most {longest} characters without control characters is wanted", where
        )
    return value.strip()


def _is_plain(text: str, *, lines: bool) -> bool:
    return (text.replace("\n", "") if lines else text).isprintable()
