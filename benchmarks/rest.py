"""`python -m benchmarks.rest`: what the hub costs at the rates that most people have. See README.md.

Idle; 1, 50 and 200 devices at one reading a second, each at its own moment; what is written to disk; start
to ready; PUBACK at 2,000 readings/s. Beside it Mosquitto with a subscriber that commits to SQLite, and with
`--against` another checkout of the hub, in turn.
"""

import argparse
import asyncio
import http.client
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

import psutil
import uvloop

from benchmarks.rest_profile import Sampler
from benchmarks.rest_report import Figures, medians, print_report, rows
from benchmarks.subjects import READY_EVERY_S, READY_TIMEOUT_S, Floor, Hub, Recorder, Subject, run_load

DEVICES = (1, 50, 200)
WRITTEN_DEVICES = 50  # for what commit_interval_ms saves, and the connections of the modest rate
INTERVALS_MS = (0, 250, 1_000)
MODEST_RATE = 2_000
WINDOW = 16  # unacknowledged messages of a device
PARTS = ("start", "idle", "steady", "interval", "modest", "peer", "floor")
QUICK = {"seconds": 5.0, "warm_up": 1.0, "idle": 5.0, "settle": 2.0, "starts": 1}
IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
HUB, PEER, FLOOR = "hub", "Mosquitto + SQLite", "two threads"
OTHERS = {PEER: ("peer", Recorder), FLOOR: ("floor", Floor)}
KEPT_TIMEOUT_S = 10.0
PROFILE_LINES = 25


class Bench:
    """One that is measured, and its figures of this round."""

    def __init__(self, subject: Subject, folder: Path, options: argparse.Namespace) -> None:
        self._subject = subject
        self._folder = folder
        self._options = options
        self.figures: Figures = {}
        self.acknowledged = 0  # readings, in all

    async def idle(self) -> None:
        """What it uses when no device is connected."""
        await asyncio.sleep(self._options.settle)
        before, start_s = self._subject.use(), time.perf_counter()
        await asyncio.sleep(self._options.idle)
        after, seconds = self._subject.use(), time.perf_counter() - start_s
        self.figures["idle_percent"] = (after.cpu_s - before.cpu_s) / seconds * 100
        self.figures["idle_written_kib_s"] = (after.written_bytes - before.written_bytes) / seconds / 1024
        self.figures["rss_mib"] = after.rss_bytes / 2**20
        shares = (psutil.Process(pid).memory_full_info().pss for pid in self._subject.pids)
        self.figures["pss_mib"] = sum(shares) / 2**20

    async def steady(self, devices: int) -> None:
        """So many devices at one reading a second."""
        said = await self._load(devices, "--own-moments", "--window", str(WINDOW))
        readings, seconds = max(1, said["measured"]), said["measured_s"]
        self.figures |= {
            f"percent_{devices}": said["watched_cpu_s"] / seconds * 100,
            f"cpu_us_{devices}": said["watched_cpu_s"] / readings * 1e6,
            f"main_us_{devices}": said["watched_main_thread_cpu_s"] / readings * 1e6,
            f"written_kib_s_{devices}": said["watched_written_bytes"] / seconds / 1024,
            f"p50_ms_{devices}": said["p50_ms"],
            f"p99_ms_{devices}": said["p99_ms"],
        }

    async def modest(self) -> None:
        """The delay at a rate at which a commit holds several readings."""
        said = await self._load(WRITTEN_DEVICES, "--rate", str(MODEST_RATE))
        self.figures["modest_p50_ms"] = said["p50_ms"]
        self.figures["modest_p99_ms"] = said["p99_ms"]

    async def written_kib_s(self) -> float:
        said = await self._load(WRITTEN_DEVICES, "--own-moments", "--window", str(WINDOW))
        return said["watched_written_bytes"] / said["measured_s"] / 1024

    async def _load(self, connections: int, *more: str) -> dict[str, float]:
        times = ("--warm-up", str(self._options.warm_up), "--seconds", str(self._options.seconds))
        watch = ("--watch", *(str(pid) for pid in self._subject.pids))
        said = await run_load(self._subject, self._folder, *times, *watch, *more, connections=connections)
        self.acknowledged += int(said["acknowledged"])
        return said

    async def check_kept(self) -> None:
        """Fail unless it holds what was acknowledged. A subscriber has it a moment after its broker."""
        deadline_s = time.perf_counter() + KEPT_TIMEOUT_S
        while (kept := await self._subject.taken()) != self.acknowledged:
            if time.perf_counter() > deadline_s:
                raise SystemExit(f"{self.acknowledged} readings were acknowledged, and {kept} kept")
            await asyncio.sleep(0.1)


