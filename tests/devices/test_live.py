"""The live client against a real hub: what it hands on, across broken connections, restarts and its own
slowness.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial

import aiohttp
import pytest

from devices.errors import Closed
from devices.live import ChannelRefused, LiveClient, TokenRefused
from devices.live_messages import LiveReading
from tests.devices.peers import Remembering, quick
from tests.faults.proxy import Proxy
from tests.hub_process import HubProcess
from tests.waiting import until

DEADLINE_S = 20.0
START_MS = 1_767_268_800_000


@asynccontextmanager
async def telling(hub: HubProcess, device_id: str, key: str) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """A way to send readings n=first, first+1 … of a device, each a second after the one before."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:

        async def tell(first: int, count: int = 1, **more: object) -> None:
            body = [
                {"ts": START_MS + n * 1000, "values": {"n": n, **more}} for n in range(first, first + count)
            ]
            async with session.post(f"{hub.url}/api/v1/telemetry", json=body) as response:
                assert response.status == 200, (device_id, await response.text())

        yield tell


async def take(readings: AsyncIterator[LiveReading], count: int) -> list[LiveReading]:
    async with asyncio.timeout(DEADLINE_S):
        return [await anext(readings) for _ in range(count)]


def is_watching(live: LiveClient, channel: str) -> bool:
    """Whether the hub has answered the subscribe."""
    return channel in live._watches and live._watches[channel].place is not None


def has_connected(live: LiveClient, times: int) -> bool:
    return live.connections >= times


def numbers(readings: list[LiveReading]) -> list[float]:
    return [reading.values["n"] for reading in readings]


def add(hub: HubProcess, device_id: str, **settings: object) -> tuple[str, str]:
    """A device; its key and a token."""
    return hub.add_device(device_id, **settings), hub.token()


async def test_readings_come_as_the_device_sends_them(shared_hub: HubProcess) -> None:
    key, token = await asyncio.to_thread(add, shared_hub, "live-1")
    async with telling(shared_hub, "live-1", key) as tell, LiveClient(shared_hub.url, token) as live:
        async with aclosing(live.messages("device/live-1")) as messages:
            assert (await anext(messages))["type"] == "subscribed"
        async with aclosing(live.readings("device/live-1")) as readings:
            first = asyncio.ensure_future(take(readings, 3))
            await until(lambda: is_watching(live, "device/live-1"))
            await tell(0, 3)
            assert numbers(await first) == [0, 1, 2]
    assert first.result()[2] == LiveReading("live-1", START_MS + 2000, {"n": 2})


async def test_a_label_brings_the_readings_of_its_devices(shared_hub: HubProcess) -> None:
    key, token = await asyncio.to_thread(add, shared_hub, "live-2", labels={"hall": "seven"})
    async with (
        telling(shared_hub, "live-2", key) as tell,
        LiveClient(shared_hub.url, token) as live,
        aclosing(live.readings("label/hall=seven")) as readings,
    ):
        first = asyncio.ensure_future(take(readings, 1))
        await until(lambda: is_watching(live, "label/hall=seven"))
        await tell(0)
        assert [reading.device for reading in await first] == ["live-2"]


async def test_what_was_missed_while_the_connection_was_broken_comes_once(shared_hub: HubProcess) -> None:
    key, token = await asyncio.to_thread(add, shared_hub, "live-3")
    port = int(shared_hub.url.rsplit(":", 1)[1])
    async with (
        Proxy(port) as proxy,
        telling(shared_hub, "live-3", key) as tell,
        LiveClient(f"http://127.0.0.1:{proxy.port}", token, backoff=quick()) as live,
        aclosing(live.readings("device/live-3")) as readings,
    ):
        found = asyncio.ensure_future(take(readings, 100))
        await until(lambda: is_watching(live, "device/live-3"))
        for turn in range(10):
            await tell(turn * 10, 5)
            proxy.drop()
            await tell(turn * 10 + 5, 5)
            await until(partial(has_connected, live, turn + 2))
        assert numbers(await found) == list(range(100))
        assert not live.gaps
        assert proxy.connections >= 10


@pytest.mark.parametrize("fill_gaps", [True, False])
async def test_what_a_restarted_hub_does_not_remember_is_told_or_filled_from_history(
    start_hub_process: Callable[..., HubProcess], fill_gaps: bool
) -> None:
    hub = await asyncio.to_thread(start_hub_process)
    key, token = await asyncio.to_thread(add, hub, "live-4")
    async with (
        telling(hub, "live-4", key) as tell,
        LiveClient(hub.url, token, backoff=quick()) as live,
        aclosing(live.readings("device/live-4", fill_gaps=fill_gaps)) as readings,
    ):
        first = asyncio.ensure_future(take(readings, 2))
        await until(lambda: is_watching(live, "device/live-4"))
        await tell(0, 2)
        await first
        await asyncio.to_thread(hub.kill)
        await until(lambda: not live.connected)
        live._url, url = "http://127.0.0.1:1", live._url  # away until the hub has taken something without it
        await asyncio.to_thread(hub.start)
        await tell(2, 3)
        live._url = url
        rest = asyncio.ensure_future(take(readings, 4 if fill_gaps else 1))
        await until(lambda: live.connected)
        await until(lambda: fill_gaps or len(live.gaps) > 0)
        await tell(5)
        found = await rest
    if fill_gaps:
        assert numbers(found) == [2, 3, 4, 5]
        assert [reading.tier for reading in found] == ["raw", "raw", "raw", "live"]
    else:
        assert numbers(found) == [5]
        [gap] = live.gaps
        assert (gap.after_ms, gap.until_ms) == (START_MS + 1000, START_MS + 4000)


async def test_it_waits_as_a_stopping_hub_asks(start_hub: Callable[..., HubProcess]) -> None:
    hub = await asyncio.to_thread(start_hub)
    _, token = await asyncio.to_thread(add, hub, "live-5")
    backoff = Remembering()
    async with LiveClient(hub.url, token, backoff=backoff) as live:
        await until(lambda: live.connected)
        await asyncio.to_thread(hub.stop)
        await until(lambda: len(backoff.asked) > 0)
    asked_s = backoff.asked[0]
    assert asked_s is not None
    assert 1.0 <= asked_s <= 2.0


async def test_a_wrong_token_ends_the_client(shared_hub: HubProcess) -> None:
    async with LiveClient(shared_hub.url, "nonsense") as live:
        with pytest.raises(TokenRefused):
            await anext(live.readings("device/none"))


async def test_a_channel_that_is_not_there_is_refused_and_others_go_on(shared_hub: HubProcess) -> None:
    token = await asyncio.to_thread(shared_hub.token)
    async with LiveClient(shared_hub.url, token) as live, aclosing(live.messages("overview")) as overview:
        assert (await anext(overview))["type"] == "subscribed"
        with pytest.raises(ChannelRefused) as caught:
            await anext(live.readings("device/none"))
    assert caught.value.code == "not_found"


async def test_outside_its_block_the_client_is_closed() -> None:
    live = LiveClient("http://127.0.0.1:1", "token")
    with pytest.raises(Closed):
        await anext(live.readings("device/a"))
