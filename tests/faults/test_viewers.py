"""Viewers that stop reading, read slowly, vanish and crowd: a real hub, real sockets."""

import asyncio
from collections.abc import Callable

import aiohttp
import psutil
import pytest

from tests.faults.proxy import Proxy
from tests.faults.watchers import DEADLINE_S, port_of, send, viewing
from tests.hub_process import HubProcess

# Of the hub, with its history at work; 10 s of readings not taken are 30 MB a viewer.
GROWTH_MAX_BYTES = 64 * 2**20


@pytest.fixture
def pump(start_hub: Callable[..., HubProcess]) -> tuple[HubProcess, str, str]:
    """A hub that pings every second, a device's key, a viewer's token."""
    hub = start_hub(
        HUB__LIVE__PING_INTERVAL_S="1", HUB__LIMITS__READINGS_PER_S="100000",
        HUB__LIVE__PENDING_MAX="20000", HUB__LIVE__RESUME_MAX_BYTES="1000000",  # 1 s, for this busy process
    )  # fmt: skip
    return hub, hub.add_device("pump"), hub.token()


async def test_a_viewer_that_stops_reading_is_not_dropped_slows_nobody_and_is_told_what_it_missed(
    pump: tuple[HubProcess, str, str],
) -> None:
    hub, key, token = pump
    port = port_of(hub)
    process = psutil.Process(hub.pid)
    async with viewing(port, token) as stopped, viewing(port, token) as quick:
        sent = await send(hub, key, 1.0)  # what a hub at work needs of memory anyway
        await asyncio.gather(quick.until(sent), stopped.until(sent))
        before = process.memory_info().rss
        so_far = sent
        async with quick.reading():
            sent = so_far + await send(hub, key, 8.0, so_far)
            grown = process.memory_info().rss - before
            await quick.reached(sent)
        await stopped.until(sent)
    assert (quick.skipped, quick.count) == (0, sent)
    assert stopped.skipped > (sent - so_far) / 3
    assert stopped.skipped + stopped.count == sent
    assert grown < GROWTH_MAX_BYTES


async def test_a_viewer_behind_a_slow_line_gets_what_fits_and_an_exact_count_of_the_rest(
    pump: tuple[HubProcess, str, str],
) -> None:
    hub, key, token = pump
    port = port_of(hub)
    async with (
        Proxy(port, bytes_per_s=50_000) as proxy,
        viewing(proxy.port, token) as slow,
        viewing(port, token) as quick,
        slow.reading(),
        quick.reading(),
    ):
        sent = await send(hub, key, 6.0)
        await quick.reached(sent)
        await slow.reached(sent)
    assert (quick.skipped, quick.count) == (0, sent)
    assert slow.skipped > sent / 3
    assert slow.skipped + slow.count == sent
    assert proxy.connections == 1


async def test_a_peer_that_answers_no_ping_is_gone(pump: tuple[HubProcess, str, str]) -> None:
    hub, _, token = pump
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(hub))
    lines = (
        "GET /api/v1/live HTTP/1.1", "Host: hub", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {token}",
    )  # fmt: skip
    writer.write("\r\n".join([*lines, "", ""]).encode())
    received = b""
    async with asyncio.timeout(DEADLINE_S):
        try:
            while more := await reader.read(4096):
                received += more
        except ConnectionResetError:
            pass
    writer.close()
    assert received.count(b"\x89\x00") == 2  # asked twice, half an interval apart


async def test_one_address_has_only_so_many_viewers(start_hub: Callable[..., HubProcess]) -> None:
    hub = await asyncio.to_thread(start_hub, HUB__LIVE__VIEWERS_PER_ADDRESS_MAX="3")
    token = await asyncio.to_thread(hub.token)
    async with viewing(port_of(hub), token, "overview"), viewing(port_of(hub), token, "overview"):
        async with viewing(port_of(hub), token, "overview"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with viewing(port_of(hub), token, "overview"):
                    pass
            assert caught.value.status == 429
            assert caught.value.headers is not None
            assert caught.value.headers["Retry-After"] == "1"
        async with viewing(port_of(hub), token, "overview"):
            pass
