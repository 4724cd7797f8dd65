"""The hub's own JSON, in ThingsBoard's shapes.

    {"temperature": 20.5, "door_open": true}                 values alone: the hub stamps the time
    {"ts": 1451649600512, "seq": 17, "values": {…}}          with the device's time (ms, fractions allowed) and number
    [ …, … ]                                                 an array of either

`ts` and `seq` at the top level are time and number in either shape. Objects flatten with dots, arrays stay
JSON text, null is no value. The two usual shapes are read and checked by pydantic in one pass (0.3 µs for two
values, measured); whatever that refuses is walked with care, to keep the good readings and to say precisely
what is wrong with the others.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Annotated, Any, NotRequired, cast

from pydantic import (
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

from hub.errors import Invalid
from hub.model import NAME_MAX, NAME_PATTERN, NAME_RULE, RAW_MAX, Reading, Refusal, Value, is_name

TEXT_MAX = 4096
DEPTH_MAX = 8
VALUES_MAX = 1000  # in one reading
REFUSALS_MAX = 100  # told one by one of one message; those beyond are counted
RUN_MIN = 8  # messages; of fewer, each is decoded sooner by itself
MS_MIN = 100_000_000_000  # 1973: anything below is a time in seconds, or a clock that was never set
MS_MAX = 253_402_300_799_999  # the last millisecond of the year 9999

Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX, pattern=NAME_PATTERN)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
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
    """The readings in one message, and what of it was refused. Never raises."""
    try:
        if b'"values"' in raw:
            timed = _timed(raw)
            if "ts" in timed or len(timed) == 1 + ("seq" in timed):
                return [_timed_reading(timed)], ()
        values = _flat(raw)
        if "ts" not in values and "seq" not in values:
            return [Reading(None, values)], ()
    except ValidationError:
        pass  # not one of the usual shapes, or something is wrong in it: read it with care
    try:
        message = from_json(raw)
    except ValueError as error:
        return [], (Refusal(-1, "unreadable", f"not JSON: {error}", raw[:RAW_MAX]),)
    return decode_parsed(message)


def decode_run(messages: Sequence[bytes]) -> list[Reading] | None:
    """The readings of messages that hold one each, all in the same usual shape; None of any others, which are for `decode`.

    They are parsed as one array: 0.6 µs a message with two values at 50 and more, 1.0 by `decode`.

    Theory. A comma and a line break stand between messages, each of which begins with a brace and holds no line break. Where
    one ends within a text, the break makes that no JSON; within an object, the brace does, for a name must come there;
    and there are no arrays within. So each begins as an element of its own, and if there are as many elements
    as messages, then each message is one element and nothing else.
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
        elif (
            b"\\" in joined or b'"ts"' in joined or b'"seq"' in joined
        ):  # a time or number, or a name that may mean it
            return None
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
    for position, element in enumerate(elements):
        try:
            readings.append(_reading(element))
        except Invalid as error:
            if len(refusals) == REFUSALS_MAX:
                untold += 1
                continue
            where = f"[{position}]" if isinstance(message, list) else ""
            path = f"{where}.{error.where}".strip(".") if error.where else where
            refusals.append(
                Refusal(
                    position if isinstance(message, list) else -1,
                    error.code,
                    f"{path}: {error}" if path else str(error),
                    to_json(element, inf_nan_mode="constants")[:RAW_MAX],
                )
            )
    if untold:
        message = f"{untold} more readings of this message were refused"
        refusals.append(Refusal(-1, "too_many", message, b""))
    return readings, refusals


def _fault(code: str, message: str, where: str | None = None) -> Invalid:
    fault = Invalid(message, where)
    fault.code = code
    return fault


def _reading(element: object) -> Reading:
    if not isinstance(element, dict):
        raise _fault("type", f"a reading is an object of values, got {_kind(element)}")
    inner = element.get("values")
    top = inner if isinstance(inner, dict) else {k: v for k, v in element.items() if k not in ("ts", "seq")}
    if top is inner and element.get("ts") is None:
        _refuse_beside(element)
    values = dict(_flatten(top, "", 1))
    if not values:
        raise _fault("empty", "no values in this reading")
    if len(values) > VALUES_MAX:
        raise _fault("too_many", f"{len(values)} values in one reading; at most {VALUES_MAX}")
    return Reading(_time(element.get("ts")), values, _seq(element.get("seq")))


def _refuse_beside(element: dict[Any, Any]) -> None:
    """With `ts` ThingsBoard drops what stands beside `values`, and so does the hub; without it, it would keep that."""
    beside = [name for name in element if name not in ("ts", "seq", "values")]
    if beside:
        raise _fault(
            "beside_values", 'it stands beside "values", and would be lost; put it inside', beside[0]
        )


def _time(ts: object) -> int | None:
    if ts is None:
        return None
    if isinstance(ts, bool) or not isinstance(ts, int | float):
        raise _fault("time", f"a number of milliseconds since 1970 is wanted, got {_kind(ts)}", "ts")
    if not MS_MIN <= ts <= MS_MAX:
        hint = "this looks like seconds; " if 1e9 <= ts < MS_MIN else ""
        raise _fault("time", f"{hint}milliseconds since 1970 are wanted, got {ts!r:.40}", "ts")
    return round(ts * 1000)


def _seq(seq: object) -> int | None:
    if seq is None:
        return None
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq < 2**63:
        raise _fault("seq", f"a whole number from 0 to 2^63-1 is wanted, got {seq!r:.40}", "seq")
    return seq


def _flatten(values: dict[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Value]]:
    if depth > DEPTH_MAX:
        raise _fault("depth", f"nested deeper than {DEPTH_MAX}", prefix.rstrip("."))
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, dict):
            yield from _flatten(value, name + ".", depth + 1)
        elif value is not None:
            _check_name(name)
            yield name, _value(value, name)


def _check_name(name: str) -> None:
    if not is_name(name):
        raise _fault("name", f"{NAME_RULE}; got {name!r:.120}")


def _value(value: object, name: str) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _fault("not_finite", f"a finite number is wanted, got {value!r:.40}", name)
        return number
    text = (
        value
        if isinstance(value, str)
        else to_json(cast("list[object]", value), inf_nan_mode="constants").decode()
    )
    if len(text) > TEXT_MAX:
        raise _fault("text_too_long", f"{len(text)} characters; at most {TEXT_MAX}", name)
    return text


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
