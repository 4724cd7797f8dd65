"""A range of one metric: as readings where they are few, else in buckets of the finest tier that is quick.

Theory. A value is in exactly one of four places, in the order of its way: a batch, `readings`, `filled`,
`sealed`; and it is counted in `minutes` and `hours` exactly when it is in `sealed`, because one transaction
does both. So

    raw             =  sealed + the unsealed
    minute, hour    =  the parts of that tier, merged, + the unsealed

wherever a range lies, and late readings need no care. The unsealed are read once a query, into memory, and
registered as a table: of one metric they are few. All of a query is one transaction, so it sees one state of
the file; the number of the last commit in that state says which batches are in it already.

Buckets of a tier begin at multiples of their width, and are whole: the first and the last may reach beyond
the range.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import duckdb
import numpy as np

from hub.history.batch import Unstored
from hub.history.contract import Columns, Page, PagePlace
from hub.model import Metric, MetricType

MINUTE_US = 60_000_000
HOUR_US = 3_600_000_000
# so many are put into buckets as they are, however wide the range: exact at its ends, and 2 ms
RAW_ROWS = 20_000
UNSEALED_PLACE = 2**62  # above every rowid


class Rollup(NamedTuple):
    """Buckets of one metric, column by column: all that a tier keeps. Texts have no min, max and sum."""

    time: list[int]
    counts: list[int]
    min: list[float]
    max: list[float]
    sum: list[float]
    last_time: list[int]
    last: list[float] | list[str]


def range_of(
    cursor: duckdb.DuckDBPyConnection,
    metric: Metric,
    unstored: Sequence[Unstored],
    start: int,
    end: int,
    points: int,
) -> Columns:
    """One metric from `start` up to, not including, `end` (µs, UTC), in about `points` rows at most.

    Every reading when there are no more than `points`, else buckets of the same width.
    """
    margin = (end - start) // points + HOUR_US  # by which the outermost buckets may reach beyond the range
    with _sight(cursor, metric, unstored, start - margin, end + margin):
        first, last, count = _extent(cursor, metric, start, end)
        if count == 0:
            return Columns("raw", None, [], [], [], [], None)
        if 2 * (min(end, last + 1) - max(start, first)) < end - start:  # mostly empty: "since 1970"
            start, end = max(start, first), min(end, last + 1)
        width = max(1, -(-(end - start) // points))
        cuts = _cuts(cursor, metric)
        if start >= cuts["sealed"] and (width < MINUTE_US or count <= max(points, RAW_ROWS)):
            return _raw_range(cursor, metric, start, end, points, width)
        if start >= cuts["minutes"] and width < HOUR_US:
            return _tier_range(cursor, metric, "minutes", start, end, width)
        return _tier_range(cursor, metric, "hours", start, end, width)


def page_of(
    cursor: duckdb.DuckDBPyConnection,
    metric: Metric,
    unstored: Sequence[Unstored],
    start: int,
    end: int,
    after: PagePlace | None,
    limit: int,
) -> Page:
    """At most `limit` readings of one metric from `start` (or where a page ended) up to `end`, by time.

    Readings of the same instant stand in the order in which they came, so that those that are still to come
    stand last.
    """
    begin, given = after or (start, 0)
    with _sight(cursor, metric, unstored, begin, end):
        # The cursor's instant is read again, and what was given of it is passed over.
        time, value = _raw_rows(cursor, metric, begin, end, f"LIMIT {limit + 1} OFFSET {given}")
    if len(time) <= limit:
        return Page(time, value, None)
    last = time[limit - 1]
    again = time[:limit].count(last) + (given if last == begin else 0)
    return Page(time[:limit], value[:limit], PagePlace(last, again))


@contextmanager
def _sight(
    cursor: duckdb.DuckDBPyConnection, metric: Metric, unstored: Sequence[Unstored], start: int, end: int
) -> Iterator[None]:
    """One state of the file, with the table `unsealed` (time, v, place): the metric's values in the range."""
    cursor.execute("BEGIN")
    try:
        [(committed, sealed)] = cursor.execute(
            "SELECT (SELECT number FROM commits), (SELECT metric FROM sealing)"
        ).fetchall()
        tables = ["readings"] if metric.number <= sealed else ["filled", "readings"]
        parts = [_of_table(cursor, metric, table, start, end) for table in tables]
        for batch in unstored:
            if batch.batch > committed:
                inside = (batch.time >= start) & (batch.time < end)
                parts.append((batch.time[inside], batch.value[inside]))
        time, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        place = UNSEALED_PLACE + np.arange(len(time))
        cursor.register("unsealed", {"time": time, "v": value, "place": place})
        yield
    finally:
        cursor.execute("ROLLBACK")  # `unsealed` goes with it


