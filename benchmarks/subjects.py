"""What is measured: the hub, and the relay behind Mosquitto. Each runs as processes of its own, in a folder
of its own.
"""

import asyncio
import contextlib
import csv
import getpass
import json
import os
import pstats
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiohttp
import duckdb
import psutil

from benchmarks.load import Target
from benchmarks.processes import Use
from benchmarks.rest_floor import RECORD
from hub.system import OWN

READY_TIMEOUT_S = 15.0
READY_EVERY_S = 0.005
STOP_TIMEOUT_S = 30.0
SUBSCRIBED_TIMEOUT_S = 30.0


def environment() -> dict[str, str]:
    """Ours, but Python keeps what it compiles, as it does where people start a hub: else each start compiles
    everything.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Subject:
    """Something that takes in readings on an MQTT port."""

    name = ""

    def __init__(self, folder: Path, connections: int) -> None:
        self._folder = folder
        self._connections = connections
        self._processes: list[psutil.Popen] = []
        self.port = free_port()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    @property
    def targets(self) -> list[Target]:
        raise NotImplementedError

    async def start(self) -> None:
        raise NotImplementedError

    async def taken(self) -> int:
        """How many readings it took in so far, by its own account."""
        raise NotImplementedError

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def use(self) -> Use:
        return Use.of(self.pids)

    def _spawn(self, *command: str) -> None:
        log = (self._folder / f"{Path(command[0]).name}-{len(self._processes)}.log").open("ab")
        with log:
            self._processes.append(
                psutil.Popen(command, stdout=log, stderr=log, cwd=self._folder, env=environment())
            )

    async def _listening(self, port: int) -> None:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        return
                for process in self._processes:
                    if process.poll() is not None:
                        raise SystemExit(f"{process.args} ended with {process.returncode}:\n{self._said()}")
                await asyncio.sleep(READY_EVERY_S)

    async def _says(self, word: str) -> None:
        """Wait until one of its logs has this word."""
        async with asyncio.timeout(SUBSCRIBED_TIMEOUT_S):
            while word not in self._said():
                await asyncio.sleep(0.05)

    def _said(self) -> str:
        return "\n".join(log.read_text()[-2000:] for log in sorted(self._folder.glob("*.log")))

    async def stop(self) -> None:
        """End in order: the last started first."""
        for process in reversed(self._processes):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        self._processes.clear()


class Hub(Subject):
    """`hub serve` with its defaults, on a folder of its own: durable. With `profile` under cProfile; with
    another `python`, the hub that is installed there.
    """

    name = "hub"

    def __init__(
        self, folder: Path, connections: int, *, profile: bool = False, python: str = sys.executable
    ) -> None:
        super().__init__(folder, connections)
        self._python = python
        self.http_port = free_port()
        self._profile = folder / "profile" if profile else None
        self._config = folder / "config.toml"
        self._keys = folder / "keys.csv"

    @property
    def targets(self) -> list[Target]:
        with self._keys.open(newline="") as rows:
            return [Target(row["id"], row["key"], "v1/devices/me/telemetry") for row in csv.DictReader(rows)]

    async def start(self) -> None:
        self.configure()
        await self.serve()
        await self.add_devices()

    def configure(self, **store: int) -> None:
        """Write its configuration: the defaults, and these settings of its store."""
        self._config.write_text(
            f"[http]\nport = {self.http_port}\n[mqtt]\nport = {self.port}\n"
            f'[store]\npath = "{self._folder / "data"}"\n'
            + "".join(f"{name} = {value}\n" for name, value in store.items())
        )

    async def serve(self) -> None:
        """Start it, on the store that is there or a new one."""
        profiler = ["-m", "cProfile", "-o", str(self._profile)] if self._profile else []
        self._spawn(self._python, *profiler, "-m", "hub", "--config", str(self._config), "serve")
        await self._listening(self.port)

    async def add_devices(self) -> None:
        devices = self._folder / "devices.csv"
        rows = [["id", "name", "labels"], *([f"bench-{n}", "", ""] for n in range(self._connections))]
        with devices.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        added = await self.command("devices", "import", str(devices), "--output", str(self._keys))
        if added.returncode:
            raise SystemExit(f"the devices could not be added: {added.stderr.decode()}")

    async def command(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """`hub` with these words, on its configuration. Not in the folder of this checkout, whose hub Python
        would take instead of the one that is installed for it.
        """
        command = [self._python, "-m", "hub", "--config", str(self._config), *words]
        return await asyncio.to_thread(
            subprocess.run, command, cwd=self._folder, capture_output=True, check=False
        )

    async def taken(self) -> int:
        """The rows of one of the two metrics; it stops the hub, whose file no one else may open."""
        await self.stop()
        with duckdb.connect(str(self._folder / "data" / "history.duckdb"), read_only=True) as history:
            rows = history.execute(
                """SELECT m.name, count(*) FROM metrics m JOIN (
                       SELECT metric FROM sealed UNION ALL SELECT metric FROM readings
                       UNION ALL SELECT metric FROM filled WHERE metric > (SELECT metric FROM sealing)
                   ) kept ON m.number = kept.metric WHERE m.device <> ? GROUP BY 1""",
                [OWN.number],
            ).fetchall()
        counts = dict(rows)
        if counts.keys() != {"temperature", "humidity"} or len(set(counts.values())) != 1:
            raise SystemExit(f"the history does not hold as many of each metric: {counts}")
        return int(counts["temperature"])

    def print_profile(self, lines: int) -> None:
        """Where the event loop's thread spent its time."""
        pstats.Stats(str(self._profile)).sort_stats("tottime").print_stats(lines)


