"""What REST takes and gives of devices and their metrics; see shapes.py."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, RootModel, Tag

from hub.fleet import checks
from hub.http.rest.metric_shapes import MetricChange, MetricOut
from hub.http.rest.shapes import IS_NUMBER, PRINTABLE, Asked, Given, LabelQuery, Milliseconds, described
from hub.model import Presence

ADDED_MAX = 10_000
CHANGED_MAX = 1_000

# Described here, judged below by fleet/checks.py, whose words say what would be right.
DeviceName = Annotated[str, described(maxLength=checks.NAME_MAX, pattern=PRINTABLE)]
Labels = Annotated[
    dict[str, str],
    described(
        maxProperties=checks.LABELS_MAX,
        propertyNames={
            "minLength": 1,
            "maxLength": checks.LABEL_MAX,
            "pattern": r"^[^=;/\x00-\x1f\x7f-\x9f]*$",
        },
        additionalProperties={
            "type": "string",
            "maxLength": checks.LABEL_MAX,
            "pattern": r"^[^;\x00-\x1f\x7f-\x9f]*$",
        },
    ),
]
IntervalSeconds = Annotated[
    float, Field(gt=0, allow_inf_nan=False), described(maximum=checks.INTERVAL_MAX_S), IS_NUMBER
]
KeptSeconds = Annotated[
    float, Field(ge=0, allow_inf_nan=False), described(maximum=checks.RETENTION_MAX_S), IS_NUMBER
]


class RetentionOut(Given):
    """How long values are kept, by tier, in seconds: 0 is for ever, null as the configuration says."""

    raw_s: float | None
    minute_s: float | None
    hour_s: float | None


class RetentionIn(Asked):
    """How long to keep the device's values, by tier, in seconds: 0 is for ever; null, or left out, as the
    configuration says.

    A coarser tier is kept at least as long as a finer one.
    """

    raw_s: KeptSeconds | None = None
    minute_s: KeptSeconds | None = None
    hour_s: KeptSeconds | None = None


class SequenceOut(Given):
    """How far the device has counted its readings (`seq`). While nothing but readings counted before comes of
    it, `repeated` says how many were acknowledged and dropped, and `repeated_since` from when on.
    """

    highest: int | None = Field(description="stored; null where the device does not count")
    repeated: int
    repeated_since: Milliseconds | None
    restarts: int = Field(description="how often it was found to count again, since the hub began")


class LimitedOut(Given):
    """That a limit holds a device back: since when, and how long it had to wait in all since then."""

    since: Milliseconds
    waited_s: float


class DeviceOut(Given):
    """One device."""

    id: str
    name: str
    labels: dict[str, str]
    created_at: str = Field(description="RFC 3339")
    expected_interval_s: float | None
    presence: Presence
    since: Milliseconds | None
    last_seen: Milliseconds | None
    counted: bool = Field(description="false for the hub's own figures, which are in no list and no count")
    lost: int = Field(description="readings that its sequence numbers jumped over")
    sequence: SequenceOut
    limited: dict[str, LimitedOut] = Field(description="by limit, while one holds the device back")
    retention: RetentionOut
    metrics: list[MetricOut]


class DeviceNew(DeviceOut):
    """A device that was just added, with its first key: the only time it is seen."""

    key: str


def _in_shape(device_id: str) -> str:
    if not checks.ID_SHAPE.fullmatch(device_id):
        raise ValueError(checks.ID_WORDS)
    return device_id


class DeviceIn(Asked):
    """A device to add."""

    id: Annotated[str, AfterValidator(_in_shape), described(pattern=f"^{checks.ID_SHAPE.pattern}$")]
    name: DeviceName = ""
    labels: Labels = Field(default={})
    expected_interval_s: IntervalSeconds | None = None


class DevicesIn(Asked):
    """Many devices to add, all or none."""

    devices: Annotated[list[DeviceIn], Field(min_length=1, max_length=ADDED_MAX)]


def _one_or_many(value: object) -> str:
    return (
        "many" if isinstance(value, DevicesIn) or (isinstance(value, dict) and "devices" in value) else "one"
    )


class AddIn(
    RootModel[
        Annotated[
            Annotated[DeviceIn, Tag("one")] | Annotated[DevicesIn, Tag("many")], Discriminator(_one_or_many)
        ]
    ]
):
    """One device to add, or many."""

    model_config = ConfigDict(defer_build=True)


class DeviceChange(Asked):
    """What to change of a device; what is left out stays."""

    name: DeviceName | None = None
    labels: Labels | None = None
    expected_interval_s: IntervalSeconds | None = None
    retention: RetentionIn | None = None
    metrics: Annotated[list[MetricChange], Field(max_length=CHANGED_MAX)] = Field(default=[])


class IdAndKey(Given):
    """One of many added devices, and its first key: the only time it is seen."""

    id: str
    key: str


class DevicesNew(Given):
    """Many devices that were just added."""

    devices: list[IdAndKey]


class AddOut(RootModel[DeviceNew | DevicesNew]):
    """The one device with its key, or the ids and keys of many."""

    model_config = ConfigDict(defer_build=True)


class DevicesPage(Given):
    """A page of devices, by id; `next` is the cursor of the page after it."""

    devices: list[DeviceOut]
    next: str | None


class DevicesQuery(Asked):
    """Which devices."""

    q: Annotated[str, Field(max_length=200)] = Field("", description="a part of the id or the name")
    label: list[LabelQuery] = Field([], description="k=v; of several, all must hold")
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str = ""
