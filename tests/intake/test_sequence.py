"""What is sent again is stored once, and a device that counts again is found out."""

from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.intake.accept import NOTICES_BURST
from hub.intake.sequence import REPEATED, SequenceCount
from hub.model import Device, Reading
from tests.captured_logs import captured_logs
from tests.rooms import T0, Clock, Rooms, open_rooms

SECOND = 1_000_000
FOR_EVER = T0 * 2


class Sent(NamedTuple):
    """A reading as the device has it: it is sent again just so."""

    seq: int
    time: int


class Line:
    """A count, and what was stored by it."""

    def __init__(self) -> None:
        self.count = SequenceCount()
        self.stored: list[Sent] = []

    def send(self, *readings: Sent) -> None:
        for one in readings:
            if self.count.take(one.seq, one.time, T0, FOR_EVER) != REPEATED:
                self.stored.append(one)


@given(
    runs=st.lists(
        st.tuples(st.integers(0, 2**62), st.lists(st.integers(1, 100), min_size=1, max_size=12)), max_size=5
    ),
    data=st.data(),
)
def test_whatever_is_sent_again_in_whatever_order_is_stored_once_and_no_restart_is_missed(
    runs: list[tuple[int, list[int]]], data: st.DataObject
) -> None:
    """Each run is a life of the device: it begins to count anywhere, and its clock only goes on."""
    line, sent = Line(), []
    time, before = T0, -1
    for first, gaps in runs:
        life = []
        for place, gap in enumerate(gaps):
            time += gap * SECOND
            life.append(Sent(first + place, time))
        sent += life
        line.send(life[0])
        # Equal to the highest is taken for sent again: the one reading that a restart may cost.
        assert (life[0] in line.stored) == (first != before)
        for one in life[1:]:
            line.send(
                *data.draw(st.lists(st.sampled_from(sent[: sent.index(one)]), max_size=4), label="again")
            )
            line.send(one)
            assert one in line.stored
        before = life[-1].seq
    line.send(*data.draw(st.permutations(sent), label="at the end"))
    assert len(line.stored) == len(set(line.stored))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-50, 50)), min_size=1, max_size=12, unique=True),
    st.randoms(use_true_random=False),
)
def test_readings_in_any_order_with_any_times_are_stored_once_each_at_most(
    made: list[tuple[int, int]], random: Random
) -> None:
    """Clocks that go back, numbers that fall: whatever was taken for a restart, nothing is stored twice."""
    sent = [Sent(seq, T0 + seconds * SECOND) for seq, seconds in made]
    line = Line()
    for _ in range(4):
        line.send(*sent)
        random.shuffle(sent)
    assert len(line.stored) == len(set(line.stored))


def numbered(seq: int, time: int | None = None) -> Reading:
    return Reading(time, {"n": float(seq)}, seq)


async def stored(rooms: Rooms, device: Device) -> list[float]:
    metric = rooms.ingest.metric(device, "n")
    return sorted(map(float, (await rooms.history.range(metric, 0, FOR_EVER, 10_000)).avg))


def states(rooms: Rooms, device: Device) -> tuple[int | None, int, int | None, int]:
    found = rooms.ingest.sequence(device)
    return found.highest, found.repeated, found.repeated_since, found.restarts


