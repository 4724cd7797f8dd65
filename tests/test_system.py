"""The hub's own figures: published, kept, and apart from the devices that users have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from hub.config import LimitsConfig
from hub.errors import Invalid, NotFound
from hub.feed import Viewer
from hub.fleet.fleet import NewDevice
from hub.host import MIB, HostFigures
from hub.model import Presence, Reading, Role
from hub.system import METRICS, OWN, UNWATCHED_INTERVALS, System
from tests.history.disks import hanging_journal
from tests.principals import principal as principal_of
from tests.rooms import T0, Clock, Rooms, open_rooms

INTERVAL_S = 0.02
LATER = {"written_gib_per_day"}  # it takes a minute


def own_figures(rooms: Rooms, folder: Path, interval_s: float) -> System:
    machine = HostFigures(folder, folder / "journal")
    return System(interval_s, machine, rooms.history, rooms.feed, rooms.roster, rooms.ingest, rooms.hub_clock)


@asynccontextmanager
async def publishing(rooms: Rooms, folder: Path, interval_s: float = INTERVAL_S) -> AsyncIterator[None]:
    system = own_figures(rooms, folder, interval_s)
    assert system.describe()
    task = asyncio.create_task(system.run())
    try:
        yield
        assert not task.done() or task.exception() is None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def published(rooms: Rooms, count: int) -> dict[str, float]:
    """The figures after so many more readings of them."""
    channel = rooms.feed.device(OWN.id)
    wanted = channel.offset + count
    async with asyncio.timeout(15):
        while channel.offset < wanted:
            await asyncio.sleep(INTERVAL_S / 4)
    return {name: float(value) for name, (_, value) in channel.snapshot().items()}  # type: ignore[arg-type]


async def test_the_hub_publishes_all_its_figures_and_keeps_them(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        async with publishing(rooms, tmp_path):
            figures: dict[str, float] = {}
            while len(figures) < len(METRICS.keys() - LATER):  # commits are told once there were some
                figures = await published(rooms, 1)
            await rooms.history.stored
        assert set(figures) == METRICS.keys() - LATER
        assert figures["store_mib"] >= (tmp_path / "history.duckdb").stat().st_size / 1_048_576 > 0
        assert figures["disk_free_gib"] > 0
        assert figures["syncs_per_s"] > 0
        journal = rooms.history.journal
        assert journal is not None
        assert 0 < figures["journal_mib"] <= journal.bytes / MIB
        assert figures["rss_mib"] > 10
        assert 0 < figures["commit_ms"] <= figures["commit_max_ms"]
        assert figures["loop_delay_ms"] >= 0
        known = rooms.ingest.metrics(OWN)
        assert {name: (known[name].unit, known[name].decimals) for name in known} == METRICS
    async with open_rooms(tmp_path, clock) as rooms:
        assert rooms.ingest.metrics(OWN).keys() == METRICS.keys()
        found = await rooms.history.range(rooms.ingest.metric(OWN, "rss_mib"), 0, T0 * 2, 100)
        assert max(map(float, found.avg)) > 10
        assert rooms.feed.device(OWN.id).presence is Presence.OFFLINE  # until it publishes again


async def test_the_rates_are_those_of_what_devices_sent(rooms: Rooms, tmp_path: Path) -> None:
    device, _ = await rooms.add("boiler-1")
    session = rooms.connect(device)
    async with publishing(rooms, tmp_path):
        await published(rooms, 1)
        assert rooms.ingest.counts.readings == rooms.ingest.counts.values == 0
        readings = [Reading(None, {"a": 1.0, "b": float(number)}) for number in range(100)]
        rooms.ingest.accept(device, [*readings, Reading(None, {"a": "warm"})], "mqtt")
        first = await published(rooms, 1)
        assert first["devices_connected"] == 1
        assert first["values_per_s"] == pytest.approx(2 * first["readings_per_s"])
        assert first["rejections_per_s"] == pytest.approx(first["readings_per_s"] / 100)
        rooms.roster.leave(session)
        later = await published(rooms, 2)
        assert (later["readings_per_s"], later["devices_connected"]) == (0, 0)
        assert rooms.ingest.counts.readings == 100


async def test_while_there_is_no_viewer_the_hub_looks_at_itself_more_rarely(
    rooms: Rooms, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    async with publishing(rooms, tmp_path):
        await published(rooms, 1)
        start_s = loop.time()
        await published(rooms, 3)
        assert loop.time() - start_s > 2 * UNWATCHED_INTERVALS * INTERVAL_S


async def test_a_step_of_the_clock_is_a_figure(rooms: Rooms, tmp_path: Path) -> None:
    async with publishing(rooms, tmp_path):
        assert (await published(rooms, 1))["clock_step_s"] == 0
        rooms.clock.set_by -= 90_000_000
        await rooms.look_at_clock()
        rooms.clock.pass_s(1)
        assert -90 in [(await published(rooms, 1))["clock_step_s"] for _ in range(3)]


async def test_what_blocks_the_loop_is_seen(rooms: Rooms, tmp_path: Path) -> None:
    async with publishing(rooms, tmp_path):
        await published(rooms, 1)
        start_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < start_s + 0.3:
            pass
        assert (await published(rooms, 1))["loop_delay_ms"] >= 200


async def test_a_commit_that_does_not_come_is_seen(rooms: Rooms, tmp_path: Path) -> None:
    async with publishing(rooms, tmp_path):
        await published(rooms, 1)
        with hanging_journal(rooms.history):
            before = await published(rooms, 8)
            assert (await published(rooms, 8))["commit_max_ms"] > before["commit_max_ms"] > 0


async def test_the_hub_is_not_among_the_devices(rooms: Rooms, tmp_path: Path) -> None:
    await rooms.add("boiler-1")
    viewer = Viewer(principal_of("ada", Role.VIEWER), 10)
    viewer.subscribe(rooms.feed.overview)
    viewer.subscribe(rooms.feed.channel(f"device/{OWN.id}"))
    assert b"_hub" not in viewer.take().partition(b'"device/_hub"')[0]
    async with publishing(rooms, tmp_path):
        await published(rooms, 1)
    rooms.feed.tick()
    told = viewer.take()
    assert b'"rss_mib"' in told
    assert b'"overview"' not in told  # nothing there has changed
    assert [device.id for device in rooms.fleet.devices.all()] == ["boiler-1"]
    assert len(rooms.fleet.devices) == 1
    assert sum(rooms.roster.count().values()) == 1
    assert rooms.feed.device(OWN.id).presence is Presence.ONLINE


async def test_nobody_has_the_hubs_id_or_changes_it(rooms: Rooms) -> None:
    with pytest.raises(Invalid):
        await rooms.fleet.add([NewDevice(OWN.id)])
    with pytest.raises(NotFound):
        rooms.fleet.devices.find(OWN.id)
    assert rooms.fleet.devices.known(OWN.id) is OWN
    assert rooms.fleet.keys.of(OWN) == []


async def test_where_no_device_may_have_as_many_metrics_the_hub_goes_without(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock, limits=LimitsConfig(metrics_max=3)) as rooms:
        system = own_figures(rooms, tmp_path, 1.0)
        assert not system.describe()
        assert rooms.feed.device(OWN.id).offset == 0


async def test_without_an_interval_it_publishes_nothing(rooms: Rooms, tmp_path: Path) -> None:
    system = own_figures(rooms, tmp_path, 0.0)
    assert not system.describe()
    assert rooms.ingest.metrics(OWN) == {}
