"""What REST takes and gives of alerts and silences; see shapes.py."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hub.http.rest.shapes import (
    IS_NUMBER,
    PRINTABLE,
    Asked,
    Given,
    LabelQuery,
    Milliseconds,
    Value,
    described,
)
from hub.model import Event, Severity

COMMENT_MAX = 1_000
IDS_MAX = 1_000
Comment = Annotated[str, Field(max_length=COMMENT_MAX), described(pattern=PRINTABLE)]
AlertId = Annotated[int, Field(ge=1, le=2**53), IS_NUMBER]


class AlertsQuery(Asked):
    """Which alerts, newest first. Times are RFC 3339 or milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    state: Literal["firing", "resolved", "all"] = "all"
    device: Annotated[str, Field(max_length=200)] | None = None
    rule: Annotated[int, Field(ge=1, le=2**53)] | None = None
    severity: Severity | None = None
    start: str = Field("", alias="from", description="those that were open then or later; RFC 3339 or ms")
    end: str = Field("", alias="to", description="those that opened before; RFC 3339 or ms")
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )


class AcknowledgedOut(Given):
    """Who has seen it, and when."""

    by: str
    at: Milliseconds
    comment: str


class SilencedOut(Given):
    """Why nobody is told of it."""

    by: str
    until: Milliseconds | None = Field(description="null: until what the rule depends on is back")
    comment: str


class AlertOut(Given):
    """One occurrence of a rule."""

    id: int
    rule: int | None = Field(description="null: of the thresholds of the metric")
    name: str
    severity: Severity
    device: str
    metric: str | None
    state: Literal["firing", "resolved"]
    opened: Milliseconds = Field(description="on the readings' own time")
    resolved: Milliseconds | None
    received: Milliseconds = Field(description="when the hub knew")
    late: bool = Field(description="it knew more than 60 s after it opened: nobody is paged")
    value: Value | None
    peak: tuple[Milliseconds, Value] | None
    acknowledged: AcknowledgedOut | None
    silenced: SilencedOut | None
    flapping: bool
    count: int = Field(description="how often it opened")
    notify: bool
    labels: dict[str, str] = Field(description="of its rule")
    why: str = Field(description="it ended for this reason, and not for its condition")


class AlertEventOut(Given):
    """Something that happened to an alert."""

    event: Event
    at: Milliseconds
    by: str = Field(description='"" for the hub')
    text: str


class AlertDetailOut(AlertOut):
    """An alert with what happened to it, oldest first."""

    history: list[AlertEventOut]


class AlertsOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    alerts: list[AlertOut]
    next: int | None


class CommentIn(Asked):
    """What is said with it."""

    comment: Comment = ""


class RemarkIn(Asked):
    """What is said of an alert."""

    comment: Annotated[str, Field(min_length=1, max_length=COMMENT_MAX), described(pattern=PRINTABLE)]


class AcknowledgeIn(CommentIn):
    """Which alerts somebody has seen."""

    ids: Annotated[list[AlertId], Field(min_length=1, max_length=IDS_MAX)]


class AcknowledgedManyOut(Given):
    """Those that are acknowledged now, and those that are not there."""

    acknowledged: list[int]
    unknown: list[int]


class SilenceIn(Asked):
    """Of what nobody is to be told: a device, the devices with a label, or a rule. Until when, in ms."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 2})

    device: Annotated[str, Field(max_length=200)] | None = None
    label: LabelQuery | None = None
    rule: AlertId | None = None
    until: Annotated[float, Field(ge=0, le=4e15), IS_NUMBER]
    comment: Comment = ""


class SilenceOut(Given):
    """A silence that holds."""

    id: int
    device: str | None
    label: str | None
    rule: int | None
    until: Milliseconds
    by: str
    made_at: Milliseconds
    comment: str


class SilencesOut(Given):
    """Oldest first."""

    silences: list[SilenceOut]
