"""Notes of what was done and refused: they grow only, and a flood makes a few."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.model import AuditEntry
from hub.model.audit import WRONG
from hub.people.audit import COUNTED_S, KINDS_MAX, OTHERS, TRIM_INTERVAL_S
from hub.registry.audit import TRIM_STEP, AuditFilter
from tests.rooms import T0, Clock, Rooms

ALL = AuditFilter(0, 2**62)
DAY_S = 86_400.0
REFUSED = AuditEntry(T0, "", "password", "10.0.0.66", "POST /api/v1/session", result=WRONG)


def done(number: int, at: int = T0) -> AuditEntry:
    return AuditEntry(at, "ada", "session 1", "10.0.0.7", f"POST /api/v1/devices/{number}")


async def found(rooms: Rooms) -> list[AuditEntry]:
    return await rooms.audit.find(ALL, 1_000)


async def run(rooms: Rooms, sql: str) -> int:
    return await rooms.registry._database.write(lambda written: written.run(sql))


async def test_a_flood_of_refusals_is_a_row_and_then_their_number(rooms: Rooms, clock: Clock) -> None:
    audit = rooms.audit
    for _ in range(5_000):
        audit.note_refused(REFUSED)
    await audit.look()
    assert [(one.result, one.count) for one in await found(rooms)] == [(WRONG, 1)]
    clock.pass_s(COUNTED_S)
    await audit.look()
    assert [one.count for one in await found(rooms)] == [4_999, 1]
    audit.note_refused(REFUSED)  # it went on, so it is counted further
    clock.pass_s(COUNTED_S)
    await audit.look()
    assert [one.count for one in await found(rooms)] == [1, 4_999, 1]
    clock.pass_s(COUNTED_S)
    await audit.look()
    audit.note_refused(REFUSED)  # it had stopped, so the next one is told at once
    await audit.look()
    assert [one.count for one in await found(rooms)] == [1, 1, 4_999, 1]


VARIED: dict[str, Callable[[str], AuditEntry]] = {
    "who": lambda text: replace(REFUSED, who=text),
    "credential": lambda text: replace(REFUSED, credential=text),
    "address": lambda text: replace(REFUSED, address=text),
    "what": lambda text: replace(REFUSED, what=text),
}


@pytest.mark.parametrize("varied", VARIED)
async def test_a_flood_that_never_repeats_itself_is_a_few_rows_too(
    rooms: Rooms, clock: Clock, varied: str
) -> None:
    for number in range(5_000):
        rooms.audit.note_refused(VARIED[varied](f"x{number}"))
    await rooms.audit.look()
    clock.pass_s(COUNTED_S)
    await rooms.audit.look()
    rows = await found(rooms)
    assert len(rows) == KINDS_MAX + 2
    assert sum(one.count for one in rows) == 5_000
    assert [one.count for one in rows if one.address == OTHERS] == [5_000 - KINDS_MAX - 1, 1]


async def test_refusals_are_written_when_the_hub_stops(rooms: Rooms) -> None:
    running = asyncio.ensure_future(rooms.audit.run())
    await asyncio.sleep(0)
    for _ in range(3):
        rooms.audit.note_refused(REFUSED)
    running.cancel()
    await asyncio.wait([running])
    assert [one.count for one in await found(rooms)] == [2, 1]


async def test_nothing_changes_an_entry_or_takes_one_away(rooms: Rooms) -> None:
    await rooms.registry.audit.add(done(1), done(2))
    for sql in (
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"stays as it is|only the oldest"):
            await run(rooms, sql)
    assert [one.what for one in await found(rooms)][:2] == [done(2).what, done(1).what]


async def test_the_oldest_go_by_age_and_by_number_and_the_rest_stays(rooms: Rooms, clock: Clock) -> None:
    stored, day_us = rooms.registry.audit, round(DAY_S * 1e6)
    await stored.add(*(done(number, T0 + number * day_us) for number in range(10)))
    assert await stored.trim(T0 + 3 * day_us, 100) == 3
    assert [one.number for one in await found(rooms)] == list(range(10, 3, -1))
    assert await stored.trim(None, 5) == 2
    assert await stored.trim(None, 5) == 0
    assert [one.number for one in await found(rooms)] == list(range(10, 5, -1))
    with pytest.raises(sqlite3.IntegrityError):
        await run(rooms, "DELETE FROM audit")
    assert await stored.trim(T0 + 100 * day_us, 5) == 5
    await stored.add(done(10))
    assert [one.number for one in await found(rooms)] == [11]


async def test_a_clock_set_back_leaves_young_entries_behind_old_ones_alone(rooms: Rooms) -> None:
    """They go in the order in which they came: nothing between two that stay is ever taken away."""
    stored, day_us = rooms.registry.audit, round(DAY_S * 1e6)
    await stored.add(done(0, T0), done(1, T0 - 500 * day_us))
    assert await stored.trim(T0 - day_us, 100) == 0


async def test_a_great_many_go_in_steps(rooms: Rooms) -> None:
    await rooms.registry.audit.add(*(done(number) for number in range(TRIM_STEP + 5)))
    assert await rooms.registry.audit.trim(None, 1) == TRIM_STEP
    assert await rooms.registry.audit.trim(None, 1) == 4


async def test_the_hub_takes_away_what_is_older_than_it_is_to_be_kept(rooms: Rooms, clock: Clock) -> None:
    await rooms.audit.note(done(1))
    await rooms.audit.look()
    clock.pass_s(rooms.config.auth.audit_keep_days * DAY_S + TRIM_INTERVAL_S)
    await rooms.audit.look()
    assert await found(rooms) == []


@pytest.mark.parametrize("wanted", [{"who": "ada"}, {"device": "a"}])
async def test_finding_what_somebody_did_reads_an_index(rooms: Rooms, wanted: dict[str, str]) -> None:
    [name] = wanted
    sql = f"EXPLAIN QUERY PLAN SELECT * FROM audit WHERE at >= 0 AND {name} = :x ORDER BY number DESC"
    plan = await rooms.registry._database.read(lambda read: read.rows(sql, x="a"))
    assert f"audit_by_{name}" in str(plan)
