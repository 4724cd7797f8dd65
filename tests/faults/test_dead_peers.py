"""Viewers that are gone without a word: their line is dead, or their machine sleeps. Their places are free
soon after.
"""

import asyncio
import ctypes
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from tests.faults.proxy import Proxy
from tests.faults.watchers import DEADLINE_S, Watcher, port_of, send, viewing
from tests.hub_process import HubProcess

PING = b"\x89\x00"
INTERVALS_MAX = 15  # that a busy machine may need for two
STUCK_S = 4.0  # in which TCP, left alone, comes to ask every few seconds only
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # struct sock_filter (linux/filter.h): return 0
VIEWER = """
import asyncio, sys
from devices.live import LiveClient

async def watch(url, token):
    async with LiveClient(url, token) as live:
        async for _ in live.readings("device/pump"):
            print(live.connections, flush=True)

asyncio.run(watch(*sys.argv[1:]))
"""


@pytest.fixture
def narrow(start_hub: Callable[..., HubProcess]) -> tuple[HubProcess, str, str]:
    """A hub with a place for one viewer, that pings every second; a device's key, a viewer's token."""
    hub = start_hub(HUB__LIVE__PING_INTERVAL_S="1", HUB__LIVE__VIEWERS_MAX="1")
    return hub, hub.add_device("pump"), hub.token()


async def let_in(hub: HubProcess, token: str, deadline_s: float = DEADLINE_S) -> None:
    """Return when there is a place for another viewer."""
    async with asyncio.timeout(deadline_s):
        while True:
            with suppress(aiohttp.WSServerHandshakeError):
                async with viewing(port_of(hub), token):
                    return
            await asyncio.sleep(0.05)


async def test_a_viewer_whose_line_is_dead_is_asked_and_gone(
    narrow: tuple[HubProcess, str, str],
) -> None:
    hub, _, token = narrow
    async with Proxy(port_of(hub)) as proxy, viewing(proxy.port, token) as watcher, watcher.reading():
        proxy.go_dead()
        await let_in(hub, token)
    # Half an interval apart; one may have been before, and a busy machine sees late that there is a place.
    assert 1 <= proxy.swallowed.count(PING) <= 4


def vanish(watcher: Watcher) -> None:
    """From now on the watcher's system takes nothing of what comes for it, and so acknowledges nothing."""
    program = ctypes.create_string_buffer(DROP_ALL)
    told = struct.pack("HL", 1, ctypes.addressof(program))  # struct sock_fprog
    watcher.live.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)


async def test_a_viewer_that_takes_nothing_keeps_its_place_until_its_line_is_dead(
    narrow: tuple[HubProcess, str, str],
) -> None:
    hub, key, token = narrow
    async with viewing(port_of(hub), token) as watcher:
        await send(hub, key, STUCK_S)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with viewing(port_of(hub), token):
                pass
        vanish(watcher)
        await let_in(hub, token, INTERVALS_MAX)


@asynccontextmanager
async def program(hub: HubProcess, token: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A viewer in a process of its own, that says of each reading on its how-manieth connection it came."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VIEWER, hub.url, token, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


async def publish_until_seen(
    viewer: asyncio.subprocess.Process, hub: HubProcess, key: str, after: int = 0
) -> int:
    """Publish until the viewer has a reading on a connection after this one; which one it is."""
    assert viewer.stdout is not None
    async with aiohttp.ClientSession(hub.url, headers={"Authorization": f"Bearer {key}"}) as session:
        said = b"0"
        while int(said) <= after:
            coming = asyncio.ensure_future(viewer.stdout.readline())
            try:
                while not coming.done():
                    async with session.post("/api/v1/telemetry", json={"n": 1}) as answer:
                        assert answer.status == 200
                    await asyncio.wait([coming], timeout=0.05)
                said = await coming
            finally:
                coming.cancel()
            assert said, "the viewer ended"
        return int(said)


async def test_a_viewer_that_sleeps_is_gone_and_comes_back_when_it_wakes(
    narrow: tuple[HubProcess, str, str],
) -> None:
    hub, key, token = narrow
    async with asyncio.timeout(2 * DEADLINE_S), program(hub, token) as viewer:
        first = await publish_until_seen(viewer, hub, key)
        viewer.send_signal(signal.SIGSTOP)
        await let_in(hub, token)
        viewer.send_signal(signal.SIGCONT)
        await publish_until_seen(viewer, hub, key, after=first)
