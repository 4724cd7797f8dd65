"""A device removed while somebody writes of it: nothing of it stays, or comes back."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hub.errors import NotFound
from hub.fleet.devices import MetricEdit
from hub.model import Command, Device, Reading
from hub.model.key import Key
from tests.rooms import Clock, Rooms, open_rooms

STEPS_MAX = 6
Write = Callable[[Rooms, Device, Key, Command], Awaitable[object]]

WRITES: dict[str, Write] = {
    "send": lambda rooms, device, _k, _c: rooms.commands.send(device, "m", None, 60),
    "answer": lambda rooms, device, _k, command: rooms.commands.answer(device, command.id, "done"),
    "report": lambda rooms, device, _k, _c: rooms.fleet.attributes.report(device, {"firmware": "1"}),
    "share": lambda rooms, device, _k, _c: rooms.fleet.attributes.share(device, {"interval_s": 5}),
    "add key": lambda rooms, device, _k, _c: rooms.fleet.keys.add(device),
    "revoke": lambda rooms, device, key, _c: rooms.fleet.keys.revoke(device, key.id),
    "use key": lambda rooms, _d, key, _c: used(rooms, key),
    "name": lambda rooms, device, _k, _c: rooms.fleet.devices.change(
        device, lambda known: replace(known, name="New")
    ),
    "unit": lambda rooms, device, _k, _c: rooms.fleet.devices.change(
        device, metrics=[MetricEdit("t", lambda known: replace(known, unit="°C"))]
    ),
}


async def used(rooms: Rooms, key: Key) -> None:
    await rooms.fleet.keys.authenticate(str(key), "10.0.0.7")
    await rooms.fleet.keys.write_uses()


async def remove(rooms: Rooms, device: Device) -> None:
    await rooms.fleet.remove(device)
    rooms.commands.forget(device)


async def test_nothing_is_left_of_a_device_removed_while_it_is_written_of(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        for name in WRITES:
            for steps in range(STEPS_MAX):
                await remove_during(rooms, name, steps)
        await rooms.history.stored
        assert await rooms.history.metrics() == []
    registry = sqlite3.connect(tmp_path / "registry.db")
    for table in ("devices", "keys", "attributes", "commands"):
        assert registry.execute(f"SELECT * FROM {table}").fetchall() == []
    registry.close()


async def remove_during(rooms: Rooms, name: str, steps: int) -> None:
    """Remove a device when a write of it has gone on for so many turns of the loop."""
    device, key = await rooms.add(f"{name}:{steps}".replace(" ", "-"))
    await rooms.ingest.accept(device, [Reading(None, {"t": 1.5})], "mqtt").stored
    rooms.connect(device, key.id)
    command = await rooms.commands.send(device, "m", None, 60)
    writing = asyncio.ensure_future(WRITES[name](rooms, device, key, command))
    for _ in range(steps):
        await asyncio.sleep(0)
    await remove(rooms, device)
    with suppress(NotFound):
        await writing
    assert rooms.commands.open_count(device) == 0
    assert rooms.fleet.keys.of(device) == []


@pytest.mark.parametrize("name", [name for name in WRITES if name not in ("use key", "revoke")])
async def test_who_writes_of_a_device_that_is_being_removed_is_told(rooms: Rooms, name: str) -> None:
    device, key = await rooms.add("boiler-1")
    await rooms.ingest.accept(device, [Reading(None, {"t": 1.5})], "mqtt").stored
    command = await rooms.commands.send(device, "m", None, 60)
    removing = asyncio.ensure_future(remove(rooms, device))
    await asyncio.sleep(0)
    with pytest.raises(NotFound):
        await WRITES[name](rooms, device, key, command)
    await removing
