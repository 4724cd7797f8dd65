"""The client against a real hub: what it sends is stored, and what is refused comes back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from devices.client import DeviceClient
from devices.errors import KeyRefused
from devices.obeying import Pace, common_methods, obey
from devices.provision import Provisioner
from devices.wire import milliseconds
from tests.devices.peers import quick
from tests.hub_process import HubProcess
from tests.waiting import until

TRANSPORTS = ("mqtt", "ws", "http")
START_MS = 1767268800000


def address(hub: HubProcess, transport: str) -> str:
    if transport == "mqtt":
        return f"mqtt://127.0.0.1:{hub.mqtt_port}"
    return hub.url.replace("http", transport, 1)


async def stored(hub: HubProcess, device_id: str, metric: str) -> list[Any]:
    """All values of a metric within an hour of START_MS."""
    path = f"/api/v1/devices/{device_id}/history?metric={metric}"
    path += f"&from={START_MS - 1}&to={START_MS + 3_600_000}&points=5000"
    answer = await asyncio.to_thread(hub.call, "GET", path)
    assert answer["tier"] == "raw"
    values: list[Any] = answer["avg"]
    return values


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_the_hub_acknowledged_is_stored_once(shared_hub: HubProcess, transport: str) -> None:
    device_id = f"client-{transport}"
    key = shared_hub.add_device(device_id)
    async with DeviceClient(address(shared_hub, transport), key, numbered=True, first_seq=1) as device:
        for number in range(1_000):
            await device.send({"n": number, "state": "running", "open": True}, time=START_MS + number)
        await device.flush()
        assert device.counts.acknowledged == 1_000
    assert await stored(shared_hub, device_id, "n") == list(range(1_000))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_wrong_key_stops_the_client(shared_hub: HubProcess, transport: str) -> None:
    wrong = f"hk_{'a' * 12}_{'B' * 32}"
    async with DeviceClient(address(shared_hub, transport), wrong, backoff=quick()) as device:
        await device.send({"n": 1})
        with pytest.raises(KeyRefused):
            await device.flush()
    assert device.counts.acknowledged == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refused_reading_is_counted_and_the_next_goes_through(
    shared_hub: HubProcess, transport: str
) -> None:
    device_id = f"refused-{transport}"
    key = shared_hub.add_device(device_id)
    async with DeviceClient(address(shared_hub, transport), key) as device:
        await device.send({"n": 1.5}, time=START_MS)
        await device.flush()
        await device.send({"n": "one"}, time=START_MS + 1)
        await device.flush()
        assert (device.counts.acknowledged, device.counts.refused) == (1, 1)
        assert device.last_refusal is not None
        assert "number" in device.last_refusal.message
        await device.send({"n": 2.5}, time=START_MS + 2)
        await device.flush()
    assert await stored(shared_hub, device_id, "n") == [1.5, 2.5]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_hub_killed_and_started_again_has_every_reading_once(
    hub_process: HubProcess, tmp_path: Path, transport: str
) -> None:
    hub = hub_process
    key = hub.add_device("pump")
    url, spool = address(hub, transport), tmp_path / "spool.db"
    async with DeviceClient(url, key, numbered=True, spool=spool, backoff=quick()) as device:
        for number in range(1_500):
            await device.send({"n": number}, time=START_MS + number)
            if number in {500, 1_000}:
                await until(lambda: device.counts.acknowledged > 0)
                await asyncio.to_thread(hub.kill)
                await asyncio.to_thread(hub.start)
        async with asyncio.timeout(30):
            await device.flush()
        assert device.counts.dropped == 0
    assert await stored(hub, "pump", "n") == list(range(1_500))


@pytest.mark.parametrize("transport", ["mqtt", "ws", "http"])
async def test_a_command_reaches_the_device_and_its_answer_the_hub(
    shared_hub: HubProcess, transport: str
) -> None:
    device_id = f"obeys-{transport}"
    key = shared_hub.add_device(device_id)
    path = f"/api/v1/devices/{device_id}/commands"
    body = {"method": "set_rate", "params": {"rate_hz": 2}, "timeout_s": 30}
    async with DeviceClient(address(shared_hub, transport), key) as device:
        await asyncio.to_thread(shared_hub.call, "POST", path, body)
        async with asyncio.timeout(15):
            command = await anext(device.commands())
        assert (command.method, command.params) == ("set_rate", {"rate_hz": 2})
        await command.answer({"ok": True})
        answered = await asyncio.to_thread(
            shared_hub.wait_for, path, lambda said: said["commands"][0]["state"] == "done"
        )
        assert answered["commands"][0]["response"] == {"ok": True}


@pytest.mark.parametrize("transport", ["mqtt", "ws", "http"])
async def test_a_device_is_commanded_by_what_it_declares_and_takes_on_what_is_wished(
    shared_hub: HubProcess, transport: str
) -> None:
    device_id = f"declares-{transport}"
    key = shared_hub.add_device(device_id)
    path = f"/api/v1/devices/{device_id}"
    shared_hub.call("PUT", f"{path}/attributes", {"shared": {"interval_s": 7}})
    pace = Pace(1.0)
    async with DeviceClient(address(shared_hub, transport), key) as device, asyncio.TaskGroup() as group:
        obeying = group.create_task(obey(device, common_methods(pace, dict), pace, {}))
        await asyncio.to_thread(
            shared_hub.wait_for,
            f"{path}/methods",
            lambda found: [one["name"] for one in found] == ["identify", "ping", "set_interval"],
        )
        wrong = {"method": "set_interval", "params": {"interval_s": 0}}
        status, problem = await asyncio.to_thread(shared_hub.ask, "POST", f"{path}/commands", wrong)
        assert (status, "params.interval_s" in problem["detail"]) == (422, True)
        await asyncio.to_thread(shared_hub.call, "POST", f"{path}/commands", {"method": "ping"})
        done = await asyncio.to_thread(
            shared_hub.wait_for, f"{path}/commands", lambda found: found["commands"][0]["state"] == "done"
        )
        assert done["commands"][0]["response"] == {"pong": True}
        await asyncio.to_thread(shared_hub.wait_for, f"{path}/attributes", lambda found: not found["pending"])
        obeying.cancel()
    assert pace.interval_s == 7


@pytest.mark.parametrize("transport", ["mqtt", "ws"])
async def test_a_revoked_key_ends_the_client(shared_hub: HubProcess, transport: str) -> None:
    device_id = f"revoked-{transport}"
    key = shared_hub.add_device(device_id)
    async with DeviceClient(address(shared_hub, transport), key, backoff=quick()) as device:
        await until(lambda: device.connected)
        commands = asyncio.ensure_future(anext(device.commands()))
        path = f"/api/v1/devices/{device_id}/keys/{key.split('_')[1]}"
        await asyncio.to_thread(shared_hub.call, "DELETE", path)
        with pytest.raises(KeyRefused):
            await asyncio.wait_for(commands, 15)


async def test_devices_made_through_rest_can_send(shared_hub: HubProcess) -> None:
    token = shared_hub.token("manager")
    logins = await Provisioner(shared_hub.url, token).devices(["fan-91"])
    again = await Provisioner(shared_hub.url, token).devices(["fan-91"])
    for login in (*logins, *again):
        async with DeviceClient(shared_hub.url, login.key) as device:
            await device.send({"speed": 900}, time=milliseconds(START_MS))
            await device.flush()
            assert device.counts.acknowledged == 1
