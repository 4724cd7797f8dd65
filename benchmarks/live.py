"""`python -m benchmarks.live`: what reaches dashboards, how fast, and what they cost. See README.md.

Readings/s delivered to 500 viewers of one device; delay from device to viewer at 2,000 readings/s with 1, 100
and 1,000 viewers, while storing; memory of idle viewers and devices; and how much ingest is left while 500
viewers watch. Beside the hub, with nothing stored: the relay of the tutorials, Mosquitto over WebSockets, and
Node-RED.
"""

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.live_report import Figures, Taken, print_figures
from benchmarks.live_subjects import DEVICES, Door, missing, started
from benchmarks.load import Target
from benchmarks.subjects import Subject, run_load

VIEWERS = 500
OFFERED = (2_000, 8_000, 30_000, 60_000)  # readings/s of the one device, times 500 viewers
DELAY_RATE = 2_000
DELAY_VIEWERS = (1, 100, 1_000)
IDLE = (1_000, 2_500, 5_000)
SUBJECTS = ("hub", "relay", "mosquitto", "node-red")


class Bench:
    """One subject, started, and those who send to it and watch it."""

    def __init__(self, subject: Subject, door: Door, folder: Path, seconds: float) -> None:
        self.subject = subject
        self._door = door
        self._folder = folder
        self._seconds = seconds

    @asynccontextmanager
    async def viewers(self, count: int, devices: range, *more: str) -> AsyncIterator[Any]:
        """So many viewers, connected; what is yielded starts them and returns what they saw."""
        options = [*self._door.options(devices), "--viewers", str(count)]
        async with helper("benchmarks.live_viewers", *options, "--seconds", str(self._seconds), *more) as run:
            yield run

    @asynccontextmanager
    async def senders(self, targets: list[Target], *more: str) -> AsyncIterator[Any]:
        file = self._folder / "senders.json"
        file.write_text(json.dumps(targets))
        port = ("--port", str(self.subject.port), "--targets", str(file))
        async with helper("benchmarks.live_senders", *port, *more) as run:
            yield run

    async def saturated(self, offered: int) -> tuple[float, float]:
        """Readings/s delivered to VIEWERS viewers of one device, and the share left out."""
        targets = self.subject.targets[:1]
        rate = ("--rate", str(offered), "--seconds", str(self._seconds + 2))
        async with self.viewers(VIEWERS, range(1)) as watch, self.senders(targets, *rate) as send:
            seen, _ = await asyncio.gather(watch(), send())
        due = seen["delivered"] + seen["skipped"]
        return seen["delivered"] / seen["measured_s"], seen["skipped"] / max(1, due)

    async def delay(self, viewers: int) -> dict[str, float]:
        """Device to viewer at DELAY_RATE over all devices; each viewer watches one of them."""
        rate = ("--rate", str(DELAY_RATE), "--seconds", str(self._seconds + 2))
        async with (
            self.viewers(viewers, range(DEVICES), "--delays") as watch,
            self.senders(self.subject.targets, *rate) as send,
        ):
            seen, _ = await asyncio.gather(watch(), send())
        found: dict[str, float] = seen
        return found

    async def ingest(self) -> Taken:
        """What is taken in at saturation."""
        watch = ("--watch", *(str(pid) for pid in self.subject.pids))
        times = ("--window", "500", "--seconds", str(self._seconds))
        load = await run_load(self.subject, self._folder, *times, *watch)
        loop_us = load["watched_main_thread_cpu_s"] / load["measured"] * 1e6
        return Taken(load["measured"] / load["measured_s"], loop_us)

    async def idle_viewers(self, count: int) -> int:
        """Resident bytes with so many idle viewers, each on a device."""
        async with self.viewers(count, range(DEVICES)):
            return self.subject.use().rss_bytes

    async def idle_devices(self, count: int) -> int:
        """Resident bytes with so many devices' connections that are silent."""
        async with self.senders(self.subject.targets, "--connections", str(count)):
            return self.subject.use().rss_bytes


