"""What people read: titles and bodies, by templates with placeholders or as usual. Pure.

A placeholder is a name in braces: {device}. What is none of these names is refused when a template is set.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.model import InboxAlert
from hub.model.alert import Alert, Event
from hub.model.delivery import AlertDelivery
from hub.model.note import TEXT_MAX as INBOX_TEXT_MAX
from hub.model.route import Route, Template
from hub.model.rule import Severity

AROUND_US = 900_000_000  # what a link shows before and after the moment
TEXT_MAX = 8_000  # characters of a body
LINES_MAX = 20  # alerts in a body; of more only the count
TEST = "test"
PLACEHOLDERS = {
    "event": "opened, acknowledged, resolved, reminder or escalated",
    "name": "of the rule",
    "severity": "warning or critical",
    "device": "its id, or how many devices",
    "metric": "its name",
    "value": "with which it opened",
    "peak": "the worst value",
    "opened": "when, on the readings' own time",
    "resolved": "when; empty while it fires",
    "count": "how many alerts the message is about",
    "list": "a line for each of them",
    "by": "who has acknowledged it",
    "comment": "what they said",
    "link": "to the device at that moment",
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TITLES = {
    Event.OPENED: "[{severity}] {name}: {device}",
    Event.ACKNOWLEDGED: "[acknowledged] {name}: {device}",
    Event.RESOLVED: "[resolved] {name}: {device}",
    Event.REMINDER: "[{severity}] still: {name}: {device}",
    Event.ESCALATED: "[{severity}] not acknowledged: {name}: {device}",
}
_BODY = "{list}\n\n{link}"
_ACKNOWLEDGED = "{by}: {comment}\n{list}\n\n{link}"
_TEST_TEXT = Template("Test of the sensor hub", "This target works. Alerts that are routed to it come here.")


class Notice(NamedTuple):
    """What is sent."""

    title: str
    body: str
    link: str


def check_templates(templates: Mapping[Event, Template]) -> None:
    """Raises Invalid for a placeholder that there is not, naming the field."""
    for event, template in templates.items():
        for part, text in (("title", template.title), ("body", template.body)):
            for found in _PLACEHOLDER.findall(text):
                if found not in PLACEHOLDERS:
                    where = f"templates.{event}.{part}"
                    known = ", ".join(PLACEHOLDERS)
                    raise Invalid(f"{where}: {{{found}}} is no placeholder; known are {known}", where)


def link_to(base: str, alert: Alert) -> str:
    """The page with the device at the moment at which the alert opened."""
    start, end = ((alert.opened + by) // 1000 for by in (-AROUND_US, AROUND_US))
    return f"{base}/#/device/{quote(alert.device_id, safe='')}?from={start}&to={end}"


def message_of(delivery: AlertDelivery, route: Route | None, base: str) -> Notice:
    """What a delivery says. `base` is where people open the page."""
    if delivery.event == TEST:
        return Notice(_TEST_TEXT.title, f"{_TEST_TEXT.body}\n\n{base}", base)
    event = Event(delivery.event)
    own = route.templates.get(event, Template()) if route else Template()
    zone = _zone(route)
    values = _values(delivery, base, zone)
    usual = _ACKNOWLEDGED if event is Event.ACKNOWLEDGED and delivery.by else _BODY
    title = _filled(own.title or _TITLES[event], values).replace("\n", " ").strip()
    return Notice(title, _filled(own.body or usual, values)[:TEXT_MAX], values["link"])


def for_inbox(delivery: AlertDelivery, person: str, message: Notice) -> InboxAlert:
    """What a person reads of it in their inbox, where a link of its own leads to the device."""
    body = message.body.replace(message.link, "").strip()
    text = f"{message.title}\n{body}".strip()[:INBOX_TEXT_MAX]
    if delivery.event == TEST:
        return InboxAlert(person, text, delivery.by, None, None, ())
    first = delivery.alerts[0]
    devices = tuple(dict.fromkeys(alert.device for alert in delivery.alerts))
    return InboxAlert(person, text, delivery.by, first.id, first.opened, devices)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _values(delivery: AlertDelivery, base: str, zone: ZoneInfo) -> dict[str, str]:
    first, count = delivery.alerts[0], len(delivery.alerts) + delivery.more
    devices = {alert.device_id for alert in delivery.alerts}
    names = {alert.name for alert in delivery.alerts}
    is_critical = any(alert.severity is Severity.CRITICAL for alert in delivery.alerts)
    return {
        "event": delivery.event,
        "name": first.name if len(names) == 1 else f"{len(names)} rules",
        "severity": (Severity.CRITICAL if is_critical else Severity.WARNING).value,
        "device": first.device_id if len(devices) == 1 else f"{len(devices) + delivery.more} devices",
        "metric": first.metric,
        "value": _shown(first.value),
        "peak": _shown(first.peak),
        "opened": _time(first.opened, zone),
        "resolved": "" if first.resolved is None else _time(first.resolved, zone),
        "count": str(count),
        "list": _list(delivery, zone, with_names=len(names) > 1),
        "by": delivery.by,
        "comment": delivery.text or "acknowledged",
        "link": link_to(base, first),
    }


def _list(delivery: AlertDelivery, zone: ZoneInfo, *, with_names: bool) -> str:
    lines = []
    for alert in delivery.alerts[:LINES_MAX]:
        what = f"{alert.device_id} {alert.metric}".rstrip()
        if with_names:
            what = f"{alert.name}: {what}"
        value = "" if alert.value is None else f" was {_shown(alert.value)}"
        line = f"{what}{value} at {_time(alert.opened, zone)}"
        if alert.flapping:
            line += f"; it flaps: opened {alert.count} times"
        if alert.resolved is not None:
            line += f"; over since {_time(alert.resolved, zone)}"
            line += f" ({alert.why})" if alert.why else ""
        lines.append(line)
    left = len(delivery.alerts) - len(lines) + delivery.more
    return "\n".join([*lines, f"and {left} more"] if left else lines)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)[:200]


def _time(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _zone(route: Route | None) -> ZoneInfo:
    """The clocks of the place that the route names in its hours."""
    hours = (route.quiet or route.schedule) if route else None
    return ZoneInfo(hours.timezone if hours else "UTC")
