"""What is asked of the history: plain functions over a cursor, run in a reader's thread."""

import duckdb

from hub.history.contract import Latest
from hub.model import Metric, MetricType, Rejection, SequenceMark, Thresholds, Value


def metrics(cursor: duckdb.DuckDBPyConnection) -> list[Metric]:
    """All metrics, by number."""
    rows = cursor.execute(
        """SELECT number, device, name, type, unit, minimum, maximum, decimals,
                  critical_low, warning_low, warning_high, critical_high FROM metrics ORDER BY number"""
    ).fetchall()
    return [
        Metric(number, device, name, MetricType(kind), unit, minimum, maximum, decimals, Thresholds(*bounds))
        for number, device, name, kind, unit, minimum, maximum, decimals, *bounds in rows
    ]


def highest_metric(cursor: duckdb.DuckDBPyConnection) -> int:
    """The highest number that a metric was ever given; 0 before the first."""
    [(number,)] = cursor.execute("SELECT highest FROM metric_numbers").fetchall()
    return int(number)


def sequences(cursor: duckdb.DuckDBPyConnection) -> dict[int, SequenceMark]:
    """How far each device had counted its readings, by its number."""
    rows = cursor.execute("SELECT device, highest, lost, old_highest, old_until FROM sequences").fetchall()
    return {device: SequenceMark(*mark) for device, *mark in rows}


def latest(cursor: duckdb.DuckDBPyConnection) -> list[Latest]:
    """The newest value of every metric, by the devices' time: `latest` has that of what is sealed."""
    rows = cursor.execute(
        """WITH found AS (
               SELECT metric, time, received_at, value, text FROM latest
               UNION ALL SELECT metric, time, received_at, value, text FROM readings
               UNION ALL SELECT metric, time, received_at, value, text FROM filled
                         WHERE metric > (SELECT metric FROM sealing))
           SELECT metric, epoch_us(max(time)), epoch_us(max(received_at)), any_value(type),
                  arg_max(value, time), arg_max(text, time)
           FROM found JOIN metrics ON number = metric GROUP BY metric"""
    ).fetchall()
    return [
        Latest(metric, time, received_at, _value(MetricType(kind), value, text))
        for metric, time, received_at, kind, value, text in rows
    ]


def _value(kind: MetricType, value: float | None, text: str | None) -> Value:
    if kind is MetricType.TEXT:
        return text or ""
    return bool(value) if kind is MetricType.BOOLEAN else float(value or 0.0)


def rejections(cursor: duckdb.DuckDBPyConnection, device: int, limit: int) -> list[Rejection]:
    """A device's newest rejections, newest first."""
    rows = cursor.execute(
        """SELECT device, epoch_us(received_at), code, message, source, raw FROM rejections
           WHERE device = ? ORDER BY number DESC LIMIT ?""",
        [device, limit],
    ).fetchall()
    return [Rejection(*row) for row in rows]
