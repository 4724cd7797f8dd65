"""The one way in: what is taken, repeated, refused, published and stored."""

import asyncio
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.config import LimitsConfig, LiveConfig, ReadingsConfig
from hub.errors import NotFound
from hub.feed import Feed
from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.intake.accept import REJECTIONS_PER_BATCH
from hub.intake.checks import ALIKE_MIN, ReadingChecks
from hub.intake.known import IntakeCounts, KnownDevice
from hub.intake.rate import DeviceRate, Rates
from hub.intake.sequence import SequenceCount
from hub.intake.watched import Unwatched
from hub.model import Device, Metric, MetricType, Presence, Reading, Refusal, SequenceMark, Thresholds, Value
from tests.rooms import T0, Clock, Rooms, open_rooms
from tests.rounds import rounds


def reading(seq: int | None = None, time: int | None = None, **values: Value) -> Reading:
    return Reading(time, dict(values), seq)


async def numbers(rooms: Rooms, device: Device, name: str) -> list[float | str]:
    """All that is stored of a metric, sorted: values of one instant come in any order."""
    metric = rooms.ingest.metrics(device)[name]
    found = await rooms.history.range(metric, 0, T0 * 2, 10_000)
    return sorted(found.avg)


async def test_values_of_every_type_are_published_and_stored(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        receipt = rooms.ingest.accept(
            device, [reading(temperature=20.5, state="heating", door_open=True)], "mqtt"
        )
        assert (receipt.accepted, list(receipt.refusals), receipt.wait_s) == (1, [], 0)
        expected = {
            "temperature": [T0 // 1000, 20.5],
            "state": [T0 // 1000, "heating"],
            "door_open": [T0 // 1000, True],
        }
        assert rooms.feed.device("boiler-1").snapshot() == expected  # live before it is stored
        assert not receipt.stored.done()
        await receipt.stored
    async with open_rooms(tmp_path, clock) as rooms:
        assert rooms.feed.device("boiler-1").snapshot() == expected
        assert rooms.feed.device("boiler-1").presence is Presence.OFFLINE


async def test_the_good_readings_beside_a_bad_one_are_stored(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.ingest.accept(device, [reading(a=1.0, b="text")], "mqtt")
    unreadable = Refusal(-1, "unreadable", "not JSON", b"\xff")
    receipt = rooms.ingest.accept(
        device,
        [
            reading(a=2.0, b="good"),
            reading(a="text", b="kept"),
            reading(a=True),
            reading(a=3.0, time=T0 + 301_000_000),
            reading(a=4.0),
        ],
        "websocket",
        [unreadable],
    )
    assert receipt.accepted == 3
    assert [(one.position, one.code, one.metric) for one in receipt.refusals] == [
        (1, "type", "a"),
        (2, "type", None),
        (3, "future", None),
    ]
    await receipt.stored
    assert await numbers(rooms, device, "a") == [1.0, 2.0, 4.0]
    assert await numbers(rooms, device, "b") == ["good", "kept", "text"]
    kept = await rooms.history.rejections(device, 10)
    assert [(one.code, one.source) for one in kept] == [
        ("future", "websocket"),
        ("type", "websocket"),
        ("type", "websocket"),
        ("unreadable", "websocket"),
    ]
    assert json.loads(kept[1].raw) == {"ts": T0 / 1000, "values": {"a": True}}


async def test_a_range_set_by_an_operator_is_held_and_survives(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        rooms.ingest.accept(device, [reading(a=1.0)], "mqtt")
        wanted = replace(
            rooms.ingest.metric(device, "a"),
            unit="°C",
            minimum=-10.0,
            maximum=90.0,
            decimals=1,
            thresholds=Thresholds(None, 5.0, 28.0, 32.0),
        )
        await rooms.ingest.describe(device, [wanted])
        with pytest.raises(NotFound):
            rooms.ingest.metric(device, "b")
    async with open_rooms(tmp_path, clock) as rooms:
        assert rooms.ingest.metric(device, "a") == wanted
        receipt = rooms.ingest.accept(
            device, [reading(a=value) for value in (-10.0, 90.0, 90.5, -11.0)], "mqtt"
        )
        assert (receipt.accepted, [one.code for one in receipt.refusals]) == (2, ["range", "range"])


async def test_the_number_of_a_removed_metric_is_not_given_to_another_while_its_values_are_there(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        await rooms.ingest.accept(device, [reading(a=1.0)], "mqtt").stored
        await rooms.fleet.remove(device)
        await rooms.history.stored
    async with open_rooms(tmp_path, clock) as rooms:  # nothing has swept up meanwhile
        device, _ = await rooms.add("pump-1")
        await rooms.ingest.accept(device, [reading(a=2.0)], "mqtt").stored
        assert rooms.ingest.metrics(device)["a"].number == 2


async def test_repeated_sequence_numbers_are_acknowledged_and_dropped_also_after_a_restart(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        receipt = rooms.ingest.accept(
            device, [reading(5, a=5.0), reading(5, a=-1.0), reading(6, a=6.0)], "mqtt"
        )
        assert receipt.accepted == 3
        again = rooms.ingest.accept(device, [reading(6, a=-1.0)], "mqtt")
        assert (again.accepted, again.stored.done()) == (1, False)  # the first one is not on disk yet
        await again.stored
        assert receipt.stored.done()
    async with open_rooms(tmp_path, clock) as rooms:
        receipt = rooms.ingest.accept(device, [reading(4, a=-1.0), reading(6, a=-1.0)], "mqtt")
        assert (receipt.accepted, receipt.stored.done()) == (2, True)
        await rooms.ingest.accept(device, [reading(10, a=10.0)], "mqtt").stored
        assert rooms.ingest.sequence(device).lost == 3
        assert await numbers(rooms, device, "a") == [5.0, 6.0, 10.0]


async def test_a_device_has_at_most_so_many_metrics_and_keeps_using_those_it_has(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        await rooms.ingest.accept(device, [reading(a=1.0, b="x", c=True)], "mqtt").stored
    async with open_rooms(tmp_path, clock, limits=LimitsConfig(metrics_max=2)) as rooms:
        receipt = rooms.ingest.accept(device, [reading(a=1.0, b="y", c=False), reading(a=2.0, d=1.0)], "mqtt")
        assert receipt.accepted == 2
        assert [(one.code, one.metric) for one in receipt.refusals] == [("too_many_metrics", "d")]


async def test_a_flood_of_refusals_is_counted_and_kept_in_part(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    refusal = Refusal(0, "type", "wrong", b"{}")
    for _ in range(3):
        rooms.ingest.accept(device, [], "mqtt", [refusal] * (REJECTIONS_PER_BATCH - 1))
    assert len(rooms.history.batch.rejections) == REJECTIONS_PER_BATCH
    assert rooms.ingest.counts.refused == 3 * (REJECTIONS_PER_BATCH - 1)
    await rooms.history.stored


async def test_over_its_rate_a_device_is_told_to_wait_and_nothing_is_dropped(
    tmp_path: Path, clock: Clock
) -> None:
    limits = LimitsConfig(readings_per_s=10, readings_burst=20)
    async with open_rooms(tmp_path, clock, limits=limits) as rooms:
        device, _ = await rooms.add("boiler-1")
        other, _ = await rooms.add("pump-1")
        receipt = rooms.ingest.accept(device, [reading(a=1.0)] * 50, "mqtt")
        assert (receipt.accepted, receipt.wait_s) == (50, 3.0)
        assert rooms.ingest.wait_s(other) == 0
        clock.pass_s(-100)  # a clock set back gives nothing and takes nothing
        assert rooms.ingest.wait_s(device) == 3.0
        clock.pass_s(3)
        assert rooms.ingest.wait_s(device) == 0


async def test_past_its_limit_the_intake_is_full_until_the_disk_has_caught_up(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock, limits=LimitsConfig(pending_readings=10)) as rooms:
        device, _ = await rooms.add("boiler-1")
        rooms.ingest.accept(device, [reading(a=1.0)] * 9, "mqtt")
        seen = [rooms.ingest.full]
        rooms.ingest.accept(device, [reading(a=1.0)], "mqtt")
        seen.append(rooms.ingest.full)
        await asyncio.wait_for(rooms.ingest.room(), 10)
        seen.append(rooms.ingest.full)
        assert seen == [False, True, False]


@pytest.mark.parametrize(
    "large",
    [Reading(None, {"log": "x" * 4096}), Reading(None, {f"m{number}": 1.0 for number in range(100)})],
    ids=["a long text", "many values"],
)
async def test_large_readings_fill_the_intake_sooner(tmp_path: Path, clock: Clock, large: Reading) -> None:
    async with open_rooms(tmp_path, clock, limits=LimitsConfig(pending_readings=10)) as rooms:
        device, _ = await rooms.add("boiler-1")
        receipt = rooms.ingest.accept(device, [large], "mqtt")
        assert (receipt.accepted, rooms.ingest.full) == (1, True)
        await receipt.stored
        assert rooms.history.pending == 0


async def test_metrics_of_a_restart_do_not_collide(tmp_path: Path, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        async with open_rooms(tmp_path, clock) as rooms:
            if name == "a":
                await rooms.add("boiler-1")
            device = rooms.fleet.devices.find("boiler-1")
            await rooms.ingest.accept(device, [Reading(None, {name: 1.0})], "mqtt").stored
            clock.pass_s(1)
            found = rooms.ingest.metrics(device)
            assert len({metric.number for metric in found.values()}) == len(found)
    assert list(found) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "late",
    [[reading(a=5.0, time=T0 - 3)], [reading(a=float(n), time=T0 - n) for n in range(2 * ALIKE_MIN, 1, -1)]],
)
async def test_what_comes_late_is_stored_and_hides_nothing_newer(rooms: Rooms, late: list[Reading]) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.ingest.accept(device, [reading(a=1.0, b=1.0, time=T0 - 1)], "mqtt")
    rooms.ingest.accept(device, late, "mqtt")
    rooms.ingest.accept(device, [reading(c=float(n), time=T0 - 100 + n) for n in (1, 7, 3)], "mqtt")
    snapshot = rooms.feed.device("boiler-1").snapshot()
    assert {name: value for name, (_, value) in snapshot.items()} == {"a": 1.0, "b": 1.0, "c": 7.0}
    await rooms.history.stored
    assert await numbers(rooms, device, "a") == sorted([1.0, *(float(one.values["a"]) for one in late)])


VALUES = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20), st.booleans())
READINGS = st.lists(
    st.builds(
        Reading,
        st.none() | st.integers(T0 - 10**12, T0 + 400_000_000),
        st.dictionaries(st.sampled_from("abcdef"), VALUES, min_size=1, max_size=4),
        st.none() | st.integers(0, 30),
    ),
    max_size=12,
)


@settings(max_examples=rounds(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(READINGS, max_size=6))
def test_every_reading_is_stored_once_or_refused_or_repeated(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[Reading]]
) -> None:
    async def check() -> None:
        async with open_rooms(tmp_path_factory.mktemp("data"), Clock()) as rooms:
            device, _ = await rooms.add("boiler-1")
            refused = wholly = 0
            for readings in calls:
                receipt = rooms.ingest.accept(device, readings, "http")
                lost = sum(one.metric is None for one in receipt.refusals)
                assert receipt.accepted + lost == len(readings)
                wholly += lost
                assert all(0 <= one.position < len(readings) and one.message for one in receipt.refusals)
                refused += len(receipt.refusals)
            await rooms.history.stored
            counts = rooms.ingest.counts
            taken = sum(map(len, calls)) - wholly - counts.repeated
            assert (counts.readings, counts.refused) == (taken, refused)
            assert rooms.feed.device("boiler-1").offset == taken
            rows = 0
            for name in rooms.ingest.metrics(device):
                rows += len(await numbers(rooms, device, name))
            assert rows == counts.values
            assert len(await rooms.history.rejections(device, 1000)) == refused
            assert rooms.history.pending == 0

    asyncio.run(check())


ROWS = st.lists(
    st.fixed_dictionaries({"a": st.floats(-5, 5), "b": st.just("text"), "c": st.booleans()}),
    min_size=1,
    max_size=2 * ALIKE_MIN,
)
ALIKE = st.builds(
    lambda first, start, rows: [
        Reading(None if start is None else start + place, row, first + place)
        for place, row in enumerate(rows)
    ],
    st.integers(0, 30),
    st.none()
    | st.integers(T0 - 50, T0 + 50),  # so that counts begin again, and late readings are of the old one
    ROWS,
)


class Judged:
    """All that the checks said of one device's readings."""

    def __init__(self) -> None:
        self._checks = ReadingChecks(LimitsConfig(metrics_max=5), ReadingsConfig())
        channel = Feed(LiveConfig(), "e", lambda: 0.0).add("a")
        rate, device = DeviceRate(Rates(1.0, 1.0, 1.0, 1.0)), Device(1, "a", "a", {}, 0)
        self._known = KnownDevice(1, channel, SequenceCount(), rate, IntakeCounts(), Unwatched(device))
        self._known.learn(Metric(9, 1, "a", MetricType.NUMBER, minimum=-4.0, maximum=4.0))
        self.columns: dict[int, list[tuple[int, float | str]]] = defaultdict(list)
        self.live: list[tuple[int, dict[str, Value]]] = []
        self.refused: list[tuple[str, str, bytes]] = []
        self.counts = [0, 0]
        self.sequence: SequenceMark | None = None

    async def judge(self, readings: list[Reading]) -> None:
        batch = Batch(1, Commit(loop=asyncio.get_running_loop()))
        found = self._checks.check(self._known, readings, T0, batch)
        columns = found.columns
        for metric, time, value in zip(columns.metrics, columns.times, columns.values, strict=True):
            self.columns[metric].append((time, value))
        for metric, time, text in columns.texts:
            self.columns[metric].append((time, text))
        self.live += zip(found.run.times, found.run.values, strict=True)
        self.refused += [(one.code, one.message, one.raw) for one in found.refusals]
        self.counts = [self.counts[0] + found.repeated, self.counts[1] + found.lost]
        self.sequence = batch.sequences.get(1, self.sequence)

    def said(self) -> object:
        return self.columns, self.live, self.refused, self.counts, self.sequence


@settings(max_examples=rounds(100), deadline=None)
@given(st.lists(READINGS | ALIKE, max_size=6))
def test_readings_that_come_together_are_judged_as_each_alone(calls: list[list[Reading]]) -> None:
    async def check() -> None:
        together, alone = Judged(), Judged()
        for readings in calls:
            await together.judge(readings)
            for one in readings:
                await alone.judge([one])
        assert together.said() == alone.said()

    asyncio.run(check())
