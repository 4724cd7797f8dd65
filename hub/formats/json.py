"""The hub's own JSON, in ThingsBoard's shapes.

    {"temperature": 20.5, "door_open": true}                 values alone: the hub stamps the time
    {"ts": 1451649600512, "seq": 17, "values": {…}}          with the device's time (ms) and number
    [ …, … ]                                                 an array of either

`ts` and `seq` at the top level are time and number in either shape; fractions of a millisecond are allowed.
Objects flatten with dots, arrays stay JSON text, null is no value. A byte order mark before it all is
passed over. The two usual shapes are read and checked by pydantic in one pass (0.3 µs for two values,
measured). What that refuses is walked with care, to keep every good value and to say precisely what is
wrong with the others.
"""

import math
from codecs import BOM_UTF8
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from itertools import repeat
from typing import Annotated, Any, NotRequired

from pydantic import (
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import to_json
from typing_extensions import TypedDict

from hub.errors import Invalid
from hub.formats.parsing import parse_json
from hub.model import (
    EXACT_MAX,
    NAME_MAX,
    NAME_PATTERN,
    NAME_RULE,
    RAW_MAX,
    Fault,
    Inexact,
    Reading,
    Refusal,
    Value,
    is_name,
    refusal_of,
    refusals_of,
    whole,
)

TEXT_MAX = 4096
DEPTH_MAX = 8
VALUES_MAX = 1000  # in one reading
REFUSALS_MAX = 100  # told one by one of one message; those beyond are counted
RUN_MIN = 8  # messages; of fewer, each is decoded sooner by itself
MS_MIN = 100_000_000_000  # 1973: anything below is a time in seconds, or a clock that was never set
MS_MAX = 253_402_300_799_999  # the last millisecond of the year 9999

Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX, pattern=NAME_PATTERN)]
# A number that a double does not hold comes here as one that it does: those over 2^53 are read with care.
Number = Annotated[float, Field(strict=True, gt=-EXACT_MAX, lt=EXACT_MAX, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strict=True, max_length=TEXT_MAX)]
AnyValue = Annotated[Number | Annotated[bool, Field(strict=True)] | Text, Field(union_mode="left_to_right")]
Values = Annotated[dict[Name, AnyValue], Field(min_length=1, max_length=VALUES_MAX)]


@with_config(ConfigDict(extra="allow"))
class _Timed(TypedDict):
    ts: NotRequired[Annotated[float, Field(strict=True, ge=MS_MIN, le=MS_MAX, allow_inf_nan=False)]]
    seq: NotRequired[Annotated[int, Field(strict=True, ge=0, lt=2**63)]]
    values: Values


@with_config(ConfigDict(extra="forbid"))
class _OnlyTimed(_Timed):
    """The same without anything beside."""


_flat = TypeAdapter(Values).validator.validate_json
_timed = TypeAdapter(_Timed).validator.validate_json
_flat_run = TypeAdapter(Annotated[list[Values], FailFast()]).validator.validate_json
_timed_run = TypeAdapter(Annotated[list[_OnlyTimed], FailFast()]).validator.validate_json
_new_reading = partial(tuple.__new__, Reading)  # from a tuple of all its members, in a third of the time


def decode(raw: bytes) -> tuple[list[Reading], Sequence[Refusal]]:
    """The readings in one message, and what of it was refused: all, readings, or values. Never raises."""
    try:
        if b'"values"' in raw:
            timed = _timed(raw)
            if len(timed) == 1 + ("ts" in timed) + ("seq" in timed):
                return [_timed_reading(timed)], ()
        values = _flat(raw)
        if "ts" not in values and "seq" not in values:
            return [Reading(None, values)], ()
    except ValidationError:
        pass  # not one of the usual shapes, or something is wrong in it: read it with care
    try:
        raw = raw.removeprefix(BOM_UTF8)
        message = parse_json(raw)
    except ValueError as error:
        return [], (Refusal(-1, "unreadable", f"not JSON: {error}", raw[:RAW_MAX]),)
    return decode_parsed(message)


