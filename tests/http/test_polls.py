"""Commands by HTTP: a GET that waits, and the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hub.config import Config, LimitsConfig
from hub.fleet.polls import OF_DEVICE_MAX
from tests.http.conftest import DEADLINE_S, Hub
from tests.waiting import until

DEVICE = "/api/v1/device/commands"
PATH = "/api/v1/devices/boiler/commands"
POLLS_MAX = 4


@pytest.fixture
def config() -> Config:
    return Config(limits=LimitsConfig(polls_max=POLLS_MAX))


async def send(hub: Hub, method: str = "blink", device: str = "boiler") -> int:
    status, command = await hub.call("POST", f"/api/v1/devices/{device}/commands", {"method": method})
    assert status == 201
    number: int = command["id"]
    return number


@asynccontextmanager
async def connection(
    hub: Hub, device: str = "boiler", **headers: str
) -> AsyncIterator[aiohttp.ClientSession]:
    """One connection of a device, and never another."""
    async with aiohttp.ClientSession(
        hub.url,
        headers={**hub.key(device), **headers},
        connector=aiohttp.TCPConnector(limit=1),
        timeout=aiohttp.ClientTimeout(total=DEADLINE_S),
    ) as session:
        yield session


async def poll(session: aiohttp.ClientSession, wait: float = 0, ack: tuple[int, ...] = ()) -> list[str]:
    """The methods of the commands that the poll brings."""
    params = [("wait", str(wait)), *(("ack", str(number)) for number in ack)]
    async with session.get(DEVICE, params=params) as response:
        assert response.status == 200, await response.text()
        return [one["method"] for one in (await response.json())["commands"]]


async def states(hub: Hub) -> list[str]:
    """Of the device's commands, oldest first."""
    _, found = await hub.call("GET", PATH)
    return [one["state"] for one in reversed(found["commands"])]


def waiting(hub: Hub) -> int:
    return hub.rooms.commands.polls.count


def lost_connections(hub: Hub) -> int:
    """Whose request is still being answered."""
    server = hub.server._runner.server
    assert server is not None
    return sum(one.transport is None for one in server.connections)


async def test_a_poll_brings_what_waits_and_the_device_answers(hub: Hub) -> None:
    await hub.device()
    _, queued = await hub.call("POST", PATH, {"method": "open", "params": {"valve": 3}})
    status, found = await hub.call("GET", f"{DEVICE}?wait=30", headers=hub.key())
    wanted = {"id": queued["id"], "method": "open", "params": {"valve": 3}, "expires": queued["expires_at"]}
    assert (status, found) == (200, {"commands": [wanted]})
    assert await states(hub) == ["sent"]
    path = f"{DEVICE}/{queued['id']}"
    assert await hub.call("POST", path, {"done": True}, hub.key()) == (204, None)
    _, shown = await hub.call("GET", f"{PATH}/{queued['id']}")
    assert (shown["state"], shown["response"]) == ("done", {"done": True})
    assert shown["delivered_at"] is not None
    assert (await hub.call("POST", path, {}, hub.key()))[0] == 409
    for wrong in ("999", "x", "9" * 30):
        assert (await hub.call("POST", f"{DEVICE}/{wrong}", {}, hub.key()))[0] == 404


async def test_a_poll_waits_for_a_command_and_no_longer_than_it_asks(hub: Hub) -> None:
    await hub.device()
    async with connection(hub) as device:
        assert await poll(device, wait=0.05) == []
        asked = asyncio.create_task(poll(device, wait=30))
        await until(lambda: waiting(hub) == 1)
        await send(hub, "now")
        assert await asked == ["now"]
    assert waiting(hub) == 0
    for wrong in ("-1", "61", "soon"):
        status, problem = await hub.call("GET", f"{DEVICE}?wait={wrong}", headers=hub.key())
        assert (status, "wait" in problem["detail"]) == (422, True)


async def test_the_next_poll_on_the_connection_confirms_what_the_last_one_brought(hub: Hub) -> None:
    await hub.device()
    async with connection(hub) as device:
        await send(hub, "a")
        await send(hub, "b")
        assert await poll(device) == ["a", "b"]
        assert await states(hub) == ["sent", "sent"]
        assert await poll(device) == []
        assert await states(hub) == ["delivered", "delivered"]


@pytest.mark.parametrize("proxy", [{}, {"X-Forwarded-For": "10.0.0.7"}, {"Via": "1.1 proxy"}])
async def test_elsewhere_a_poll_confirms_what_it_names_and_gets_the_rest_again(
    hub: Hub, proxy: dict[str, str]
) -> None:
    await hub.device()
    first, _ = await send(hub, "a"), await send(hub, "b")
    async with connection(hub, **proxy) as device:
        assert await poll(device) == ["a", "b"]
        if proxy:  # others may share a proxy's connection
            assert await poll(device, ack=(first,)) == ["b"]
    if not proxy:
        async with connection(hub) as another:
            assert await poll(another, ack=(first, 999)) == ["b"]
    assert await states(hub) == ["delivered", "sent"]


