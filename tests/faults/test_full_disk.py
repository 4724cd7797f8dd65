"""A disk without space under a hub with load: it says so, acknowledges nothing, stays live, and recovers by
itself.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import psutil

from hub.mqtt.codec.packets import Puback, Publish, Version
from tests.faults.devices import T0, faults, make_devices, stored
from tests.faults.disk import full_disk
from tests.hub_process import HubProcess
from tests.mqtt.client import TELEMETRY, Client

DEADLINE_S = 20.0
MESSAGES, PER_MESSAGE = 6_000, 100
MORE_MEMORY = 96 * 2**20


async def ask(hub: HubProcess, method: str, path: str, body: object = None) -> tuple[int, Any]:
    return await asyncio.to_thread(hub.ask, method, path, body)


async def until_ready(hub: HubProcess, status: int) -> Any:
    async with asyncio.timeout(DEADLINE_S):
        while (answer := await ask(hub, "GET", "/readyz"))[0] != status:
            await asyncio.sleep(0.02)
    return answer[1]


class Viewer:
    """A dashboard that watches one device."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def until(self, kind: str, **members: object) -> dict[str, Any]:
        """The next message of that type with those members."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                frame = json.loads(await self._socket.receive_str())
                for message in frame if isinstance(frame, list) else [frame]:
                    if message["type"] == kind and members.items() <= message.items():
                        found: dict[str, Any] = message
                        return found


@asynccontextmanager
async def watching(session: aiohttp.ClientSession, hub: HubProcess, device_id: str) -> AsyncIterator[Viewer]:
    token = await asyncio.to_thread(hub.token)
    async with session.ws_connect(hub.url + "/api/v1/live", protocols=["hub.v1"]) as socket:
        viewer = Viewer(socket)
        await socket.send_json({"type": "auth", "token": token})
        await socket.send_json({"type": "subscribe", "channel": f"device/{device_id}"})
        await viewer.until("subscribed")
        yield viewer


async def test_a_full_disk_stops_acknowledgements_alone_and_nothing_is_lost(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = await asyncio.to_thread(start_hub, HUB__LIMITS__READINGS_PER_S="100000")
    devices = await make_devices(hub)
    key = await asyncio.to_thread(hub.add_device, "watched")
    async with (
        aiohttp.ClientSession() as session,
        watching(session, hub, "watched") as viewer,
        asyncio.TaskGroup() as tasks,
    ):
        running = [tasks.create_task(device.run(hub)) for device in devices]
        async with asyncio.timeout(DEADLINE_S):
            while not all(len(device.acknowledged) > 50 for device in devices):
                await asyncio.sleep(0.01)
        async with Client(hub.mqtt_port, key=key) as late:
            with full_disk(hub):
                problem = await until_ready(hub, 503)
                assert "nothing can be stored at present" in problem["detail"]
                assert (await viewer.until("storage"))["failing"] is True
                counts = [len(device.acknowledged) for device in devices]
                late.send(Publish(TELEMETRY, b'{"t": 7}', 1, 1))
                live = await viewer.until("readings")  # it has been taken in, and shown
                assert live["readings"][0][1] == {"t": 7.0}
                headers = {"Authorization": f"Bearer {key}"}
                async with session.post(
                    hub.url + "/api/v1/telemetry", json={"t": 8}, headers=headers
                ) as refused:
                    assert (refused.status, "Retry-After" in refused.headers) == (503, True)
                status, problem = await ask(hub, "POST", "/api/v1/devices/watched/keys")
                assert (status, problem["code"]) == (503, "store")
                assert (await ask(hub, "GET", "/healthz"))[0] == 200
                assert [len(device.acknowledged) for device in devices] == counts
            await viewer.until("storage", failing=False)
            assert isinstance(await late.receive(), Puback)
        await until_ready(hub, 200)
        async with asyncio.timeout(DEADLINE_S):
            while not all(
                len(device.acknowledged) > count + 50 for device, count in zip(devices, counts, strict=True)
            ):
                await asyncio.sleep(0.01)
        assert (await ask(hub, "POST", "/api/v1/devices/watched/keys"))[0] == 201
        for task in running:
            task.cancel()
    assert faults(devices, await stored(hub.data_dir)) == []
    await asyncio.to_thread(hub.kill)
    await asyncio.to_thread(hub.start)
    assert faults(devices, await stored(hub.data_dir)) == []
    history = await asyncio.to_thread(hub.call, "GET", "/api/v1/devices/watched/history?metric=t")
    assert history["avg"] == [7.0]


async def test_a_disk_that_does_not_keep_up_costs_no_memory_for_the_hub_stops_reading(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = await asyncio.to_thread(
        start_hub, HUB__LIMITS__READINGS_PER_S="10000000", HUB__LIMITS__PENDING_READINGS="2000"
    )
    key = await asyncio.to_thread(hub.add_device, "flood")
    process = psutil.Process(hub.pid)
    async with Client(hub.mqtt_port, key=key, version=Version.V311) as client:
        assert isinstance(await client.publish(b'{"n": -1}'), Puback)
        before = process.memory_info().rss
        with full_disk(hub):
            for number in range(MESSAGES):
                first = number * PER_MESSAGE
                readings = [
                    {"ts": T0 + n, "values": {"n": n, "why": 0.5}} for n in range(first, first + PER_MESSAGE)
                ]
                client.send(Publish(TELEMETRY, json.dumps(readings).encode(), 1, number + 1))
            flood = client.transport.get_write_buffer_size()
            await until_ready(hub, 503)
            async with asyncio.timeout(DEADLINE_S):  # until the sockets between them are full
                left, last = client.transport.get_write_buffer_size(), -1
                while left != last:
                    await asyncio.sleep(0.5)
                    left, last = client.transport.get_write_buffer_size(), left
            assert left > flood / 2 > 10_000_000
            assert process.memory_info().rss < before + MORE_MEMORY
        for number in range(MESSAGES):
            packet = await client.receive()
            assert isinstance(packet, Puback)
            assert packet.packet_id == number + 1
        assert process.memory_info().rss < before + 2 * MORE_MEMORY
    found = await stored(hub.data_dir)
    assert sorted(found["flood"]) == [float(n) for n in range(-1, MESSAGES * PER_MESSAGE)]