class Broker(Subject):
    """Mosquitto, in front or alone. It knows no keys."""

    @property
    def targets(self) -> list[Target]:
        return [Target(f"bench-{n}", "", f"devices/bench-{n}/telemetry") for n in range(self._connections)]

    async def _start_broker(self, *more: str) -> None:
        config = self._folder / "mosquitto.conf"
        user = getpass.getuser()
        lines = (
            "allow_anonymous true",
            f"user {user}",
            "set_tcp_nodelay true",
            f"listener {self.port} 127.0.0.1",
        )
        config.write_text("".join(f"{line}\n" for line in (*lines, *more)))
        self._spawn("mosquitto", "-c", str(config))
        await self._listening(self.port)


class Relay(Broker):
    """benchmarks/relay.py behind Mosquitto, with one viewer."""

    name = "relay"

    def __init__(self, folder: Path, connections: int) -> None:
        super().__init__(folder, connections)
        self.http_port = free_port()

    async def start(self) -> None:
        await self._start_broker()
        ports = ("--broker-port", str(self.port), "--http-port", str(self.http_port))
        self._spawn(sys.executable, "-m", "benchmarks.relay", *ports)
        await self._listening(self.http_port)

    async def taken(self) -> int:
        url = f"http://127.0.0.1:{self.http_port}/count"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return int((await answer.json())["taken"])

    async def idle(self) -> None:
        """Wait until it has caught up with its broker."""
        before, now = -1, await self.taken()
        while now != before:
            await asyncio.sleep(0.2)
            before, now = now, await self.taken()

    @asynccontextmanager
    async def viewed(self) -> AsyncIterator[None]:
        """One viewer, that only receives."""

        async def view() -> None:
            url = f"http://127.0.0.1:{self.http_port}/live"
            async with aiohttp.ClientSession() as session, session.ws_connect(url) as live:
                async for _ in live:
                    pass

        async with asyncio.TaskGroup() as group:
            viewer = group.create_task(view())
            yield
            viewer.cancel()


class Recorder(Broker):
    """benchmarks/rest_peer.py behind Mosquitto: all that comes goes into SQLite, message by message."""

    name = "recorder"

    async def start(self) -> None:
        await self._start_broker()
        self._spawn(
            *(sys.executable, "-m", "benchmarks.rest_peer", "--broker-port", str(self.port)),
            *("--file", str(self._folder / "readings.db")),
        )
        await self._says("subscribed")

    async def taken(self) -> int:
        with contextlib.closing(sqlite3.connect(self._folder / "readings.db")) as store:
            (count,) = store.execute("SELECT count(*) FROM readings").fetchone()
        return int(count)


class Floor(Subject):
    """benchmarks/rest_floor.py: the least that a Python server costs with each reading on disk."""

    name = "floor"

    @property
    def targets(self) -> list[Target]:
        return [Target(f"bench-{n}", "", f"devices/bench-{n}/telemetry") for n in range(self._connections)]

    async def start(self) -> None:
        file = str(self._folder / "records")
        self._spawn(sys.executable, "-m", "benchmarks.rest_floor", "--port", str(self.port), "--file", file)
        await self._listening(self.port)

    async def taken(self) -> int:
        records = (self._folder / "records").read_bytes()
        return sum(
            any(content) for _, _, content in RECORD.iter_unpack(records[: -(len(records) % RECORD.size)])
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def run_load(
    subject: Subject, folder: Path, *options: str, connections: int | None = None
) -> dict[str, float]:
    """Let the publishers loose on it, all or the first few; what they report."""
    targets = folder / "targets.json"
    targets.write_text(json.dumps(subject.targets[:connections]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.load", "--port", str(subject.port), "--targets", str(targets), *options),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"the publishers ended with {process.returncode}")
    report: dict[str, float] = json.loads(said)
    return report
