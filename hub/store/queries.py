"""What is asked of the history: plain functions over a cursor, run in a reader's thread."""

from typing import NamedTuple

import duckdb
import numpy as np

from hub.model import Metric, MetricType, Rejection, Value

RAW_BUCKETS_MIN_US = 1  # below this width a bucket would hold less than one instant


class Latest(NamedTuple):
    """The newest value of one metric. Times in µs UTC."""

    metric: int
    time: int
    received_at: int
    value: Value


class Columns(NamedTuple):
    """A range of one metric, column by column. Times in µs UTC.

    Numbers and truth values: minimum, maximum and average of each bucket, all the same for single readings.
    Texts: the newest of each bucket in all three.
    """

    tier: str  # "raw": each row is a reading; "bucket": each is several
    time: list[int]
    min: list[float] | list[str]
    max: list[float] | list[str]
    avg: list[float] | list[str]


def metrics(cursor: duckdb.DuckDBPyConnection) -> list[Metric]:
    """All metrics, by number."""
    rows = cursor.execute(
        "SELECT number, device, name, type, unit, minimum, maximum FROM metrics ORDER BY number"
    ).fetchall()
    return [
        Metric(number, device, name, MetricType(kind), unit, minimum, maximum)
        for number, device, name, kind, unit, minimum, maximum in rows
    ]


def sequences(cursor: duckdb.DuckDBPyConnection) -> dict[int, tuple[int, int]]:
    """By device number: the highest sequence number stored, and how many were jumped over."""
    rows = cursor.execute("SELECT device, highest, lost FROM sequences").fetchall()
    return {device: (highest, lost) for device, highest, lost in rows}


def latest(cursor: duckdb.DuckDBPyConnection) -> list[Latest]:
    """The newest value of every metric, by the devices' time."""
    rows = cursor.execute(
        """SELECT metric, epoch_us(max(r.time)), epoch_us(arg_max(received_at, r.time)), any_value(m.type),
                  arg_max(value, r.time), arg_max(text, r.time)
           FROM readings r JOIN metrics m ON m.number = r.metric GROUP BY metric"""
    ).fetchall()
    return [
        Latest(metric, time, received_at, _value(MetricType(kind), value, text))
        for metric, time, received_at, kind, value, text in rows
    ]


def _value(kind: MetricType, value: float | None, text: str | None) -> Value:
    if kind is MetricType.TEXT:
        return text or ""
    return bool(value) if kind is MetricType.BOOLEAN else float(value or 0.0)


def range_of(cursor: duckdb.DuckDBPyConnection, metric: Metric, start: int, end: int, points: int) -> Columns:
    """One metric from `start` up to, not including, `end` (µs, UTC).

    Every reading when there are no more than `points`, else `points` buckets of the same width; a bucket's time is its start.
    """
    where = (
        "FROM readings WHERE device = ? AND metric = ? AND time >= make_timestamp(?::BIGINT) "
        "AND time < make_timestamp(?::BIGINT)"
    )
    which = [metric.device, metric.number, start, end]
    row = cursor.execute(f"SELECT count(*) {where}", which).fetchone()
    count = row[0] if row else 0
    column = "text" if metric.type is MetricType.TEXT else "value"
    if count <= points:
        found = cursor.execute(
            f"SELECT epoch_us(time) AS time, {column} AS v {where} ORDER BY time",
            which,
        ).fetchnumpy()
        values = _listed(found["v"])
        return Columns("raw", found["time"].tolist(), values, values, values)
    width = max(RAW_BUCKETS_MIN_US, -(-(end - start) // points))
    three = (
        "arg_max(text, time) AS low, arg_max(text, time) AS high, arg_max(text, time) AS mean"
        if metric.type is MetricType.TEXT
        else "min(value) AS low, max(value) AS high, avg(value) AS mean"
    )
    found = cursor.execute(
        f"""SELECT ? + ((epoch_us(time) - ?) // ?) * ? AS time, {three}
            {where} GROUP BY 1 ORDER BY 1""",
        [start, start, width, width, *which],
    ).fetchnumpy()
    return Columns(
        "bucket",
        found["time"].tolist(),
        _listed(found["low"]),
        _listed(found["high"]),
        _listed(found["mean"]),
    )


def _listed(column: np.ndarray) -> list[float] | list[str]:
    listed: list[float] | list[str] = column.tolist()
    return listed


def rejections(cursor: duckdb.DuckDBPyConnection, device: int, limit: int) -> list[Rejection]:
    """A device's newest rejections, newest first."""
    rows = cursor.execute(
        """SELECT device, epoch_us(received_at), code, message, source, raw FROM rejections
           WHERE device = ? ORDER BY number DESC LIMIT ?""",
        [device, limit],
    ).fetchall()
    return [Rejection(*row) for row in rows]
