"""A hub killed at any moment, again and again: what it acknowledged is there, and nothing numbered is there
twice.
"""

import asyncio
import random
from collections.abc import Callable

from tests.faults.devices import Device, faults, make_devices, stored
from tests.hub_process import HubProcess
from tests.rounds import rounds

MORE = 40  # acknowledged by every device before a kill, so that each round kills under load
DEADLINE_S = 20.0


async def acknowledged_more(devices: list[Device], counts: list[int]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while any(len(one.acknowledged) < count + MORE for one, count in zip(devices, counts, strict=True)):
            await asyncio.sleep(0.005)


async def test_nothing_acknowledged_is_missing_and_nothing_numbered_is_doubled_after_kill_9(
    start_hub: Callable[..., HubProcess],
) -> None:
    chance, kills = random.Random(7), rounds(20)
    hub = await asyncio.to_thread(start_hub, HUB__LIMITS__READINGS_PER_S="100000", HUB__LOG__LEVEL="error")
    devices = await make_devices(hub)
    for _ in range(kills):
        counts = [len(device.acknowledged) for device in devices]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(device.run(hub)) for device in devices]
            await acknowledged_more(devices, counts)
            await asyncio.sleep(chance.uniform(0, 0.05))  # any moment of what goes on now
            await asyncio.to_thread(hub.kill)
            for task in running:
                task.cancel()
        await asyncio.to_thread(hub.start)
        assert faults(devices, await stored(hub.data_dir)) == []
    assert all(len(device.acknowledged) >= kills * MORE for device in devices)
    in_doubt = [device for device in devices if device.sent > len(device.acknowledged)]
    assert in_doubt  # some were on their way when the last kill came


async def test_the_check_itself_finds_what_is_missing_doubled_or_made_up(hub: HubProcess) -> None:
    (device, *_) = await make_devices(hub)
    device.sent, device.acknowledged = 5, {0, 1, 2}
    assert device.fault([0.0, 1.0, 2.0, 3.0]) == ""
    assert "'missing': 1" in device.fault([0.0, 1.0])
    assert "'doubled': 1" in device.fault([0.0, 1.0, 2.0, 2.0])
    assert "'strange': 1" in device.fault([0.0, 1.0, 2.0, 9.0])
