"""Values, and which numbers they can hold. A number is a double: exact for whole numbers up to 2^53.

Theory. Of 0.1 a double holds something else, too, but close by: with as many digits it is 0.1 again. Beyond
2^53 a double does not tell one whole number from the next. So there a number is kept only where nothing of it
is lost. Written as digits alone it means just that number, and a double has to be equal to it. Written with a
point or an exponent it has as many digits as it shows, and a double has to give these back: then
6.02214076e23 is kept, and so is all that a program writes of a double of its own.
"""

import math
import re
from decimal import Decimal

from hub.model.metric import MetricType

Value = float | str | bool
"""What a metric can hold: a finite number, a text, or a truth value."""

EXACT_MAX = 2**53  # beyond, not every whole number can be held

# Read alike by Python and by DuckDB: a type that is changed later converts what the intake would take.
NUMBER_PATTERN = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
WHOLE_PATTERN = r"[+-]?[0-9]+"
_BLANKS = " \t\r\n"
_WORDS = {"true": True, "1": True, "false": False, "0": False}
_TRUTHS = {1.0: True, 0.0: False}  # and so True and False
_NUMBER = re.compile(NUMBER_PATTERN)
_WHOLE = re.compile(WHOLE_PATTERN)
DIGITS_KEPT = 15  # a double gives so many digits of any number back
DIGITS_MAX = 767  # no double has more


class Inexact(ValueError):
    """A number over 2^53 that a double does not hold."""

    def __init__(self, number: int | Decimal | str) -> None:
        super().__init__(
            f"{str(number)[:40]} is a number over 2^53 that the hub cannot hold exactly; "
            "send it as a text, for a metric that is text"
        )


def whole(number: int) -> float:
    """A whole number as a value. Raises Inexact where it would change, which overflowing is too."""
    try:
        value = float(number)
    except OverflowError:
        raise Inexact(number) from None
    if value != number:
        raise Inexact(number)
    return value


def is_kept(text: str, value: float) -> bool:
    """Whether a double, which is next to a number written with a point or an exponent, stands for it."""
    if abs(value) < EXACT_MAX or not math.isfinite(value):
        return True
    digits = _digits(text)
    if not DIGITS_KEPT < len(digits) <= DIGITS_MAX:
        return len(digits) <= DIGITS_KEPT
    return _digits(f"{value:.{len(digits) - 1}e}") == digits


def _digits(text: str) -> str:
    """The digits of a number without its sign and size."""
    mantissa = text.lower().partition("e")[0]
    return "".join(filter(str.isdigit, mantissa)).strip("0")


def read_number(text: str) -> float | None:
    """The number that a text is, None where it is none (infinities are none). Raises Inexact."""
    text = text.strip(_BLANKS)
    if not _NUMBER.fullmatch(text):
        return None
    if _WHOLE.fullmatch(text):
        return whole(int(text))
    value = float(text)
    if not is_kept(text, value):
        raise Inexact(text)
    return value if math.isfinite(value) else None


def converted(value: Value, kind: MetricType) -> Value | None:
    """The value as one of this type, as the history converts stored ones; None where it does not read so."""
    if kind is MetricType.NUMBER:
        return _as_number(value)
    if kind is MetricType.BOOLEAN:
        return _WORDS.get(value.strip(_BLANKS).lower()) if isinstance(value, str) else _TRUTHS.get(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _as_number(value: Value) -> float | None:
    if not isinstance(value, str):
        return float(value)
    try:
        return read_number(value)
    except Inexact:
        return None
