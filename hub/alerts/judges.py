"""What a value says about a condition. Pure: a judge is given readings by time, and tells for each whether
the condition holds. Each judge remembers no more than that takes.
"""

import math
from collections import deque
from enum import Enum
from typing import Protocol

from hub.model import Value
from hub.model.condition import Beyond, Changes, Condition, Count, Differs, Flat, Is, IsPresent, Silent

INF = math.inf
NEVER = 2**63
SLOTS = 512  # readings closer to each other than this part of a window may count as one


class Judgement(Enum):
    """What a reading says."""

    HOLDS = "holds"
    ENDS = "ends"
    BETWEEN = "between"  # of the two bounds of a hysteresis: what was so stays so


class Judge(Protocol):
    """Of one condition. `expires` is when, without another reading, it does not hold any more (µs)."""

    expires: int
    lookback_us: int  # what is older says nothing about how it is now

    def take(self, time: int, value: Value) -> Judgement:
        """Judge one more reading."""

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes. `peak` is the worst one while the condition holds, and
        may be `firing` for it; else None.
        """


class _Windowless:
    """A judge of single readings: nothing expires."""

    expires = NEVER
    lookback_us = 0


class BeyondJudge(_Windowless):
    """Against bounds. Bounds that are "above" and "below" are moved to the next number, so that all compare
    alike: it holds for v < low or v > high, and ends for clear_low <= v <= clear_high.
    """

    def __init__(self, when: Beyond) -> None:
        self._low = -INF if when.low is None else when.low
        self._high = INF if when.high is None else when.high
        self._clear_low, self._clear_high = self._low, self._high
        self._worse_low = -INF if when.worse_low is None else when.worse_low
        self._worse_high = INF if when.worse_high is None else when.worse_high
        if when.low is not None and when.high is not None:
            if when.clear_low is not None and when.clear_high is not None:
                self._clear_low, self._clear_high = when.clear_low, when.clear_high
            return
        if when.clear_low is not None:
            self._clear_low = math.nextafter(when.clear_low, INF)
        if when.clear_high is not None:
            self._clear_high = math.nextafter(when.clear_high, -INF)

    def take(self, time: int, value: Value) -> Judgement:
        """Judge one more reading."""
        del time
        if isinstance(value, str):
            return Judgement.ENDS
        if value < self._low or value > self._high:
            return Judgement.HOLDS if self._worse_low <= value <= self._worse_high else Judgement.ENDS
        return Judgement.ENDS if self._clear_low <= value <= self._clear_high else Judgement.BETWEEN

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""
        return self._far(value) > self._far(peak)

    def _far(self, value: Value) -> float:
        return -INF if isinstance(value, str) else max(value - self._high, self._low - value)

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes."""
        if peak is None or isinstance(peak, str):
            return (INF, -INF) if firing else (self._low, self._high)
        low, high = (self._clear_low, self._clear_high) if firing else (self._low, self._high)
        if peak > high:
            return math.nextafter(high, INF), peak
        return peak, math.nextafter(low, -INF)


class IsJudge(_Windowless):
    """A text or a truth value; a value of another type is neither this nor not this."""

    def __init__(self, when: Is) -> None:
        self._when = when

    def take(self, time: int, value: Value) -> Judgement:
        """Judge one more reading."""
        del time
        if type(value) is not type(self._when.value):
            return Judgement.ENDS
        return Judgement.HOLDS if (value == self._when.value) != self._when.negated else Judgement.ENDS

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""
        del value, peak
        return False

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes."""
        del peak, firing
        return -INF, INF  # a number is nothing to it, and a text that stays the same is not taken


class ChangesJudge:
    """By how much values rose, or fell, within a time: the least of the window, which a queue of ever larger
    ones gives at once. Falling is rising upside down.
    """

    def __init__(self, when: Changes) -> None:
        self._by = when.by
        self.lookback_us = round(when.within_s * 1e6)
        self._slot = max(1, self.lookback_us // SLOTS)
        self._sign = -1.0 if when.falling else 1.0
        self._least: deque[tuple[int, float]] = deque()
        self.expires = NEVER

    def take(self, time: int, value: Value) -> Judgement:
        """Judge one more reading."""
        if isinstance(value, str):
            return Judgement.ENDS
        level, least = value * self._sign, self._least
        while least and least[0][0] < time - self.lookback_us:
            least.popleft()
        while least and least[-1][1] >= level:
            least.pop()
        if not least or least[-1][0] // self._slot != time // self._slot:
            least.append((time, level))
        self.expires = NEVER
        if level - least[0][1] < self._by:
            return Judgement.ENDS
        for at, base in least:  # the last of those it rose from ends it
            if level - base < self._by:
                break
            self.expires = at + self.lookback_us + 1
        return Judgement.HOLDS

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""
        return not isinstance(value, str) and not isinstance(peak, str) and (value - peak) * self._sign > 0

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes."""
        del peak, firing
        return INF, -INF  # each reading is needed


