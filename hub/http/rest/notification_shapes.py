"""What REST takes and gives of targets, routes and deliveries; see shapes.py. What is in a route the model
checks, with errors that name the field; what it may be is told here.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, WithJsonSchema

from hub.feed.channel import wire_ms
from hub.http.rest.rule_shapes import SCHEDULE
from hub.http.rest.shapes import IS_NUMBER, PRINTABLE, Asked, Given, Milliseconds, described
from hub.model.alert import Event
from hub.model.delivery import DeliveryState
from hub.model.route import (
    AFTER_MAX_S,
    AFTER_MIN_S,
    GROUP_MAX_S,
    REMIND_MIN_S,
    TARGETS_MAX,
    TOLD,
    Route,
    write_route,
)
from hub.model.target import ADDRESS_MAX, NAME_MAX, SECRET_MAX, AlertTarget, TargetKind

JsonSchema = dict[str, object]


def _span(least: float, most: float) -> JsonSchema:
    return {"type": "number", "minimum": least, "maximum": most}


def _or_null(schema: JsonSchema) -> JsonSchema:
    return {"anyOf": [schema, {"type": "null"}]}


_IDS: JsonSchema = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 2**53},
    "minItems": 1,
    "maxItems": TARGETS_MAX,
}
_PLAIN_LINES = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
_TEMPLATE: JsonSchema = {
    "type": "object",
    "properties": {
        "title": _or_null({"type": "string", "maxLength": 200, "pattern": PRINTABLE}),
        "body": _or_null({"type": "string", "maxLength": 4000, "pattern": _PLAIN_LINES}),
    },
    "additionalProperties": False,
}
_SEVERITIES: JsonSchema = {"type": "array", "items": {"enum": ["warning", "critical"]}, "minItems": 1}


Match = Annotated[
    object,
    WithJsonSchema(
        _or_null(
            {
                "type": "object",
                "properties": {
                    "severity": _or_null(_SEVERITIES),
                    "label": _or_null({"type": "string", "pattern": "^[^=]+=", "maxLength": 400}),
                    "schedule": _or_null(SCHEDULE),
                },
                "additionalProperties": False,
                "description": "all of it has to hold; label is of the rule or of the device",
            }
        )
    ),
]
Targets = Annotated[object, WithJsonSchema(_IDS)]
Events = Annotated[
    object,
    WithJsonSchema(
        _or_null({"type": "array", "items": {"enum": [one.value for one in TOLD]}, "minItems": 1})
    ),
]
Group = Annotated[object, WithJsonSchema(_span(0, GROUP_MAX_S))]
Quiet = Annotated[object, WithJsonSchema(_or_null(SCHEDULE))]
Remind = Annotated[object, WithJsonSchema(_or_null(_span(REMIND_MIN_S, AFTER_MAX_S)))]
Escalate = Annotated[
    object,
    WithJsonSchema(
        _or_null(
            {
                "type": "object",
                "required": ["after_s", "targets"],
                "properties": {"after_s": _span(AFTER_MIN_S, AFTER_MAX_S), "targets": _IDS},
                "additionalProperties": False,
            }
        )
    ),
]
Templates = Annotated[
    object,
    WithJsonSchema(
        _or_null(
            {
                "type": "object",
                "properties": {one.value: _or_null(_TEMPLATE) for one in (*TOLD, Event.ESCALATED)},
                "additionalProperties": False,
                "description": "title and body by event, with placeholders such as {device}",
            }
        )
    ),
]
Name = Annotated[str, Field(max_length=NAME_MAX), described(pattern=PRINTABLE)]
Address = Annotated[str, Field(min_length=1, max_length=ADDRESS_MAX), described(pattern=PRINTABLE)]
Secret = Annotated[str, Field(max_length=SECRET_MAX), described(pattern=PRINTABLE)]


class TargetChange(Asked):
    """What of a target is to be another; what is left out stays."""

    name: Name | None = Field(None, description="made of the address if left out")
    url: Address | None = Field(None, description="of Apprise: mailto://…, ntfys://…, tgram://…")
    webhook: Address | None = Field(None, description="http or https; the body is JSON")
    secret: Secret | None = Field(None, description="with which webhooks are signed; never read")
    person: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="the name of an operator, who is told of devices in their scope only"
    )


class TargetIn(TargetChange):
    """Whom to tell: exactly one of url, webhook and person."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [one.value]} for one in TargetKind]})


