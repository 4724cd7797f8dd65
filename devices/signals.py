"""The shapes that measured quantities have. Pure: time and randomness come in with each call.

A signal takes the seconds since its start and a source of randomness, and gives a number. The same calls with
the same seed give the same numbers; those with a memory (drift, steps, spikes) expect time to go forward.
"""

import math
from collections.abc import Callable, Sequence
from random import Random

Signal = Callable[[float, Random], float]


def sine(mean: float, amplitude: float, period_s: float, phase_s: float = 0.0) -> Signal:
    """The day, the tide, the duty cycle."""

    def at(time_s: float, _rng: Random) -> float:
        return mean + amplitude * math.sin(2 * math.pi * (time_s + phase_s) / period_s)

    return at


def noise(deviation: float) -> Signal:
    """What every sensor adds: independent errors with a standard deviation."""

    def at(_time_s: float, rng: Random) -> float:
        return rng.gauss(0.0, deviation)

    return at


def total(*signals: Signal) -> Signal:
    """All of them on top of each other."""

    def at(time_s: float, rng: Random) -> float:
        return sum(signal(time_s, rng) for signal in signals)

    return at


def within(signal: Signal, lowest: float, highest: float) -> Signal:
    """What physics or the sensor's range allows of it."""

    def at(time_s: float, rng: Random) -> float:
        return min(highest, max(lowest, signal(time_s, rng)))

    return at


class Drift:
    """Wanders off and comes back: an Ornstein-Uhlenbeck process around 0, the same at any rate of calls."""

    def __init__(self, deviation: float, return_s: float) -> None:
        self._deviation = deviation
        self._return_s = return_s
        self._level: float | None = None
        self._time_s = 0.0

    def __call__(self, time_s: float, rng: Random) -> float:
        """Where it is by now."""
        if self._level is None:
            self._level = rng.gauss(0.0, self._deviation)
        else:
            kept = math.exp(-(time_s - self._time_s) / self._return_s)
            self._level = self._level * kept + rng.gauss(0.0, self._deviation) * math.sqrt(
                max(0.0, 1 - kept * kept)
            )
        self._time_s = time_s
        return self._level


class Steps:
    """Holds a level, then jumps to another: a switch, a setpoint, a state. Holds last `hold_s` on average."""

    def __init__(self, levels: Sequence[float], hold_s: float) -> None:
        self._levels = levels
        self._hold_s = hold_s
        self._level = levels[0]
        self._until_s: float | None = None

    def __call__(self, time_s: float, rng: Random) -> float:
        """The level it holds now."""
        if self._until_s is None:
            self._until_s = time_s + rng.expovariate(1 / self._hold_s)
        elif time_s >= self._until_s:
            self._level = rng.choice([level for level in self._levels if level != self._level])
            self._until_s = time_s + rng.expovariate(1 / self._hold_s)
        return self._level


class Spikes:
    """Mostly 0; now and then up to `height` at once, and away again over `fade_s`."""

    def __init__(self, height: float, every_s: float, fade_s: float) -> None:
        self._height = height
        self._every_s = every_s
        self._fade_s = fade_s
        self._level = 0.0
        self._time_s = 0.0

    def __call__(self, time_s: float, rng: Random) -> float:
        """What is left of the last spike, or a new one."""
        passed_s = max(0.0, time_s - self._time_s)
        self._time_s = time_s
        self._level *= math.exp(-passed_s / self._fade_s)
        if rng.random() < 1 - math.exp(-passed_s / self._every_s):
            self._level = self._height * rng.uniform(0.5, 1.0)
        return self._level


class DropOuts:
    """1 while the device says nothing, else 0: silent for `lasts_s` every `every_s`, both on average."""

    def __init__(self, every_s: float, lasts_s: float) -> None:
        self._every_s = every_s
        self._lasts_s = lasts_s
        self._silent = False
        self._until_s: float | None = None

    def __call__(self, time_s: float, rng: Random) -> float:
        """Whether it is silent now."""
        if self._until_s is None:
            self._until_s = time_s + rng.expovariate(1 / self._every_s)
        while time_s >= self._until_s:
            self._silent = not self._silent
            self._until_s += rng.expovariate(1 / (self._lasts_s if self._silent else self._every_s))
        return float(self._silent)