def decode_run(messages: Sequence[bytes]) -> list[Reading] | None:
    """The readings of messages that hold one each, all in the same usual shape.

    None of any other messages: those are for `decode`. They are parsed as one array: 0.6 µs a message with
    two values at 50 and more, 1.0 by `decode`.

    Theory. A comma and a line break stand between messages, each of which begins with a brace and holds no
    line break. If one ended within a text, the break would make that no JSON. If one ended within an object,
    the next one's brace would, because a name must come there; and there are no arrays within. So each begins
    an element of its own, and if there are as many elements as messages, each message is one element.
    """
    count = len(messages)
    joined = b",\n".join(messages)
    if (
        count < RUN_MIN
        or not joined.startswith(b"{")
        or joined.count(b"\n") != count - 1
        or joined.count(b",\n{") != count - 1
    ):
        return None
    try:
        if b'"values"' in messages[0]:
            readings = [_timed_reading(one) for one in _timed_run(b"[%b]" % joined)]
        elif b"\\" in joined or b'"ts"' in joined or b'"seq"' in joined:
            return None  # a time or number, or a name that may mean it
        else:
            readings = list(map(_new_reading, zip(repeat(None), _flat_run(b"[%b]" % joined), repeat(None))))
    except ValidationError:
        return None
    return readings if len(readings) == count else None


def _timed_reading(timed: _Timed) -> Reading:
    ts = timed.get("ts")
    return Reading(None if ts is None else round(ts * 1000), timed["values"], timed.get("seq"))


def decode_parsed(message: object) -> tuple[list[Reading], Sequence[Refusal]]:
    """As `decode`, of JSON that was parsed already (NaN and infinities allowed, to be refused by name)."""
    elements = message if isinstance(message, list) else [message]
    readings: list[Reading] = []
    refusals: list[Refusal] = []
    untold = 0
    if not elements:
        refusals.append(Refusal(-1, "empty", "an empty array holds no reading", b"[]"))
    for place, element in enumerate(elements):
        position, where = (place, f"[{place}]") if isinstance(message, list) else (-1, "")
        reading, refused = _read(element, position, where)
        if reading is not None:
            readings.append(reading)
        if len(refusals) < REFUSALS_MAX:
            refusals += refused
        elif refused:
            untold += 1
    if untold:
        text = f"{untold} more readings of this message were refused, wholly or in part"
        refusals.append(Refusal(-1, "too_many", text, b""))
    return readings, refusals


def _read(element: object, position: int, where: str) -> tuple[Reading | None, list[Refusal]]:
    """The reading in an element, without the values at fault; None where nothing of it can be taken."""
    try:
        reading, faults = _reading(element, where)
    except Invalid as error:
        told = _placed(where, error.where or "", str(error))
        return None, [Refusal(position, error.code, told, _bytes(element))]
    if reading is None:
        return None, [refusal_of(position, faults, _bytes(element))]
    return reading, refusals_of(position, faults)


def _placed(where: str, name: str, message: str) -> str:
    """A message that begins with the place in the array and the name of what is at fault."""
    path = f"{where}.{name}".strip(".") if name else where
    return f"{path}: {message}" if path else message


def _bytes(value: object) -> bytes:
    return to_json(value, inf_nan_mode="constants")[:RAW_MAX]


def _reading(element: object, where: str) -> tuple[Reading | None, list[Fault]]:
    """A reading with all that is right in it. Raises Invalid for what costs all of it."""
    if not isinstance(element, dict):
        raise Invalid(f"a reading is an object of values, got {_kind(element)}", code="type")
    inner = element.get("values")
    top = inner if isinstance(inner, dict) else {k: v for k, v in element.items() if k not in ("ts", "seq")}
    time, seq = _time(element.get("ts")), _seq(element.get("seq"))
    found = _Flattened(where)
    if top is inner:
        found.faults += _beside(element, "values", ("ts", "seq", "values"), where)
    found.flatten(top, "", 1)
    if len(found.values) + len(found.faults) > VALUES_MAX:
        count = len(found.values) + len(found.faults)
        raise Invalid(f"{count} values in one reading; at most {VALUES_MAX}", code="too_many")
    if found.values:
        return Reading(time, found.values, seq), found.faults
    if not found.faults:
        raise Invalid("no values in this reading", code="empty")
    return None, found.faults


