"""Looking back over HTTP: several metrics, buckets and gaps, pages of readings, and questions that take too
long.
"""

import asyncio
from typing import Any

import duckdb
import pytest

from hub.config import Config
from hub.history import policy
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.model import Role
from tests.history.rows import database, folded
from tests.http.conftest import Hub
from tests.rooms import UNLIMITED
from tests.waiting import until

T0 = 1_700_000_040_000  # ms: a minute begins
MINUTE = 60_000
PATH = "/api/v1/devices/boiler/history"


@pytest.fixture
def config() -> Config:
    """Tens of thousands of readings at once are nothing here."""
    return Config(limits=UNLIMITED)


async def fill(hub: Hub, readings: list[tuple[float, dict[str, Any]]], device_id: str = "boiler") -> None:
    body = [{"ts": time, "values": values} for time, values in readings]
    assert (await hub.send(body, device_id))[0] == 200


async def ask(hub: Hub, query: str) -> Any:
    status, found = await hub.call("GET", f"{PATH}?{query}")
    assert status == 200, found
    return found


async def seal_all(hub: Hub) -> None:
    kept = policy.kept_for(hub.rooms.config.retention, [])
    await folded(hub.rooms.history)
    keeper = Keeper(database(hub.rooms.history), lambda: kept, hub.clock, Bounds(fill_rows=1))
    while await keeper.step():
        pass


async def test_several_metrics_come_in_one_answer(hub: Hub) -> None:
    await hub.device()
    await fill(hub, [(T0, {"a": 1.0, "state": "on"}), (T0 + 1, {"a": 2.0, "door": True})])
    found = await ask(hub, f"metric=a&metric=state&metric=door&from={T0}&to={T0 + MINUTE}")
    assert {name: (one["time"], one["avg"]) for name, one in found["metrics"].items()} == {
        "a": ([T0, T0 + 1], [1.0, 2.0]),
        "state": ([T0], ["on"]),
        "door": ([T0 + 1], [1.0]),
    }
    assert (await hub.call("GET", f"{PATH}?metric=a&metric=missing"))[0] == 404
    assert (await hub.call("GET", PATH))[0] == 422


async def test_a_gap_is_a_bucket_that_is_not_there(hub: Hub) -> None:
    await hub.device()
    await fill(hub, [(T0 + minute * MINUTE, {"a": float(minute)}) for minute in (0, 1, 2, 5, 6)])
    await seal_all(hub)
    found = await ask(hub, f"metric=a&from={T0}&to={T0 + 7 * MINUTE}&points=4")
    assert found["step"] == 105_000
    assert found["time"] == [T0, T0 + 105_000, T0 + 210_000, T0 + 315_000]
    assert found["count"] == [2, 1, 1, 1]
    found = await ask(hub, f"metric=a&from={T0}&to={T0 + 7 * MINUTE}&points=100")
    assert (found["tier"], found["step"], found["count"]) == ("raw", None, None)
    assert found["time"] == [T0 + minute * MINUTE for minute in (0, 1, 2, 5, 6)]


