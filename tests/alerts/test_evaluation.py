"""Rules on a real hub's rooms: each condition, in time held in the hand; restarts; late readings."""

from pathlib import Path

import pytest

from hub.model import Device
from tests.alerts.house import House
from tests.rooms import T0, Clock, Rooms, open_rooms

S = 1_000_000


@pytest.fixture
async def house(rooms: Rooms) -> House:
    return House(rooms)


@pytest.fixture
async def boiler(rooms: Rooms) -> Device:
    return (await rooms.add("boiler"))[0]


async def test_a_value_beyond_opens_an_alert_and_one_at_the_other_bound_ends_it(
    house: House, boiler: Device
) -> None:
    await house.rule({"above": 90, "clear_below": 85})
    house.send(boiler, (0, 80.0), (1, 91.0), (2, 88.0), (3, 93.0))
    [alert] = await house.found()
    assert (alert.device_id, alert.metric, alert.opened, alert.value) == ("boiler", "t", T0 + S, 91.0)
    assert (alert.peak_at, alert.peak, alert.state.value, alert.late) == (T0 + 3 * S, 93.0, "firing", False)
    house.send(boiler, (4, 84.0))
    assert await house.spans() == [(1.0, 4.0)]
    assert await house.events(alert.id) == ["opened", "resolved"]


async def test_a_value_that_stays_beyond_fires_without_another_reading(house: House, boiler: Device) -> None:
    await house.rule({"above": 90, "for_s": 30})
    house.now(boiler, 95.0)
    house.wait_s(29)
    assert await house.found() == []
    house.wait_s(2)
    assert await house.spans() == [(30.0, None)]


async def test_silence_is_of_the_metric_by_the_hubs_clock_and_ends_with_a_reading(
    house: House, boiler: Device
) -> None:
    house.now(boiler, 1.0)
    await house.rule({"silent_s": 60})
    for _ in range(4):
        house.wait_s(30)
        house.now(boiler, 2.0, name="other")
    [alert] = await house.found()
    assert (alert.opened, alert.state.value) == (T0 + 60 * S, "firing")
    house.now(boiler, 1.0)
    assert await house.spans() == [(60.0, 120.0)]
    house.wait_s(61)
    assert await house.spans() == [(60.0, 120.0), (180.0, None)]


async def test_a_device_that_was_never_seen_is_silent_too(house: House, boiler: Device) -> None:
    await house.rule({"silent_s": 60})
    house.wait_s(61)
    [alert] = await house.found()
    assert (alert.device_id, alert.value) == ("boiler", None)


async def test_a_device_that_sends_other_metrics_is_meant_only_by_its_own_rule(
    house: House, boiler: Device
) -> None:
    house.now(boiler, 2.0, name="other")
    await house.rule({"silent_s": 60})
    house.wait_s(61)
    assert await house.found() == []
    await house.rule({"silent_s": 60}, on={"device": "boiler"})
    house.wait_s(61)
    assert len(await house.found()) == 1


async def test_a_device_that_begins_to_send_other_metrics_is_not_waited_for_any_more(
    house: House, boiler: Device
) -> None:
    await house.rule({"silent_s": 60})
    house.wait_s(61)
    assert len(await house.found(firing=True)) == 1
    house.now(boiler, 2.0, name="other")
    [alert] = await house.found()
    assert (alert.state.value, alert.why) == ("resolved", "the device sends other metrics than this one")


async def test_what_is_expected_is_what_makes_a_device_stale(rooms: Rooms, house: House) -> None:
    device, _ = await rooms.add("pump", expected_interval_s=10)
    house.now(device, 1.0)
    await house.rule({"silent_s": "expected"})
    house.wait_s(29)
    assert await house.found() == []
    house.wait_s(3)
    assert await house.spans() == [(30.0, None)]


async def test_a_device_that_goes_and_comes(rooms: Rooms, house: House, boiler: Device) -> None:
    await house.rule({"presence": "offline", "for_s": 10})
    session = rooms.connect(boiler)
    house.wait_s(100)
    rooms.roster.leave(session)
    house.wait_s(9)
    assert await house.found() == []
    house.wait_s(2)
    rooms.connect(boiler)
    assert await house.spans() == [(110.0, 111.0)]


async def test_two_metrics_and_two_devices_that_differ(rooms: Rooms, house: House, boiler: Device) -> None:
    other, _ = await rooms.add("other")
    house.now(boiler, 50.0)
    house.now(boiler, 50.0, name="return")
    house.now(other, 50.0)
    await house.rule({"differs": {"metric": "return", "by": 5}}, on={"device": "boiler"})
    await house.rule({"differs": {"metric": "t", "device": "other", "by": 10}}, on={"device": "boiler"})
    house.now(boiler, 44.0, name="return")
    [first] = await house.found()
    assert (first.metric, first.value) == ("t", 6.0)
    house.now(other, 61.0)
    assert [one.value for one in await house.found()] == [6.0, -11.0]
    house.now(boiler, 52.0)
    house.now(boiler, 50.0, name="return")
    assert [one.state.value for one in await house.found()] == ["resolved", "resolved"]


