"""`python -m benchmarks.live`: what reaches dashboards, how fast, and what they cost. See README.md.

Readings/s delivered to 500 viewers of one device; delay from device to viewer at 2,000 readings/s with 1, 100 and 1,000
viewers, while storing; memory of idle viewers and devices; and how much ingest is left while 500 viewers watch.
Beside the hub, with nothing stored: the relay of the tutorials, and Mosquitto over WebSockets.
"""

import argparse
import asyncio
import getpass
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.live_report import Figures, print_figures
from benchmarks.load import Target
from benchmarks.subjects import Hub, Relay, Subject, free_port, run_load

DEVICES = 50
VIEWERS = 500
OFFERED = (2_000, 8_000, 30_000, 60_000)  # readings/s of the one device, times 500 viewers
DELAY_RATE = 2_000
DELAY_VIEWERS = (1, 100, 1_000)
IDLE = (1_000, 2_500, 5_000)
SUBJECTS = ("hub", "relay", "mosquitto")


class Mosquitto(Subject):
    """The broker alone; viewers subscribe over WebSockets."""

    name = "mosquitto"

    def __init__(self, folder: Path, connections: int) -> None:
        super().__init__(folder, connections)
        self.web_port = free_port()

    @property
    def targets(self) -> list[Target]:
        return [Target(f"bench-{n}", "", f"devices/bench-{n}/telemetry") for n in range(self._connections)]

    async def start(self) -> None:
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"allow_anonymous true\nuser {getpass.getuser()}\nset_tcp_nodelay true\n"
            f"listener {self.port} 127.0.0.1\nlistener {self.web_port} 127.0.0.1\nprotocol websockets\n"
        )
        self._spawn("mosquitto", "-c", str(config))
        await self._listening(self.port)
        await self._listening(self.web_port)


def settings(port: int) -> dict[str, str]:
    """The hub's defaults, but for limits that are against one address or one device having all of it."""
    return {
        "HUB__HTTP__PORT": str(port),
        "HUB__LIVE__VIEWERS_MAX": "10000",
        "HUB__LIVE__VIEWERS_PER_ADDRESS_MAX": "10000",
        "HUB__LIMITS__READINGS_PER_S": "1000000",
        "HUB__LIMITS__READINGS_BURST": "1000000",
    }


class Bench:
    """One subject, started, and those who send to it and watch it."""

    def __init__(self, subject: Subject, folder: Path, seconds: float, port: int, token: str) -> None:
        self.subject = subject
        self._folder = folder
        self._seconds = seconds
        self._port = port
        self._token = token

    def _viewer_options(self, channels: list[int]) -> list[str]:
        kind = self.subject.name
        path = {"hub": "/api/v1/live", "relay": "/live", "mosquitto": "/mqtt"}[kind]
        shape = "device/bench-{}" if kind == "hub" else "devices/bench-{}/telemetry"
        names = ",".join(shape.format(number) for number in channels)
        mark = [] if kind == "hub" else ["--mark", '"temperature"']
        return ["--kind", kind, "--path", path, "--channels", names, "--token", self._token, *mark]

    @asynccontextmanager
    async def viewers(self, count: int, channels: list[int], *more: str) -> AsyncIterator[Any]:
        """So many viewers, connected; what is yielded starts them and returns what they saw."""
        options = [*self._viewer_options(channels), "--port", str(self._port), "--viewers", str(count)]
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
        async with self.viewers(VIEWERS, [0]) as watch, self.senders(targets, *rate) as send:
            seen, _ = await asyncio.gather(watch(), send())
        due = seen["delivered"] + seen["skipped"]
        return seen["delivered"] / seen["measured_s"], seen["skipped"] / max(1, due)

    async def delay(self, viewers: int) -> dict[str, float]:
        """Device to viewer at DELAY_RATE over all devices; each viewer watches one of them."""
        rate = ("--rate", str(DELAY_RATE), "--seconds", str(self._seconds + 2))
        async with (
            self.viewers(viewers, list(range(DEVICES)), "--delays") as watch,
            self.senders(self.subject.targets, *rate) as send,
        ):
            seen, _ = await asyncio.gather(watch(), send())
        found: dict[str, float] = seen
        return found

    async def idle_viewers(self, count: int) -> int:
        """Resident bytes with so many idle viewers, each on a device."""
        async with self.viewers(count, list(range(DEVICES))):
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


