"""Viewers of a device that sends without pause: what each got, whoever else watches."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.hub_process import HubProcess

DEADLINE_S = 60.0
T0_MS = 1_767_268_800_000
BATCH = 200
RATE = 10_000
PADDING_BYTES = 50


class Watcher:
    """One viewer, and what it got."""

    def __init__(self, live: aiohttp.ClientWebSocketResponse) -> None:
        self.live = live
        self.offset = 0
        self.count = 0
        self.skipped = 0
        self.newest: int | None = None  # the number that the last reading carried
        self.is_subscribed = False

    async def take(self) -> None:
        """The next frame."""
        for message in await messages(self.live):
            if message["type"] in ("subscribed", "readings"):
                assert message["offset"] >= self.offset
                self.is_subscribed = True
                self.offset = message["offset"]
                readings = message.get("readings", ())  # the overview has none
                self.count += len(readings)
                self.skipped += message.get("skipped", 0)
                if readings:
                    self.newest = readings[-1][1].get("n", self.newest)

    async def until(self, offset: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while self.offset < offset:
                await self.take()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Take whatever comes, beside the block."""
        taking = asyncio.ensure_future(self._take_all())
        try:
            yield
        finally:
            taking.cancel()
            await asyncio.wait([taking])

    async def _take_all(self) -> None:
        while True:
            await self.take()

    async def reached(self, offset: int) -> None:
        """Return when what is taken beside has come so far."""
        async with asyncio.timeout(DEADLINE_S):
            while self.offset < offset:
                await asyncio.sleep(0.01)


async def messages(live: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    frame = await live.receive()
    assert frame.type is aiohttp.WSMsgType.TEXT, frame
    found = json.loads(frame.data)
    return found if isinstance(found, list) else [found]


@asynccontextmanager
async def viewing(port: int, token: str, channel: str = "device/pump") -> AsyncIterator[Watcher]:
    def small(info: Any) -> socket.socket:
        made = socket.socket(info[0], info[1], info[2])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        return made

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=small)) as session,
        session.ws_connect(
            f"http://127.0.0.1:{port}/api/v1/live",
            headers={"Authorization": f"Bearer {token}"},
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
        ) as live,
    ):
        watcher = Watcher(live)
        await live.send_json({"type": "subscribe", "channel": channel})
        while not watcher.is_subscribed:
            await watcher.take()
        yield watcher


async def send(
    hub: HubProcess, key: str, seconds: float, first: int = 0, *, padding_bytes: int = PADDING_BYTES
) -> int:
    """RATE readings/s, numbered from `first`; how many."""
    loop = asyncio.get_running_loop()
    padding = "x" * padding_bytes
    sent = 0
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        start_s = loop.time()
        while (elapsed_s := loop.time() - start_s) < seconds:
            if sent > elapsed_s * RATE:
                await asyncio.sleep(sent / RATE - elapsed_s)
                continue
            numbers = range(first + sent, first + sent + BATCH)
            body = [{"ts": T0_MS + n, "values": {"n": n, "padding": padding}} for n in numbers]
            async with session.post(f"{hub.url}/api/v1/telemetry", json=body) as response:
                assert response.status == 200, await response.text()
            sent += BATCH
    return sent


def port_of(hub: HubProcess) -> int:
    return int(hub.url.rsplit(":", 1)[1])
