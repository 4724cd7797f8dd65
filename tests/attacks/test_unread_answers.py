"""Viewers who ask for much and read nothing of it, or ask for everything at once."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from hub.config import Config, LimitsConfig
from hub.http.rest.history import ROWS_MAX
from hub.http.slots import SLOTS
from hub.model import Role
from tests.captured_logs import captured_logs
from tests.http.conftest import Hub
from tests.waiting import until

T0 = 1_700_000_040_000
READINGS = 10_000
HISTORY = f"/api/v1/devices/boiler/history?from={T0}&to={T0 + READINGS}&points={READINGS}"
LONG = HISTORY + "".join(f"&metric=m{number}" for number in range(5))
SMALL = "/api/v1/devices/boiler/history?metric=m0&points=10"


@pytest.fixture
def config() -> Config:
    return Config(limits=LimitsConfig(stalled_s=1.0, values_per_s=1_000_000))


async def fill(hub: Hub) -> None:
    await hub.device()
    values = {f"m{number}": 20.0625 for number in range(5)}
    for start in range(0, READINGS, 2_000):
        body = [{"ts": T0 + start + number, "values": values} for number in range(2_000)]
        assert (await hub.send(body))[0] == 200


async def unread(hub: Hub, path: str, headers: dict[str, str]) -> socket.socket:
    """A client that asks and reads nothing of the answer."""
    address = urlsplit(hub.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (address.hostname, address.port))
    asked = f"GET {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: {headers['Authorization']}\r\n\r\n"
    await loop.sock_sendall(client, asked.encode())
    return client


@pytest.mark.parametrize("path", [LONG, "/api/v1/export?device=boiler"], ids=["histories", "exports"])
async def test_answers_that_are_not_read_are_few_and_cut_off_and_others_get_theirs(
    hub: Hub, path: str
) -> None:
    await fill(hub)
    viewer, limits = hub.bearer(Role.VIEWER), hub.rooms.config.limits
    is_history = path is LONG
    slots = hub.app[SLOTS].answers if is_history else hub.app[SLOTS].exports
    each = limits.histories_each_max if is_history else limits.exports_each_max
    clients = [await unread(hub, path, viewer) for _ in range(2 * each)]
    with captured_logs() as logged:
        try:
            await until(lambda: len(slots) == each)
            async with hub.client.get(path, headers=hub.bearer(Role.VIEWER)) as answer:
                assert answer.status == 200
                assert len(await answer.read()) > 1_000_000
            assert (await hub.call("GET", SMALL))[0] == 200
            await until(lambda: len(slots) == 0)  # though their clients are there still
        finally:
            for client in clients:
                client.close()
    assert [one for one in logged if one["level"] == "error"] == []  # strangers' doing, and not the hub's
    assert (await hub.call("GET", SMALL, headers=viewer))[0] == 200


@pytest.mark.parametrize("path", [LONG, "/api/v1/export?device=boiler"], ids=["histories", "exports"])
async def test_who_goes_before_the_answer_comes_leaves_no_traceback_in_the_log(hub: Hub, path: str) -> None:
    await fill(hub)
    is_history = path is LONG
    slots = hub.app[SLOTS].answers if is_history else hub.app[SLOTS].exports
    with captured_logs() as logged:
        for _ in range(10):
            client = await unread(hub, path, hub.bearer(Role.VIEWER))
            await until(lambda: len(slots) > 0)
            client.close()
            await until(lambda: len(slots) == 0)
    assert [one for one in logged if one["level"] == "error"] == []


async def test_forty_histories_of_one_do_not_keep_another_from_a_small_one(hub: Hub) -> None:
    await fill(hub)
    viewer = hub.bearer(Role.VIEWER)

    async def ask() -> int:
        async with hub.client.get(LONG, headers=viewer) as answer:
            await answer.read()
            return answer.status

    many = [asyncio.create_task(ask()) for _ in range(40)]
    await until(lambda: len(hub.app[SLOTS].queries) > 0)
    assert (await hub.call("GET", SMALL))[0] == 200
    assert sum(task.done() for task in many) < 20
    assert set(await asyncio.gather(*many)) == {200}


async def test_what_one_answer_holds_is_bounded(hub: Hub) -> None:
    await hub.device()
    names = [f"m{number}" for number in range(50)]
    await hub.send(dict.fromkeys(names, 1.0))
    asked = "/api/v1/devices/boiler/history?" + "&".join(f"metric={name}" for name in names)
    for points, wanted in ((ROWS_MAX // 50, 200), (ROWS_MAX // 50 + 1, 422)):
        status, answer = await hub.call("GET", f"{asked}&points={points}")
        assert (status, answer.get("where")) == (wanted, None if wanted == 200 else "points")
