"""The hub's clock: the system's time, but one that never jumps unseen.

Theory. A Pi without a battery starts in 1970, and NTP sets a clock by days, both ways. So the hub takes the
system's time once and goes on with the steady clock, which nothing sets. About once a second, `tick` compares
the two. A small difference is taken over. A large one is a step: it happens in one moment of the loop, and
the caller tells all who keep times, who move them along. Between two steps the difference of two times is how
long it was.

A system whose time is before this version of the hub was made has no time yet: until it gets one the hub goes
on from the newest reading that it has stored, so that what it stamps is in order, if not right; and it
refuses no device's time for being ahead of its own.

What is deleted for its age has to be old indeed. After a step, or a start whose time is ahead of the newest
stored reading, nothing is deleted until the clock has gone on steadily for as long as it jumped, at least ten
minutes and at most a week. A restart in that time changes nothing of it: the caller keeps `trusted_at`.
"""

from collections.abc import Callable
from typing import NamedTuple

from hub.logs import Logger

MADE_AT = 1_767_225_600_000_000  # 2026-01-01, µs UTC: no hub of this version ran before
STEP_MIN_S = 1.0
TRUST_MIN_S = 600.0
TRUST_MAX_S = 7 * 86_400.0

_log = Logger("clock")


class Step(NamedTuple):
    """The clock was set: `at` is the time after it (µs, UTC), `by` how far it jumped (µs). Times from `began`
    on, which this run of the hub took from its clock before, are wrong by as much.
    """

    at: int
    by: int
    began: int

    def moved(self, time: int) -> int:
        """A time by the clock as it is now; one from before this run stays, but is not ahead of now."""
        return min(time + self.by if time >= self.began else time, self.at)


class HubClock:
    """Call it for the time, µs UTC. `wall` gives the system's, `steady_s` seconds that nothing sets."""

    def __init__(self, wall: Callable[[], int], steady_s: Callable[[], float]) -> None:
        self._wall = wall
        self.steady_s = steady_s
        self._offset = wall() - self._steady_us()
        self._trusted_from_s = steady_s()
        self.is_set = self() >= MADE_AT
        self.began = self()
        self.steps = 0
        self.last_step: Step | None = None
        self.stepped_us = 0  # all steps together

    def _steady_us(self) -> int:
        return round(self.steady_s() * 1e6)

    def __call__(self) -> int:
        """The time, µs UTC."""
        return self._offset + round(self.steady_s() * 1e6)

    def unmoved(self, time: int | None = None) -> int:
        """A time, or now, as if the clock had never been set: for what is not told of steps."""
        return (self() if time is None else time) - self.stepped_us

    def begin(self, newest: int) -> None:
        """The newest stored reading was received then (µs, UTC); 0 without any."""
        if not self.is_set:
            self._offset += max(newest + 1_000_000, MADE_AT) - self()
            self.began = self()
            _log.warning("the system's clock is not set; going on from the newest stored reading until it is")
        elif newest:
            ahead_s = (self() - newest) / 1e6
            if ahead_s < -STEP_MIN_S:
                _log.warning("the newest stored reading is ahead of the clock", by_s=round(-ahead_s, 1))
            self._trust_after(ahead_s)

    def tick(self) -> Step | None:
        """Look at the system's time, about once a second. A step has happened when it is returned."""
        wall, before = self._wall(), self()
        if wall < MADE_AT:
            return None
        by = wall - before
        self._offset += by
        if self.is_set and abs(by) < STEP_MIN_S * 1e6:
            return None
        self.is_set = True
        step = self.last_step = Step(wall, by, self.began)
        self.began = step.moved(self.began)
        self.steps += 1
        self.stepped_us += by
        self._trust_after(abs(by) / 1e6)
        _log.warning("the clock was set", by_s=round(by / 1e6, 3), steps=self.steps)
        return step

    def _trust_after(self, jumped_s: float) -> None:
        wait_s = min(max(jumped_s, TRUST_MIN_S if self.steps else 0.0), TRUST_MAX_S)
        self._trusted_from_s = max(self._trusted_from_s, self.steady_s() + wait_s)

    @property
    def trusted_at(self) -> int:
        """When it is trusted if it goes on steadily, or now (µs, UTC)."""
        return self() + round(max(self._trusted_from_s - self.steady_s(), 0.0) * 1e6)

    def distrust_until(self, time: int) -> None:
        """An earlier run of the hub did not trust its clock before this time (µs, UTC)."""
        wait_s = min((time - self()) / 1e6, TRUST_MAX_S)
        self._trusted_from_s = max(self._trusted_from_s, self.steady_s() + wait_s)

    @property
    def is_trusted(self) -> bool:
        """Whether what is old by this clock may be deleted."""
        return self.is_set and self.steady_s() >= self._trusted_from_s
