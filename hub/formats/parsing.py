"""JSON as Python's values, with no number changed. For every body of every transport.

Theory. A parser makes a double of a number with a point or an exponent, and so 9007199254740992 of
9007199254740993.0 without a word. Here such a number comes as a Decimal, which whoever takes it in refuses.
Whole numbers come as they are, however long. Only a number of 16 digits and more can be changed: where there
is none, which is nearly always, the fast parser's result stands.
"""

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal

from pydantic_core import from_json

from hub.model import is_kept

_LONG = re.compile(rb"[0-9][0-9.]{15}")
_TOO_DEEP = "recursion limit exceeded"  # as the parser says it


class TooDeep(ValueError):
    """Objects and arrays lie in each other deeper than can be read."""


def parse_json(raw: bytes, *, constants: bool = True) -> object:
    """The value; a byte order mark before it is passed over. NaN and infinities are none without `constants`.

    Raises ValueError, which says what is wrong and where, and TooDeep.
    """
    raw = raw.removeprefix(BOM_UTF8)
    try:
        found: object = from_json(raw, allow_inf_nan=constants)
    except ValueError as error:
        if str(error).startswith(_TOO_DEEP):
            raise TooDeep(str(error)) from None
        raise
    return json.loads(raw.decode(), parse_float=_float) if _LONG.search(raw) else found


def _float(text: str) -> float | Decimal:
    value = float(text)
    return value if is_kept(text, value) else Decimal(text)
