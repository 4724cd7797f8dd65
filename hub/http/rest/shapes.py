"""What REST takes and gives, as pydantic models: the one description behind checking, encoding and OpenAPI.

Times on the wire are milliseconds UTC unless they say RFC 3339.
"""

from decimal import Decimal
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, WithJsonSchema
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from hub.fleet import attributes
from hub.model import Inexact, KeyRight, Presence, metric, whole
from hub.people.names import NAME_MAX

Milliseconds = int | float
Value = float | bool | str
_CHANGED = "{:.40} is a number over 2^53 that the hub cannot hold exactly"
CERTIFICATE_MAX = 65_536  # characters
KEY_MAX_S = 3_153_600_000.0  # a hundred years
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"  # of what is not printable as much as a pattern can say


def _a_number(value: object) -> object:
    """In JSON, true and "60" are none; 60.0 is a whole one, so being strict would be too much."""
    if isinstance(value, bool | str):
        raise ValueError("a number is wanted")  # noqa: TRY004  # what pydantic takes for a fault of the value
    if isinstance(value, Decimal):  # as the body's parser gives what a double would change
        raise ValueError(_CHANGED.format(str(value)))  # noqa: TRY004
    return _unchanged(value) if isinstance(value, int) else value


def _unchanged(number: int) -> float:
    try:
        return whole(number)
    except Inexact:
        raise ValueError(_CHANGED.format(str(number))) from None


IS_NUMBER = BeforeValidator(_a_number)
Finite = Annotated[float, Field(allow_inf_nan=False), IS_NUMBER]


def described(**rules: object) -> FieldInfo:
    """Rules that OpenAPI tells of a field. They are not checked here, but where the field is used."""
    return cast("FieldInfo", Field(json_schema_extra=cast("JsonDict", rules)))


OwnName = Annotated[str, Field(min_length=1, max_length=NAME_MAX), described(pattern=PRINTABLE)]


LabelQuery = Annotated[str, described(pattern="=")]
METRIC_NAME: dict[str, object] = {
    "type": "string",
    "minLength": 1,
    "maxLength": metric.NAME_MAX,
    "pattern": metric.NAME_PATTERN,
}


def _metric_name(text: str) -> str:
    if not metric.is_name(text):
        raise ValueError(f"{metric.NAME_RULE}; got {text[:120]!r}")
    return text


MetricName = Annotated[str, AfterValidator(_metric_name), WithJsonSchema(METRIC_NAME)]


# `defer_build`: a shape is compiled when it is first used. All of them at once took a tenth of a start.


class Asked(BaseModel):
    """What a request holds: a member that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Given(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class LatestOut(Given):
    """The latest value of each metric, with its time: {"temperature": [ms, 20.5]}."""

    snapshot: dict[str, tuple[Milliseconds, Value]]
    presence: Presence
    since: Milliseconds | None


class LatestQuery(Asked):
    """Of which devices: those named, those with the labels, or all."""

    device: Annotated[list[str], Field(max_length=1000)] = []
    label: list[LabelQuery] = Field([], description="k=v; of several, all must hold")
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    cursor: str = ""


class LatestOfManyOut(Given):
    """The latest values by device, devices by id; `next` is the cursor of the page after it."""

    devices: dict[str, LatestOut]
    next: str | None


class HistoryQuery(Asked):
    """A range of one metric or several. Times are RFC 3339 or milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    metric: Annotated[list[MetricName], Field(min_length=1, max_length=50)]
    start: str = Field("", alias="from", description="RFC 3339 or ms; an hour before `to` if left out")
    end: str = Field("", alias="to", description="RFC 3339 or ms, not included; now if left out")
    points: Annotated[int, Field(ge=1, le=10_000)] = 1000
    tier: Literal["auto", "raw"] = Field("auto", description="raw: every reading of one metric, page by page")
    limit: Annotated[
        int, Field(ge=1, le=10_000, description="of a page of readings; of long texts fewer")
    ] = 1000
    cursor: str = Field("", description="`next` of the page before; the rest of the query stays as it was")


