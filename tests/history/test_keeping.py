"""Whatever the keeper has done to it, the history gives back what was accepted: checked against plain
Python.
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import StoreError
from hub.history.contract import KeptFor
from hub.history.duckdb.compaction import GRACE_US
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.history.duckdb.ranges import HOUR_US, MINUTE_US, Rollup
from hub.model import Metric, MetricType
from tests.history.rollups import rollup_of
from tests.history.rows import folded
from tests.rounds import rounds
from tests.stores import empty_history

DAY_US = 24 * HOUR_US
T0 = 1_795_132_800_000_000  # µs, UTC: a day begins
NEVER = KeptFor(0, 0, 0)
METRICS = {
    1: Metric(1, 1, "temperature", MetricType.NUMBER),
    2: Metric(2, 1, "state", MetricType.TEXT),
    3: Metric(3, 2, "door", MetricType.BOOLEAN),
}
SIZES = {MINUTE_US: "minutes", HOUR_US: "hours"}


@dataclass
class Run:
    """A history that is stopped and started, its keeper by hand, and all that it should know."""

    path: Path
    accepted: dict[int, list[tuple[int, float | str]]] = field(
        default_factory=lambda: {number: [] for number in METRICS}
    )
    now: int = T0 + 40 * DAY_US
    kept: KeptFor = NEVER
    cut: int = 0  # readings before this may be gone from the raw tier

    def keeper(self, history: EmbeddedHistory) -> Keeper:
        """A keeper for whom everything is full, and the next chores are due."""
        return Keeper(
            history.database, lambda: {1: self.kept, 2: self.kept}, lambda: self.now, Bounds(1, HOUR_US, 2)
        )

    def append(self, history: EmbeddedHistory, rows: Iterable[tuple[int, int, float]]) -> None:
        batch = history.batch
        for number, time, value in rows:
            batch.metrics.setdefault(number, METRICS[number])
            device = METRICS[number].device
            if number == 2:
                text = f"text {value:g}"
                batch.texts.append((device, number, time, self.now, text))
                self.accepted[number].append((time, text))
            else:
                batch.add(device, self.now, [number], [time], [value])
                self.accepted[number].append((time, value))


async def check(run: Run, history: EmbeddedHistory) -> None:
    """The tiers, the raw pages and the latest values are those of plain Python."""
    for number, metric in METRICS.items():
        expected = run.accepted[number]
        for step, table in SIZES.items():
            unstored = [batch.of(metric) for batch in history._unfolded()]
            rollup = await history.database.keep(
                lambda cursor, m=metric, u=unstored, t=table, s=step: rollup_of(  # type: ignore[misc]
                    cursor, m, u, T0, T0 + 40 * DAY_US, t, s
                )
            )
            check_rollup(rollup, expected, step)
        # By time, and those of one instant as they came: Python's sort keeps their order.
        raw = sorted((one for one in expected if one[0] >= run.cut), key=lambda one: one[0])
        assert await pages(history, metric, max(T0, run.cut), limit=3) == raw
    latest = {one.metric: (one.time, one.value) for one in await history.latest()}
    for number, expected in run.accepted.items():
        if expected:
            newest = max(time for time, _ in expected)
            assert latest[number][0] == newest
            assert latest[number][1] in [value for time, value in expected if time == newest]


def check_rollup(found: Rollup, expected: Iterable[tuple[int, float | str]], step: int) -> None:
    buckets: dict[int, list[tuple[int, float | str]]] = defaultdict(list)
    for time, value in expected:
        buckets[time - time % step].append((time, value))
    assert found.time == sorted(buckets)
    for position, start in enumerate(found.time):
        bucket = buckets[start]
        newest = max(time for time, _ in bucket)
        assert found.counts[position] == len(bucket)
        assert found.last_time[position] == newest
        assert found.last[position] in [value for time, value in bucket if time == newest]
        numbers = [value for _, value in bucket if isinstance(value, float)]
        if numbers:
            assert found.min[position] == min(numbers)
            assert found.max[position] == max(numbers)
            assert found.sum[position] == sum(numbers)


async def pages(
    history: EmbeddedHistory, metric: Metric, start: int, limit: int
) -> list[tuple[int, float | str]]:
    """All readings from `start`, page by page."""
    rows: list[tuple[int, float | str]] = []
    after = None
    while True:
        page = await history.raw(metric, start, T0 + 40 * DAY_US, after, limit)
        assert len(page.time) <= limit
        rows.extend(zip(page.time, page.value, strict=True))
        after = page.next
        if after is None:
            return rows


# Few instants, so that some are the same; an hour or a day apart, so that values come late; whole numbers, so
# that sums are exact.
instants = st.builds(
    lambda day, hour, minute, us: T0 + day * DAY_US + hour * HOUR_US + minute * MINUTE_US + us,
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([0, 1, 999, 1000, MINUTE_US - 1]),
)
rows = st.lists(
    st.tuples(st.sampled_from([1, 2, 3]), instants, st.sampled_from([0.0, 1.0])), min_size=1, max_size=12
)
steps = st.lists(
    st.one_of(
        rows.map(lambda some: ("append", some)),
        st.integers(1, 6).map(lambda count: ("keep", count)),
        st.just(("restart", None)),
        st.just(("wait", None)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=rounds(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_readings_and_their_minutes_and_hours_are_right_whatever_the_keeper_did(
    taken: list[tuple[str, object]],
) -> None:
    async def play(folder: Path) -> None:
        run = Run(empty_history(folder))
        left = list(taken)
        while True:
            async with EmbeddedHistory.open(run.path, 128, 20) as history:
                while left:
                    what, which = left.pop(0)
                    if what == "append":
                        run.append(history, which)  # type: ignore[arg-type]
                    elif what == "keep":
                        # A new one, so that chores are due, and it must find its place.
                        keeper = run.keeper(history)
                        for _ in range(which):  # type: ignore[call-overload]
                            await keeper.step()
                    elif what == "wait":
                        await folded(history)
                    else:
                        break
                    await check(run, history)
                if not left:
                    break
        async with EmbeddedHistory.open(run.path, 128, 20) as history:
            await check(run, history)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


@settings(max_examples=rounds(5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows, min_size=1, max_size=4), st.integers(1, 2))
def test_what_raw_retention_takes_stays_in_minutes_and_hours(
    batches: list[list[tuple[int, int, float]]], days: int
) -> None:
    async def play(folder: Path) -> None:
        run = Run(empty_history(folder))
        run.now = T0 + 3 * DAY_US
        run.kept = KeptFor(days * DAY_US, 0, 0)
        async with EmbeddedHistory.open(run.path, 128, 20) as history:
            keeper = run.keeper(history)
            for batch in batches:
                run.append(history, batch)
                await folded(history)
                while await keeper.step():
                    run.cut = run.now - run.kept.sealed
            run.now += GRACE_US + DAY_US
            run.cut = run.now - run.kept.sealed
            while await keeper.step():
                pass
            await check(run, history)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_a_range_that_begins_where_raw_is_gone_comes_from_minutes(tmp_path: Path) -> None:
    run = Run(empty_history(tmp_path), now=T0 + 2 * DAY_US, kept=KeptFor(DAY_US, 0, 0))
    async with EmbeddedHistory.open(run.path, 128, 20) as history:
        keeper = run.keeper(history)
        run.append(history, [(1, T0 + minute * MINUTE_US // 2, float(minute)) for minute in range(20)])
        await folded(history)
        while await keeper.step():
            pass
        found = await history.range(METRICS[1], T0, T0 + 10 * MINUTE_US, 1000)
        assert (found.tier, found.step) == ("minute", MINUTE_US)
        assert found.time == [T0 + minute * MINUTE_US for minute in range(10)]
        assert found.avg == [2 * minute + 0.5 for minute in range(10)]
        assert (await history.range(METRICS[1], T0 + DAY_US, T0 + 2 * DAY_US, 10)).tier == "raw"


async def test_each_device_keeps_each_tier_as_long_as_it_should(tmp_path: Path) -> None:
    run = Run(empty_history(tmp_path), now=T0 + 3 * DAY_US)
    kept = {1: KeptFor(DAY_US, 2 * DAY_US, 0), 2: NEVER}
    async with EmbeddedHistory.open(run.path, 128, 20) as history:
        keeper = Keeper(history.database, lambda: kept, lambda: run.now, Bounds(fill_rows=1))
        days = (0, 1, 2)
        run.append(
            history, [(number, T0 + day * DAY_US + HOUR_US, 1.0) for number in METRICS for day in days]
        )
        await folded(history)
        while await keeper.step():
            pass

        async def tiers(number: int) -> list[tuple[str, int]]:
            """Of each day, where its readings come from and how many rows there are."""
            asked = [(T0 + day * DAY_US, T0 + (day + 1) * DAY_US) for day in days]
            found = [await history.range(METRICS[number], start, end, 10_000) for start, end in asked]
            return [(one.tier, len(one.time)) for one in found]

        assert await tiers(1) == await tiers(2) == [("hour", 1), ("minute", 1), ("raw", 1)]
        assert await tiers(3) == [("raw", 1)] * 3
        assert await count(history, "sealed") == 5
        assert await count(history, "minutes") == 7
        assert await count(history, "hours") == 9


async def test_the_parts_of_a_day_that_is_over_become_one_row_a_minute(tmp_path: Path) -> None:
    run = Run(empty_history(tmp_path), now=T0 + DAY_US + GRACE_US - 1)
    async with EmbeddedHistory.open(run.path, 128, 20) as history:
        keeper = run.keeper(history)
        for part in range(3):
            run.append(history, [(number, T0 + MINUTE_US + part, float(part % 2)) for number in METRICS])
            await folded(history)
            while await keeper.step():
                pass
        assert await count(history, "minutes") == 9
        run.now += 700_000_000  # the day is over, its grace too, and chores are due again
        while await keeper.step():
            pass
        assert await count(history, "minutes") == 3
        await check(run, history)


async def test_a_removed_device_is_swept_from_what_is_sealed(tmp_path: Path) -> None:
    run = Run(empty_history(tmp_path))
    async with EmbeddedHistory.open(run.path, 128, 20) as history:
        keeper = run.keeper(history)
        run.append(history, [(1, T0, 1.0), (2, T0, 1.0), (3, T0, 1.0)])
        await folded(history)
        await keeper.step()  # turned over
        await keeper.step()  # and half sealed
        history.batch.removed.add(1)
        await folded(history)
        while await keeper.step():
            pass
        for table in ("filled", "sealed", "minutes", "hours", "latest", "removed"):
            rows = await history.database.keep(partial(rows_of, table=table))
            assert {row[0] for row in rows} <= {3}, table
        assert await count(history, "sealed") == 1


async def test_a_store_of_the_first_schema_is_migrated_with_all_it_holds(tmp_path: Path) -> None:
    from hub.history.duckdb.file import MIGRATIONS

    path = tmp_path / "history.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute("CREATE TABLE schema_version (number INTEGER NOT NULL)")
        old.execute(MIGRATIONS[0])
        old.execute("INSERT INTO schema_version VALUES (1)")
        old.execute("INSERT INTO metrics VALUES (1, 1, 'temperature', 'number', NULL, NULL, NULL)")
        old.execute("UPDATE commits SET number = 7")
        old.execute(
            f"INSERT INTO readings SELECT 1, 1, make_timestamp({T0} + range * 1000000), "
            f"make_timestamp({T0}), range, NULL FROM range(20)"
        )
    run = Run(path)
    run.accepted[1] = [(T0 + second * 1_000_000, float(second)) for second in range(20)]
    async with EmbeddedHistory.open(path, 128, 20) as history:
        await check(run, history)
        run.append(history, [(1, T0, 5.0)])
        keeper = run.keeper(history)
        while await keeper.step():
            await check(run, history)
        await check(run, history)


async def test_space_is_used_again_over_many_cycles_of_retention(tmp_path: Path) -> None:
    run = Run(empty_history(tmp_path), now=T0, kept=KeptFor(2 * HOUR_US, 2 * HOUR_US, 2 * HOUR_US))
    sizes = []
    async with EmbeddedHistory.open(run.path, 128, 20) as history:
        keeper = run.keeper(history)
        for _ in range(12):
            await fill(history, run.now, 50_000)
            run.now += HOUR_US
            while await keeper.step():
                pass
            sizes.append(run.path.stat().st_size)
        assert await count(history, "sealed") <= 3 * 50_000
    assert max(sizes[6:]) <= 1.3 * max(sizes[3:6]), sizes


async def fill(history: EmbeddedHistory, start: int, count: int) -> None:
    """An hour of noise."""
    batch = history.batch
    batch.metrics[1] = METRICS[1]
    times = [start + position * HOUR_US // count for position in range(count)]
    values = [hash((start, position)) / 1e9 for position in range(count)]
    batch.add(1, start + HOUR_US, [1] * count, times, values)
    await folded(history)


def rows_of(cursor: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    """All of a table."""
    return cursor.execute(f"FROM {table}").fetchall()


async def count(history: EmbeddedHistory, table: str) -> int:
    [(rows,)] = await history.database.keep(
        lambda cursor: cursor.execute(f"SELECT count(*) FROM {table}").fetchall()
    )
    return int(rows)


async def test_readers_and_writer_go_on_while_tables_are_turned_over(tmp_path: Path) -> None:
    """Commits, queries and the keeper at once: every query sees each value once."""
    run = Run(empty_history(tmp_path))
    done = asyncio.Event()
    async with EmbeddedHistory.open(run.path, 128, 20) as history, asyncio.TaskGroup() as tasks:
        history.batch.metrics[1] = METRICS[1]

        async def keep() -> None:
            keeper = run.keeper(history)
            while not done.is_set():
                await keeper.step()

        async def ask() -> None:
            while not done.is_set():
                known = len(run.accepted[1])
                page = await history.raw(METRICS[1], T0, T0 + DAY_US, None, 10_000)
                assert page.value == [float(n) for n in range(len(page.value))]
                assert len(page.value) >= known

        tasks.create_task(keep())
        tasks.create_task(ask())
        try:
            for number in range(rounds(2000)):
                run.append(history, [(1, T0 + number * 1_000_000, float(number))])
                if number % 20 == 0:
                    await folded(history)
                    assert history.failure is None
        finally:
            done.set()


async def test_the_keeper_goes_on_after_a_step_that_failed(tmp_path: Path) -> None:
    run = Run(empty_history(tmp_path))
    async with EmbeddedHistory.open(run.path, 128, 20) as history, asyncio.TaskGroup() as tasks:
        run.append(history, [(1, T0, 1.0), (3, T0, 0.0)])
        await folded(history)
        await history.database.keep(lambda cursor: cursor.execute("ALTER TABLE hours RENAME TO elsewhere"))
        await run.keeper(history).step()  # turned over
        with pytest.raises(StoreError, match="hours"):
            await run.keeper(history).step()
        keeping = tasks.create_task(run.keeper(history).run())
        assert await count(history, "sealed") == 0
        await history.database.keep(lambda cursor: cursor.execute("ALTER TABLE elsewhere RENAME TO hours"))
        async with asyncio.timeout(20):
            while await count(history, "sealed") < 2:
                await asyncio.sleep(0.01)
        keeping.cancel()
        await check(run, history)
