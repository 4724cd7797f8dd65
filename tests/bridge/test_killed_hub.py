"""The hub as a process, killed in the middle of its work."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.bridge.mosquitto import DEADLINE_S, Mosquitto, Publisher
from tests.hub_process import make_store
from tests.waiting import until

TOPIC = "devices/boiler/telemetry"


class Process:
    """`hub serve` on a folder, reading from a broker."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self._socket = folder / "hub.sock"
        self._command = (sys.executable, "-m", "hub", "--config", str(folder / "config.toml"))
        (folder / "config.toml").write_text(
            f'[http]\nport = 0\nsocket_path = "{self._socket}"\n[mqtt]\nenabled = false\n'
            f'[store]\npath = "{folder / "data"}"\n'
            f'[broker]\nurl = "mqtt://127.0.0.1:{broker_port}"\ngroup = ""\nbackoff_max_s = 0.2\n'
        )

    async def command(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0

    @asynccontextmanager
    async def serving(self, last: signal.Signals) -> AsyncIterator[None]:
        """Connected to the broker; `last` is the signal that ends it."""
        process = await asyncio.create_subprocess_exec(
            *self._command, "serve", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(DEADLINE_S):
                while b"connected to the broker" not in (line := await process.stderr.readline()):
                    assert line, "the hub ended before it was connected"
            yield
        finally:
            process.send_signal(last)
            await process.communicate()

    async def stored(self) -> set[float]:
        """All values on disk, by REST over the Unix socket."""
        url = "http://hub/api/v1/devices/boiler/history"
        query = {"metric": "n", "points": "5000"}
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket))) as session,
            session.get(url, params=query) as answer,
        ):
            return set((await answer.json()).get("avg", []))


@pytest.fixture
async def hub(tmp_path: Path, mosquitto: Mosquitto) -> Process:
    process = Process(tmp_path, mosquitto.port)
    await asyncio.to_thread(make_store, tmp_path / "data")
    await process.command("devices", "add", "boiler")
    return process


async def test_a_hub_killed_mid_stream_has_every_message_that_the_broker_took(
    hub: Process, mosquitto: Mosquitto
) -> None:
    async with Publisher.connected(mosquitto.port) as publisher:
        for start in range(0, 3000, 1000):
            async with hub.serving(signal.SIGKILL):
                for n in range(start, start + 1000):
                    publisher.publish(TOPIC, f'{{"n": {n}}}', n)
                # Called in this round alone.
                await until(lambda: len(publisher.taken()) > start + 300, "the stream runs")  # noqa: B023
        await until(lambda: len(publisher.taken()) == 3000, "the broker has all")

        async with hub.serving(signal.SIGTERM), asyncio.timeout(DEADLINE_S):
            while not await hub.stored() >= publisher.taken():
                await asyncio.sleep(0.1)
