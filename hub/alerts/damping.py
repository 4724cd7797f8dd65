"""Flapping: what opens again and again is one alert, which says so. Pure; times are µs.

The first two times within FLAP_US are alerts of their own. From the third on the last alert opens again
instead of a new one being made, and nobody is told each time. Then it is over only when nothing has happened
for FLAP_US; it ended when the condition did.
"""

from collections import deque
from enum import Enum

FLAP_US = 300_000_000
OPENINGS = 3  # within that time


class Opening(Enum):
    """What comes of a rule that fires."""

    NEW = "new"
    AGAIN = "again"  # the last alert, which flaps
    GOES_ON = "goes on"  # the last alert, which was not over yet


class Damping:
    """Of one machine. `settles` is when an alert that flaps is over, if nothing happens until then."""

    __slots__ = ("_opened", "ended", "settles")

    def __init__(self) -> None:
        self._opened: deque[int] = deque(maxlen=OPENINGS)
        self.ended = 0  # when the condition ended, where that is not told yet
        self.settles: int | None = None

    def fire(self, at: int) -> Opening:
        """The rule fires."""
        waiting = self.settles is not None
        self.settles = None
        self._opened.append(at)
        if waiting:
            return Opening.GOES_ON
        is_often = len(self._opened) == OPENINGS and at - self._opened[0] <= FLAP_US
        return Opening.AGAIN if is_often else Opening.NEW

    def resolve(self, at: int, *, flapping: bool) -> bool:
        """The condition ended; whether the alert is over with that."""
        if flapping:
            self.ended, self.settles = at, at + FLAP_US
        return not flapping
