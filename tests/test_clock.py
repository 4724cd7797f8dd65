"""The hub's clock, and what a step of the system's does to all that keeps times: nothing, and it is told."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import MADE_AT, STEP_MIN_S, TRUST_MAX_S, TRUST_MIN_S, HubClock
from hub.errors import Unauthenticated
from hub.model import Command, CommandState, Device, Presence, Reading
from tests.captured_logs import captured_logs
from tests.rooms import T0, Clock, Rooms, open_rooms

DAY_S = 86_400.0
YEAR_S = 366 * DAY_S
STEPS_S = [3 * DAY_S, -3 * DAY_S, -3600.0, 20 * YEAR_S, 90.0]
steps = pytest.mark.parametrize("by_s", STEPS_S)


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.sampled_from([0.0, 0.0, 0.5, -0.4, 1.5, -2.0, 1e6, -1e6, 1e9])),
        max_size=20,
    )
)
def test_between_two_looks_it_goes_on_steadily_and_after_each_it_has_the_systems_time(
    turns: list[tuple[float, float]],
) -> None:
    clock = Clock()
    hub = HubClock(clock, clock.monotonic_s)
    told = 0
    for pass_s, set_by_s in turns:
        before = hub()
        clock.pass_s(pass_s)
        clock.set_by += round(set_by_s * 1e6)
        assert hub() - before == pytest.approx(pass_s * 1e6, abs=2)
        step = hub.tick()
        if clock() < MADE_AT:
            assert step is None  # no hub ran then: the system's clock is wrong, and this one goes on
            continue
        assert hub() == pytest.approx(clock(), abs=2)
        told += step is not None
        if step is not None:
            assert step.at == clock()
            assert abs(step.by) >= STEP_MIN_S * 1e6
            assert hub() - step.by - before == pytest.approx(pass_s * 1e6, abs=2)
    assert hub.steps == told


@pytest.mark.parametrize(
    ("jump_s", "wait_s"), [(90.0, TRUST_MIN_S), (-90.0, TRUST_MIN_S), (DAY_S, DAY_S), (YEAR_S, TRUST_MAX_S)]
)
def test_nothing_is_old_by_a_clock_that_jumped_until_it_was_steady_for_as_long(
    jump_s: float, wait_s: float
) -> None:
    clock = Clock()
    hub = HubClock(clock, clock.monotonic_s)
    trusted = [hub.is_trusted]
    clock.set_by += round(jump_s * 1e6)
    hub.tick()
    for pass_s in (wait_s - 1, 2):
        clock.pass_s(pass_s)
        trusted.append(hub.is_trusted)
    assert trusted == [True, False, True]


@pytest.mark.parametrize(("off_s", "wait_s"), [(1.0, 1.0), (DAY_S, DAY_S), (YEAR_S, TRUST_MAX_S)])
def test_a_start_long_after_the_newest_reading_may_be_a_wrong_clock(off_s: float, wait_s: float) -> None:
    clock = Clock()
    hub = HubClock(clock, clock.monotonic_s)
    hub.begin(T0 - round(off_s * 1e6))
    trusted = []
    for pass_s in (wait_s - 0.5, 1):
        clock.pass_s(pass_s)
        trusted.append(hub.is_trusted)
    assert trusted == [False, True]


async def set_clock(rooms: Rooms, by_s: float) -> None:
    rooms.clock.set_by += round(by_s * 1e6)
    await rooms.look_at_clock()


def presence(rooms: Rooms) -> Presence:
    rooms.roster.tick()
    return rooms.feed.device("boiler-1").presence


async def send(rooms: Rooms, device: Device, value: float) -> None:
    """A reading that the hub stamps."""
    await rooms.ingest.accept(device, [Reading(None, {"t": value})], "mqtt").stored


@steps
async def test_after_a_step_the_newest_reading_is_the_latest_value(rooms: Rooms, by_s: float) -> None:
    device, _ = await rooms.add("boiler-1")
    await send(rooms, device, 1.0)
    await set_clock(rooms, by_s)
    rooms.clock.pass_s(1)
    await send(rooms, device, 2.0)
    at_ms, value = rooms.feed.device("boiler-1").snapshot()["t"]
    assert (value, at_ms) == (2.0, rooms.clock() / 1000)


@steps
async def test_a_silence_is_as_long_as_it_was(rooms: Rooms, by_s: float) -> None:
    device, _ = await rooms.add("boiler-1", expected_interval_s=60.0)
    other, _ = await rooms.add("pump-1")
    for _ in range(5):
        await send(rooms, other, 1.0)
        rooms.clock.pass_s(30)
    await send(rooms, device, 1.0)
    rooms.clock.pass_s(100)
    await set_clock(rooms, by_s)
    assert presence(rooms) is Presence.ONLINE
    assert rooms.roster.last_seen(device) == rooms.clock() - 100_000_000
    assert rooms.feed.device("boiler-1").since == rooms.clock() - 100_000_000
    rooms.clock.pass_s(79)
    assert presence(rooms) is Presence.ONLINE
    rooms.clock.pass_s(2)
    assert presence(rooms) is Presence.STALE
    rooms.clock.pass_s(600)
    assert presence(rooms) is Presence.OFFLINE
    assert rooms.roster.last_seen(other) == rooms.clock() - round((30 + 100 + 81 + 600) * 1e6)


@steps
async def test_an_interval_is_learnt_across_a_step(rooms: Rooms, by_s: float) -> None:
    device, _ = await rooms.add("boiler-1")
    for number in range(20):
        await send(rooms, device, float(number))
        rooms.clock.pass_s(30)
        if number == 10:
            await set_clock(rooms, by_s)
    rooms.clock.pass_s(55)
    assert presence(rooms) is Presence.ONLINE
    rooms.clock.pass_s(10)
    assert presence(rooms) is Presence.STALE


@steps
async def test_a_command_lasts_as_long_as_was_asked_for(tmp_path: Path, clock: Clock, by_s: float) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        sent = await rooms.commands.send(device, "m", None, 100)
        clock.pass_s(40)
        await set_clock(rooms, by_s)
        await until(rooms, device, lambda command: command.expires_at == clock() + 60_000_000)
    async with open_rooms(tmp_path, clock) as rooms:
        clock.pass_s(59)
        session = rooms.connect(device)
        rooms.commands.ready(device)
        assert [one.id for one in session.delivered if isinstance(one, Command)] == [sent.id]
        clock.pass_s(2)
        await until(rooms, device, lambda command: command.state is CommandState.EXPIRED)


async def until(rooms: Rooms, device: Device, holds: Callable[[Command], bool]) -> None:
    """Run the loop of commands until this holds of the device's one command on disk."""
    task = asyncio.create_task(rooms.commands.run())
    async with asyncio.timeout(15):
        while not all(map(holds, await rooms.registry.commands.of(device, 10))):
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])


