"""How one value is read: as its metric wants it, as no value at all, or not."""

from hub.config import ReadingsConfig
from hub.errors import Invalid
from hub.intake.known import TYPES, MetricCheck
from hub.model import Inexact, Value, read_number

WORD_MAX = 40  # characters; a longer text is no word


class ValueChecks:
    """Reads values by what their metrics are, and by what the configuration says of texts."""

    def __init__(self, config: ReadingsConfig) -> None:
        self._no_value = frozenset(word.strip().casefold() for word in config.no_value)
        self._numbers_in_text = config.numbers_in_text

    def read(self, check: MetricCheck | None, name: str, value: Value) -> Value | None:
        """The value as it is kept; None: it is a word for no value. Raises Invalid.

        Without `check` the metric is new.
        """
        if check is not None and type(value) is check.kind:
            return value if check.kind is str else _in_range(check, name, value)
        if isinstance(value, str):
            if len(value) <= WORD_MAX and value.strip().casefold() in self._no_value:
                return None
            number = self._number(check, name, value)
            if number is not None:
                return number if check is None else _in_range(check, name, number)
        if check is None:
            return value
        got = f"a {TYPES[type(value)]}, {str(value)[:40]!r}"
        raise Invalid(f"{name}: a {TYPES[check.kind]} is wanted, got {got}", name, "type")

    def _number(self, check: MetricCheck | None, name: str, text: str) -> float | None:
        """The number that a text is, where a number is wanted. Raises Invalid."""
        if not self._numbers_in_text if check is None else check.kind is not float:
            return None
        try:
            return read_number(text)
        except Inexact as error:
            if check is None:
                return None  # its metric begins as text, which holds it
            raise Invalid(f"{name}: {error}", name, "inexact") from None


def _in_range(check: MetricCheck, name: str, value: Value) -> Value:
    if not check.low <= value <= check.high:  # type: ignore[operator]  # no text comes here
        raise Invalid(f"{name}: {value} is outside {check.low} to {check.high}", name, "range")
    return value