def refuse_beside(message: dict[str, object], inner: str, known: Sequence[str]) -> list[Refusal]:
    """What stands beside `inner`, which holds all that is taken; the members that may are `known`."""
    return refusals_of(-1, _beside(message, inner, known, ""))


def _beside(element: dict[str, Any], inner: str, known: Sequence[str], where: str) -> list[Fault]:
    told = f'it stands beside "{inner}", where nothing is taken; put it inside'
    return [
        _value_fault(where, name, value, f"beside_{inner}", told)
        for name, value in element.items()
        if name not in known
    ]


def _value_fault(where: str, name: str, value: object, code: str, message: str) -> Fault:
    shown = name[:NAME_MAX] if name and name.isprintable() else repr(name[:NAME_MAX])
    return Fault(name[:NAME_MAX], code, _placed(where, shown, message), _bytes({name: value}))


class _Flattened:
    """The values of one reading, by their names, and what is wrong with others."""

    def __init__(self, where: str) -> None:
        self.values: dict[str, Value] = {}
        self.faults: list[Fault] = []
        self._where = where  # in the message

    def _refuse(self, name: str, value: object, code: str, message: str) -> None:
        self.faults.append(_value_fault(self._where, name, value, code, message))

    def flatten(self, values: dict[Any, Any], prefix: str, depth: int) -> None:
        """Take the values of an object, and of those within."""
        for key, value in values.items():
            name = prefix + key
            if isinstance(value, dict):
                if depth < DEPTH_MAX:
                    self.flatten(value, name + ".", depth + 1)
                else:
                    self._refuse(name, value, "depth", f"nested deeper than {DEPTH_MAX}")
            elif value is not None:
                self._take(name, value)

    def _take(self, name: str, value: object) -> None:
        if not is_name(name):
            self._refuse(name, value, "name", NAME_RULE)
        elif name in self.values:
            self._refuse(name, value, "twice", "it is in this reading twice; the first one was taken")
        else:
            try:
                self.values[name] = _value(value)
            except Invalid as error:
                self._refuse(name, value, error.code, str(error))


def _time(ts: object) -> int | None:
    if ts is None:
        return None
    if isinstance(ts, bool) or not isinstance(ts, int | float | Decimal):
        raise Invalid(f"a number of milliseconds since 1970 is wanted, got {_kind(ts)}", "ts", "time")
    if not MS_MIN <= ts <= MS_MAX:
        hint = "this looks like seconds; " if 1e9 <= ts < MS_MIN else ""
        raise Invalid(f"{hint}milliseconds since 1970 are wanted, got {ts!s:.40}", "ts", "time")
    return round(ts * 1000)


def _seq(seq: object) -> int | None:
    if seq is None:
        return None
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq < 2**63:
        raise Invalid(f"a whole number from 0 to 2^63-1 is wanted, got {seq!r:.40}", "seq", "seq")
    return seq


def _value(value: object) -> Value:
    if isinstance(value, bool):
        return value
    try:
        if isinstance(value, int):
            return whole(value)
        _refuse_inexact(value)
    except Inexact as error:
        raise Invalid(str(error), code="inexact") from None
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Invalid(f"a finite number is wanted, got {value!r}", code="not_finite")
        return value
    text = value if isinstance(value, str) else to_json(value, inf_nan_mode="constants").decode()
    if len(text) > TEXT_MAX:
        raise Invalid(f"{len(text)} characters; at most {TEXT_MAX}", code="text_too_long")
    return text


def _refuse_inexact(value: object) -> None:
    """Raises Inexact for a number that a double does not hold, also one in an array."""
    if isinstance(value, Decimal):
        raise Inexact(value)
    if isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            _refuse_inexact(one)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
