from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Retention(NamedTuple):
    """How long values of a device are kept, in seconds: 0 is for ever, None as the configuration says."""

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
    # False: a source of readings that is none of the devices, in no list, overview or total
    counted: bool = True