@steps
async def test_sessions_and_links_last_as_long_as_they_would_have(rooms: Rooms, by_s: float) -> None:
    session = await rooms.operators.use_link(await rooms.operators.make_link())
    unused = await rooms.operators.make_link()
    rooms.clock.pass_s(10)
    await set_clock(rooms, by_s)
    assert (await rooms.operators.session(session)).name == "admin"
    rooms.clock.pass_s(rooms.config.auth.login_link_s - 11)
    await rooms.operators.use_link(unused)
    for _ in range(10):  # it is used, so it does not end for being idle
        rooms.clock.pass_s((rooms.config.auth.session_s - rooms.config.auth.login_link_s) / 10)
        assert (await rooms.operators.session(session)).name == "admin"
    rooms.clock.pass_s(2)
    with pytest.raises(Unauthenticated):
        await rooms.operators.session(session)


@steps
async def test_a_device_over_its_rate_waits_no_longer(rooms: Rooms, by_s: float) -> None:
    device, _ = await rooms.add("boiler-1")
    limits = rooms.config.limits
    count = round(limits.readings_burst + 2 * limits.readings_per_s)
    rooms.ingest.accept(device, [Reading(None, {"t": 1.0})] * count, "mqtt")
    before_s = rooms.ingest.wait_s(device)
    await set_clock(rooms, by_s)
    assert 0 <= rooms.ingest.wait_s(device) <= before_s
    rooms.clock.pass_s(3)
    assert rooms.ingest.wait_s(device) == 0


