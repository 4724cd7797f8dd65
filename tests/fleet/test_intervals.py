"""How often a device reports is learnt once, whatever becomes of the hub meanwhile."""

from pathlib import Path

import pytest

from hub.fleet.session import Leaving
from hub.model import Device, Presence, Reading
from tests.registry.disks import locked
from tests.rooms import Clock, Rooms, open_rooms

EVERY_S = 600.0


async def report(rooms: Rooms, device: Device, every_s: float = EVERY_S) -> None:
    """It wakes, sends, and sleeps until the next time."""
    session = rooms.connect(device)
    await rooms.ingest.accept(device, [Reading(None, {"t": 1.0})], "mqtt").stored
    rooms.roster.leave(session, Leaving.GOODBYE)
    rooms.clock.pass_s(every_s)


def shown(rooms: Rooms) -> Presence:
    rooms.roster.tick()
    return rooms.feed.device("boiler-1").presence


@pytest.mark.parametrize("reports", [0, 1, 3])
async def test_a_sleeper_whose_interval_was_learnt_is_judged_by_it_after_a_restart(
    tmp_path: Path, clock: Clock, reports: int
) -> None:
    """`reports` is how often it reports between two restarts of the hub."""
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        for _ in range(3):
            await report(rooms, device)
        await rooms.fleet.intervals.write()
    async with open_rooms(tmp_path, clock) as rooms:
        assert shown(rooms) is Presence.ONLINE
        for _ in range(reports):
            await report(rooms, device)
            assert shown(rooms) is Presence.ONLINE
        await rooms.fleet.intervals.write()
    async with open_rooms(tmp_path, clock) as rooms:
        assert shown(rooms) is Presence.ONLINE
        clock.pass_s(2 * EVERY_S + 1)
        assert shown(rooms) is Presence.STALE
        clock.pass_s(7 * EVERY_S)
        assert shown(rooms) is Presence.OFFLINE


async def test_readings_in_a_burst_after_a_restart_do_not_unlearn_it(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        for _ in range(3):
            await report(rooms, device)
        await rooms.fleet.intervals.write()
    async with open_rooms(tmp_path, clock) as rooms:
        for every_s in (2.0, 2.0, EVERY_S):
            await report(rooms, device, every_s)
        assert shown(rooms) is Presence.ONLINE


async def test_a_device_that_keeps_its_pace_is_written_once_and_one_that_changes_it_again(
    rooms: Rooms,
) -> None:
    device, _ = await rooms.add("boiler-1")
    written = []
    for pace in ([600, 590, 640, 610], [700, 550, 620], [60] * 12, [55, 70, 62]):
        for every_s in pace:
            await report(rooms, device, every_s)
            written.append(await rooms.fleet.intervals.write())
    assert sum(written) == 2


async def test_a_disk_that_says_no_is_asked_again(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        for _ in range(3):
            await report(rooms, device)
        with locked(rooms.registry):
            assert await rooms.fleet.intervals.write() == 0
        assert await rooms.fleet.intervals.write() == 1
