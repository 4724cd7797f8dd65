"""How fast one device may send."""

from dataclasses import dataclass
from typing import NamedTuple

from hub.config import LimitsConfig
from hub.model import Device

LIMITED_FOR_US = 10_000_000  # how long after its last wait a device still counts as limited


class TokenBucket:
    """A rate that may be exceeded for a while: what is over it is taken, and paid for by waiting."""

    __slots__ = ("_burst", "_filled_at", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst  # how many may come at once
        self._filled_at = 0  # µs

    def spend(self, count: int, now: int) -> float:
        """So many came at `now` (µs); how many seconds to wait before more is taken.

        A clock that was set back gives and takes nothing.
        """
        tokens = self._tokens
        if now > self._filled_at:
            tokens += (now - self._filled_at) / 1e6 * self._per_s
            tokens = min(tokens, self._burst)
        tokens -= count
        self._tokens = tokens
        self._filled_at = now
        return 0.0 if tokens >= 0 else -tokens / self._per_s


class Rates(NamedTuple):
    """What one device may send a second, on average, and for how long at once."""

    readings_per_s: float
    values_per_s: float
    bytes_per_s: float
    burst_s: float


def rates_of(limits: LimitsConfig, device: Device) -> Rates:
    """The device's rates: of the first override of its labels that names one, else those of all."""
    fitting = [one for one in limits.overrides if one.fits(device.labels)]

    def chosen(name: str) -> float:
        named = (getattr(one, name) for one in fitting)
        return float(next((rate for rate in named if rate is not None), getattr(limits, name)))

    return Rates(
        chosen("readings_per_s"),
        chosen("values_per_s"),
        chosen("bytes_per_s"),
        limits.readings_burst / limits.readings_per_s,
    )


@dataclass(slots=True)
class Limited:
    """That a limit holds a device back: since when (µs, UTC), until when, and how long it had to wait."""

    since: int
    until: int
    waited_s: float = 0.0


class DeviceRate:
    """What one device has sent lately, in µs of its time: a bucket for readings, values and bytes together.

    Each call costs as much as its dearest part, so that the path of every reading has one bucket and not
    three. What is over the burst is taken too, and paid for by waiting.
    """

    __slots__ = ("_burst", "_byte", "_debt", "_paid_at", "_reading", "_value", "limited", "rates")

    def __init__(self, rates: Rates) -> None:
        self._debt = 0.0  # µs
        self._paid_at = 0  # µs, UTC
        self.limited: dict[str, Limited] = {}
        self.set(rates)

    def set(self, rates: Rates) -> None:
        """From now on these are its rates."""
        self.rates = rates
        self._reading = 1e6 / rates.readings_per_s
        self._value = 1e6 / rates.values_per_s
        self._byte = 1e6 / rates.bytes_per_s
        self._burst = rates.burst_s * 1e6

    def spend(self, readings: int, values: int, size: int, now: int) -> float:
        """So much came at `now` (µs, UTC); how many seconds to wait before more is taken.

        A clock that was set back gives and takes nothing.
        """
        # On the path of every reading. Written out: with max() it takes twice as long.
        passed = now - self._paid_at
        self._paid_at = now
        debt = self._debt
        if passed > 0:
            debt = debt - passed if debt > passed else 0.0
        cost, more = readings * self._reading, values * self._value
        if more > cost:  # noqa: PLR1730
            cost = more
        more = size * self._byte
        if more > cost:  # noqa: PLR1730
            cost = more
        self._debt = debt = debt + cost
        return 0.0 if debt <= self._burst else (debt - self._burst) / 1e6

    def dearest(self, readings: int, values: int, size: int) -> str:
        """The limit by which such a call costs the most."""
        costs = {
            "limits.readings_per_s": readings * self._reading,
            "limits.values_per_s": values * self._value,
            "limits.bytes_per_s": size * self._byte,
        }
        return max(costs, key=costs.__getitem__)

    def note(self, limit: str, wait_s: float, now: int) -> float:
        """The device has to wait for so long because of this limit; how much longer than it had to before."""
        known = self.limited.get(limit)
        if known is None or now - known.until > LIMITED_FOR_US:
            known = self.limited[limit] = Limited(now, now)
        until = now + round(wait_s * 1e6)
        added_s = max(0, until - max(now, known.until)) / 1e6
        known.until = max(known.until, until)
        known.waited_s += added_s
        return added_s

    def biting(self, now: int) -> dict[str, Limited]:
        """The limits that hold the device back now, or did a moment ago."""
        self.limited = {
            limit: one for limit, one in self.limited.items() if now - one.until <= LIMITED_FOR_US
        }
        return self.limited

    def last_limit(self) -> str:
        """The limit that holds it back longest; of readings where none does."""
        if not self.limited:
            return "limits.readings_per_s"
        return max(self.limited, key=lambda limit: self.limited[limit].until)
