"""Devices come and go: all or nothing, at once and at the same time."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hub.errors import Conflict, Invalid, NotFound, Unauthenticated
from hub.fleet.fleet import NewDevice
from hub.fleet.keys import Login
from hub.fleet.session import EndReason
from hub.model import Presence, Reading, Retention
from tests.history.disks import hanging_journal
from tests.rooms import Clock, Rooms, open_rooms


async def test_devices_and_keys_work_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
    async with open_rooms(tmp_path, clock) as rooms:
        assert await rooms.fleet.keys.authenticate(str(key), "10.0.0.7") == Login(device, key.id)
        assert rooms.feed.device("boiler-1").presence is Presence.NEVER_SEEN


async def test_adding_is_all_or_nothing_in_memory_too(rooms: Rooms) -> None:
    await rooms.add("pump-1")
    with pytest.raises(Conflict, match="pump-1"):
        await rooms.fleet.add([NewDevice("boiler-1"), NewDevice("pump-1")])
    with pytest.raises(Conflict, match="listed twice"):
        await rooms.fleet.add([NewDevice("a"), NewDevice("a")])
    assert [device.id for device in rooms.fleet.devices.all()] == ["pump-1"]
    with pytest.raises(NotFound):
        rooms.feed.device("boiler-1")
    assert len(await rooms.fleet.add([NewDevice("boiler-1"), NewDevice("valve-1")])) == 2
    assert len(rooms.fleet.devices) == 3


async def test_of_many_who_add_the_same_device_one_succeeds(rooms: Rooms) -> None:
    found = await asyncio.gather(*(rooms.add("boiler-1") for _ in range(5)), return_exceptions=True)
    assert sorted(type(one) is Conflict for one in found) == [False, True, True, True, True]


async def test_of_many_who_remove_a_device_one_succeeds(rooms: Rooms) -> None:
    device, key = await rooms.add("boiler-1")
    session = rooms.connect(device, key.id)
    found = await asyncio.gather(*(rooms.fleet.remove(device) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [type(None), NotFound, NotFound]
    assert session.ended == [EndReason.REMOVED]
    with pytest.raises(NotFound):
        rooms.fleet.devices.find("boiler-1")


async def test_a_device_removed_while_it_is_changed_stays_removed(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    found = await asyncio.gather(
        rooms.fleet.remove(device),
        rooms.fleet.devices.change(device, lambda known: replace(known, name="New")),
        return_exceptions=True,
    )
    assert found[0] is None
    assert rooms.fleet.devices.all() == []


async def test_a_change_is_kept_and_a_device_without_a_name_is_called_by_its_id(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        wanted = replace(
            device, labels={"site": "north"}, expected_interval_s=2.5, retention=Retention(60.0, None, 0.0)
        )
        with pytest.raises(Invalid):  # the hour's 60 s are shorter than for ever
            await rooms.fleet.devices.change(
                device, lambda _: replace(wanted, retention=Retention(0.0, None, 60.0))
            )
        changed = await rooms.fleet.devices.change(device, lambda _: replace(wanted, name=""))
        assert changed == wanted
        assert rooms.fleet.devices.find("boiler-1") == changed
    async with open_rooms(tmp_path, clock) as rooms:
        assert rooms.fleet.devices.find("boiler-1") == changed


async def test_a_removed_device_is_forgotten_whole_and_its_id_starts_afresh(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
        rooms.ingest.accept(device, [Reading(None, {"temperature": 20.5}, 7)], "mqtt")
        await rooms.fleet.remove(device)
        with pytest.raises(NotFound):
            rooms.ingest.accept(device, [Reading(None, {"temperature": 21.5})], "mqtt")
        again, _ = await rooms.add("boiler-1")
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(key), "10.0.0.7")
        receipt = rooms.ingest.accept(again, [Reading(None, {"temperature": 3.5}, 1)], "mqtt")
        await receipt.stored
    async with open_rooms(tmp_path, clock) as rooms:
        again = rooms.fleet.devices.find("boiler-1")
        assert rooms.feed.device("boiler-1").snapshot()["temperature"][1] == 3.5
        (metric,) = await rooms.history.metrics()
        assert metric.device == again.number


async def test_a_removal_is_not_noted_as_done_before_the_history_has_said_so(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    await rooms.history.stored
    with hanging_journal(rooms.history):
        await rooms.fleet.remove(device)
        await rooms.fleet.removal.confirm()
        assert await rooms.registry.devices.removed() == [device.number]
    await rooms.history.stored
    await rooms.fleet.removal.confirm()
    assert await rooms.registry.devices.removed() == []


async def test_a_removal_that_was_cut_short_is_finished_at_the_next_start(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        other, _ = await rooms.add("pump-1")
        for one in (device, other):
            rooms.ingest.accept(one, [Reading(None, {"temperature": 20.5}, 7)], "mqtt")
        await rooms.registry.devices.remove(device)  # and then the hub was killed
    async with open_rooms(tmp_path, clock) as rooms:
        await rooms.history.stored
        assert [metric.device for metric in await rooms.history.metrics()] == [other.number]
        assert set(await rooms.history.sequences()) == {other.number}
        await rooms.fleet.removal.confirm()
        assert await rooms.registry.devices.removed() == []


async def test_a_removal_that_the_history_confirmed_is_noted(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    await rooms.fleet.remove(device)
    assert await rooms.registry.devices.removed() == [device.number]
    await rooms.history.stored
    await rooms.fleet.removal.confirm()
    assert await rooms.registry.devices.removed() == []


@pytest.mark.parametrize(
    "wanted",
    [
        NewDevice(""),
        NewDevice("-a"),
        NewDevice("a/b"),
        NewDevice("a b"),
        NewDevice("x" * 101),
        NewDevice("a", "x" * 201),
        NewDevice("a", "line\nbreak"),
        NewDevice("a", labels={"k=": "v"}),
        NewDevice("a", labels={"": "v"}),
        NewDevice("a", labels={str(number): "" for number in range(33)}),
        NewDevice("a", expected_interval_s=0.0),
        NewDevice("a", expected_interval_s=float("nan")),
    ],
)
async def test_a_device_out_of_bounds_is_refused(rooms: Rooms, wanted: NewDevice) -> None:
    with pytest.raises(Invalid):
        await rooms.fleet.add([wanted])
    assert await rooms.registry.devices.all() == []
