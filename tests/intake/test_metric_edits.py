"""Metrics are renamed, get other types and are removed: the history says what plain Python says."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.config import ReadingsConfig
from hub.errors import Conflict, Invalid, StoreError
from hub.history.contract import KeptFor
from hub.history.duckdb.conversion import convert
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.intake.known import MetricCheck
from hub.intake.values import ValueChecks
from hub.model import MetricType, Reading, Value, converted
from tests.history.rows import database, folded
from tests.rooms import T0, Clock, Rooms, open_rooms
from tests.rounds import rounds

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
START = T0 - 40 * HOUR_US
KINDS: dict[MetricType, type] = {MetricType.NUMBER: float, MetricType.TEXT: str, MetricType.BOOLEAN: bool}
CHECKS = ValueChecks(ReadingsConfig())


LEFT = """SELECT DISTINCT metric FROM (
              SELECT metric FROM readings UNION ALL SELECT metric FROM sealed
              UNION ALL SELECT metric FROM minutes UNION ALL SELECT metric FROM hours
              UNION ALL SELECT metric FROM latest
              UNION ALL SELECT old FROM conversions)"""


async def keep(rooms: Rooms, policy: Callable[[], Mapping[int, KeptFor]] = dict) -> None:
    """Everything that the keeper would do in the end; for it everything is full at once."""
    await folded(rooms.history)
    keeper = Keeper(database(rooms.history), policy, rooms.clock, Bounds(1, HOUR_US, 2))
    while await keeper.step():
        pass


@dataclass
class Known:
    """A metric as it should be."""

    type: MetricType
    values: list[tuple[int, Value]] = field(default_factory=list)


@dataclass
class Run:
    """A hub that is stopped and started, and what it should know of its device's metrics, by name."""

    folder: Path
    known: dict[str, Known] = field(default_factory=dict)

    async def do(self, actions: list[tuple[Any, ...]]) -> None:
        """All actions, between some of which the hub is restarted."""
        while actions:
            async with open_rooms(self.folder, Clock()) as rooms:
                if not len(rooms.fleet.devices):
                    await rooms.add("boiler")
                while actions and (action := actions.pop(0))[0] != "restart":
                    await getattr(self, "_" + action[0])(rooms, *action[1:])
        async with open_rooms(self.folder, Clock()) as rooms:
            await keep(rooms)
        async with open_rooms(self.folder, Clock()) as rooms:
            await self.check(rooms)

    async def _keep(self, rooms: Rooms) -> None:
        await keep(rooms)

    async def _send(self, rooms: Rooms, name: str, minute: int, value: Value) -> None:
        time = START + minute * MINUTE_US // 3
        rooms.ingest.accept(rooms.fleet.devices.find("boiler"), [Reading(time, {name: value})], "mqtt")
        known = self.known.get(name)
        check = None if known is None else MetricCheck(0, KINDS[known.type], float("-inf"), float("inf"))
        try:
            taken = CHECKS.read(check, name, value)
        except Invalid:
            return
        if taken is not None:
            kind = next(kind for kind, one in KINDS.items() if one is type(taken))
            self.known.setdefault(name, Known(kind)).values.append((time, taken))

    async def _retype(self, rooms: Rooms, name: str, kind: MetricType) -> None:
        if name not in self.known:
            return
        device = rooms.fleet.devices.find("boiler")
        metric = rooms.ingest.metric(device, name)
        rooms.ingest.edit(device, metric, metric.with_type(kind))
        read = [(time, converted(value, kind)) for time, value in self.known[name].values]
        self.known[name] = Known(kind, [(time, value) for time, value in read if value is not None])

    async def _rename(self, rooms: Rooms, name: str, new: str) -> None:
        if name not in self.known or new == name:
            return
        device = rooms.fleet.devices.find("boiler")
        metric = rooms.ingest.metric(device, name)
        if new in self.known:
            with pytest.raises(Conflict):
                rooms.ingest.edit(device, metric, replace(metric, name=new))
        else:
            rooms.ingest.edit(device, metric, replace(metric, name=new))
            self.known[new] = self.known.pop(name)

    async def _drop(self, rooms: Rooms, name: str) -> None:
        if name in self.known:
            device = rooms.fleet.devices.find("boiler")
            rooms.ingest.drop(device, rooms.ingest.metric(device, name))
            del self.known[name]

    async def check(self, rooms: Rooms) -> None:
        """Readings, minutes, hours and latest values are what they should be; nothing is left of others."""
        metrics = rooms.ingest.metrics(rooms.fleet.devices.find("boiler"))
        assert {name: one.type for name, one in metrics.items()} == {
            name: one.type for name, one in self.known.items()
        }
        snapshot = rooms.feed.device("boiler").snapshot()
        for name, known in self.known.items():
            numbers = [
                (time, value if known.type is MetricType.TEXT else float(value))
                for time, value in known.values
            ]
            page = await rooms.history.raw(metrics[name], 0, T0 * 2, None, 10_000)
            assert sorted(zip(page.time, page.value, strict=True)) == sorted(numbers)
            newest = max((time for time, _ in known.values), default=None)
            if newest is None:
                assert name not in snapshot
            else:
                assert snapshot[name][0] == newest // 1000
                assert snapshot[name][1] in [value for time, value in known.values if time == newest]
            for table, width in (("minutes", MINUTE_US), ("hours", HOUR_US)):
                assert await counted(rooms, table, metrics[name].number) == counts(numbers, width)
        left = await database(rooms.history).keep(lambda cursor: cursor.execute(LEFT).fetchall())
        assert {number for (number,) in left} <= {one.number for one in metrics.values()}