class FlatJudge(_Windowless):
    """Whether the value that was there when the window began, and all since, are close together. Two queues
    give the least and the greatest of them. An entry has the time of the reading after it, too: it counts for
    as long as its value was there.
    """

    def __init__(self, when: Flat) -> None:
        self._epsilon = when.epsilon
        self._window_us = round(when.for_s * 1e6)
        self.lookback_us = 2 * self._window_us  # to the reading before the window
        self._slot = max(1, self._window_us // SLOTS)
        self._least: deque[list[float]] = deque()  # time, value, time of the reading after it
        self._most: deque[list[float]] = deque()
        self._began = self._last = -NEVER

    def take(self, time: int, value: Value) -> Judgement:
        """Judge one more reading."""
        if isinstance(value, str):
            return Judgement.ENDS
        if time - self._last > self._window_us:
            self._began = time
            self._least.clear()
            self._most.clear()
        self._last, start = time, time - self._window_us
        for queue, sign in ((self._least, 1.0), (self._most, -1.0)):
            if queue:
                queue[-1][2] = time
            while queue and queue[0][2] <= start:
                queue.popleft()
            while queue and queue[-1][1] * sign >= value * sign:
                queue.pop()
            if not queue or queue[-1][0] // self._slot != time // self._slot:
                queue.append([time, float(value), INF])
        is_flat = self._most[0][1] - self._least[0][1] <= self._epsilon
        return Judgement.HOLDS if is_flat and self._began <= start else Judgement.ENDS

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""
        del value, peak
        return False

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes."""
        del peak, firing
        return INF, -INF


class CountJudge:
    """How many readings were above, within a time."""

    def __init__(self, when: Count) -> None:
        self._above = when.above
        self.lookback_us = round(when.within_s * 1e6)
        self._times: deque[int] = deque(maxlen=when.times)
        self.expires = NEVER

    def take(self, time: int, value: Value) -> Judgement:
        """Judge one more reading."""
        if not isinstance(value, str) and value > self._above:
            self._times.append(time)
        times = self._times
        until = times[0] + self.lookback_us if len(times) == times.maxlen else time - 1
        self.expires = until + 1 if until >= time else NEVER
        return Judgement.HOLDS if until >= time else Judgement.ENDS

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""
        return not isinstance(value, str) and not isinstance(peak, str) and value > peak

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes."""
        del peak, firing
        return -INF, self._above


class DiffersJudge(_Windowless):
    """How far two metrics are apart: judged at each reading of either, with the latest of the other."""

    def __init__(self, when: Differs) -> None:
        self._by = when.by

    def take(self, time: int, value: Value) -> Judgement:
        """`value` is the difference."""
        del time
        return Judgement.HOLDS if not isinstance(value, str) and abs(value) > self._by else Judgement.ENDS

    def exceeds(self, value: Value, peak: Value) -> bool:
        """Whether a value is worse than the worst one."""
        return not isinstance(value, str) and not isinstance(peak, str) and abs(value) > abs(peak)

    def quiet(self, peak: Value | None, *, firing: bool) -> tuple[float, float]:
        """The numbers between which nothing changes."""
        del peak, firing
        return INF, -INF


def judge_of(when: Condition) -> Judge | None:
    """The judge of a condition; None for what no value tells: silence and presence."""
    match when:
        case Beyond():
            return BeyondJudge(when)
        case Is():
            return IsJudge(when)
        case Changes():
            return ChangesJudge(when)
        case Flat():
            return FlatJudge(when)
        case Count():
            return CountJudge(when)
        case Differs():
            return DiffersJudge(when)
        case Silent() | IsPresent():
            return None
