"""`python -m benchmarks.rules`: what rules cost. Ingest with 1,000 of them on the metrics that are sent, and
100,000 metrics that are watched for silence.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop

from hub import compose
from hub.compose import Rooms, Surroundings
from hub.config import Config, LimitsConfig, StoreConfig
from hub.fleet.fleet import NewDevice
from hub.formats.json import decode, decode_run
from hub.model import Device
from hub.model.rule import read_rule

DEVICES = 50
RULES = 1_000
SILENT_DEVICES, SILENT_METRICS, SILENT_S = 1_000, 100, 60.0
SIMULATED_S = 120
TICK_S = 0.25
TOGETHER = (1, 20, 500)
UNLIMITED = LimitsConfig(
    readings_per_s=10**9, readings_burst=10**9, values_per_s=10**9, bytes_per_s=10**9, connections_max=100
)


class Ingest(NamedTuple):
    """Readings a second, and how they compare."""

    without: float
    with_rules: float
    ratio: float


class HeldClock:
    """Time that passes when it is told to, for what would take minutes."""

    def __init__(self) -> None:
        self.now = time.time_ns() // 1000

    def __call__(self) -> int:
        return self.now

    def steady_s(self) -> float:
        return self.now / 1e6


@asynccontextmanager
async def open_rooms(around: Surroundings | None = None) -> AsyncIterator[Rooms]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = Config(store=StoreConfig(path=str(Path(folder) / "data")), limits=UNLIMITED)
        async with compose.open_rooms(config, around) as rooms:
            yield rooms


async def measure_ingest(together: int, rounds: int, seconds: float) -> Ingest:
    """Messages decoded and taken in, without rules and with them in turn."""
    without: list[float] = []
    with_rules: list[float] = []
    rules = [read_rule(rule(number), number + 1) for number in range(RULES)]
    async with open_rooms() as rooms:
        evaluation = rooms.alerts.evaluation
        added = await rooms.fleet.add([NewDevice(f"device-{number:02d}") for number in range(DEVICES)])
        devices = [device for device, _ in added]
        await take_in(rooms, devices, together, seconds / 4)
        for _ in range(rounds):
            without.append(await take_in(rooms, devices, together, seconds))
            for one in rules:
                evaluation.put(one)
            with_rules.append(await take_in(rooms, devices, together, seconds))
            for one in rules:
                evaluation.remove(one)
        assert not rooms.alerts.ledger.posts(), "no rule was to fire"
    ratio = statistics.median(b / a for a, b in zip(without, with_rules, strict=True))
    return Ingest(statistics.median(without), statistics.median(with_rules), ratio)


async def take_in(rooms: Rooms, devices: list[Device], together: int, seconds: float) -> float:
    """Readings a second of processor time, from the bytes of their messages to the open batch."""
    message = b'{"temperature":20.50,"humidity":40.00}'
    ingest, used_s, count = rooms.ingest, 0.0, 0
    while used_s < seconds:
        began_s = time.thread_time()
        for device in devices:
            readings = decode_run([message] * together) if together > 1 else decode(message)[0]
            assert readings is not None
            ingest.accept(device, readings, "benchmark")
        used_s += time.thread_time() - began_s
        count += together * len(devices)
        await ingest.room()
        await asyncio.sleep(0)
    await rooms.history.stored
    return count / used_s


def rule(number: int) -> dict[str, object]:
    """One of many rules for all devices, on one of both metrics; none fires."""
    metric = ("temperature", "humidity")[number % 2]
    bounds: list[dict[str, object]] = [
        {"above": 90 + number / 100, "clear_below": 80},
        {"below": -number / 100},
        {"outside": [-50, 150]},
    ]
    when = {**bounds[number % 3], "for_s": 30 * (number % 2)}
    return {"name": f"Rule {number}", "on": {"all": True}, "metric": metric, "when": when}


async def measure_silences() -> dict[str, float]:
    """The share of a core that metrics take which are watched for silence, and do report."""
    clock = HeldClock()
    async with open_rooms(Surroundings(clock=clock, steady_s=clock.steady_s)) as rooms:
        evaluation = rooms.alerts.evaluation
        wanted = [NewDevice(f"device-{number:04d}") for number in range(SILENT_DEVICES)]
        devices = [device for device, _ in await rooms.fleet.add(wanted)]
        for number in range(SILENT_METRICS):
            told = {
                "name": "Silent",
                "on": {"all": True},
                "metric": f"m{number}",
                "when": {"silent_s": SILENT_S},
            }
            evaluation.put(read_rule(told, number + 1))
        watched = [evaluation.watched(device) for device in devices]
        timers = sum(len(one) for one in watched)
        busy_s, slowest_s = 0.0, 0.0
        for tick in range(round(SIMULATED_S / TICK_S)):
            clock.now += round(TICK_S * 1e6)
            if tick % round(10 / TICK_S) == 0:  # all have reported
                for series in watched:
                    for one in series:
                        one.heard_at = clock.now
            began_s = time.process_time()
            evaluation.tick()
            took_s = time.process_time() - began_s
            busy_s, slowest_s = busy_s + took_s, max(slowest_s, took_s)
        assert not rooms.alerts.ledger.posts(), "nothing was silent"
    return {"timers": timers, "core": busy_s / SIMULATED_S, "slowest_ms": slowest_s * 1000}


async def measure(options: argparse.Namespace) -> None:
    print(
        f"{RULES} rules, each at one of the two metrics of {DEVICES} devices; readings decoded and taken in"
    )
    print("by the event loop, a second of its processor time:")
    print(f"{'together':>10} {'no rule':>12} {'with rules':>12} {'ratio':>7}")
    ingest: dict[int, Ingest] = {}
    for together in TOGETHER:
        found = ingest[together] = await measure_ingest(together, options.rounds, options.seconds)
        print(f"{together:>10} {found.without:>12,.0f} {found.with_rules:>12,.0f} {found.ratio:>7.2f}")
    silences = await measure_silences()
    print(f"{silences['timers']:,.0f} metrics watched for {SILENT_S:.0f} s of silence, all reporting:")
    print(f"{silences['core']:>10.2%} of a core, the longest look {silences['slowest_ms']:.1f} ms")
    if options.json is not None:
        figures = {"ingest": {n: one._asdict() for n, one in ingest.items()}, "silences": silences}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of processor time, for each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