async def counted(rooms: Rooms, table: str, number: int) -> dict[int, tuple[Any, ...]]:
    """What a tier says of a metric: by the start of each bucket its count, least, greatest and sum."""
    rows = await database(rooms.history).keep(
        lambda cursor: cursor.execute(
            f"""SELECT epoch_us(time), sum(count)::BIGINT, min(low), max(high), sum(total) FROM {table}
                WHERE metric = ? GROUP BY time""",
            [number],
        ).fetchall()
    )
    return {start: tuple(rest) for start, *rest in rows}


def counts(values: list[tuple[int, Any]], width: int) -> dict[int, tuple[Any, ...]]:
    buckets: dict[int, list[Any]] = defaultdict(list)
    for time, value in values:
        buckets[time - time % width].append(value)
    return {
        start: (len(one), None, None, None)
        if isinstance(one[0], str)
        else (len(one), min(one), max(one), pytest.approx(sum(one)))
        for start, one in buckets.items()
    }


NUMBERS = st.integers(-50, 50).map(lambda number: number / 2) | st.sampled_from([0.0, 1.0, 1e17, -0.125])
NUMERIC = st.integers(-50, 50).map(str) | st.sampled_from(
    ["21.5", " 22 ", "1", "1e3", "-.5", "9007199254740992"]
)
WORDS = st.sampled_from(["off", "true", "0", "1", "", "unknown", "9007199254740993", "1_0"])
# What a metric is sent in a while: of one kind, as devices do, or of all.
SENT = st.one_of(
    *(st.lists(one, min_size=3, max_size=8) for one in (NUMBERS, NUMERIC, NUMERIC | WORDS, st.booleans())),
    st.lists(NUMBERS | NUMERIC | WORDS | st.booleans(), min_size=3, max_size=8),
)
NAME = st.sampled_from("mmn")
KIND = st.sampled_from([*MetricType, MetricType.NUMBER])
EDIT = st.one_of(
    *[st.tuples(st.just("retype"), NAME, KIND)] * 3,
    st.tuples(st.just("rename"), NAME, NAME),
    st.tuples(st.just("drop"), NAME),
)
# A metric is sent something, close together, so that minutes and hours hold several. That is sealed, or not.
# Then comes an edit.
PHASE = st.tuples(
    NAME, SENT, st.integers(0, 6), st.sampled_from([(), ("keep",), ("keep",), ("restart",)]), EDIT
)


TO_NUMBER = ("retype", "m", MetricType.NUMBER)


