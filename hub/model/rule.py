"""What an operator wants to be told of: a rule, from the wire and back to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub.errors import Invalid
from hub.model.condition import Condition, IsPresent, read_condition, span_s, write_condition
from hub.model.metric import NAME_RULE, is_name
from hub.model.schedule import Schedule, read_schedule

TEXT_MAX = 200
NOTE_MAX = 4_000
LABELS_MAX = 32
REMIND_MIN_S = 60.0
_FIELDS = (
    *("name", "severity", "enabled", "on", "metric", "when", "schedule", "depends_on", "remind_s", "labels"),
    "note",
)


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Which:
    """Devices: one, those with a label, or all."""

    device: str | None = None
    label: tuple[str, str] | None = None

    def covers(self, device_id: str, labels: Mapping[str, str]) -> bool:
        """Whether a device with this id and these labels is one of them."""
        if self.device is not None:
            return self.device == device_id
        return self.label is None or labels.get(self.label[0]) == self.label[1]


ALL = Which()


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that an operator set. `metric` is "" where the condition is of the device: its presence.

    `id` is 0 for a rule that was not stored: one to be tested, or one made of a metric's thresholds.
    """

    id: int
    name: str
    severity: Severity
    on: Which
    metric: str
    when: Condition
    enabled: bool = True
    schedule: Schedule | None = None
    depends_on: Which | None = None
    remind_s: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    created_at: int = 0  # µs, UTC
    updated_at: int = 0
    by: str = ""  # who changed it last
    thresholds: bool = False  # made of a metric's thresholds


def read_rule(told: Mapping[str, object], rule_id: int = 0) -> Rule:
    """The rule that the wire says. Raises Invalid, naming the field."""
    for name in told:
        if name not in _FIELDS:
            raise Invalid(f"{name}: not known here", name)
    name, note = _text(told, "name", TEXT_MAX), _text(told, "note", NOTE_MAX)
    if not name:
        raise Invalid("name: 1 to 200 characters are wanted", "name")
    if told.get("severity", Severity.WARNING) not in tuple(Severity):
        raise Invalid('severity: "warning" or "critical" is wanted', "severity")
    if not isinstance(told.get("enabled", True), bool):
        raise Invalid("enabled: true or false is wanted", "enabled")
    when = read_condition(told.get("when"))
    metric = _text(told, "metric", TEXT_MAX)
    if isinstance(when, IsPresent):
        if metric:
            raise Invalid("metric: a device is present or not, whatever its metrics: leave it out", "metric")
    elif not is_name(metric):
        raise Invalid(f"metric: {NAME_RULE}", "metric")
    remind_s = None
    if told.get("remind_s") is not None:
        remind_s = span_s({"remind_s": told["remind_s"]}, "remind_s", "rule")
        if remind_s < REMIND_MIN_S:
            raise Invalid(f"remind_s: {REMIND_MIN_S:.0f} s or more are wanted", "remind_s")
    schedule, depends_on = told.get("schedule"), told.get("depends_on")
    return Rule(
        id=rule_id,
        name=name,
        severity=Severity(str(told.get("severity", Severity.WARNING))),
        on=read_which(told.get("on"), "on"),
        metric=metric,
        when=when,
        enabled=told.get("enabled", True) is True,
        schedule=None if schedule is None else read_schedule(schedule),
        depends_on=None if depends_on is None else read_which(depends_on, "depends_on", may_be_all=False),
        remind_s=remind_s,
        labels=_labels(told.get("labels") or {}),
        note=note,
    )


def write_rule(rule: Rule) -> dict[str, object]:
    """The same for the wire; without its id, and without who changed it."""
    return {
        "name": rule.name,
        "severity": rule.severity.value,
        "enabled": rule.enabled,
        "on": write_which(rule.on),
        "metric": rule.metric,
        "when": write_condition(rule.when),
        "schedule": None if rule.schedule is None else rule.schedule.written(),
        "depends_on": None if rule.depends_on is None else write_which(rule.depends_on),
        "remind_s": rule.remind_s,
        "labels": dict(rule.labels),
        "note": rule.note,
    }


def read_which(told: object, where: str, *, may_be_all: bool = True) -> Which:
    """Devices as the wire names them. Raises Invalid."""
    wanted = '{"device": id}, {"label": "k=v"}' + (' or {"all": true}' if may_be_all else "")
    if not isinstance(told, Mapping) or len(told) != 1:
        raise Invalid(f"{where}: {wanted} is wanted", where)
    [(kind, value)] = told.items()
    if kind == "all" and may_be_all and value is True:
        return ALL
    if kind == "device" and isinstance(value, str) and 1 <= len(value) <= TEXT_MAX:
        return Which(device=value)
    if kind == "label" and isinstance(value, str) and len(value) <= 2 * TEXT_MAX:
        key, equals, held = value.partition("=")
        if key and equals:
            return Which(label=(key, held))
    field = f"{where}.{kind}"[:100]
    raise Invalid(f"{field}: {wanted} is wanted", field)


def write_which(which: Which) -> dict[str, object]:
    """Devices as the wire names them."""
    if which.device is not None:
        return {"device": which.device}
    return {"all": True} if which.label is None else {"label": "=".join(which.label)}


def _text(told: Mapping[str, object], name: str, longest: int) -> str:
    value = told.get(name, "")
    value = "" if value is None else value
    if not isinstance(value, str) or len(value) > longest:
        raise Invalid(f"{name}: a text of at most {longest} characters is wanted", name)
    if not value.replace("\n", "").isprintable():
        raise Invalid(f"{name}: no control characters are wanted", name)
    return value.strip()


def _labels(told: object) -> dict[str, str]:
    is_right = (
        isinstance(told, Mapping)
        and len(told) <= LABELS_MAX
        and all(
            isinstance(one, str) and len(one) <= TEXT_MAX and one.isprintable()
            for pair in told.items()
            for one in pair
        )
    )
    if not is_right or not isinstance(told, Mapping):
        raise Invalid(f"labels: at most {LABELS_MAX} texts by name are wanted", "labels")
    return {str(key): str(value) for key, value in told.items()}