async def measure_hub(name: str, python: str, options: argparse.Namespace) -> Figures:
    figures: Figures = {}
    most = max(*options.devices, WRITTEN_DEVICES)
    if "start" in options.parts:
        say(f"{name}: start")
        figures |= await start_to_ready(python, most, options)
    with scratch(options) as folder:
        hub = Hub(folder, most, python=python)
        bench = Bench(hub, folder, options)
        async with hub:
            pass  # a store with devices; what is measured is the hub that opens it
        async with served(hub):
            if "idle" in options.parts:
                say(f"{name}: idle")
                await bench.idle()
            for devices in options.devices if "steady" in options.parts else ():
                say(f"{name}: {devices} × 1/s")
                await bench.steady(devices)
            if "modest" in options.parts:
                say(f"{name}: {MODEST_RATE:,}/s")
                await bench.modest()
        for interval_ms in INTERVALS_MS if "interval" in options.parts else ():
            say(f"{name}: commit_interval_ms = {interval_ms}")
            bench.figures[f"interval_kib_s_{interval_ms}"] = await with_interval(bench, hub, interval_ms)
        if (
            bench.acknowledged and python == sys.executable
        ):  # another checkout may lay out its store otherwise
            await bench.check_kept()
    return figures | bench.figures


async def with_interval(bench: Bench, hub: Hub, interval_ms: int) -> float | None:
    """KiB/s written with this setting; None where the hub does not know it."""
    hub.configure(**({"commit_interval_ms": interval_ms} if interval_ms else {}))
    checked = await hub.command("check")
    if b"unknown key store.commit_interval_ms" in checked.stderr:
        return None
    async with served(hub):
        return await bench.written_kib_s()


async def start_to_ready(python: str, devices: int, options: argparse.Namespace) -> Figures:
    """From the command to the first 200 of /readyz: in an empty folder, and again with what that left. The
    second's processor time too, which says as much on a machine that does other work.
    """
    new: list[float] = []
    again: list[float] = []
    cpu_s: list[float] = []
    for _ in range(options.starts):
        with scratch(options) as folder:
            hub = Hub(folder, devices, python=python)
            hub.configure()
            for seconds in (new, again):
                start_s = time.perf_counter()
                async with served(hub):
                    await asyncio.to_thread(wait_ready, hub.http_port)
                    seconds.append(time.perf_counter() - start_s)
                    if seconds is again:
                        cpu_s.append(hub.use().cpu_s)
                    else:
                        await hub.add_devices()
    return {"start_new_s": median(new), "start_again_s": median(again), "start_cpu_s": median(cpu_s)}


def wait_ready(port: int) -> None:
    deadline_s = time.perf_counter() + READY_TIMEOUT_S
    while time.perf_counter() < deadline_s:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(READY_EVERY_S)
    raise SystemExit(f"the hub was not ready within {READY_TIMEOUT_S:.0f} s")


@asynccontextmanager
async def served(hub: Hub) -> AsyncIterator[None]:
    """The hub runs, on the configuration and the store that it has."""
    try:
        await hub.serve()
        yield
    finally:
        await hub.stop()


