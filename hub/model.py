"""The vocabulary: what the rooms of the house hand to each other. Frozen values, no behaviour that does I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Value = float | str | bool
"""What a metric can hold: a finite number, a text, or a truth value."""


class MetricType(StrEnum):
    """The type of a metric, fixed by its first reading."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"


class Presence(StrEnum):
    """Whether a device can be believed to be alive. Shown everywhere by word, never by colour alone."""

    ONLINE = "online"
    STALE = "stale"
    OFFLINE = "offline"
    NEVER_SEEN = "never_seen"


class Retention(NamedTuple):
    """How long the values of one device are kept, in seconds: 0 is for ever, None as the configuration says."""

    raw_s: float | None = None
    minute_s: float | None = None
    hour_s: float | None = None


AS_CONFIGURED = Retention()


@dataclass(frozen=True, slots=True)
class Device:
    """A physical or simulated thing with an id and API keys.

    `number` is its small integer id in the stores: never reused, never shown.
    `expected_interval_s` is how often a reading is due; None lets the hub learn it.
    """

    number: int
    id: str
    name: str
    labels: Mapping[str, str]
    created_at: int  # µs, UTC
    expected_interval_s: float | None = None
    retention: Retention = AS_CONFIGURED


OWN = Device(0, "_hub", "This hub", {}, 0)
"""The hub itself, as the device whose readings are its own figures. No other has its number, which the registry gives to
none, nor its id, which is none that can be asked for.
"""


class Thresholds(NamedTuple):
    """Where a metric's values begin to be a matter of concern; ascending, None where there is no such bound."""

    critical_low: float | None = None
    warning_low: float | None = None
    warning_high: float | None = None
    critical_high: float | None = None


NO_THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity of one device. `number` is its small integer id in the history."""

    number: int
    device: int  # Device.number
    name: str
    type: MetricType
    unit: str | None = None
    minimum: float | None = None  # readings below are refused
    maximum: float | None = None  # readings above are refused
    decimals: int | None = None  # shown to people; None leaves it to who shows
    thresholds: Thresholds = NO_THRESHOLDS


class Reading(NamedTuple):
    """What a device reported for one instant.

    `time` is µs UTC by the device's clock, None where the device gave none and the hub stamps it.
    `values` maps metric names to values and is never empty. `seq` only ever rises within a device.
    A NamedTuple, because one is made for every message: 0.2 µs, against 0.8 for a frozen dataclass.
    """

    time: int | None
    values: dict[str, Value]
    seq: int | None = None


class Run(NamedTuple):
    """Readings of one device that were taken together, side by side. `alike`: all have the same metrics, and the last is the newest."""

    times: Sequence[int]  # µs, UTC
    values: Sequence[dict[str, Value]]
    alike: bool = False


class Refusal(NamedTuple):
    """Why one reading or message was refused: a stable `code`, a sentence for people, and where it was found.

    `position` counts the readings handed to the same call; -1 means the whole message.
    `raw` holds the bytes refused, cut to `RAW_MAX` bytes.
    """

    position: int
    code: str
    message: str
    raw: bytes


RAW_MAX = 2048
"""How many bytes of a refused message are kept."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal as it is kept: whose it was, when it came and by which transport."""

    device: int  # Device.number
    received_at: int  # µs, UTC
    code: str
    message: str
    source: str  # "mqtt", "websocket", "http" or "broker"
    raw: bytes


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of a device as it is kept: the secret itself is known to the device alone."""

    id: str
    device: int  # Device.number
    digest: bytes = field(repr=False)  # BLAKE2b-256 of the secret
    created_at: int = 0  # µs, UTC
    last_used_at: int | None = None  # µs, UTC
    last_used_from: str | None = None  # address
    revoked_at: int | None = None  # µs, UTC


class CommandState(StrEnum):
    """How far a command has come."""

    QUEUED = "queued"  # the device is not connected, or has not asked for commands yet
    SENT = "sent"  # handed to a live session
    ANSWERED = "answered"
    EXPIRED = "expired"  # no answer in time


@dataclass(frozen=True, slots=True)
class Command:
    """A message to a device, with a life of its own. Times in µs UTC."""

    id: int
    device: int  # Device.number
    method: str
    params: object  # any JSON value
    state: CommandState
    created_at: int
    expires_at: int
    sent_at: int | None = None
    answered_at: int | None = None
    response: object = None  # any JSON value


class Sample(NamedTuple):
    """The latest value of one metric, with its time in µs UTC."""

    time: int
    value: Value


class Role(StrEnum):
    """What a person or a token may do: look; look and write."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an operator's session, a token, or the command line. `devices` None means all."""

    name: str
    role: Role
    devices: frozenset[str] | None = None

    def may_see(self, device_id: str) -> bool:
        """Whether this principal's scope holds the device."""
        return self.devices is None or device_id in self.devices