async def test_a_device_that_counts_from_0_again_is_stored_again_and_after_a_restart_of_the_hub_too(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        rooms.ingest.accept(device, [numbered(100 + n, T0 + n * SECOND) for n in range(20)], "mqtt")
        clock.pass_s(60)
        with captured_logs() as logs:
            begun = rooms.ingest.accept(
                device, [numbered(n, clock.now + n * SECOND) for n in range(20)], "mqtt"
            )
        assert begun.accepted == 20
        assert states(rooms, device) == (19, 0, None, 1)
        assert [line["event"] for line in logs] == ["a device began to count its readings again"]
        again = [numbered(110, T0 + 10 * SECOND), numbered(20, clock.now + 20 * SECOND)]
        await rooms.ingest.accept(device, again, "mqtt").stored
        assert await stored(rooms, device) == sorted([*range(100, 120), *range(21)])
    async with open_rooms(tmp_path, clock) as rooms:
        assert states(rooms, device) == (20, 0, None, 0)
        await rooms.ingest.accept(device, [numbered(20, clock.now + 20 * SECOND)], "mqtt").stored
        again = [numbered(110, T0 + 10 * SECOND)]  # of the old count, which is above the new one
        await rooms.ingest.accept(device, again, "mqtt").stored
        assert (await stored(rooms, device)).count(110.0) == 1
        await rooms.ingest.accept(device, [numbered(3, clock.now + 30 * SECOND)], "mqtt").stored
        assert (await stored(rooms, device)).count(3.0) == 2
        assert states(rooms, device)[3] == 1


async def test_an_absurd_number_does_not_silence_a_device(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    for number, seq in enumerate([5, 2**62, 6, 7]):
        rooms.ingest.accept(device, [numbered(seq, T0 + number * SECOND)], "mqtt")
    await rooms.history.stored
    assert await stored(rooms, device) == [5, 6, 7, float(2**62)]


async def test_what_is_dropped_for_nothing_tells_a_restart_is_said_at_once_and_ends_by_a_reset(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        rooms.ingest.accept(device, [numbered(500)], "http")
        clock.pass_s(10)
        began = clock.now
        with captured_logs() as logs:
            for seq in range(3):
                assert rooms.ingest.accept(device, [numbered(seq)], "http").accepted == 1
                clock.pass_s(10)
        assert states(rooms, device) == (500, 3, began, 0)
        assert [line["event"].partition(";")[0] for line in logs] == ["acknowledged and dropped as repeated"]
        assert (logs[0]["device"], logs[0]["highest"]) == ("boiler-1", 500)
        await rooms.ingest.reset_sequence(device)
        assert states(rooms, device) == (None, 0, None, 0)
    async with open_rooms(tmp_path, clock) as rooms:
        await rooms.ingest.accept(device, [numbered(3)], "http").stored
        assert states(rooms, device) == (3, 0, None, 0)
        assert await stored(rooms, device) == [3, 500]


@pytest.mark.parametrize("count", [1, 20])
async def test_an_honest_retry_is_no_news(rooms: Rooms, count: int) -> None:
    """What was sent before and something new after it, together as they come from a queue."""
    device, _ = await rooms.add("boiler-1")
    rooms.ingest.accept(device, [numbered(seq) for seq in range(count)], "mqtt")
    with captured_logs() as logs:
        rooms.ingest.accept(device, [numbered(seq) for seq in range(count + 1)], "mqtt")
    assert logs == []
    assert states(rooms, device) == (count, 0, None, 0)


async def test_the_log_of_thousands_of_devices_that_repeat_is_short_and_counts_the_rest(
    new_rooms: Rooms,
) -> None:
    devices = [(await new_rooms.add(f"d{number}"))[0] for number in range(40)]
    with captured_logs() as logs:
        for device in devices:
            new_rooms.ingest.accept(device, [numbered(1)], "mqtt")
            new_rooms.ingest.accept(device, [numbered(0)], "mqtt")
        new_rooms.clock.pass_s(60)
        new_rooms.ingest.accept(devices[0], [numbered(2), numbered(1)], "mqtt")
        said = NOTICES_BURST + 1
        assert len(logs) == said + 1
    assert logs[-1]["more_unsaid"] == 40 - said


DAY_S = 86_400.0
FUTURE_MAX_S = 300.0


async def set_clock(rooms: Rooms, by_s: float) -> None:
    rooms.clock.set_by += round(by_s * 1e6)
    await rooms.look_at_clock()


def count_from(first: int, rooms: Rooms, device: Device, ahead_s: float = 0.0) -> None:
    """Ten readings, by a device whose clock is the hub's, or ahead of it."""
    start = rooms.clock() + round(ahead_s * 1e6)
    rooms.ingest.accept(device, [numbered(first + n, start + n * SECOND) for n in range(10)], "mqtt")
    rooms.clock.pass_s(10)


@pytest.mark.parametrize("ends_by", ["a step", "a restart", "both"])
@pytest.mark.parametrize("counted", ["once", "again"])
@pytest.mark.parametrize("ahead_s", [2 * FUTURE_MAX_S, 20 * 366 * DAY_S])
async def test_a_clock_that_was_ahead_hides_no_restart_for_longer_than_a_time_may_be_ahead(
    tmp_path: Path, clock: Clock, ahead_s: float, counted: str, ends_by: str
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        count_from(500, rooms, device)
        await set_clock(rooms, ahead_s)
        count_from(510, rooms, device)
        if counted == "again":  # its old count goes on until a time that is ahead, too
            count_from(100, rooms, device)
        await rooms.history.stored
        if ends_by != "a restart":
            await set_clock(rooms, -ahead_s)
    clock.set_by = 0
    async with open_rooms(tmp_path, clock) as rooms:
        if ends_by == "both":
            await set_clock(rooms, -60.0)
        clock.pass_s(FUTURE_MAX_S + 1)
        count_from(0, rooms, device)
        assert states(rooms, device)[1:] == (0, None, 1)
        count_from(10, rooms, device)
        await rooms.history.stored
        assert {float(n) for n in range(20)} <= set(await stored(rooms, device))
        assert states(rooms, device)[0] == 19


async def test_the_clock_set_back_while_the_hub_runs_hides_no_restart_either(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    await set_clock(rooms, DAY_S)
    count_from(500, rooms, device)
    await set_clock(rooms, -DAY_S)
    rooms.clock.pass_s(FUTURE_MAX_S + 1)
    count_from(0, rooms, device)
    assert states(rooms, device) == (9, 0, None, 1)


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_clock_that_was_behind_for_a_while_makes_no_restart_of_what_is_sent_again(
    tmp_path: Path, clock: Clock, restarts: bool
) -> None:
    """The device has the right time all along."""
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        first = clock()
        count_from(500, rooms, device)
        await rooms.history.stored
        await set_clock(rooms, -DAY_S)
        if not restarts:
            await set_clock(rooms, DAY_S)
    clock.set_by = 0
    async with open_rooms(tmp_path, clock) as rooms:
        again = [numbered(500 + n, first + n * SECOND) for n in range(10)]
        await rooms.ingest.accept(device, again[3:8], "mqtt").stored
        assert states(rooms, device)[3] == 0
        assert await stored(rooms, device) == [float(500 + n) for n in range(10)]


async def test_a_clock_that_was_behind_while_the_hub_runs_makes_none_either(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    first = rooms.clock()
    count_from(500, rooms, device)
    for by_s in (-DAY_S, DAY_S):
        await set_clock(rooms, by_s)
    rooms.ingest.accept(device, [numbered(500 + n, first + n * SECOND) for n in range(3, 8)], "mqtt")
    assert states(rooms, device)[1:] == (5, rooms.clock(), 0)