async def test_a_poll_whose_device_is_gone_takes_nothing(hub: Hub) -> None:
    await hub.device()
    async with connection(hub) as device:
        asked = asyncio.create_task(poll(device, wait=30))
        await until(lambda: waiting(hub) == 1)
        asked.cancel()
        await asyncio.wait([asked])
    await until(lambda: lost_connections(hub) == 1)
    await send(hub, "a")
    assert await states(hub) == ["queued"]


async def test_what_a_poll_brought_goes_to_a_session_that_comes_before_it_is_confirmed(hub: Hub) -> None:
    await hub.device()
    await send(hub, "a")
    async with connection(hub) as device:
        assert await poll(device) == ["a"]
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        assert (await socket.receive_json())["method"] == "a"


async def test_polls_of_a_device_are_few_and_the_oldest_gives_way(hub: Hub) -> None:
    await hub.device()
    async with connection(hub) as one, connection(hub) as two, connection(hub) as three:
        asked = [asyncio.create_task(poll(one, wait=30))]
        await until(lambda: waiting(hub) == 1)
        asked.append(asyncio.create_task(poll(two, wait=30)))
        await until(lambda: waiting(hub) == OF_DEVICE_MAX)
        asked.append(asyncio.create_task(poll(three, wait=30)))
        assert await asked[0] == []
        await send(hub, "a")
        assert sorted([await asked[1], await asked[2]]) == [[], ["a"]]


async def test_so_many_polls_wait_in_all_and_one_more_is_told_to_come_back(hub: Hub) -> None:
    for number in range(POLLS_MAX + 1):
        await hub.device(f"device-{number}")
    asked = []
    for number in range(POLLS_MAX):
        headers = hub.key(f"device-{number}")
        asked.append(asyncio.create_task(hub.call("GET", f"{DEVICE}?wait=30", headers=headers)))
    await until(lambda: waiting(hub) == POLLS_MAX)
    last = hub.key(f"device-{POLLS_MAX}")
    status, problem = await hub.call("GET", f"{DEVICE}?wait=30", headers=last)
    assert (status, problem["limit"]) == (429, "limits.polls_max")
    await send(hub, "a", f"device-{POLLS_MAX}")
    status, found = await hub.call("GET", f"{DEVICE}?wait=30", headers=last)
    assert (status, len(found["commands"])) == (200, 1)
    for number in range(POLLS_MAX):
        await send(hub, "b", f"device-{number}")
    assert [len(found["commands"]) for _, found in await asyncio.gather(*asked)] == [1] * POLLS_MAX


async def test_a_key_that_is_revoked_meanwhile_gets_nothing(hub: Hub) -> None:
    await hub.device()
    asked = asyncio.create_task(hub.call("GET", f"{DEVICE}?wait=30", headers=hub.key()))
    await until(lambda: waiting(hub) == 1)
    key_id = hub.keys["boiler"].split("_")[1]
    assert (await hub.call("DELETE", f"/api/v1/devices/boiler/keys/{key_id}"))[0] == 204
    await send(hub, "a")
    assert (await asked)[0] == 401
    assert await states(hub) == ["queued"]


async def test_a_device_that_is_removed_meanwhile_is_told(hub: Hub) -> None:
    await hub.device()
    asked = asyncio.create_task(hub.call("GET", f"{DEVICE}?wait=30", headers=hub.key()))
    await until(lambda: waiting(hub) == 1)
    await hub.call("DELETE", "/api/v1/devices/boiler")
    assert (await asked)[0] == 401


async def test_polls_end_when_the_hub_stops(new_hub: Hub) -> None:
    await new_hub.device()
    asked = asyncio.create_task(new_hub.call("GET", f"{DEVICE}?wait=60", headers=new_hub.key()))
    await until(lambda: waiting(new_hub) == 1)
    await new_hub.server.stop()
    assert await asked == (200, {"commands": []})


async def test_without_a_key_for_commands_nothing_is_given(hub: Hub) -> None:
    await hub.device()
    await send(hub)
    _, made = await hub.call("POST", "/api/v1/devices/boiler/keys", {"rights": ["telemetry"]})
    shown: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        (hub.bearer(), 401),
        ({"Authorization": f"Bearer {made['key']}"}, 403),
    ]
    for headers, status in shown:
        assert (await hub.call("GET", DEVICE, headers=headers))[0] == status
        assert (await hub.call("POST", f"{DEVICE}/1", {}, headers))[0] == status
    async with hub.client.head(DEVICE, headers=hub.key()) as response:
        assert response.status == 200
    assert await states(hub) == ["queued"]
