"""Copies of both stores that agree with each other, whole or not there at all."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from hub.errors import Conflict, Invalid, StoreError
from hub.fleet.fleet import NewDevice
from hub.history.backup import Backup
from hub.model import Reading
from tests.rooms import Clock, Rooms, open_rooms


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def copy(rooms: Rooms, stores: Path, output: Path, devices: Sequence[int] = ()) -> dict[str, object]:
    backup = Backup(rooms.history, stores, output, devices)
    async for step in backup.run("now", "1.0"):
        assert 0 <= step.bytes <= step.total
    return backup.manifest


async def test_a_device_removed_while_the_copy_was_made_is_gone_from_it(tmp_path: Path, clock: Clock) -> None:
    stores = tmp_path / "data"
    stores.mkdir()
    async with open_rooms(stores, clock) as rooms:
        devices = [device for device, _ in await rooms.fleet.add([NewDevice("boiler"), NewDevice("pump")])]
        for device in devices:
            await rooms.ingest.accept(device, [Reading(None, {"t": 1.0}, 5)], "mqtt").stored
        # The registry's part of a removal, as it would be between the two copies.
        await rooms.registry.devices.remove(devices[0])
        await rooms.registry.devices.confirm_removed([devices[0].number])
        manifest = await copy(rooms, stores, tmp_path / "copy", [device.number for device in devices])
    assert (manifest["devices"], manifest["values"]) == (1, 2)
    async with open_rooms(tmp_path / "copy", clock) as rooms:
        await rooms.history.stored
        assert [metric.device for metric in await rooms.history.metrics()] == [devices[1].number]


async def test_a_copy_that_cannot_be_finished_leaves_nothing(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        missing = tmp_path / "elsewhere"  # stores that are not there
        missing.mkdir()
        (missing / "history.duckdb").touch()
        (missing / "registry.db").mkdir()
        with pytest.raises(StoreError, match="backup"):
            await copy(rooms, missing, tmp_path / "copy")
        assert not list(tmp_path.glob("copy*"))
        assert (await copy(rooms, tmp_path, tmp_path / "copy"))["values"] == 0  # and another one can be made


async def test_where_a_copy_cannot_go_is_said(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        with pytest.raises(Invalid, match="full path"):
            await copy(rooms, tmp_path, Path("copy"))
        with pytest.raises(Conflict, match="exists already"):
            await copy(rooms, tmp_path, tmp_path)
        (tmp_path / "copy.partial").mkdir()
        with pytest.raises(Conflict, match="cut short"):
            await copy(rooms, tmp_path, tmp_path / "copy")
        assert (tmp_path / "copy.partial").is_dir()
        with pytest.raises(StoreError, match="backup"):
            await copy(rooms, tmp_path, tmp_path / "registry.db" / "copy")
