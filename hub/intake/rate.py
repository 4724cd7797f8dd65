"""How fast one device may send."""

from dataclasses import dataclass
from typing import NamedTuple

from hub.config import LimitsConfig
from hub.model import Device

SIZES_BURST_US = 2e6  # for how long values and bytes may come at once
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
    """What one device may send a second, on average, and for how long readings may come at once."""

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
    """What one device has sent lately, in µs of its time: one bucket for readings, one for values and bytes.

    Each call costs the second bucket as much as the dearer of the two, so that the path of every reading has
    two and not three. What is over a burst is taken too, and paid for by waiting.
    """

    __slots__ = (
        "_burst", "_byte", "_paid_at", "_reading", "_readings", "_sizes", "_value", "limited", "rates",
    )  # fmt: skip

    def __init__(self, rates: Rates) -> None:
        self._readings = 0.0  # µs
        self._sizes = 0.0  # µs, of values and bytes
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
        # On the path of every reading: 0.22 µs, where one TokenBucket takes 0.26, and a reading that comes
        # alone 6.5 in all. Written out: with max() it takes twice as long.
        passed = now - self._paid_at
        self._paid_at = now
        count, sizes = self._readings, self._sizes
        if passed > 0:
            count = count - passed if count > passed else 0.0
            sizes = sizes - passed if sizes > passed else 0.0
        self._readings = count = count + readings * self._reading
        cost, more = values * self._value, size * self._byte
        self._sizes = sizes = sizes + (more if more > cost else cost)  # noqa: FURB136
        if count <= self._burst and sizes <= SIZES_BURST_US:
            return 0.0
        return max(count - self._burst, sizes - SIZES_BURST_US) / 1e6

    def dearest(self, values: int, size: int) -> str:
        """The limit that the device is over, after such a call."""
        if self._readings - self._burst >= self._sizes - SIZES_BURST_US:
            return "limits.readings_per_s"
        return "limits.values_per_s" if values * self._value >= size * self._byte else "limits.bytes_per_s"

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