async def kept(rooms: Rooms, device: Device) -> int:
    """How many values there are after the keeper has done all it wants to."""
    keeper = rooms.keeper()
    for _ in range(50):
        if not await keeper.step():
            break
    found = await rooms.history.range(rooms.ingest.metric(device, "t"), 0, T0 * 3, 10_000)
    return len(found.avg)


async def test_a_jump_deletes_nothing_that_is_not_old(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        for hour in range(5):
            await rooms.ingest.accept(device, [Reading(T0 + hour, {"t": float(hour)})], "mqtt").stored
        await set_clock(rooms, 20 * YEAR_S)
        assert await kept(rooms, device) == 5
        clock.pass_s(3 * DAY_S)
        assert await kept(rooms, device) == 5
        await set_clock(rooms, -20 * YEAR_S)
        assert await kept(rooms, device) == 5
    clock.set_by = round(20 * YEAR_S * 1e6)  # and while the hub does not run
    async with open_rooms(tmp_path, clock) as rooms:
        clock.pass_s(3 * DAY_S)
        assert await kept(rooms, device) == 5


@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "while it is off"])
async def test_a_restart_does_not_make_a_clock_trusted_that_jumped(
    tmp_path: Path, clock: Clock, runs: bool
) -> None:
    """Though the newest reading is by the wrong clock then, and not old."""
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        for number in range(5):
            await rooms.ingest.accept(device, [Reading(T0 + number, {"t": float(number)})], "mqtt").stored
        if runs:
            await set_clock(rooms, 20 * YEAR_S)
            await send(rooms, device, 5.0)
    clock.set_by = round(20 * YEAR_S * 1e6)
    if not runs:
        async with open_rooms(tmp_path, clock) as rooms:
            await send(rooms, rooms.fleet.devices.find("boiler-1"), 5.0)
    for _ in range(3):
        async with open_rooms(tmp_path, clock) as rooms:
            clock.pass_s(DAY_S)
            assert await kept(rooms, rooms.fleet.devices.find("boiler-1")) == 6
    clock.set_by = 0  # and a clock that is right again is trusted after a while
    async with open_rooms(tmp_path, clock) as rooms:
        clock.pass_s(TRUST_MAX_S + 1)
        assert rooms.hub_clock.is_trusted


async def test_a_hub_without_a_clock_goes_on_from_its_newest_reading_until_it_has_one(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1", expected_interval_s=60.0)
        await send(rooms, device, 1.0)
    clock.pass_s(DAY_S)  # it is off
    clock.set_by = -clock.now + 5_000_000  # 1970
    with captured_logs() as logs:
        async with open_rooms(tmp_path, clock) as rooms:
            assert logs[0]["event"].startswith("the system's clock is not set")
            assert rooms.roster.last_seen(device) == T0
            await send(rooms, device, 2.0)
            told = Reading(clock.now, {"u": 1.0})  # the device has a clock, and is far ahead
            assert rooms.ingest.accept(device, [told], "mqtt").refusals == []
            at_ms, value = rooms.feed.device("boiler-1").snapshot()["t"]
            assert value == 2.0
            assert T0 / 1000 < float(str(at_ms)) < T0 / 1000 + 60_000
            clock.pass_s(10)
            await rooms.look_at_clock()
            assert rooms.hub_clock.steps == 0
            clock.set_by = 0
            await rooms.look_at_clock()
            assert rooms.hub_clock.is_set
            assert rooms.roster.last_seen(device) == clock.now - 10_000_000
            assert presence(rooms) is Presence.ONLINE
            ahead = Reading(clock.now + round(DAY_S * 1e6), {"u": 1.0})
            assert [one.code for one in rooms.ingest.accept(device, [ahead], "mqtt").refusals] == ["future"]
    assert logs[-1]["event"] == "the clock was set"


async def test_readings_from_the_future_do_not_hide_what_comes_after_a_restart(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        await set_clock(rooms, 3 * DAY_S)
        await send(rooms, device, 1.0)
    clock.set_by = 0
    async with open_rooms(tmp_path, clock) as rooms:
        clock.pass_s(1)
        seen = rooms.roster.last_seen(device)
        assert seen is not None
        assert seen <= clock.now
        await send(rooms, device, 2.0)
        assert rooms.feed.device("boiler-1").snapshot()["t"] == [clock.now / 1000, 2.0]
