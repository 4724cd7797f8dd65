"""How readings come to rest: ordered, and counted in minutes and hours.

Theory. Readings arrive in `readings`, nearly in order of time and thus all metrics mixed. When it is full, or
old, it is renamed `filled` and an empty one takes its place (`turn_over`: a few ms, between two commits).
Then `filled` is sealed piece by piece, a piece being all values of some metrics: one transaction puts them
into `sealed`, ordered (those of one instant as they came: rowid tells, here and in whatever looks at `sealed`
later), their parts into `minutes` and `hours`, their newest into `latest`, and notes in `sealing` how far it
has come. So each value is counted exactly once, whenever the hub is killed, and in whatever order values
come: a late one is one more part of an old minute. After the last piece `filled` is emptied by dropping it.

An open `readings` is at most FILL_ROWS large, which is what a query must look through unordered: 5 ms.
"""

from collections.abc import Iterable
from typing import NamedTuple

import duckdb

from hub.history.duckdb.transaction import transaction

FILL_ROWS = 2_000_000
FILL_AGE_US = 3_600_000_000
PIECE_ROWS = 500_000  # a piece takes about 0.2 s, beside the commits, and 40 MB

# After an INSERT INTO latest: a metric has one row there, with its newest value.
IF_NEWER = """ON CONFLICT DO UPDATE SET
    received_at = greatest(received_at, excluded.received_at),
    value = CASE WHEN excluded.time >= time THEN excluded.value ELSE value END,
    text = CASE WHEN excluded.time >= time THEN excluded.text ELSE text END,
    time = greatest(time, excluded.time)"""


class Span(NamedTuple):
    """Metrics by number: above `low`, up to and with `high`."""

    low: int
    high: int


def arrived(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int | None]:
    """How many rows `readings` has, and the least received_at of them (µs, UTC)."""
    [found] = cursor.execute("SELECT count(*), epoch_us(min(received_at)) FROM readings").fetchall()
    return found


def is_filled(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether there is something in `filled`."""
    return bool(cursor.execute("FROM filled LIMIT 1").fetchall())


def turn_over(cursor: duckdb.DuckDBPyConnection) -> None:
    """`readings` becomes `filled`, which was empty. The caller sees that no batch is committed meanwhile."""
    with transaction(cursor):
        cursor.execute("DROP TABLE filled")
        cursor.execute("ALTER TABLE readings RENAME TO filled")
        _make(cursor, "readings")


def _make(cursor: duckdb.DuckDBPyConnection, table: str) -> None:
    cursor.execute(
        f"""CREATE TABLE {table} (
            device INTEGER NOT NULL, metric INTEGER NOT NULL, time TIMESTAMP NOT NULL,
            received_at TIMESTAMP NOT NULL, value DOUBLE, text VARCHAR)"""
    )


def pieces(cursor: duckdb.DuckDBPyConnection, rows: int = PIECE_ROWS) -> list[Span]:
    """What is left to seal, in spans of about so many rows; a metric is never torn."""
    [(low,)] = cursor.execute("SELECT metric FROM sealing").fetchall()
    counts = cursor.execute(
        "SELECT metric, count(*) FROM filled WHERE metric > ? GROUP BY metric ORDER BY metric", [low]
    ).fetchall()
    return spans(low, counts, rows)


def spans(low: int, counts: Iterable[tuple[int, int]], rows: int) -> list[Span]:
    """Metrics and their numbers of rows, in order, gathered into spans of about so many rows."""
    found: list[Span] = []
    high, gathered = low, 0
    for metric, count in counts:
        high = metric
        gathered += count
        if gathered >= rows:
            found.append(Span(low, high))
            low, gathered = high, 0
    return [*found, Span(low, high)] if gathered else found


def seal(cursor: duckdb.DuckDBPyConnection, piece: Span) -> None:
    """Seal the values of these metrics."""
    with transaction(cursor):
        cursor.execute(
            """CREATE OR REPLACE TEMP TABLE piece AS
               SELECT metric, time, received_at, value, text FROM filled WHERE metric > ? AND metric <= ?
               ORDER BY metric, time, rowid""",
            list(piece),
        )
        cursor.execute(
            """INSERT INTO sealed
               SELECT metric, time, (epoch_us(received_at) - epoch_us(time)) // 1000, value, text
               FROM piece"""
        )
        for table, unit in (("minutes", "minute"), ("hours", "hour")):
            cursor.execute(
                f"""INSERT INTO {table}
                    SELECT metric, date_trunc('{unit}', time) AS start, count(*), min(value), max(value),
                           sum(value), max(time), arg_max(value, time), arg_max(text, time)
                    FROM piece GROUP BY metric, start ORDER BY metric, start"""
            )
        cursor.execute(
            f"""INSERT INTO latest
               SELECT metric, max(time), max(received_at), arg_max(value, time), arg_max(text, time)
               FROM piece GROUP BY metric {IF_NEWER}"""
        )
        cursor.execute("UPDATE sealing SET metric = ?", [piece.high])
        cursor.execute("DROP TABLE piece")


def clear(cursor: duckdb.DuckDBPyConnection) -> None:
    """All of `filled` is sealed: make it empty, at the cost of nothing."""
    with transaction(cursor):
        cursor.execute("DROP TABLE filled")
        _make(cursor, "filled")
        cursor.execute("UPDATE sealing SET metric = 0")


def sweep(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Take away what is left of the metrics of removed devices; whether there was anything."""
    metrics = [metric for (metric,) in cursor.execute("SELECT metric FROM removed").fetchall()]
    if not metrics:
        return False
    with transaction(cursor):
        for table in ("filled", "sealed", "minutes", "hours", "latest", "cuts", "removed"):
            statement = f"DELETE FROM {table} WHERE metric IN (SELECT unnest(?))"
            cursor.execute(statement, [metrics])
    return True