async def test_a_rule_of_a_label_follows_the_label(rooms: Rooms, house: House, boiler: Device) -> None:
    await house.rule({"above": 90}, on={"label": "kind=boiler"})
    house.now(boiler, 95.0)
    assert await house.found() == []

    async def label(**labels: str) -> None:
        from dataclasses import replace

        await rooms.fleet.devices.change(boiler, lambda device: replace(device, labels=labels))

    await label(kind="boiler")
    [alert] = await house.found()
    assert alert.state.value == "firing"
    await label(kind="pump")
    [alert] = await house.found()
    assert (alert.state.value, alert.why) == ("resolved", "the rule is not for this device any more")


@pytest.mark.parametrize(
    ("what", "why"), [("rule", "the rule was removed"), ("device", "the device was removed")]
)
async def test_an_alert_ends_with_what_it_is_of(
    rooms: Rooms, house: House, boiler: Device, what: str, why: str
) -> None:
    rule = await house.rule({"above": 90})
    house.now(boiler, 95.0)
    if what == "rule":
        await house.alerts.rules.remove(rule.id)
    else:
        await rooms.fleet.remove(boiler)
    [alert] = await house.found()
    assert (alert.state.value, alert.why) == ("resolved", why)


async def test_a_metric_that_is_removed_or_renamed_ends_its_alerts(
    rooms: Rooms, house: House, boiler: Device
) -> None:
    from dataclasses import replace

    await house.rule({"above": 90})
    house.now(boiler, 95.0)
    metric = rooms.ingest.metric(boiler, "t")
    await rooms.ingest.edit(boiler, metric, replace(metric, name="hot"))
    [alert] = await house.found()
    assert alert.why == "the metric is called hot now"
    house.now(boiler, 95.0)
    await rooms.ingest.drop(boiler, rooms.ingest.metric(boiler, "t"))
    assert [one.why for one in await house.found()][1] == "the metric was removed"


async def test_what_fires_or_is_pending_goes_on_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        house = House(rooms)
        first, second = (await rooms.add("first"))[0], (await rooms.add("second"))[0]
        await house.rule({"above": 90, "for_s": 30})
        house.now(first, 95.0)
        house.wait_s(31)
        house.now(second, 95.0)
        house.wait_s(10)
        assert await house.spans() == [(30.0, None)]
        await rooms.history.stored
    async with open_rooms(tmp_path, clock) as rooms:
        house = House(rooms)
        await house.settle()
        house.wait_s(19)
        assert await house.spans() == [(30.0, None)]
        clock.pass_s(2)
        house.now(second, 96.0)
        house.wait_s(10)
        assert await house.spans() == [(30.0, None), (61.0, None)]
        found = await house.found()
        assert [await house.events(one.id) for one in found] == [["opened"], ["opened"]]
        house.now(rooms.fleet.devices.find("first"), 1.0)
        assert [await house.events(one.id) for one in found] == [["opened", "resolved"], ["opened"]]


async def test_an_alert_that_was_not_written_before_the_hub_was_killed_opens_after_it(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        house = House(rooms)
        device, _ = await rooms.add("boiler")
        await house.rule({"above": 90})
        house.now(device, 95.0)
        await rooms.history.stored
    async with open_rooms(tmp_path, clock) as rooms:
        assert await House(rooms).spans() == [(0.0, None)]


async def test_a_backlog_opens_and_closes_alerts_in_its_past_and_says_that_it_was_late(
    house: House, boiler: Device
) -> None:
    await house.rule({"above": 90, "for_s": 10})
    house.send(boiler, (0, 80.0), (-600, 80.0), (-590, 95.0), (-570, 97.0), (-550, 80.0))
    [alert] = await house.found()
    assert await house.spans() == [(-580.0, -550.0)]
    assert (alert.late, alert.received, alert.peak) == (True, T0, 97.0)


async def test_a_reading_that_comes_late_may_tell_another_story(house: House, boiler: Device) -> None:
    await house.rule({"above": 90, "for_s": 10})
    house.send(boiler, (0, 95.0), (9, 95.0), (20, 95.0))
    assert await house.spans() == [(10.0, None)]
    house.send(boiler, (5, 80.0))
    assert await house.spans() == [(19.0, None)]
    house.send(boiler, (15, 80.0))
    assert await house.spans() == []
    house.wait_s(31)
    assert await house.spans() == [(30.0, None)]
