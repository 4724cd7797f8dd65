"""What REST takes and gives of rules; see shapes.py. What is in `when`, `on` and `schedule` the model checks,
with errors that name the field; what they may be is told here.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, WithJsonSchema

from hub.feed.channel import wire_ms
from hub.http.rest.shapes import (
    IS_NUMBER,
    METRIC_NAME,
    PRINTABLE,
    Asked,
    Given,
    MetricName,
    Milliseconds,
    Value,
    described,
)
from hub.model import Rule, Severity
from hub.model.condition import SPAN_MAX_S, TIMES_MAX
from hub.model.rule import NOTE_MAX, REMIND_MIN_S, TEXT_MAX, write_rule
from hub.model.schedule import DAYS

JsonSchema = dict[str, object]
_NUMBER: JsonSchema = {"type": "number", "minimum": -1e300, "maximum": 1e300}
_SPAN: JsonSchema = {"type": "number", "minimum": 0.001, "maximum": SPAN_MAX_S}
_HELD: JsonSchema = {"type": "number", "minimum": 0, "maximum": SPAN_MAX_S}
_PAIR: JsonSchema = {"type": "array", "prefixItems": [_NUMBER, _NUMBER], "minItems": 2, "maxItems": 2}
_ANY_VALUE: JsonSchema = {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "boolean"}]}
_BY: JsonSchema = {"type": "number", "exclusiveMinimum": 0, "maximum": 1e300}


def _object(required: JsonSchema, optional: JsonSchema | None = None) -> JsonSchema:
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


_CHANGE = _object({"by": _BY, "within_s": _SPAN})
_FOR: JsonSchema = {"for_s": _HELD}
_OTHER = _object(
    {"metric": METRIC_NAME, "by": {"type": "number", "minimum": 0, "maximum": 1e300}},
    {"device": {"type": "string", "minLength": 1, "maxLength": 100}},
)
_TIMES: JsonSchema = {"type": "integer", "minimum": 1, "maximum": TIMES_MAX}
WHEN: JsonSchema = {
    "description": "the condition: exactly one of above, below, outside, is, is_not, rising_s, falling_s, "
    "silent_s, flat_s, presence, differs, count",
    "oneOf": [
        _object({"above": _NUMBER}, {"clear_below": _NUMBER, **_FOR}),
        _object({"below": _NUMBER}, {"clear_above": _NUMBER, **_FOR}),
        _object({"outside": _PAIR}, {"clear_inside": _PAIR, **_FOR}),
        _object({"is": _ANY_VALUE}, _FOR),
        _object({"is_not": _ANY_VALUE}, _FOR),
        _object({"rising_s": _CHANGE}),
        _object({"falling_s": _CHANGE}),
        _object({"silent_s": {"anyOf": [_SPAN, {"const": "expected"}]}}),
        _object({"flat_s": _SPAN}, {"epsilon": {"type": "number", "minimum": 0, "maximum": 1e300}}),
        _object({"presence": {"enum": ["offline", "stale"]}}, _FOR),
        _object({"differs": _OTHER}, _FOR),
        _object({"count": _object({"above": _NUMBER, "times": _TIMES, "within_s": _SPAN})}),
    ],
}
_DEVICE = _object({"device": {"type": "string", "minLength": 1, "maxLength": 100}})
_LABEL = _object({"label": {"type": "string", "pattern": "^[^=]+=", "maxLength": 200}})
WHICH: JsonSchema = {"oneOf": [_DEVICE, _LABEL, _object({"all": {"const": True}})]}
SUPPORT: JsonSchema = {"oneOf": [_DEVICE, _LABEL]}
_CLOCK: JsonSchema = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
SCHEDULE: JsonSchema = {
    "description": "when alerts may open: days and hours by the clocks of a place",
    **_object(
        {},
        {
            "timezone": {"type": "string", "examples": ["Europe/Berlin"]},
            "days": {"type": "array", "items": {"enum": list(DAYS)}, "minItems": 1},
            "from": _CLOCK,
            "to": _CLOCK,
        },
    ),
}
Json = dict[str, object]


class RuleIn(Asked):
    """What somebody wants to be told of."""

    name: Annotated[str, described(minLength=1, maxLength=TEXT_MAX, pattern=PRINTABLE)]
    severity: Severity = Severity.WARNING
    enabled: StrictBool = True
    on: Annotated[Json, WithJsonSchema(WHICH)]
    metric: MetricName | None = Field(None, description="left out where the condition is presence")
    when: Annotated[Json, WithJsonSchema(WHEN)]
    schedule: Annotated[Json, WithJsonSchema(SCHEDULE)] | None = None
    depends_on: Annotated[Json, WithJsonSchema(SUPPORT)] | None = None
    remind_s: Annotated[float, Field(ge=REMIND_MIN_S, le=SPAN_MAX_S), IS_NUMBER] | None = None
    labels: Annotated[dict[str, str], described(maxProperties=32)] = Field(default_factory=dict)
    note: Annotated[str, described(maxLength=NOTE_MAX, pattern=PRINTABLE)] = ""


class RuleChange(Asked):
    """What to change of a rule; what is left out stays."""

    name: Annotated[str, described(minLength=1, maxLength=TEXT_MAX, pattern=PRINTABLE)] | None = None
    severity: Severity | None = None
    enabled: StrictBool | None = None
    on: Annotated[Json, WithJsonSchema(WHICH)] | None = None
    metric: MetricName | None = None
    when: Annotated[Json, WithJsonSchema(WHEN)] | None = None
    schedule: Annotated[Json, WithJsonSchema(SCHEDULE)] | None = None
    depends_on: Annotated[Json, WithJsonSchema(SUPPORT)] | None = None
    remind_s: Annotated[float, Field(ge=REMIND_MIN_S, le=SPAN_MAX_S), IS_NUMBER] | None = None
    labels: Annotated[dict[str, str], described(maxProperties=32)] | None = None
    note: Annotated[str, described(maxLength=NOTE_MAX, pattern=PRINTABLE)] | None = None


class RuleOut(Given):
    """A rule. `builtin`: the thresholds of a metric are it, and there it is changed."""

    id: int | None
    name: str
    severity: Severity
    enabled: bool
    on: Json
    metric: str | None
    when: Json
    schedule: Json | None
    depends_on: Json | None
    remind_s: float | None
    labels: dict[str, str]
    note: str
    builtin: bool
    created_at: Milliseconds | None
    updated_at: Milliseconds | None
    by: str

    @classmethod
    def of(cls, rule: Rule) -> "RuleOut":
        """As REST shows it."""
        return cls.model_validate(
            {
                **write_rule(rule),
                "metric": rule.metric or None,
                "id": rule.id or None,
                "builtin": rule.thresholds,
                "created_at": wire_ms(rule.created_at) if rule.id else None,
                "updated_at": wire_ms(rule.updated_at) if rule.id else None,
                "by": rule.by,
            }
        )


class RulesQuery(Asked):
    """Which rules, newest first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )
    builtin: Annotated[
        bool, Field(description="the rules that thresholds of metrics are, instead; at most 1000")
    ] = False


class RulesOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    rules: list[RuleOut]
    next: int | None


class TrialIn(Asked):
    """A rule to play over the history, from one time up to another."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    rule: RuleIn
    start: Annotated[float, Field(alias="from", ge=0, le=4e15, description="ms"), IS_NUMBER]
    end: Annotated[float, Field(alias="to", ge=0, le=4e15, description="ms, not included"), IS_NUMBER]
    devices: Annotated[list[str], Field(max_length=100)] | None = Field(
        None, description="of those that the rule is for, only these"
    )


class TrialAlertOut(Given):
    """An alert as it would have been."""

    device: str
    metric: str
    opened: Milliseconds
    resolved: Milliseconds | None
    peak: tuple[Milliseconds, Value] | None
    count: int = Field(description="how often it would have opened; more than once, it would have flapped")


class TrialOut(Given):
    """What a rule would have said."""

    alerts: list[TrialAlertOut]
    readings: int = Field(description="that were played")
    took_ms: float
    tier: Literal["raw", "minute"] = Field(description="minute: least, greatest and mean of each minute")
    whole: bool = Field(description="false: there are more alerts, and these are the first")