class HistoryOut(Given):
    """A range in columns. A truth value is 1 or 0; of texts each column holds the newest.

    A bucket without readings has no row: two rows further apart than `step` have a gap between them.
    """

    metric: str
    unit: str | None
    tier: str = Field(
        description='"raw": every row is one reading; else each row stands for several: '
        '"bucket" of readings, '
        '"minute" and "hour" of those, whole, so that the first and last may reach beyond the range'
    )
    step: Milliseconds | None = Field(description="how wide a row's bucket is, ms; null for raw")
    time: list[Milliseconds]
    min: list[float] | list[str]
    max: list[float] | list[str]
    avg: list[float] | list[str]
    count: list[int] | None = Field(
        description="of how many readings each row is made: what their averages weigh together; "
        "null for raw, where each is one"
    )


class HistoriesOut(Given):
    """The ranges of several metrics, by name."""

    metrics: dict[str, HistoryOut]


class RawOut(Given):
    """Readings of one metric, by time; `next` is the cursor of the page after it. A truth value is 1 or 0."""

    metric: str
    unit: str | None
    tier: Literal["raw"]
    time: list[Milliseconds]
    value: list[float] | list[str]
    next: str | None


class HistoryAnswer(RootModel[HistoryOut | HistoriesOut | RawOut]):
    """One metric's range, several metrics' ranges, or a page of readings."""

    model_config = ConfigDict(defer_build=True)


class LimitQuery(Asked):
    """How many, newest first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class RejectionOut(Given):
    """Something of this device that was refused. `raw_base64` is there where the bytes are no text."""

    received_at: Milliseconds
    code: str
    message: str
    source: str
    raw: str | None
    raw_base64: str | None


class RejectionsOut(Given):
    """Newest first."""

    rejections: list[RejectionOut]


Fingerprint = Annotated[
    str, Field(description="the SHA-256 of the certificate that is shown in place of a key, in hexadecimal")
]


class KeyOut(Given):
    """One API key of a device, without its secret. Times in RFC 3339."""

    id: str
    created_at: str
    last_used_at: str | None
    last_used_from: str | None
    revoked_at: str | None
    expires_at: str | None = Field(description="when it ends by itself; null: it does not")
    rights: list[KeyRight]
    certificate: Fingerprint | None


class KeyIn(Asked):
    """A key to make: what it is for, and for how long it works. Or one that replaces another."""

    rights: list[KeyRight] | None = Field(None, min_length=1, description="all if left out")
    ttl_s: Annotated[float, Field(gt=0, le=KEY_MAX_S), IS_NUMBER] | None = Field(
        None, description="for good if left out"
    )
    replaces: str | None = Field(
        None, max_length=100, description="the id of a key, which ends after overlap_s"
    )
    overlap_s: Annotated[float, Field(ge=0, le=KEY_MAX_S), IS_NUMBER] = Field(
        86_400.0, description="how long both keys work"
    )
    certificate: str | None = Field(
        None, max_length=CERTIFICATE_MAX, description="in PEM form, to be shown in place of a key"
    )


class KeysOut(Given):
    """Oldest first, revoked ones too."""

    keys: list[KeyOut]


class KeyNew(Given):
    """A key that was just made: the only time it is seen."""

    id: str
    key: str | None = Field(description="null for a certificate")
    created_at: str
    expires_at: str | None
    rights: list[KeyRight]
    certificate: Fingerprint | None


class AttributesOut(Given):
    """Slow-changing facts."""

    device: dict[str, object] = Field(description="reported by the device")
    shared: dict[str, object] = Field(description="set by operators, who wish them so; sent to the device")
    pending: list[str] = Field(
        description="the names of those that the device has not reported back; sent again when it connects"
    )


class AttributesIn(Asked):
    """Facts to set for the device; null removes one, what is left out stays."""

    shared: Annotated[
        dict[str, object],
        described(propertyNames={"minLength": 1, "maxLength": attributes.NAME_MAX, "pattern": PRINTABLE}),
    ] = Field(description="at most limits.attributes_max of a device")


class AcceptedOut(Given):
    """How many readings are on disk now."""

    accepted: int


class Problem(Given):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    title: str
    status: int
    code: str
    detail: str
