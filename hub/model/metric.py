import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

NAME_MAX = 100  # characters
# Literal characters and \x escapes only: Python, pydantic, DuckDB and JavaScript read these alike.
_CONTROL = r"\x00-\x1f\x7f-\x9f" + "\u2028\u2029"
_BLANK = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff"
NAME_PATTERN = f"^[^{_CONTROL}{_BLANK}.]([^{_CONTROL}]*[^{_CONTROL}{_BLANK}])?$"
"""What a metric may be called, whatever brings it: the only rule there is. Its length is counted apart."""

NAME_RULE = (
    f"a metric's name has 1 to {NAME_MAX} characters, no control character, no blank at its ends"
    " and no dot at its start"
)
_NAME = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    """Whether a metric may be called this."""
    return len(text) <= NAME_MAX and _NAME.fullmatch(text) is not None


class MetricType(StrEnum):
    """The type of a metric: that of its first value, until an operator changes it."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"


class Thresholds(NamedTuple):
    """Where values begin to be a matter of concern; ascending, None where there is no such bound."""

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
    decimals: int | None = None  # shown to people; None leaves it to the page
    thresholds: Thresholds = NO_THRESHOLDS

    def with_type(self, kind: MetricType) -> "Metric":
        """The same with another type. Range, decimals and thresholds are for numbers only."""
        changed = replace(self, type=kind)
        if kind is MetricType.NUMBER:
            return changed
        return replace(changed, minimum=None, maximum=None, decimals=None, thresholds=NO_THRESHOLDS)
