from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

Value = float | str | bool
"""What a metric can hold: a finite number, a text, or a truth value."""


class MetricType(StrEnum):
    """The type of a metric, fixed by its first reading."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"


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