def make_token(folder: Path) -> str:
    command = [sys.executable, "-m", "hub", "--config", str(folder / "config.toml"), "tokens", "add"]
    said = subprocess.run(
        [*command, "--name", "bench", "--role", "viewer", "--ttl", "1h", "--json"],
        check=True,
        capture_output=True,
    )
    token: str = json.loads(said.stdout)["token"]
    return token


@asynccontextmanager
async def started(kind: str, seconds: float) -> AsyncIterator[tuple[Bench, Path]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if kind == "hub":
            port = free_port()
            os.environ.update(settings(port))
            async with Hub(folder, DEVICES) as hub:
                yield Bench(hub, folder, seconds, port, await asyncio.to_thread(make_token, folder)), folder
        elif kind == "relay":
            async with Relay(folder, DEVICES) as relay:
                yield Bench(relay, folder, seconds, relay.http_port, ""), folder
        else:
            async with Mosquitto(folder, DEVICES) as mosquitto:
                yield Bench(mosquitto, folder, seconds, mosquitto.web_port, ""), folder


async def ingest_ratio(bench: Bench, folder: Path, seconds: float) -> tuple[float, float]:
    """Readings/s taken in at saturation, with nobody watching and with VIEWERS viewers of all devices."""
    load = ("--window", "500", "--seconds", str(seconds))
    alone = await run_load(bench.subject, folder, *load)
    async with bench.viewers(VIEWERS, list(range(DEVICES)), "--warm-up", "2") as watch:
        watching = asyncio.ensure_future(watch())
        watched = await run_load(bench.subject, folder, *load)
        await watching
    return alone["measured"] / alone["measured_s"], watched["measured"] / watched["measured_s"]


async def measure_hub(options: argparse.Namespace) -> Figures:
    figures = Figures("hub")
    parts = options.parts
    async with started("hub", options.seconds) as (bench, folder):
        if "saturated" in parts:
            for offered in OFFERED:
                figures.saturated[offered] = await bench.saturated(offered)
        if "delay" in parts:
            for viewers in DELAY_VIEWERS:
                figures.delays[viewers] = await bench.delay(viewers)
        if "ingest" in parts:
            figures.ingest = await ingest_ratio(bench, folder, options.seconds)
    if "memory" in parts:
        for idle, found in (("idle_viewers", figures.idle_viewers), ("idle_devices", figures.idle_devices)):
            async with started("hub", options.seconds) as (bench, _):
                base = bench.subject.use().rss_bytes
                for count in options.idle:
                    found[count] = (await getattr(bench, idle)(count) - base) / count
    return figures


async def measure_other(kind: str, options: argparse.Namespace) -> Figures:
    """Each figure on one that was just started: the relay ends when a viewer leaves while it sends to it."""
    figures = Figures(kind)
    if "saturated" in options.parts:
        offered = OFFERED[
            0
        ]  # seven times more than either passes on; under more, the broker takes long to end
        async with started(kind, options.seconds) as (bench, _):
            figures.saturated[offered] = await bench.saturated(offered)
    if "delay" in options.parts:
        for viewers in DELAY_VIEWERS if kind == "mosquitto" else DELAY_VIEWERS[:2]:
            async with started(kind, options.seconds) as (bench, _):
                figures.delays[viewers] = await bench.delay(viewers)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="measured, after a second to warm up")
    parser.add_argument("--subjects", nargs="+", default=SUBJECTS, choices=SUBJECTS)
    parser.add_argument("--parts", nargs="+", default=["saturated", "delay", "memory", "ingest"])
    parser.add_argument("--idle", nargs="+", type=int, default=list(IDLE), help="idle connections")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    async def run() -> list[Figures]:
        return [
            await (measure_hub(options) if kind == "hub" else measure_other(kind, options))
            for kind in options.subjects
        ]

    print_figures(uvloop.run(run()), options.json)


if __name__ == "__main__":
    main()
