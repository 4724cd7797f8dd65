"""Putting parts together: many sealed runs become one, in order, with one row for each minute and hour.

A tier's period that is over is rewritten piece by piece, each in a transaction of its own; done again after a
kill it comes to the same. Parts that come later still are merged when read, as ever.
"""

from typing import NamedTuple

import duckdb

from hub.history.duckdb.sealing import PIECE_ROWS, Span, spans
from hub.history.duckdb.transaction import transaction

HOUR_US = 3_600_000_000
GRACE_US = 2 * HOUR_US  # readings are sealed within the hour, and some come a little late

_PERIOD = "time >= make_timestamp(?::BIGINT) AND time < make_timestamp(?::BIGINT)"
_READINGS = "SELECT * FROM sealed WHERE {where} ORDER BY metric, time, rowid"
_PARTS = """SELECT metric, time, sum(count)::BIGINT, min(low), max(high), sum(total), max(last_time),
                   arg_max(last, last_time), arg_max(text, last_time)
            FROM {table} WHERE {where} GROUP BY metric, time ORDER BY metric, time"""


class Tier(NamedTuple):
    """A table whose parts are put together, so much of time at once."""

    table: str
    period: int  # µs
    merged: str  # what becomes of it


RAW = Tier("sealed", 24 * HOUR_US, _READINGS)
MINUTES = Tier("minutes", 24 * HOUR_US, _PARTS)
HOURS = Tier("hours", 30 * 24 * HOUR_US, _PARTS)
TIERS = (MINUTES, HOURS, RAW)


def due(cursor: duckdb.DuckDBPyConnection, tier: Tier, now: int) -> int | None:
    """The start of the oldest period that is over and was not put together yet; None: there is none."""
    until = _until(cursor, tier)
    latest = now - GRACE_US - tier.period  # no later may a period begin
    [(oldest,)] = cursor.execute(
        f"SELECT epoch_us(min(time)) FROM {tier.table} WHERE time >= make_timestamp(?::BIGINT)", [until]
    ).fetchall()
    if oldest is None:
        return None
    start: int = oldest - oldest % tier.period
    return start if start <= latest else None


def _until(cursor: duckdb.DuckDBPyConnection, tier: Tier) -> int:
    [(until,)] = cursor.execute(
        "SELECT coalesce(epoch_us(max(until)), 0) FROM compacted WHERE tier = ?", [tier.table]
    ).fetchall()
    return int(until)


def pieces(cursor: duckdb.DuckDBPyConnection, tier: Tier, start: int, rows: int = PIECE_ROWS) -> list[Span]:
    """The metrics with something in the period, in spans of about so many rows."""
    counts = cursor.execute(
        f"SELECT metric, count(*) FROM {tier.table} WHERE {_PERIOD} GROUP BY metric ORDER BY metric",
        [start, start + tier.period],
    ).fetchall()
    return spans(0, counts, rows)


def compact(cursor: duckdb.DuckDBPyConnection, tier: Tier, start: int, piece: Span) -> None:
    """Put together the parts of these metrics in the period that begins at `start`."""
    where = f"{_PERIOD} AND metric > ? AND metric <= ?"
    asked = [start, start + tier.period, *piece]
    with transaction(cursor):
        merged = tier.merged.format(table=tier.table, where=where)
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE merged AS {merged}", asked)
        cursor.execute(f"DELETE FROM {tier.table} WHERE {where}", asked)
        cursor.execute(f"INSERT INTO {tier.table} FROM merged")
        cursor.execute("DROP TABLE merged")


def finish(cursor: duckdb.DuckDBPyConnection, tier: Tier, start: int) -> None:
    """Note that the period is done."""
    with transaction(cursor):
        cursor.execute("DELETE FROM compacted WHERE tier = ?", [tier.table])
        cursor.execute(
            "INSERT INTO compacted VALUES (?, make_timestamp(?::BIGINT))", [tier.table, start + tier.period]
        )