def actions_of(phases: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    actions: list[tuple[Any, ...]] = []
    for name, sent, start, kept, edit in phases:
        actions += [("send", name, start + place, value) for place, value in enumerate(sent)]
        actions += [kept] if kept else []
        actions.append(edit)
    return actions


@settings(max_examples=rounds(8), deadline=None)
@given(st.lists(PHASE, min_size=1, max_size=3))
# None of it is converted yet.
@example([("m", ["1", "2"], 0, ("keep",), TO_NUMBER), ("m", [3.0], 3, (), ("drop", "m"))])
@example(
    [
        ("m", ["1", "off"], 0, ("keep",), TO_NUMBER),
        ("m", [0.0, 1.0], 3, (), ("retype", "m", MetricType.BOOLEAN)),
    ]
)
@example([("m", ["1", "2"], 0, (), TO_NUMBER), ("m", ["3"], 3, ("restart",), ("rename", "m", "n"))])
def test_whatever_becomes_of_metrics_the_history_says_what_python_says(
    phases: list[tuple[Any, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Run(Path(folder)).do(actions_of(phases)))


async def test_what_retention_has_left_of_texts_counts_by_its_last_value(
    tmp_path: Path, clock: Clock
) -> None:
    """Of a minute whose values are gone, the last text is all that is known; of one that has them, all."""
    day = 24 * HOUR_US
    old, new = START - START % day - 3 * day, START - START % day
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler")
        for start in (old, new):
            texts = [(0, "1"), (1, "3"), (MINUTE_US, "off"), (MINUTE_US + 1, "5"), (2 * MINUTE_US, "off")]
            readings = [Reading(start + after, {"m": text}) for after, text in texts]
            rooms.ingest.accept(device, readings, "mqtt")
        kept = {device.number: KeptFor(clock() - new + HOUR_US, 0, 0)}
        await keep(rooms, lambda: kept)
        metric = rooms.ingest.metric(device, "m")
        assert (await rooms.history.count(metric)) == 5
        rooms.ingest.edit(device, metric, metric.with_type(MetricType.NUMBER))
        await keep(rooms, lambda: kept)
        metric = rooms.ingest.metric(device, "m")
        assert await counted(rooms, "minutes", metric.number) == {
            old: (1, 3.0, 3.0, 3.0),
            old + MINUTE_US: (1, 5.0, 5.0, 5.0),
            new: (2, 1.0, 3.0, 4.0),
            new + MINUTE_US: (1, 5.0, 5.0, 5.0),
        }
        found = await rooms.history.range(metric, old, new + day, 1000)
        assert (found.tier, sum(found.counts or ())) == ("minute", 5)


@pytest.mark.parametrize(
    ("values", "kind", "lost"),
    [
        ([1.0, 0.0, 2.5, -1.0], MetricType.BOOLEAN, {"2.5": 1, "-1": 1}),
        ([1.0, 2.5, 1e300], MetricType.TEXT, {}),
        ([True, False], MetricType.NUMBER, {}),
        ([True, False], MetricType.TEXT, {}),
        (["1", "true", "FALSE", "on"], MetricType.BOOLEAN, {"on": 1}),
        (
            ["9007199254740993", "x", "x", " 5 ", "1e999"],
            MetricType.NUMBER,
            {"x": 2, "9007199254740993": 1, "1e999": 1},
        ),
    ],
)
async def test_a_preview_says_what_a_change_of_type_would_lose(
    rooms: Rooms, values: list[Value], kind: MetricType, lost: dict[str, int]
) -> None:
    device, _ = await rooms.add("boiler")
    readings = [Reading(T0 + place, {"m": value}) for place, value in enumerate(values)]
    rooms.ingest.accept(device, readings, "mqtt")
    metric = rooms.ingest.metric(device, "m")
    found = await rooms.history.preview(metric, kind)
    assert (found.values, found.lost, dict(found.examples)) == (len(values), sum(lost.values()), lost)
    read = [converted(value, kind) for value in values]
    assert sum(one is None for one in read) == found.lost
    rooms.ingest.edit(device, metric, metric.with_type(kind))
    await keep(rooms)
    stored = await rooms.history.raw(rooms.ingest.metric(device, "m"), 0, T0 * 2, None, 100)
    assert stored.value == [one for one in read if one is not None]


class Meanwhile:
    """A lock: when it is taken for the second time, something else is done first."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do
        self._taken = 0

    def __enter__(self) -> None:
        self._taken += 1
        if self._taken == 2:
            self._do()

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("whole", [False, True])
async def test_a_metric_that_is_removed_while_it_is_converted_leaves_nothing(
    new_rooms: Rooms, *, whole: bool
) -> None:
    device, _ = await new_rooms.add("boiler")
    new_rooms.ingest.accept(device, [Reading(T0 - n, {"m": str(n), "h": 1.0}) for n in range(5)], "mqtt")
    await keep(new_rooms)
    metric = new_rooms.ingest.metric(device, "m")
    await new_rooms.ingest.edit(device, metric, metric.with_type(MetricType.NUMBER))
    await folded(new_rooms.history)
    loop = asyncio.get_running_loop()

    async def remove() -> None:
        if whole:
            await new_rooms.fleet.remove(device)
        else:
            new_rooms.ingest.drop(device, new_rooms.ingest.metric(device, "m"))
        await folded(new_rooms.history)

    removing = Meanwhile(lambda: asyncio.run_coroutine_threadsafe(remove(), loop).result(10))
    with suppress(StoreError):  # the keeper takes its step again
        await database(new_rooms.history).keep(lambda cursor: convert(cursor, removing))
    assert new_rooms.history.failure is None
    await keep(new_rooms)
    left = await database(new_rooms.history).keep(lambda cursor: cursor.execute(LEFT).fetchall())
    assert len(left) == (0 if whole else 1)