async def measure_other(name: str, options: argparse.Namespace) -> Figures:
    _, kind = OTHERS[name]
    with scratch(options) as folder:
        async with kind(folder, max(options.devices)) as other:
            bench = Bench(other, folder, options)
            if "idle" in options.parts:
                say(f"{name}: idle")
                await bench.idle()
            for devices in options.devices:
                say(f"{name}: {devices} × 1/s")
                await bench.steady(devices)
            await bench.check_kept()
        return bench.figures


@contextmanager
def scratch(options: argparse.Namespace) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as name:
        yield Path(name)


def say(what: str) -> None:
    print(f"{what} …", flush=True)


async def bench(options: argparse.Namespace) -> None:
    pythons = {HUB: sys.executable}
    if options.against is not None:
        # The older one first, so that a figure that only grows with time does not favour the new one.
        pythons = {f"hub in {options.against.resolve().name}": python_of(options.against), **pythons}
    found: dict[str, list[Figures]] = {name: [] for name in pythons}
    others = [name for name, (part, _) in OTHERS.items() if part in options.parts]
    found |= {name: [] for name in others}
    for place in range(options.rounds):
        say(f"round {place + 1} of {options.rounds}")
        for name, python in pythons.items():
            found[name].append(await measure_hub(name, python, options))
        for name in others:
            found[name].append(await measure_other(name, options))
    names = list(pythons)
    ratio = (names[1], names[0]) if len(names) == 2 else None
    print_report(found, list(rows(options.devices, INTERVALS_MS)), ratio)
    if options.json is not None:
        report = {name: {"medians": medians(rounds), "rounds": rounds} for name, rounds in found.items()}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


async def profile(options: argparse.Namespace) -> None:
    """Where the hub's time goes with the most devices: by py-spy, or without it by cProfile, which sees the
    event loop alone, its start included, and makes small calls look more expensive than they are.
    """
    program = shutil.which("py-spy")
    devices = max(options.devices)
    with scratch(options) as folder:
        hub = Hub(folder, devices, profile=program is None)
        async with hub:
            bench = Bench(hub, folder, options)
            if program is None:
                print("py-spy is not here (pip install py-spy): cProfile, which sees the event loop alone")
                await bench.steady(devices)
            else:
                sampler = Sampler(program, hub.pids[-1], folder / "stacks", options.seconds)
                for look in (sampler.print_threads, sampler.print_main_thread):
                    load = asyncio.ensure_future(bench.steady(devices))
                    await asyncio.sleep(options.warm_up)
                    await look(PROFILE_LINES)
                    await load
        if program is None:
            hub.print_profile(PROFILE_LINES)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="of each, in turn")
    parser.add_argument("--seconds", type=float, default=30.0, help="measured at each rate")
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds before that")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds measured with no device")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds before that")
    parser.add_argument("--starts", type=int, default=5, help="of which the median is taken")
    parser.add_argument("--devices", nargs="+", type=int, default=list(DEVICES))
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="a sixth of the time, for a first look")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout, with its .venv")
    parser.add_argument("--folder", default="/var/tmp", help="on the disk to write to")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--profile", action="store_true", help="say instead where the hub's time goes")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)
    options = parser.parse_args()
    if options.against is not None and not Path(python_of(options.against)).exists():
        parser.error(f"{options.against} has no .venv: run `make setup` there")
    if file_system(Path(options.folder)) in IN_MEMORY:
        parser.error(f"{options.folder} is in memory: name a folder on a disk with --folder")
    uvloop.run(profile(options) if options.profile else bench(options))


def python_of(checkout: Path) -> str:
    """Its own, through which its hub is found: not resolved, for that would be the system's."""
    return str(checkout.resolve() / ".venv" / "bin" / "python")


def file_system(folder: Path) -> str:
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    path = folder.resolve()
    return next((mounts[place] for place in (path, *path.parents) if place in mounts), "")


if __name__ == "__main__":
    main()