class TargetOut(Given):
    """A target, without what may be a secret."""

    id: int
    name: str
    kind: TargetKind
    address: str = Field(description="as much of it as is no secret")
    person: str | None
    has_secret: bool
    created_at: Milliseconds
    by: str

    @classmethod
    def of(cls, target: AlertTarget) -> "TargetOut":
        """As REST shows it."""
        return cls(
            id=target.id,
            name=target.name,
            kind=target.kind,
            address=target.shown,
            person=target.address if target.kind is TargetKind.PERSON else None,
            has_secret=bool(target.secret),
            created_at=wire_ms(target.created_at),
            by=target.by,
        )


class TargetsOut(Given):
    """Oldest first."""

    targets: list[TargetOut]


class RouteChange(Asked):
    """What of a route is to be another; what is left out stays."""

    name: Annotated[str, Field(max_length=100), described(pattern=PRINTABLE)] = ""
    enabled: StrictBool = True
    match: Match = Field(default_factory=dict)
    targets: Targets = Field(default_factory=list)
    events: Events = Field(default_factory=list)
    group_s: Group = 30.0
    group_by: Annotated[
        str,
        Field(max_length=200, description="the key of a label: each value of it has its own message"),
        described(pattern=PRINTABLE),
    ] = ""
    quiet: Quiet = None
    remind_s: Remind = None
    escalate: Escalate = None
    templates: Templates = Field(default_factory=dict)


class RouteIn(RouteChange):
    """Which alerts go to which targets."""

    targets: Targets


class RouteOut(Given):
    """A route."""

    id: int
    name: str
    enabled: bool
    match: Match
    targets: list[int]
    events: list[Event]
    group_s: float
    group_by: str
    quiet: Quiet
    remind_s: float | None
    escalate: Escalate
    templates: Templates
    created_at: Milliseconds
    updated_at: Milliseconds
    by: str

    @classmethod
    def of(cls, route: Route) -> "RouteOut":
        """As REST shows it."""
        return cls.model_validate(
            {
                **write_route(route),
                "id": route.id,
                "created_at": wire_ms(route.created_at),
                "updated_at": wire_ms(route.updated_at),
                "by": route.by,
            }
        )


class RoutesOut(Given):
    """Oldest first."""

    routes: list[RouteOut]


class PreviewIn(Asked):
    """Templates to try: as a message of that event would be, of an alert or of one that is made up."""

    event: Literal["opened", "acknowledged", "resolved", "reminder", "escalated"] = "opened"
    templates: Templates = Field(default_factory=dict)
    alert: Annotated[int, Field(ge=1, le=2**53), IS_NUMBER] | None = None


class PreviewOut(Given):
    """What people would read."""

    title: str
    body: str
    link: str


class DeliveriesQuery(Asked):
    """Which deliveries, newest first."""

    state: DeliveryState | None = None
    alert: Annotated[int, Field(ge=1, le=2**53)] | None = None
    target: Annotated[int, Field(ge=1, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )


class DeliveryOut(Given):
    """A message, and how far it has come."""

    id: int
    key: str = Field(description="the same for every try: <alert>-<event>-<n>")
    target: int
    target_name: str
    route: int | None = Field(description="null for a test")
    event: Literal["opened", "acknowledged", "resolved", "reminder", "escalated", "test"]
    alerts: list[int] = Field(description="the ids; at most 50 of them")
    more: int = Field(description="alerts beyond those")
    state: DeliveryState
    tries: int
    why: str = Field(description="the last try failed")
    made_at: Milliseconds
    next_try: Milliseconds | None
    ended_at: Milliseconds | None


class DeliveriesOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    deliveries: list[DeliveryOut]
    next: int | None