@asynccontextmanager
async def helper(module: str, *options: str) -> AsyncIterator[Any]:
    """A process that says when it is ready; what is yielded lets it go and returns its report."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018  # as asked for
    if await process.stdout.readline() != b"ready\n":
        raise SystemExit(f"{module} did not get ready")

    async def run() -> dict[str, float]:
        said, _ = await process.communicate(b"\n")
        report: dict[str, float] = json.loads(said)
        return report

    try:
        yield run
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ingest_ratio(bench: Bench) -> tuple[Taken, Taken]:
    """At saturation, with nobody watching and with VIEWERS viewers of all devices."""
    alone = await bench.ingest()
    async with bench.viewers(VIEWERS, range(DEVICES), "--warm-up", "2") as watch:
        watching = asyncio.ensure_future(watch())
        watched = await bench.ingest()
        await watching
    return alone, watched


@asynccontextmanager
async def benched(kind: str, seconds: float, *, profile: bool = False) -> AsyncIterator[Bench]:
    async with started(kind, profile=profile) as (subject, door, folder):
        yield Bench(subject, door, folder, seconds)


async def measure_hub(options: argparse.Namespace) -> Figures:
    figures = Figures("hub")
    parts = options.parts
    async with benched("hub", options.seconds) as bench:
        if "saturated" in parts:
            for offered in OFFERED:
                figures.saturated[offered] = await bench.saturated(offered)
        if "delay" in parts:
            for viewers in DELAY_VIEWERS:
                figures.delays[viewers] = await bench.delay(viewers)
        if "ingest" in parts:
            figures.ingest = await ingest_ratio(bench)
    if "memory" in parts:
        for idle, found in (("idle_viewers", figures.idle_viewers), ("idle_devices", figures.idle_devices)):
            async with benched("hub", options.seconds) as bench:
                base = bench.subject.use().rss_bytes
                for count in options.idle:
                    found[count] = (await getattr(bench, idle)(count) - base) / count
    return figures


async def measure_other(kind: str, options: argparse.Namespace) -> Figures:
    """Each figure on one that was just started: the relay ends when a viewer leaves while it sends to it."""
    figures = Figures(kind)
    if "saturated" in options.parts:
        offered = OFFERED[0]  # more than any of them passes on; under more, the broker takes long to end
        async with benched(kind, options.seconds) as bench:
            figures.saturated[offered] = await bench.saturated(offered)
    if "delay" in options.parts:
        for viewers in DELAY_VIEWERS[:2] if kind == "relay" else DELAY_VIEWERS:
            async with benched(kind, options.seconds) as bench:
                figures.delays[viewers] = await bench.delay(viewers)
    return figures


async def profile(seconds: float) -> None:
    """Where the hub's event loop spends its time, under cProfile: VIEWERS viewers of all devices at
    saturation, then most viewers at DELAY_RATE, where frames are many and small.
    """
    async with (
        benched("hub", seconds, profile=True) as bench,
        bench.viewers(VIEWERS, range(DEVICES), "--warm-up", "2") as watch,
    ):
        await asyncio.gather(watch(), bench.ingest())
    async with benched("hub", seconds, profile=True) as bench:
        await bench.delay(DELAY_VIEWERS[-1])


async def measure(options: argparse.Namespace) -> list[Figures]:
    found = []
    for kind in options.subjects:
        command = missing(kind)
        if command is not None:
            print(f"{kind} is left out, for it is not here: {command}")
        else:
            found.append(await (measure_hub if kind == "hub" else partial(measure_other, kind))(options))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="measured, after a second to warm up")
    parser.add_argument("--subjects", nargs="+", default=SUBJECTS, choices=SUBJECTS)
    parser.add_argument("--parts", nargs="+", default=["saturated", "delay", "memory", "ingest"])
    parser.add_argument("--idle", nargs="+", type=int, default=list(IDLE), help="idle connections")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--profile", action="store_true", help="say instead where the hub's time goes")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    if options.profile:
        uvloop.run(profile(options.seconds))
        return
    print_figures(uvloop.run(measure(options)), options.json)


if __name__ == "__main__":
    main()