def _of_table(
    cursor: duckdb.DuckDBPyConnection, metric: Metric, table: str, start: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    found = cursor.execute(
        f"""SELECT epoch_us(time) AS time, {_value(metric)} AS v FROM {table}
            WHERE metric = ? AND time >= make_timestamp(?::BIGINT) AND time < make_timestamp(?::BIGINT)
            ORDER BY rowid""",
        [metric.number, start, end],
    ).fetchnumpy()
    return found["time"], found["v"]


def _value(metric: Metric) -> str:
    return "text" if metric.type is MetricType.TEXT else "value"


def _type(metric: Metric) -> str:
    return "VARCHAR" if metric.type is MetricType.TEXT else "DOUBLE"


def _extent(cursor: duckdb.DuckDBPyConnection, metric: Metric, start: int, end: int) -> tuple[int, int, int]:
    """From when, until when, and how many readings there are in a range, give or take an hour at its ends."""
    [found] = cursor.execute(
        """SELECT min(first), max(last), sum(count)::BIGINT FROM (
               SELECT epoch_us(time) AS first, epoch_us(last_time) AS last, count FROM hours
               WHERE metric = ? AND time >= make_timestamp(?::BIGINT) AND time < make_timestamp(?::BIGINT)
               UNION ALL SELECT time, time, 1 FROM unsealed WHERE time >= ? AND time < ?)""",
        [metric.number, start - start % HOUR_US, end, start, end],
    ).fetchall()
    return found if found[2] else (0, 0, 0)


def _cuts(cursor: duckdb.DuckDBPyConnection, metric: Metric) -> dict[str, int]:
    """Before which times retention has taken values from a tier."""
    rows = cursor.execute(
        "SELECT tier, epoch_us(max(before)) FROM cuts WHERE metric = ? GROUP BY tier", [metric.number]
    ).fetchall()
    return {"sealed": 0, "minutes": 0, **dict(rows)}


# Raw


def _raw(metric: Metric) -> str:
    """The readings of a range; takes metric, start, end, start, end. Those of one instant came in the order
    of `place`.
    """
    return f"""(SELECT epoch_us(time) AS time, {_value(metric)} AS v, rowid AS place FROM sealed
                WHERE metric = ? AND time >= make_timestamp(?::BIGINT) AND time < make_timestamp(?::BIGINT)
                UNION ALL SELECT time, v::{_type(metric)}, place FROM unsealed
                          WHERE time >= ? AND time < ?)"""


def _raw_rows(
    cursor: duckdb.DuckDBPyConnection, metric: Metric, start: int, end: int, which: str = ""
) -> tuple[list[int], list[float] | list[str]]:
    found = cursor.execute(
        f"SELECT time, v FROM {_raw(metric)} ORDER BY time, place {which}",
        [metric.number, start, end, start, end],
    ).fetchnumpy()
    return found["time"].tolist(), _listed(found["v"])


def _raw_range(
    cursor: duckdb.DuckDBPyConnection, metric: Metric, start: int, end: int, points: int, width: int
) -> Columns:
    asked = [metric.number, start, end, start, end]
    [(count,)] = cursor.execute(f"SELECT count(*) FROM {_raw(metric)}", asked).fetchall()
    if count <= points:
        time, values = _raw_rows(cursor, metric, start, end)
        return Columns("raw", None, time, values, values, values, None)
    three = (
        "arg_max(v, time) AS low, arg_max(v, time) AS high, arg_max(v, time) AS mean"
        if metric.type is MetricType.TEXT
        else "min(v) AS low, max(v) AS high, avg(v) AS mean"
    )
    found = cursor.execute(
        f"""SELECT ? + ((time - ?) // ?) * ? AS bucket, {three}, count(*) AS count
            FROM {_raw(metric)} GROUP BY bucket ORDER BY bucket""",
        [start, start, width, width, *asked],
    ).fetchnumpy()
    low, high, mean = (_listed(found[name]) for name in ("low", "high", "mean"))
    return Columns("bucket", width, found["bucket"].tolist(), low, high, mean, found["count"].tolist())


# Tiers

_UNITS = {"minutes": ("minute", MINUTE_US), "hours": ("hour", HOUR_US)}


def _tier_range(
    cursor: duckdb.DuckDBPyConnection, metric: Metric, table: str, start: int, end: int, width: int
) -> Columns:
    tier, unit = _UNITS[table]
    step = max(1, -(-width // unit)) * unit
    found = _merged(cursor, metric, table, start, end, step)
    if metric.type is MetricType.TEXT:
        return Columns(tier, step, found.time, found.last, found.last, found.last, found.counts)
    means = [total / count for total, count in zip(found.sum, found.counts, strict=True)]
    return Columns(tier, step, found.time, found.min, found.max, means, found.counts)


def _merged(
    cursor: duckdb.DuckDBPyConnection, metric: Metric, table: str, start: int, end: int, step: int
) -> Rollup:
    start, end = start - start % step, end + -end % step
    numbers = "NULL, NULL, NULL" if metric.type is MetricType.TEXT else "v, v, v"
    last = "text" if metric.type is MetricType.TEXT else "last"
    found = cursor.execute(
        f"""WITH parts AS (
                SELECT epoch_us(time) AS time, count, low, high, total,
                       epoch_us(last_time) AS last_time, {last} AS last
                FROM {table}
                WHERE metric = ? AND time >= make_timestamp(?::BIGINT) AND time < make_timestamp(?::BIGINT)
                UNION ALL SELECT time, 1, {numbers}, time, v::{_type(metric)} FROM unsealed
                          WHERE time >= ? AND time < ?)
            SELECT time - time % ? AS bucket, sum(count)::BIGINT AS counts, min(low) AS low,
                   max(high) AS high, sum(total) AS total, max(last_time) AS last_time,
                   arg_max(last, last_time) AS last
            FROM parts GROUP BY bucket ORDER BY bucket""",
        [metric.number, start, end, start, end, step],
    ).fetchnumpy()
    return Rollup(
        *(found[name].tolist() for name in ("bucket", "counts", "low", "high", "total", "last_time", "last"))
    )


def _listed(column: np.ndarray) -> list[float] | list[str]:
    listed: list[float] | list[str] = column.tolist()
    return listed
