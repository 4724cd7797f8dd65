"""How fast one device may send: readings, values and bytes; what is over it waits, and is told why."""

from dataclasses import replace
from pathlib import Path

import pytest

from hub.config import LimitsConfig, LimitsOverride
from hub.intake.rate import LIMITED_FOR_US
from hub.model import Reading, Value
from tests.rooms import Clock, open_rooms

# 2 s of each may come at once.
LIMITS = LimitsConfig(
    readings_per_s=100,
    readings_burst=200,
    values_per_s=1_000,
    bytes_per_s=10_000,
    overrides=(
        LimitsOverride(label="kind=gateway", values_per_s=4_000),
        LimitsOverride(label="site=north", values_per_s=1, readings_per_s=400),
    ),
)
VALUES: dict[str, Value] = {f"m{number}": float(number) for number in range(100)}


@pytest.mark.parametrize(
    ("readings", "size", "limit", "wait_s"),
    [
        ([Reading(None, {"a": 1.0})] * 500, 500, "limits.readings_per_s", 3.0),
        ([Reading(None, VALUES)] * 50, 500, "limits.values_per_s", 3.0),
        ([Reading(None, {"a": "x" * 99})] * 10, 50_000, "limits.bytes_per_s", 3.0),
        ([], 50_000, "limits.bytes_per_s", 3.0),  # nothing that could be read
        ([Reading(None, {"a": 1.0})] * 200, 20_000, "", 0.0),  # all that may come at once
    ],
    ids=["readings", "values", "long texts", "nothing", "a burst"],
)
async def test_whatever_a_device_sends_much_of_it_is_slowed_and_nothing_is_dropped(
    tmp_path: Path, clock: Clock, readings: list[Reading], size: int, limit: str, wait_s: float
) -> None:
    async with open_rooms(tmp_path, clock, limits=LIMITS) as rooms:
        device, _ = await rooms.add("boiler-1")
        other, _ = await rooms.add("pump-1")
        receipt = rooms.ingest.accept(device, readings, "mqtt", size=size)
        assert (receipt.accepted, receipt.wait_s, receipt.limit) == (len(readings), wait_s, limit)
        assert rooms.ingest.wait_s(other) == 0
        told = {name: (one.since, one.waited_s) for name, one in rooms.ingest.limited(device).items()}
        assert told == ({limit: (clock(), wait_s)} if limit else {})
        assert rooms.ingest.counts.limited_s == ({limit: wait_s} if limit else {})
        clock.pass_s(wait_s)
        assert rooms.ingest.wait_s(device) == 0
        clock.pass_s(LIMITED_FOR_US / 1e6 + 1)
        assert rooms.ingest.limited(device) == {}


async def test_how_many_readings_may_come_at_once_says_nothing_of_values_and_bytes(
    tmp_path: Path, clock: Clock
) -> None:
    limits = LimitsConfig(readings_per_s=10_000_000, readings_burst=20_000)
    async with open_rooms(tmp_path, clock, limits=limits) as rooms:
        device, _ = await rooms.add("boiler-1")
        receipt = rooms.ingest.accept(device, [Reading(None, {"a": 1.0})] * 20_000, "mqtt", size=4_000_000)
        assert receipt.wait_s == 0


async def test_a_device_that_goes_on_over_its_rate_waits_as_long_as_it_takes(
    tmp_path: Path, clock: Clock
) -> None:
    """What it waited in all is what was over the burst: no second is counted twice."""
    async with open_rooms(tmp_path, clock, limits=LIMITS) as rooms:
        device, _ = await rooms.add("boiler-1")
        for _ in range(6):
            rooms.ingest.accept(device, [Reading(None, {"a": 1.0})] * 100, "mqtt")
        [(limit, one)] = rooms.ingest.limited(device).items()
        assert (limit, one.waited_s) == ("limits.readings_per_s", 4.0)


@pytest.mark.parametrize(
    ("labels", "wait_s"),
    [
        ({}, 3.0),
        ({"kind": "gateway"}, 0.0),
        ({"kind": "pump"}, 3.0),
        ({"kind": "gateway", "site": "north"}, 0.0),  # the first that fits
    ],
)
async def test_a_label_gives_other_rates_at_once(
    tmp_path: Path, clock: Clock, labels: dict[str, str], wait_s: float
) -> None:
    async with open_rooms(tmp_path, clock, limits=LIMITS) as rooms:
        device, _ = await rooms.add("boiler-1")
        device = await rooms.fleet.devices.change(device, lambda found: replace(found, labels=labels))
        assert rooms.ingest.accept(device, [Reading(None, VALUES)] * 50, "mqtt").wait_s == wait_s
    async with open_rooms(tmp_path, clock, limits=LIMITS) as rooms:  # and after a restart
        device = rooms.fleet.devices.find("boiler-1")
        assert rooms.ingest.accept(device, [Reading(None, VALUES)] * 50, "mqtt").wait_s == wait_s
