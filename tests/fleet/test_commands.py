"""The life of a command, from queued to one of its ends, whatever the order of things."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from hub.errors import Busy, Conflict, Invalid, NotFound, StoreError
from hub.fleet.commands import METHOD_MAX, OPEN_MAX, TIMEOUT_MAX_S
from hub.fleet.session import Handover
from hub.model import Command, CommandState, Device
from hub.registry.commands import KEPT_MAX
from tests.captured_logs import captured_logs
from tests.registry.disks import locked
from tests.rooms import Clock, Rooms, open_rooms
from tests.waiting import until


@asynccontextmanager
async def running(rooms: Rooms) -> AsyncIterator[None]:
    task = asyncio.create_task(rooms.commands.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def on_disk(rooms: Rooms, device: Device, state: CommandState, number: int = 1) -> None:
    """Wait until so many commands of the device are in this state in the registry."""
    async with asyncio.timeout(15):
        while [one.state for one in await rooms.registry.commands.of(device, 100)].count(state) < number:
            await asyncio.sleep(0.01)


async def test_a_command_goes_to_the_newest_session_that_takes_it(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    old, new = rooms.connect(device), rooms.connect(device)
    new.deaf = True
    sent = await rooms.commands.send(device, "reboot", {"in_s": 1}, 10)
    assert (sent.state, sent.sent_at) == (CommandState.SENT, rooms.clock.now)
    assert [one.id for one in old.delivered if isinstance(one, Command)] == [sent.id]
    assert new.delivered == []


async def test_a_command_waits_for_a_device_that_is_away_and_goes_out_once(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    first = await rooms.commands.send(device, "a", None, 10)
    second = await rooms.commands.send(device, "b", None, 10)
    assert first.state is CommandState.QUEUED
    session = rooms.connect(device)
    rooms.commands.ready(device)
    rooms.commands.ready(device)
    assert [one.id for one in session.delivered if isinstance(one, Command)] == [first.id, second.id]
    assert [one.state for one in await rooms.commands.list(device, 10)] == [CommandState.SENT] * 2


async def test_an_expired_command_is_not_delivered_even_before_it_is_swept(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        await rooms.commands.send(device, "open_valve", None, 10)
    clock.pass_s(11)
    async with open_rooms(tmp_path, clock) as rooms:
        session = rooms.connect(rooms.fleet.devices.find("boiler-1"))
        rooms.commands.ready(device)
        assert session.delivered == []
        async with running(rooms):
            await on_disk(rooms, device, CommandState.EXPIRED)
        with pytest.raises(Conflict):
            await rooms.commands.answer(device, 1, None)


async def test_an_answer_is_on_disk_when_it_returns_and_stays_the_last_word(rooms: Rooms) -> None:
    """The step to `sent` is still being written when the answers come."""
    device, _ = await rooms.add("boiler-1")
    session = rooms.connect(device)
    async with running(rooms):
        for _ in range(5):
            sent = await asyncio.gather(
                *(rooms.commands.send(device, "m", None, 10) for _ in range(OPEN_MAX // 5))
            )
            await asyncio.gather(*(rooms.commands.answer(device, one.id, {"n": one.id}) for one in sent))
    assert len(session.delivered) == OPEN_MAX
    kept = await rooms.registry.commands.of(device, 1000)
    assert {one.state for one in kept} == {CommandState.DONE}
    assert all(one.response == {"n": one.id} and one.sent_at is not None for one in kept)


async def test_only_the_first_answer_counts(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.connect(device)
    sent = await rooms.commands.send(device, "m", None, 10)
    found = await asyncio.gather(
        *(rooms.commands.answer(device, sent.id, number) for number in range(3)), return_exceptions=True
    )
    assert [type(one) for one in found] == [type(None), Conflict, Conflict]
    assert (await rooms.commands.list(device, 1))[0].response == 0
    with pytest.raises(NotFound):
        await rooms.commands.answer(device, sent.id + 1, None)


async def test_an_answer_the_disk_did_not_take_can_be_given_again(new_rooms: Rooms) -> None:
    device, _ = await new_rooms.add("boiler-1")
    new_rooms.connect(device)
    sent = await new_rooms.commands.send(device, "m", None, 10)
    with locked(new_rooms.registry):
        with pytest.raises(StoreError):
            await new_rooms.commands.answer(device, sent.id, "lost")
        assert (await new_rooms.commands.list(device, 1))[0].state is CommandState.SENT
    await new_rooms.commands.answer(device, sent.id, "kept")
    (kept,) = await new_rooms.registry.commands.of(device, 1)
    assert (kept.state, kept.response) == (CommandState.DONE, "kept")


async def test_the_loop_outlives_a_disk_that_says_no(new_rooms: Rooms) -> None:
    device, _ = await new_rooms.add("boiler-1")
    await new_rooms.commands.send(device, "m", None, 10)
    async with running(new_rooms):
        with captured_logs() as said, locked(new_rooms.registry):
            new_rooms.connect(device)
            new_rooms.commands.ready(device)
            await until(lambda: [line["event"] for line in said] == ["cannot write commands; retrying"])
        await on_disk(new_rooms, device, CommandState.SENT)


@pytest.mark.parametrize("became", ["sent", "delivered", "sent for good"])
async def test_after_a_restart_what_may_not_have_arrived_is_sent_again_and_nothing_else(
    tmp_path: Path, clock: Clock, became: str
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        async with running(rooms):
            await asyncio.sleep(0)
            session = rooms.connect(device)
            if became == "sent for good":
                session.handover = Handover.NEVER_CONFIRMED
            sent = await rooms.commands.send(device, "open_valve", None, 10)
            if became == "delivered":
                rooms.commands.delivered(device, [sent.id])
    async with open_rooms(tmp_path, clock) as rooms:
        session = rooms.connect(rooms.fleet.devices.find("boiler-1"))
        rooms.commands.ready(device)
        assert bool(session.delivered) == (became == "sent")
        await rooms.commands.answer(device, sent.id, None)


async def test_a_session_that_ends_gives_its_commands_to_the_next_in_their_order(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    first = rooms.connect(device)
    sent = [await rooms.commands.send(device, method, None, 10) for method in "abcd"]
    rooms.commands.delivered(device, [sent[1].id])
    first.deaf = True
    second = rooms.connect(device)
    rooms.commands.returned(device, [one.id for one in reversed(sent)])
    assert [one.method for one in second.delivered if isinstance(one, Command)] == ["a", "c", "d"]
    states = [one.state.value for one in await rooms.commands.list(device, 10)]
    assert states == ["sent", "sent", "delivered", "sent"]


async def test_what_a_carrier_without_acknowledgements_took_is_never_sent_again(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.connect(device).handover = Handover.NEVER_CONFIRMED
    sent = await rooms.commands.send(device, "reboot", None, 10)
    other = rooms.connect(device)
    rooms.commands.returned(device, [sent.id])
    rooms.commands.ready(device)
    assert other.delivered == []
    assert (await rooms.commands.one(device, sent.id)).state is CommandState.SENT


@pytest.mark.parametrize(
    ("response", "state"),
    [
        ({"error": "no such valve"}, CommandState.FAILED),
        ({"error": None}, CommandState.FAILED),
        ({"ok": True}, CommandState.DONE),
        ("error", CommandState.DONE),
        (None, CommandState.DONE),
    ],
)
async def test_an_answer_says_that_it_arrived_and_whether_it_failed(
    rooms: Rooms, response: object, state: CommandState
) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.connect(device)
    sent = await rooms.commands.send(device, "m", None, 10)
    rooms.clock.pass_s(1)
    await rooms.commands.answer(device, sent.id, response)
    ended = await rooms.commands.one(device, sent.id)
    now = rooms.clock.now
    assert (ended.state, ended.delivered_at, ended.ended_at) == (state, now, now)


async def test_only_what_is_queued_can_be_cancelled(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    queued = await rooms.commands.send(device, "a", None, 10)
    await rooms.commands.cancel(device, queued.id)
    session = rooms.connect(device)
    rooms.commands.ready(device)
    assert session.delivered == []
    (kept,) = await rooms.registry.commands.of(device, 10)
    assert (kept.state, kept.ended_at) == (CommandState.CANCELLED, rooms.clock.now)
    sent = await rooms.commands.send(device, "b", None, 10)
    for command_id in (queued.id, sent.id):
        with pytest.raises(Conflict):
            await rooms.commands.cancel(device, command_id)
    with pytest.raises(NotFound):
        await rooms.commands.cancel(device, sent.id + 1)


async def test_a_command_that_the_disk_would_not_cancel_goes_out(new_rooms: Rooms) -> None:
    device, _ = await new_rooms.add("boiler-1")
    queued = await new_rooms.commands.send(device, "a", None, 10)
    with locked(new_rooms.registry):
        cancelling = asyncio.create_task(new_rooms.commands.cancel(device, queued.id))
        await asyncio.sleep(0)
        session = new_rooms.connect(device)
        new_rooms.commands.ready(device)
        assert session.delivered == []  # not while nobody knows
        with pytest.raises(StoreError):
            await cancelling
    assert [one.id for one in session.delivered if isinstance(one, Command)] == [queued.id]


async def test_the_same_request_is_one_command_also_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        first = await rooms.commands.send(device, "m", {"a": 1}, 10, b"key")
        assert (await rooms.commands.send(device, "m", {"a": 1}, 10, b"key")).id == first.id
        assert (await rooms.commands.send(device, "m", {"a": 1}, 10, b"other")).id != first.id
    async with open_rooms(tmp_path, clock) as rooms:
        device = rooms.fleet.devices.find("boiler-1")
        assert (await rooms.commands.send(device, "m", {"a": 1}, 10, b"key")).id == first.id
        with pytest.raises(Invalid, match="another body"):
            await rooms.commands.send(device, "m", {"a": 2}, 10, b"key")
        assert rooms.commands.open_count(device) == 2


async def test_of_commands_that_have_ended_the_newest_are_kept(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    kept = await rooms.commands.send(device, "open for long", None, 1_000)
    now = rooms.clock.now
    ended = Command(0, device.number, "m", None, CommandState.EXPIRED, now, now, ended_at=now)
    for _ in range(KEPT_MAX + 5):
        last, _ = await rooms.registry.commands.add(ended)
    found = await rooms.registry.commands.of(device, 2 * KEPT_MAX)
    assert len(found) == KEPT_MAX + 1
    assert (found[0].id, found[-1].id) == (last.id, kept.id)


# The machine by itself


def test_every_way_through_the_states_ends_and_none_leads_back_from_an_end() -> None:
    now = 10
    queued = Command(1, 1, "m", None, CommandState.QUEUED, 0, 100)
    steps: dict[str, Callable[[Command], Command]] = {
        "queue again": lambda one: one.queued_again(),
        "send": lambda one: one.sent(now),
        "deliver": lambda one: one.delivered(now),
        "answer": lambda one: one.answered(now, None),
        "fail": lambda one: one.failed(now, "why"),
        "expire": lambda one: one.expired(now),
        "cancel": lambda one: one.cancelled(now),
    }
    found: dict[CommandState, set[str]] = {}
    waiting = [queued]
    while waiting:
        command = waiting.pop()
        if command.state in found:
            continue
        found[command.state] = set()
        for name, step in steps.items():
            try:
                waiting.append(step(command))
            except RuntimeError:
                continue
            found[command.state].add(name)
    ends = {"answer", "fail", "expire"}
    assert found == {
        CommandState.QUEUED: ends | {"send", "deliver", "cancel"},
        CommandState.SENT: ends | {"queue again", "deliver"},
        CommandState.DELIVERED: ends,
        CommandState.DONE: set(),
        CommandState.FAILED: set(),
        CommandState.EXPIRED: set(),
        CommandState.CANCELLED: set(),
    }
    assert [state for state in CommandState if state.is_open] == ["queued", "sent", "delivered"]


async def test_commands_of_a_removed_device_are_forgotten(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.connect(device)
    sent = await rooms.commands.send(device, "m", None, 10)
    await rooms.fleet.remove(device)
    rooms.commands.forget(device)
    async with running(rooms):
        await asyncio.sleep(0)
    assert await rooms.commands.list(device, 10) == []
    with pytest.raises(NotFound):
        await rooms.commands.answer(device, sent.id, None)


async def test_open_commands_of_a_device_are_bounded_however_many_come_at_once(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    found = await asyncio.gather(
        *(rooms.commands.send(device, "m", None, 10) for _ in range(OPEN_MAX + 20)), return_exceptions=True
    )
    assert sum(isinstance(one, Command) for one in found) == OPEN_MAX
    assert sum(isinstance(one, Busy) for one in found) == 20
    rooms.clock.pass_s(10)
    async with running(rooms):
        await on_disk(rooms, device, CommandState.EXPIRED, OPEN_MAX)
    assert (await rooms.commands.send(device, "m", None, 10)).state is CommandState.QUEUED


@pytest.mark.parametrize(
    ("method", "timeout_s"),
    [
        ("", 1),
        ("x" * (METHOD_MAX + 1), 1),
        ("a\nb", 1),
        ("m", 0),
        ("m", TIMEOUT_MAX_S + 1),
        ("m", float("nan")),
    ],
)
async def test_a_command_out_of_bounds_is_refused(rooms: Rooms, method: str, timeout_s: float) -> None:
    device, _ = await rooms.add("boiler-1")
    with pytest.raises(Invalid):
        await rooms.commands.send(device, method, None, timeout_s)
