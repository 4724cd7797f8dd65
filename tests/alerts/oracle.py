"""What a rule says of readings, told slowly and plainly: each moment at which anything could change is looked
at with all readings in hand.
"""

from collections.abc import Sequence
from itertools import pairwise

from hub.model import Value
from hub.model.condition import Beyond, Changes, Condition, Count, Flat, Is

Readings = Sequence[tuple[int, Value]]  # by time, µs


def spans(when: Condition, readings: Readings, end: int) -> list[tuple[int, int | None]]:
    """When it fired, and until when; None where it still does."""
    found: list[tuple[int, int | None]] = []
    fires = False
    for at in _moments(when, readings, end):
        known = [one for one in readings if one[0] <= at]
        told = _says(when, known, at, fires=fires)
        if told and not fires:
            found.append((at, None))
        elif not told and fires:
            found[-1] = (found[-1][0], at)
        fires = told
    return found


def _moments(when: Condition, readings: Readings, end: int) -> list[int]:
    later = {0}
    if isinstance(when, Beyond | Is):
        later.add(round(when.for_s * 1e6))
    if isinstance(when, Changes | Count):
        later.add(round(when.within_s * 1e6) + 1)
    return sorted({time + more for time, _ in readings for more in later if time + more <= end})


def _says(when: Condition, known: Readings, at: int, *, fires: bool) -> bool:
    if isinstance(when, Beyond | Is):
        if fires:
            return not _is_over(when, known[-1][1])
        since = None
        for time, value in reversed(known):
            if not _is_beyond(when, value):
                break
            since = time
        return since is not None and at - since >= round(when.for_s * 1e6)
    if isinstance(when, Changes):
        window = _window(known, at, when.within_s)
        now, sign = known[-1][1], -1 if when.falling else 1
        return any((float(now) - float(value)) * sign >= when.by for _, value in window)
    if isinstance(when, Count):
        found = [float(value) for _, value in _window(known, at, when.within_s)]
        return sum(value > when.above for value in found) >= when.times
    assert isinstance(when, Flat)
    if at != known[-1][0]:
        return fires  # it is told by readings only
    span = round(when.for_s * 1e6)
    start = at - span
    for (earlier, _), (time, _) in pairwise(known):
        if time - earlier > span:  # no readings came: it begins anew
            known = [one for one in known if one[0] >= time]
    before = [value for time, value in known if time <= start]
    values = [*before[-1:], *(value for time, value in known if time > start)]
    return bool(before) and float(max(values)) - float(min(values)) <= when.epsilon


def _window(known: Readings, at: int, within_s: float) -> Readings:
    return [one for one in known if one[0] >= at - round(within_s * 1e6)]


def _is_beyond(when: Beyond | Is, value: Value) -> bool:
    if isinstance(when, Is):
        return (value == when.value) != when.negated
    below = when.low is not None and value < when.low  # type: ignore[operator]
    return below or (when.high is not None and value > when.high)  # type: ignore[operator]


def _is_over(when: Beyond | Is, value: Value) -> bool:
    if isinstance(when, Is):
        return not _is_beyond(when, value)
    if _is_beyond(when, value):
        return False
    if when.low is not None and when.high is not None and when.clear_low is not None:
        return when.clear_low <= value <= when.clear_high  # type: ignore[operator]
    above = when.clear_low is None or value > when.clear_low  # type: ignore[operator]
    return above and (when.clear_high is None or value < when.clear_high)  # type: ignore[operator]
