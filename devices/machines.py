"""The simulated machines: what each kind measures, and how that behaves. Pure, as `signals` is."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from devices.failures import Failure, failing
from devices.signals import Drift, DropOuts, Signal, Spikes, Steps, noise, sine, total, within

Value = float | str | bool
DAY_S = 86_400.0


class Quantity(NamedTuple):
    """One thing a machine measures. `digits` is what its sensor resolves."""

    signal: Signal
    digits: int = 2


class Design(NamedTuple):
    """What one machine of a kind is made of. `states` are named by the level of `state`: 0, 1, 2, …"""

    quantities: Mapping[str, Quantity]
    states: tuple[str, ...] = ()
    state: Signal | None = None
    door: Signal | None = None  # the door is open while above 0.5


class Machine:
    """One machine: `read` gives what it measures at a time, or None while it is silent.

    All randomness is drawn from `rng`, the machine's own peculiarities included.
    """

    def __init__(self, kind: str, rng: Random, failures: Sequence[Failure] = ()) -> None:
        self.kind = kind
        self._failures = failures
        self._rng = rng
        self._design = KINDS[kind](rng)
        self._drop_outs = DropOuts(every_s=1_800.0, lasts_s=20.0)

    @property
    def units(self) -> dict[str, str]:
        """The units of its metrics, as far as they have one."""
        return {name: UNITS[name] for name in self._design.quantities}

    def read(self, time_s: float) -> dict[str, Value] | None:
        """The values at `time_s` seconds after the start. Call with rising times."""
        silent = self._drop_outs(time_s, self._rng) > 0.5
        values: dict[str, Value] = {
            name: round(quantity.signal(time_s, self._rng), quantity.digits)
            for name, quantity in self._design.quantities.items()
        }
        if self._design.state is not None:
            values["state"] = self._design.states[int(self._design.state(time_s, self._rng))]
        if self._design.door is not None:
            values["door_open"] = self._design.door(time_s, self._rng) > 0.5
        return failing(None if silent else values, time_s, self._failures)


UNITS: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "°C",
        "humidity": "%",
        "pressure": "bar",
        "vibration": "mm/s",
        "flow": "m³/h",
        "power": "kW",
        "speed": "rpm",
        "light": "lx",
    }
)


def _temperature(rng: Random, mean: float, swing: float, period_s: float) -> Quantity:
    own = rng.uniform(-0.1, 0.1) * (abs(mean) + 5)
    wave = sine(mean + own, swing, period_s, rng.uniform(0, period_s))
    return Quantity(total(wave, Drift(swing / 4, 600.0), noise(0.05)))


def _vibration(rng: Random, level: float) -> Quantity:
    own = sine(level * rng.uniform(0.8, 1.2), level * 0.1, 47.0, rng.uniform(0, 47.0))
    return Quantity(within(total(own, noise(level * 0.05), Spikes(level * 3, 300.0, 4.0)), 0.0, 50.0))


def _pressure(rng: Random, mean: float) -> Quantity:
    mean *= rng.uniform(0.95, 1.05)
    level = Steps([mean, mean * 1.15, mean * 0.9], 120.0)
    return Quantity(within(total(level, Drift(mean * 0.02, 60.0), noise(mean * 0.003)), 0.0, 400.0), 3)


def _humidity(rng: Random, mean: float) -> Quantity:
    wave = sine(mean, mean * 0.1, 900.0, rng.uniform(0, 900.0))
    return Quantity(within(total(wave, Drift(2.0, 300.0), noise(0.3)), 0.0, 100.0), 1)


_STATES = ("running", "idle", "fault")


def _state() -> Signal:
    return Steps([0, 1, 0, 0, 2], 90.0)  # running comes up more often than the others


def _pump(rng: Random) -> Design:
    quantities = {
        "temperature": _temperature(rng, 52.0, 4.0, 600.0),
        "pressure": _pressure(rng, 6.0),
        "vibration": _vibration(rng, 2.2),
        "flow": Quantity(within(total(sine(38.0, 3.0, 240.0), noise(0.4)), 0.0, 100.0)),
    }
    return Design(quantities, _STATES, _state())


def _chiller(rng: Random) -> Design:
    quantities = {
        "temperature": _temperature(rng, 6.5, 1.2, 420.0),
        "pressure": _pressure(rng, 14.0),
        "power": Quantity(within(total(Steps([0.8, 11.0, 22.0], 75.0), noise(0.15)), 0.0, 60.0)),
    }
    return Design(quantities, _STATES, _state())


def _fan(rng: Random) -> Design:
    quantities = {
        "speed": Quantity(within(total(Steps([900.0, 1_200.0, 1_450.0], 60.0), noise(4.0)), 0.0, 3_000.0), 0),
        "vibration": _vibration(rng, 1.1),
        "temperature": _temperature(rng, 41.0, 3.0, 500.0),
    }
    return Design(quantities)


def _greenhouse(rng: Random) -> Design:
    quantities = {
        "temperature": _temperature(rng, 23.0, 3.5, 1_200.0),
        "humidity": _humidity(rng, 68.0),
        "light": Quantity(within(total(sine(18_000.0, 22_000.0, DAY_S), noise(150.0)), 0.0, 100_000.0), 0),
    }
    return Design(quantities, door=Steps([0, 1, 0, 0], 45.0))


def _cold_store(rng: Random) -> Design:
    quantities = {"temperature": _temperature(rng, -18.5, 0.8, 700.0), "humidity": _humidity(rng, 82.0)}
    return Design(quantities, door=Steps([0, 1, 0, 0, 0], 60.0))


def _compressor(rng: Random) -> Design:
    quantities = {
        "temperature": _temperature(rng, 78.0, 6.0, 900.0),
        "pressure": _pressure(rng, 8.5),
        "vibration": _vibration(rng, 3.4),
    }
    return Design(quantities, _STATES, _state())


KINDS: Mapping[str, Callable[[Random], Design]] = MappingProxyType(
    {
        "pump": _pump,
        "chiller": _chiller,
        "fan": _fan,
        "greenhouse": _greenhouse,
        "cold-store": _cold_store,
        "compressor": _compressor,
    }
)


def kind_of(device_id: str, position: int) -> str:
    """The kind that a device's id begins with (`pump-07`), else one by its position in the list."""
    for kind in KINDS:
        if device_id.startswith(kind):
            return kind
    return list(KINDS)[position % len(KINDS)]


def device_ids(count: int) -> list[str]:
    """Ids for `count` devices, the kinds in turn: pump-01, chiller-01, fan-01 …"""
    kinds = list(KINDS)
    return [f"{kinds[number % len(kinds)]}-{number // len(kinds) + 1:02d}" for number in range(count)]
