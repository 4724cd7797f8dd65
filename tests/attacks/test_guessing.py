"""Strangers who guess keys, cookies and codes as fast as they can."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hub.config import AuthConfig, Config
from tests.attacks.healthy import healthy_pair
from tests.http.conftest import Hub
from tests.hub_process import HubProcess
from tests.logins import use_link

GUESSES = 300
LOG_MAX_BYTES = 20_000  # of that many guesses; a line each would be over twice as much


@asynccontextmanager
async def busy_registry(hub: Hub) -> AsyncIterator[None]:
    """Until the end nothing can be read from the registry: what needs it waits."""
    done = threading.Event()
    waiting = asyncio.create_task(hub.rooms.registry._database.read(lambda _found: done.wait()))
    try:
        await asyncio.sleep(0)
        yield
    finally:
        done.set()
        await waiting


@pytest.mark.parametrize(
    ("path", "cookie", "status"),
    [
        ("/api/v1/devices", "hub=wrong", 401),
        ("/api/v1/devices", "hub=\u00ff", 401),
        ("/login?code=wrong", "", 401),
        ("/login", "", 401),
    ],
)
async def test_a_wrong_guess_costs_no_transaction(hub: Hub, path: str, cookie: str, status: int) -> None:
    session = await hub.session()
    assert (await hub.call("GET", "/api/v1/devices", headers=session))[0] == 200
    async with (
        busy_registry(hub),
        asyncio.timeout(5.0),
        hub.client.get(path, headers={"Cookie": cookie}) as answer,
    ):
        assert answer.status == status
    assert (await hub.call("GET", "/api/v1/devices", headers=session))[0] == 200


async def test_a_wrong_code_costs_no_transaction(hub: Hub) -> None:
    assert (await use_link(hub.client, f"{hub.url}/login?code=wrong")).status == 401
    async with busy_registry(hub), asyncio.timeout(5.0):
        assert (await use_link(hub.client, f"{hub.url}/login?code=wrong")).status == 401


class TestGuessesBetweenGoodKeys:
    @pytest.fixture
    def config(self) -> Config:
        return Config(auth=AuthConfig(failures_max=3))

    async def test_a_good_key_does_not_make_up_for_wrong_ones(self, hub: Hub) -> None:
        """Whoever has one key shows it between two guesses."""
        await hub.device()
        throttle = hub.rooms.fleet.keys._throttle
        for _ in range(3):
            assert (
                await hub.call("POST", "/api/v1/telemetry", {"t": 1.0}, {"Authorization": "Bearer hk_x"})
            )[0] == 401
            assert (await hub.send({"t": 1.0}))[0] == 200
        [(count, _)] = throttle._failures.values()
        assert count == 3


async def test_wrong_keys_do_not_fill_the_log(start_hub_process: Callable[..., HubProcess]) -> None:
    hub = await asyncio.to_thread(lambda: start_hub_process(HUB__AUTH__FAILURES_MAX="1000000"))
    before = hub.log_path.stat().st_size
    async with healthy_pair(hub), aiohttp.ClientSession(hub.url) as session:

        async def guess(number: int) -> None:
            headers = {"Authorization": f"Bearer hk_{number}"}
            async with session.post("/api/v1/telemetry", json={"t": 1}, headers=headers) as answer:
                assert answer.status == 401
            reader, writer = await asyncio.open_connection("127.0.0.1", hub.mqtt_port)
            body = b"\x00\x04MQTT\x04\x82\x00\x00\x00\x00\x00\x05hk_%02d" % (number % 100)
            writer.write(bytes([0x10, len(body)]) + body)
            assert await reader.read(4) == b"\x20\x02\x00\x05"
            writer.close()

        await asyncio.gather(*(guess(number) for number in range(GUESSES)))
    assert hub.log_path.stat().st_size - before < LOG_MAX_BYTES
