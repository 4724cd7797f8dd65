"""Who is told of what: dependence, silence, reminders, flapping, and the stream for who notifies people."""

from pathlib import Path

import pytest

from hub.alerts.stream import ChangeStream
from hub.fleet.fleet import NewDevice
from hub.model import AlertChange, Device
from tests.alerts.house import House
from tests.rooms import Clock, Rooms, open_rooms


@pytest.fixture
async def house(rooms: Rooms) -> House:
    return House(rooms)


async def test_a_gateway_that_is_down_is_one_alert_and_not_forty(rooms: Rooms, house: House) -> None:
    (gateway, _), *others = await rooms.fleet.add(
        [NewDevice("gateway"), *(NewDevice(f"sensor-{n}", labels={"by": "gateway"}) for n in range(40))]
    )
    sensors: list[Device] = [device for device, _ in others]
    await house.rule({"presence": "offline"}, on={"device": "gateway"}, name="gateway down")
    silent = {"silent_s": 60}
    await house.rule(silent, on={"label": "by=gateway"}, depends_on={"device": "gateway"}, name="silent")
    session = rooms.connect(gateway)
    for _ in range(3):  # so that the hub has run for longer than devices have to connect
        house.wait_s(25)
        for sensor in sensors:
            house.now(sensor, 1.0)
    rooms.roster.leave(session)
    house.wait_s(120)
    open_now = await house.found(firing=True)
    assert [one.name for one in open_now] == ["gateway down"]

    rooms.connect(gateway)
    house.wait_s(5)
    for sensor in sensors[1:]:
        house.now(sensor, 1.0)
    house.wait_s(58, step_s=1)
    [left] = await house.found(firing=True)
    assert (left.name, left.device_id, left.late) == ("silent", "sensor-0", False)


async def test_what_opened_before_the_gateway_was_known_to_be_down_is_silenced_by_it(
    rooms: Rooms, house: House
) -> None:
    gateway, sensor = (await rooms.add("gateway"))[0], (await rooms.add("sensor"))[0]
    session = rooms.connect(gateway)
    await house.rule({"above": 90}, on={"device": "sensor"}, depends_on={"device": "gateway"})
    house.now(sensor, 95.0)
    rooms.roster.leave(session)
    [alert] = await house.found()
    assert alert.silenced is not None
    assert alert.silenced.by == "what its rule depends on is down"  # its name may be hidden
    rooms.connect(gateway)
    house.wait_s(61)
    assert await house.events(alert.id) == ["opened", "silenced", "reminder"]


async def test_what_opens_again_and_again_is_one_alert_told_once_more_and_then_when_it_is_over(
    rooms: Rooms, house: House
) -> None:
    device, _ = await rooms.add("boiler")
    await house.rule({"above": 90})
    for _ in range(10):
        house.now(device, 95.0)
        house.wait_s(5)
        house.now(device, 1.0)
        house.wait_s(5)
    first, second = await house.found()
    assert (first.count, first.flapping, first.state.value) == (1, False, "resolved")
    assert (second.count, second.flapping, second.state.value) == (9, True, "firing")
    house.wait_s(301)
    assert [one.state.value for one in await house.found()] == ["resolved", "resolved"]
    assert await house.events(second.id) == ["opened", "resolved", "opened", "resolved"]


async def test_who_asks_for_it_is_reminded_until_somebody_sees_to_it(rooms: Rooms, house: House) -> None:
    device, _ = await rooms.add("boiler")
    await house.rule({"above": 90}, remind_s=60)
    house.now(device, 95.0)
    house.wait_s(125)
    [alert] = await house.found()
    assert await house.events(alert.id) == ["opened", "reminder", "reminder"]
    await house.alerts.ledger.acknowledge([alert.id], "ada", "")
    house.wait_s(125)
    assert await house.events(alert.id) == ["opened", "reminder", "reminder", "acknowledged"]


class Kept:
    """A consumer that keeps what it is given; it fails at some."""

    def __init__(self, fails_at: int = 0) -> None:
        self.taken: list[AlertChange] = []
        self._fails_at = fails_at

    async def take(self, change: AlertChange) -> None:
        if change.number == self._fails_at:
            raise RuntimeError("killed")
        self.taken.append(change)


def stream(rooms: Rooms, consumer: Kept) -> ChangeStream:
    registry = rooms.registry
    return ChangeStream(registry.alerts, rooms.alerts.ledger, consumer, registry.noted, registry.note)


async def test_each_change_is_handed_on_in_order_and_once_over_restarts(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        house = House(rooms)
        device, _ = await rooms.add("boiler")
        await house.rule({"above": 90})
        first = Kept(fails_at=2)
        await stream(rooms, first).hand_on()
        house.now(device, 95.0)
        house.now(device, 1.0)
        await house.settle()
        with pytest.raises(RuntimeError, match="killed"):
            await stream(rooms, first).hand_on()
    async with open_rooms(tmp_path, clock) as rooms:
        second = Kept()
        await stream(rooms, second).hand_on()
        await stream(rooms, second).hand_on()
    told = [(one.number, one.event.value, one.alert.state.value) for one in first.taken + second.taken]
    assert told == [(1, "opened", "firing"), (2, "resolved", "resolved")]
