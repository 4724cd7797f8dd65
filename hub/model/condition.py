"""When a rule fires: conditions, as `when` on the wire has them. Seconds outside, and µs in the machines."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.errors import Invalid
from hub.model.metric import NAME_RULE, is_name
from hub.model.presence import Presence

SPAN_MAX_S = 30 * 86_400.0
TIMES_MAX = 10_000
TEXT_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Beyond:
    """`above`, `below`, `outside`: beyond a bound for so long. It is over at the other bound, if there is one
    (hysteresis), or as soon as a value is not beyond.
    """

    low: float | None = None  # fires below
    high: float | None = None  # fires above
    clear_low: float | None = None  # is over above this one
    clear_high: float | None = None  # is over below this one
    for_s: float = 0.0
    worse_low: float | None = None  # below, it is another rule's; only where thresholds made this one
    worse_high: float | None = None  # above, the same


@dataclass(frozen=True, slots=True)
class Is:
    """`is`, `is_not`: a text or a truth value."""

    value: str | bool
    negated: bool = False
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Changes:
    """`rising_s`, `falling_s`: by at least so much within so long."""

    by: float
    within_s: float
    falling: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """`silent_s`: no reading of the metric for so long; None: for longer than the device lets one expect."""

    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Flat:
    """`flat_s`: readings come, and for so long none is further than `epsilon` from another."""

    for_s: float
    epsilon: float = 0.0


@dataclass(frozen=True, slots=True)
class IsPresent:
    """`presence`: the device is offline, or stale (which offline is too, and worse)."""

    presence: Presence
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Differs:
    """`differs`: two metrics, of one device or of two, are further apart than `by`."""

    metric: str
    by: float
    device: str | None = None  # None: the same device
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Count:
    """`count`: that many readings above, within so long."""

    above: float
    times: int
    within_s: float


Condition = Beyond | Is | Changes | Silent | Flat | IsPresent | Differs | Count

Fields = Mapping[str, object]


def read_condition(when: object) -> Condition:
    """The condition that `when` says. Raises Invalid, naming the field."""
    if not isinstance(when, Mapping):
        raise Invalid("when: an object is wanted", "when")
    known = [key for key in _READERS if key in when]
    if len(known) != 1:
        told = f"got {', '.join(known)}" if known else "got none"
        raise Invalid(f"when: exactly one of {', '.join(_READERS)} is wanted, {told}", "when")
    reader, more = _READERS[known[0]]
    for name in when:
        if name != known[0] and name not in more:
            raise Invalid(
                f"when.{name}: {known[0]} does not take it; it takes {', '.join(more)}", f"when.{name}"
            )
    return reader(when)


def write_condition(condition: Condition) -> dict[str, object]:
    """The same as `when` on the wire."""
    found = {name: value for name, value in _written(condition).items() if value is not None}
    if not found.get("for_s", 1):
        del found["for_s"]
    return found


def _written(condition: Condition) -> dict[str, object]:
    match condition:
        case Beyond(low, None, clear_low, _, for_s):
            return {"below": low, "clear_above": clear_low, "for_s": for_s}
        case Beyond(None, high, _, clear_high, for_s):
            return {"above": high, "clear_below": clear_high, "for_s": for_s}
        case Beyond(low, high, clear_low, clear_high, for_s):
            inside = None if clear_low is None else [clear_low, clear_high]
            return {"outside": [low, high], "clear_inside": inside, "for_s": for_s}
        case Is(value, negated, for_s):
            return {"is_not" if negated else "is": value, "for_s": for_s}
        case Changes(by, within_s, falling):
            return {"falling_s" if falling else "rising_s": {"by": by, "within_s": within_s}}
        case Silent(after_s):
            return {"silent_s": "expected" if after_s is None else after_s}
        case Flat(for_s, epsilon):
            return {"flat_s": for_s, "epsilon": epsilon or None}
        case IsPresent(presence, for_s):
            return {"presence": presence.value, "for_s": for_s}
        case Differs(metric, by, device, for_s):
            other = {"metric": metric, "by": by, **({} if device is None else {"device": device})}
            return {"differs": other, "for_s": for_s}
        case Count(above, times, within_s):
            return {"count": {"above": above, "times": times, "within_s": within_s}}


# Reading


def number(held: Fields, name: str, where: str = "when", default: float | None = None) -> float:
    """A finite number. Raises Invalid."""
    value = held.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid(f"{where}.{name}: a number is wanted", f"{where}.{name}")
    return float(value)


def span_s(held: Fields, name: str, where: str = "when", default: float | None = None) -> float:
    """A time in seconds, over 0 where it has to be given. Raises Invalid."""
    value = number(held, name, where, default)
    least_is_over = default is None
    if not 0 <= value <= SPAN_MAX_S or (least_is_over and value == 0):
        least = "over 0" if least_is_over else "0"
        raise Invalid(f"{where}.{name}: {least} to {SPAN_MAX_S:.0f} s are wanted", f"{where}.{name}")
    return value


def _for_s(when: Fields) -> float:
    return span_s(when, "for_s", default=0.0)


def _above(when: Fields) -> Beyond:
    high = number(when, "above")
    clear = number(when, "clear_below") if "clear_below" in when else None
    if clear is not None and clear > high:
        raise Invalid(f"when.clear_below: {clear:g} is over above, {high:g}", "when.clear_below")
    return Beyond(None, high, None, clear, _for_s(when))


def _below(when: Fields) -> Beyond:
    low = number(when, "below")
    clear = number(when, "clear_above") if "clear_above" in when else None
    if clear is not None and clear < low:
        raise Invalid(f"when.clear_above: {clear:g} is under below, {low:g}", "when.clear_above")
    return Beyond(low, None, clear, None, _for_s(when))


def _pair(when: Fields, name: str) -> tuple[float, float]:
    pair = when[name]
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise Invalid(f"when.{name}: [low, high] is wanted", f"when.{name}")
    low, high = (number({name: one}, name) for one in pair)
    if low > high:
        raise Invalid(f"when.{name}: [low, high] is wanted, and {low:g} is over {high:g}", f"when.{name}")
    return low, high


def _outside(when: Fields) -> Beyond:
    low, high = _pair(when, "outside")
    if "clear_inside" not in when:
        return Beyond(low, high, None, None, _for_s(when))
    clear_low, clear_high = _pair(when, "clear_inside")
    if clear_low < low or clear_high > high:
        raise Invalid("when.clear_inside: it is not within outside", "when.clear_inside")
    return Beyond(low, high, clear_low, clear_high, _for_s(when))


def _is(name: str) -> Callable[[Fields], Is]:
    def read(when: Fields) -> Is:
        value = when[name]
        if not isinstance(value, str | bool) or (isinstance(value, str) and len(value) > TEXT_MAX):
            raise Invalid(f"when.{name}: a text, true or false is wanted", f"when.{name}")
        return Is(value, name == "is_not", _for_s(when))

    return read


def _inner(when: Fields, name: str, known: tuple[str, ...]) -> Fields:
    inner = when[name]
    if not isinstance(inner, Mapping):
        raise Invalid(f"when.{name}: an object is wanted", f"when.{name}")
    for one in inner:
        if one not in known:
            raise Invalid(f"when.{name}.{one}: known here are {', '.join(known)}", f"when.{name}.{one}")
    return inner


def _changes(name: str) -> Callable[[Fields], Changes]:
    def read(when: Fields) -> Changes:
        where = f"when.{name}"
        inner = _inner(when, name, ("by", "within_s"))
        return Changes(_over_0(inner, "by", where), span_s(inner, "within_s", where), name == "falling_s")

    return read


def _over_0(held: Fields, name: str, where: str) -> float:
    value = number(held, name, where)
    if value <= 0:
        raise Invalid(f"{where}.{name}: a number over 0 is wanted", f"{where}.{name}")
    return value


def _silent(when: Fields) -> Silent:
    if when["silent_s"] == "expected":
        return Silent(None)
    if isinstance(when["silent_s"], str):
        raise Invalid('when.silent_s: seconds, or "expected", are wanted', "when.silent_s")
    return Silent(span_s(when, "silent_s"))


def _flat(when: Fields) -> Flat:
    epsilon = number(when, "epsilon", default=0.0)
    if epsilon < 0:
        raise Invalid("when.epsilon: 0 or more is wanted", "when.epsilon")
    return Flat(span_s(when, "flat_s"), epsilon)


def _presence(when: Fields) -> IsPresent:
    if when["presence"] not in (Presence.OFFLINE, Presence.STALE):
        raise Invalid('when.presence: "offline" or "stale" is wanted', "when.presence")
    return IsPresent(Presence(str(when["presence"])), _for_s(when))


def _differs(when: Fields) -> Differs:
    where = "when.differs"
    inner = _inner(when, "differs", ("metric", "device", "by"))
    metric, device = inner.get("metric"), inner.get("device")
    if not isinstance(metric, str) or not is_name(metric):
        raise Invalid(f"{where}.metric: {NAME_RULE}", f"{where}.metric")
    if device is not None and not isinstance(device, str):
        raise Invalid(f"{where}.device: the id of a device is wanted", f"{where}.device")
    by = number(inner, "by", where)
    if by < 0:
        raise Invalid(f"{where}.by: 0 or more is wanted", f"{where}.by")
    return Differs(metric, by, device, _for_s(when))


def _count(when: Fields) -> Count:
    where = "when.count"
    inner = _inner(when, "count", ("above", "times", "within_s"))
    times = number(inner, "times", where)
    if not 1 <= times <= TIMES_MAX or times != int(times):
        raise Invalid(f"{where}.times: a whole number from 1 to {TIMES_MAX} is wanted", f"{where}.times")
    return Count(number(inner, "above", where), int(times), span_s(inner, "within_s", where))


_FOR = ("for_s",)
_READERS: dict[str, tuple[Callable[[Fields], Condition], tuple[str, ...]]] = {
    "above": (_above, ("clear_below", "for_s")),
    "below": (_below, ("clear_above", "for_s")),
    "outside": (_outside, ("clear_inside", "for_s")),
    "is": (_is("is"), _FOR),
    "is_not": (_is("is_not"), _FOR),
    "rising_s": (_changes("rising_s"), ()),
    "falling_s": (_changes("falling_s"), ()),
    "silent_s": (_silent, ()),
    "flat_s": (_flat, ("epsilon",)),
    "presence": (_presence, _FOR),
    "differs": (_differs, _FOR),
    "count": (_count, ()),
}