async def test_minutes_join_what_is_sealed_what_is_not_and_what_came_late(hub: Hub) -> None:
    """More readings than are put into buckets one by one: 30,000, a tenth of a minute apart."""
    await hub.device()
    step = 6_000
    times = [T0 + number * step for number in range(30_000)]
    for start in range(0, 20_000, 5_000):
        await fill(hub, [(time, {"a": 1.0}) for time in times[start : start + 5_000]])
    await seal_all(hub)
    await fill(hub, [(time, {"a": 1.0}) for time in times[20_000:25_000]])
    await fill(hub, [(time, {"a": 1.0}) for time in times[25_000:]])
    await fill(hub, [(T0 + 1, {"a": 21.0})])
    found = await ask(hub, f"metric=a&from={T0}&to={T0 + 30_000 * step}&points=1000")
    assert (found["tier"], found["step"]) == ("minute", 3 * MINUTE)
    first = T0 - T0 % (3 * MINUTE)
    assert found["time"] == list(range(first, T0 + 30_000 * step, 3 * MINUTE))
    inside = (first + 3 * MINUTE - T0) // step
    assert found["avg"][0] == pytest.approx((inside + 21) / (inside + 1))
    assert found["max"][:2] == [21.0, 1.0]
    assert set(found["avg"][1:]) == {1.0}
    assert found["count"][:2] == [inside + 1, 3 * MINUTE // step]
    assert sum(found["count"]) == 30_001


async def test_readings_are_paged_each_exactly_once_also_those_of_the_same_millisecond(hub: Hub) -> None:
    await hub.device()
    expected = [[T0 + number // 3, float(number)] for number in range(20)]
    await fill(hub, [(time, {"a": value}) for time, value in expected[:11]])
    await seal_all(hub)
    await fill(hub, [(time, {"a": value}) for time, value in expected[11:]])
    rows, cursor, pages = [], "", 0
    while True:
        page = await ask(hub, f"metric=a&tier=raw&from={T0}&to={T0 + MINUTE}&limit=4&cursor={cursor}")
        rows += [list(row) for row in zip(page["time"], page["value"], strict=True)]
        pages += 1
        if page["next"] is None:
            break
        cursor = page["next"]
    assert sorted(rows) == expected
    assert pages == 5
    for wrong in ("x", "1.", "1.x", ".1", f"{2**60}.0"):
        assert (await hub.call("GET", f"{PATH}?metric=a&tier=raw&cursor={wrong}"))[0] == 422
    assert (await hub.call("GET", f"{PATH}?metric=a&metric=a&tier=raw"))[0] == 200
    await fill(hub, [(T0, {"b": 1.0})])
    assert (await hub.call("GET", f"{PATH}?metric=a&metric=b&tier=raw"))[0] == 422


async def test_the_whole_history_is_asked_from_1970(hub: Hub) -> None:
    await hub.device()
    await fill(hub, [(T0 + number, {"a": float(number)}) for number in range(2000)])
    found = await ask(hub, "metric=a&from=0&points=100")
    assert found["tier"] == "bucket"
    assert len(found["time"]) == 100
    assert (found["min"][0], found["max"][-1]) == (0.0, 1999.0)


class TestLatestOfMany:
    async def test_by_name_by_label_and_all(self, hub: Hub) -> None:
        for device_id, kind in (("a", "pump"), ("b", "fan"), ("c", "pump")):
            await hub.device(device_id, labels={"kind": kind})
            await fill(hub, [(T0, {"n": 1.0})], device_id)

        async def ids(query: str) -> list[str]:
            status, found = await hub.call("GET", f"/api/v1/latest?{query}")
            assert status == 200
            assert all(one["snapshot"] == {"n": [T0, 1.0]} for one in found["devices"].values())
            return list(found["devices"])

        assert await ids("device=c&device=a") == ["a", "c"]
        assert await ids("label=kind%3Dfan") == ["b"]
        assert await ids("") == ["a", "b", "c"]
        _, page = await hub.call("GET", "/api/v1/latest?limit=2")
        assert list(page["devices"]) == ["a", "b"]
        assert await ids(f"limit=2&cursor={page['next']}") == ["c"]

    async def test_only_those_in_the_tokens_scope(self, hub: Hub) -> None:
        await hub.device("a")
        await hub.device("b")
        scoped = hub.bearer(Role.VIEWER, ["a"])
        assert list((await hub.call("GET", "/api/v1/latest", headers=scoped))[1]["devices"]) == ["a"]
        assert (await hub.call("GET", "/api/v1/latest?device=b", headers=scoped))[0] == 404
        assert (await hub.call("GET", "/api/v1/latest?device=missing"))[0] == 404


class TestPatience:
    """Questions that would take hours: what is sealed is made endless, of the first metric of a new hub."""

    async def make_endless(self, hub: Hub) -> None:
        await hub.device()
        await fill(hub, [(T0, {"a": 1.0})])
        await database(hub.rooms.history).keep(swap_sealed)

    async def test_one_that_takes_too_long_is_answered_with_503(self, new_hub: Hub) -> None:
        await self.make_endless(new_hub)
        database(new_hub.rooms.history).query_timeout_s = 0.2
        status, problem = await new_hub.call("GET", f"{PATH}?metric=a&tier=raw&from=0")
        assert (status, problem["code"]) == (503, "store")
        assert "no answer within 0.2 s" in problem["detail"]
        assert database(new_hub.rooms.history).querying == 0

    async def test_those_of_a_client_that_goes_away_are_stopped(self, new_hub: Hub) -> None:
        await self.make_endless(new_hub)
        history = new_hub.rooms.history
        for _ in range(4):  # more than there are threads
            asking = asyncio.ensure_future(new_hub.call("GET", f"{PATH}?metric=a&tier=raw&from=0"))
            await until(lambda: database(history).querying == 1)
            asking.cancel()
            await asyncio.wait([asking])
            await until(lambda: database(history).querying == 0)
        status, _ = await new_hub.call("GET", "/api/v1/devices/boiler/rejections")  # a thread is free
        assert status == 200


def swap_sealed(cursor: duckdb.DuckDBPyConnection) -> None:
    """10¹⁴ values, in the place of what is sealed."""
    cursor.execute("DROP TABLE sealed")
    cursor.execute(
        """CREATE VIEW sealed AS SELECT 1 AS metric, make_timestamp(a.range * b.range) AS time,
                                        a.range AS lag_ms, 0.0 AS value, NULL::VARCHAR AS text,
                                        a.range AS rowid
           FROM range(10000000) a, range(10000000) b"""
    )
