"""Playing a rule over readings that are there already: what it would have said. Pure; times are µs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.alerts.damping import Damping, Opening
from hub.alerts.machine import Fired, Resolved, RuleMachine, Step
from hub.model import Value


@dataclass(slots=True)
class Episode:
    """An alert as it would have been. `resolved` is None where it still fires at the end."""

    opened: int
    resolved: int | None = None
    peak_at: int = 0
    peak: Value | None = None
    value: Value | None = None
    flapping: bool = False
    count: int = 1


class Episodes:
    """Makes alerts of the steps of one machine, as the hub does live."""

    def __init__(self, damping: Damping | None = None) -> None:
        self.found: list[Episode] = []
        self._damping = damping or Damping()

    def take(self, step: Step) -> None:
        """One more step."""
        if isinstance(step, Fired):
            self.settle(step.at)
            opening = self._damping.fire(step.at)
            if opening is Opening.NEW or not self.found:
                self.found.append(Episode(step.at, None, step.at, step.value, step.value))
                return
            last = self.found[-1]
            last.resolved = None
            last.count += 1
            last.flapping = True
        elif isinstance(step, Resolved):
            last = self.found[-1]
            last.resolved = step.at
            self._damping.resolve(step.at, flapping=last.flapping)
        else:
            last = self.found[-1]
            if last.count == 1 or last.peak is None or _is_worse(step.value, last.peak):
                last.peak_at, last.peak = step.at, step.value

    def settle(self, time: int) -> None:
        """It is this late: what flapped and has been quiet for long enough is over."""
        if self._damping.settles is not None and self._damping.settles <= time:
            self._damping.settles = None


def _is_worse(value: Value, peak: Value) -> bool:
    return not isinstance(value, str) and not isinstance(peak, str) and abs(value) > abs(peak)


def play(machine: RuleMachine, readings: Iterable[tuple[int, Value]], end: int) -> list[Episode]:
    """The alerts of readings in the order of their times, up to `end`."""
    episodes = Episodes()
    for step in steps_of(machine, readings):
        episodes.take(step)
    for step in machine.pass_to(end):
        episodes.take(step)
    return episodes.found


def steps_of(machine: RuleMachine, readings: Iterable[tuple[int, Value]]) -> Iterator[Step]:
    """What a machine says to readings in the order of their times."""
    for time, value in readings:
        if time >= machine.deadline or type(value) is not float or not machine.low <= value <= machine.high:
            yield from machine.take(time, value)


def silences_of(readings: Iterable[tuple[int, Value]], start: int, end: int, after_us: int) -> list[Episode]:
    """When there was no reading for so long."""
    found: list[Episode] = []
    last, value = start, None
    for time, newer in readings:
        if time - last >= after_us:
            found.append(Episode(last + after_us, time, last, value, value))
        last, value = time, newer
    if end - last >= after_us:
        found.append(Episode(last + after_us, None, last, value, value))
    return found
