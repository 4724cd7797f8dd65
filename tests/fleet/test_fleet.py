"""Devices and keys: all or nothing, at once and at the same time."""

import asyncio
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hub.config import AuthConfig, LimitsConfig
from hub.errors import Conflict, Invalid, NotFound, StoreError, Unauthenticated
from hub.fleet.fleet import Fleet, NewDevice
from hub.fleet.keys import ADDRESSES_MAX, SLOW_MAX_S
from hub.fleet.session import EndReason, SharedAttributes
from hub.model import Presence, Reading, Retention
from hub.model import key as keys
from tests.rooms import Clock, Rooms, open_rooms


async def test_devices_and_keys_work_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
    async with open_rooms(tmp_path, clock) as rooms:
        assert await rooms.fleet.keys.authenticate(str(key), "10.0.0.7") == (device, key.id)
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
        await rooms.fleet.removal.confirm()
        assert await rooms.registry.devices.removed() == [device.number]  # not before the history has said so
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


# Keys


@pytest.mark.parametrize(
    "shown", ["", "hk_", "nonsense", "hk_aaaaaaaaaaaa_" + "A" * 32, "\ud800", "hk_" * 10_000]
)
async def test_a_wrong_key_is_refused_without_being_repeated(rooms: Rooms, shown: str) -> None:
    await rooms.add("boiler-1")
    with pytest.raises(Unauthenticated) as error:
        await rooms.fleet.keys.authenticate(shown, "10.0.0.7")
    assert str(error.value) == "the key is wrong or revoked"


async def test_a_key_opens_its_own_device_only(rooms: Rooms) -> None:
    boiler, key = await rooms.add("boiler-1")
    _, other = await rooms.add("pump-1")
    assert (await rooms.fleet.keys.authenticate(str(key), "a", "boiler-1")).device == boiler
    for shown, said in [(key, "pump-1"), (keys.Key(key.id, other.secret), None)]:
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(shown), "a", said)


async def test_each_failure_of_an_address_takes_longer_and_other_addresses_wait_for_nothing(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock, auth=AuthConfig(failures_max=3)) as rooms:
        _, key = await rooms.add("boiler-1")
        loop = asyncio.get_running_loop()

        async def failing() -> float:
            start = loop.time()
            with pytest.raises(Unauthenticated):
                await rooms.fleet.keys.authenticate("wrong", "10.0.0.7")
            return loop.time() - start

        waits = await asyncio.gather(failing(), failing(), failing(), failing())
        assert list(waits) == sorted(waits)
        assert waits[-1] >= SLOW_MAX_S
        assert waits[0] >= 0.1
        good = rooms.fleet.keys.authenticate(str(key), "10.0.0.8")
        with pytest.raises(StopIteration):  # it never waits: done at its first step
            good.send(None)


async def test_a_revoked_key_ends_its_sessions_alone_and_works_no_more(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, first = await rooms.add("boiler-1")
        second = await rooms.fleet.keys.add(device)
        gone, stays = rooms.connect(device, first.id), rooms.connect(device, second.id)
        await rooms.fleet.keys.revoke(device, first.id)
        assert (gone.ended, stays.ended) == ([EndReason.REVOKED], [])
        with pytest.raises(Conflict):
            await rooms.fleet.keys.revoke(device, first.id)
        with pytest.raises(NotFound):
            await rooms.fleet.keys.revoke(device, "unknown")
        other, _ = await rooms.add("pump-1")
        with pytest.raises(NotFound):
            await rooms.fleet.keys.revoke(other, second.id)
    async with open_rooms(tmp_path, clock) as rooms:
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(first), "a")
        await rooms.fleet.keys.authenticate(str(second), "a")
        assert [key.revoked_at is None for key in rooms.fleet.keys.of(device)] in (
            [True, False],
            [False, True],
        )


async def test_a_revocation_the_disk_did_not_take_holds_and_is_written_later(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
        other = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError):
            await rooms.fleet.keys.revoke(device, key.id)
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(key), "a")
        other.execute("ROLLBACK")
        other.close()
        await stop_keeping_uses(rooms.fleet)
    async with open_rooms(tmp_path, clock) as rooms:
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(key), "a")


async def stop_keeping_uses(fleet: Fleet) -> None:
    """Start the loop and stop it: it writes once more when it ends."""
    task = asyncio.create_task(fleet.keys.keep_uses())
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_when_and_from_where_a_key_was_used_is_kept(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
        clock.pass_s(5)
        await rooms.fleet.keys.authenticate(str(key), "10.0.0.7")
        await stop_keeping_uses(rooms.fleet)
    async with open_rooms(tmp_path, clock) as rooms:
        (kept,) = rooms.fleet.keys.of(device)
        assert (kept.last_used_at, kept.last_used_from) == (clock.now, "10.0.0.7")


async def test_a_disk_that_says_no_does_not_end_the_loop_that_writes_uses(
    rooms: Rooms, tmp_path: Path
) -> None:
    _, key = await rooms.add("boiler-1")
    await rooms.fleet.keys.authenticate(str(key), "10.0.0.7")
    other = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    await stop_keeping_uses(rooms.fleet)  # a StoreError would come out here
    other.execute("ROLLBACK")
    other.close()
    await stop_keeping_uses(rooms.fleet)
    (kept,) = await rooms.registry.keys.all()
    assert kept.last_used_from == "10.0.0.7"


async def test_addresses_that_failed_are_bounded(rooms: Rooms) -> None:
    tasks = [
        asyncio.create_task(rooms.fleet.keys.authenticate("wrong", f"address {number}"))
        for number in range(ADDRESSES_MAX + 50)
    ]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in found} == {Unauthenticated}
    assert len(rooms.fleet.keys._slowness) == ADDRESSES_MAX


# Attributes


async def test_attributes_of_operators_are_kept_and_sent_down(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    session = rooms.connect(device)
    await rooms.fleet.attributes.report(device, {"firmware": "1.2"})
    await rooms.fleet.attributes.share(device, {"interval_s": 5, "old": None})
    assert session.delivered == [SharedAttributes({"interval_s": 5, "old": None})]
    assert await rooms.fleet.attributes.of(device) == ({"firmware": "1.2"}, {"interval_s": 5})


async def test_attributes_out_of_bounds_are_refused_and_change_nothing(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock, limits=LimitsConfig(attributes_max=3)) as rooms:
        device, _ = await rooms.add("boiler-1")
        many = {str(number): None for number in range(40_000)}
        for values in ({"": 1}, {"x" * 101: 1}, {"a\nb": 1}, dict.fromkeys("abcd", 1), many):
            with pytest.raises(Invalid):
                await rooms.fleet.attributes.report(device, values)
        assert await rooms.fleet.attributes.of(device) == ({}, {})
