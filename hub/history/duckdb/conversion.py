"""A metric's type is changed: its values go on under a new number, each as the new type has it.

Theory. From the moment of the change on, what a device sends has the new number, so no query ever sees two
types under one. The commit that makes the change notes it in `conversions`. The keeper then converts what
is stored under the old number, once nothing of it is in `filled`: first what is in `readings`, between two
commits, then the rest in one transaction. A conversion that is cut short by a kill is taken up again. What
does not read as the new type stays behind, and is swept up with the old number.

Minutes and hours are counted again where their values are still there. Where retention has left only counts,
a number becomes the text of its last value. Of a text only the last value is known, so it counts as one.
"""

from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

import duckdb

from hub.history.batch import Retyped
from hub.history.contract import Preview
from hub.history.duckdb.numbers import is_kept
from hub.history.duckdb.sealing import IF_NEWER
from hub.history.duckdb.transaction import transaction
from hub.model import Metric, MetricType
from hub.model.value import NUMBER_PATTERN

EXAMPLES_MAX = 10
EXAMPLE_CHARS = 100

_STORED = """(SELECT value, text FROM sealed WHERE metric = $metric
              UNION ALL SELECT value, text FROM filled
                        WHERE metric = $metric AND metric > (SELECT metric FROM sealing)
              UNION ALL SELECT value, text FROM readings WHERE metric = $metric)"""
_TRIMMED = "trim(text, ' \t\r\n')"
_NUMBER = f"""CASE WHEN regexp_full_match({_TRIMMED}, '{NUMBER_PATTERN}')
                    AND isfinite(try_cast({_TRIMMED} AS DOUBLE))
                    AND {is_kept(_TRIMMED, f"try_cast({_TRIMMED} AS DOUBLE)")}
               THEN try_cast({_TRIMMED} AS DOUBLE) END"""
_TRUTH = f"""CASE WHEN lower({_TRIMMED}) IN ('true', '1') THEN 1.0
                  WHEN lower({_TRIMMED}) IN ('false', '0') THEN 0.0 END"""
_DIGITS = "CASE WHEN {0} = trunc({0}) AND abs({0}) < 1e15 THEN {0}::BIGINT::VARCHAR ELSE {0}::VARCHAR END"
_WORD = "CASE WHEN {0} <> 0 THEN 'true' WHEN {0} = 0 THEN 'false' END"


class _RollupTable(NamedTuple):
    """A table of counts, the finer tier that it is counted from, and how."""

    table: str
    unit: str
    finer: str  # as `cuts` names it
    source: str  # of what was converted already
    counted: str  # all columns after the time


_TIERS = (
    _RollupTable(
        "minutes",
        "minute",
        "sealed",
        "moved",
        """count(*) AS count, min(v) AS low, max(v) AS high, sum(v) AS total,
           max(time) AS last_time, arg_max(v, time) AS last, arg_max(t, time) AS text""",
    ),
    _RollupTable(
        "hours",
        "hour",
        "minutes",
        "moved_minutes",
        """sum(count)::BIGINT AS count, min(low) AS low, max(high) AS high, sum(total) AS total,
           max(last_time) AS last_time, arg_max(last, last_time) AS last, arg_max(text, last_time) AS text""",
    ),
)


class _Rules(NamedTuple):
    """SQL for `value` and `text` as the new type has them; both are NULL where a value does not read so."""

    value: str
    text: str

    def select(self, table: str, columns: str) -> str:
        """The rows with a value of the new type, in order: `columns`, and that value as `v` or `t`."""
        return f"""(SELECT * EXCLUDE place FROM (
                        SELECT {columns}, rowid AS place, {self.value} AS v, {self.text} AS t
                        FROM {table} WHERE metric = $old)
                    WHERE v IS NOT NULL OR t IS NOT NULL ORDER BY time, place)"""


def _rules(old: MetricType, new: MetricType, value: str = "value") -> _Rules:
    """`value` names the column of numbers."""
    if old is new:
        return _Rules(value, "text")
    if old is MetricType.TEXT:
        return _Rules(_NUMBER if new is MetricType.NUMBER else _TRUTH, "NULL::VARCHAR")
    if new is MetricType.TEXT:
        return _Rules("NULL::DOUBLE", (_DIGITS if old is MetricType.NUMBER else _WORD).format(value))
    if new is MetricType.BOOLEAN:
        return _Rules(f"CASE WHEN {value} IN (0, 1) THEN {value} END", "NULL::VARCHAR")
    return _Rules(value, "NULL::VARCHAR")


def note(connection: duckdb.DuckDBPyConnection, pending: list[Retyped]) -> None:
    """Metrics got new types: the old ones are no more, and the keeper is to convert their values."""
    old, old_types, new, new_types = (list(column) for column in zip(*pending, strict=True))
    connection.execute(
        "INSERT INTO conversions SELECT unnest(?), unnest(?), unnest(?), unnest(?)",
        [old, list(map(str, old_types)), new, list(map(str, new_types))],
    )
    connection.execute("DELETE FROM metrics WHERE number IN (SELECT unnest(?))", [old])


def abandon(connection: duckdb.DuckDBPyConnection) -> None:
    """What is removed need not be converted any more: its old numbers are removed too."""
    while connection.execute(
        """INSERT INTO removed SELECT old FROM conversions
           WHERE new IN (SELECT metric FROM removed) AND old NOT IN (SELECT metric FROM removed)
           RETURNING metric"""
    ).fetchall():
        pass
    connection.execute("DELETE FROM conversions WHERE old IN (SELECT metric FROM removed)")


def convert(cursor: duckdb.DuckDBPyConnection, exclusive: AbstractContextManager[object]) -> bool:
    """Make the oldest change that is noted, if any; whether there was one. Nothing may be in `filled`."""
    found = cursor.execute("SELECT * FROM conversions ORDER BY rowid LIMIT 1").fetchall()
    if not found:
        return False
    old, old_type, new, new_type = found[0]
    pending = Retyped(old, MetricType(old_type), new, MetricType(new_type))
    with exclusive, transaction(cursor):
        _convert_readings(cursor, pending)
    with ExitStack() as until_committed, transaction(cursor):
        _convert_sealed(cursor, pending)
        _convert_latest(cursor, pending)
        for table in ("moved", "moved_minutes", "moved_hours"):
            cursor.execute(f"DROP TABLE {table}")
        # From here on no batch is committed that removes the metric: two that take the same row away clash.
        until_committed.enter_context(exclusive)
        cursor.execute("INSERT INTO cuts SELECT tier, ?, before FROM cuts WHERE metric = ?", [new, old])
        cursor.execute("INSERT INTO removed VALUES (?)", [old])
        cursor.execute("DELETE FROM conversions WHERE old = ?", [old])
    return True


def _convert_readings(cursor: duckdb.DuckDBPyConnection, pending: Retyped) -> None:
    """No batch is committed meanwhile: the caller sees to that."""
    found = _rules(pending.old_type, pending.new_type).select("readings", "device, time, received_at")
    cursor.execute(
        f"INSERT INTO readings SELECT device, $new, time, received_at, v, t FROM {found}",
        {"old": pending.old, "new": pending.new},
    )
    cursor.execute("DELETE FROM readings WHERE metric = ?", [pending.old])


def _convert_sealed(cursor: duckdb.DuckDBPyConnection, pending: Retyped) -> None:
    """Values, and what is counted of them; `moved` holds the values."""
    found = _rules(pending.old_type, pending.new_type).select("sealed", "time, lag_ms")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE moved AS FROM {found}", {"old": pending.old})
    cursor.execute("INSERT INTO sealed SELECT ?, time, lag_ms, v, t FROM moved ORDER BY rowid", [pending.new])
    for tier in _TIERS:
        _convert_tier(cursor, pending, tier)


def _convert_tier(cursor: duckdb.DuckDBPyConnection, pending: Retyped, tier: _RollupTable) -> None:
    """Counted again from the finer tier, which is converted already; before that begins, part by part."""
    [(before,)] = cursor.execute(
        "SELECT max(before) FROM cuts WHERE tier = ? AND metric = ?", [tier.finer, pending.old]
    ).fetchall()
    asked = {"old": pending.old, "new": pending.new, "before": before}
    start = f"date_trunc('{tier.unit}', time)"
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE moved_{tier.table} AS
            SELECT $new::INTEGER AS metric, {start} AS time, {tier.counted} FROM {tier.source}
            WHERE $before::TIMESTAMP IS NULL OR {start} >= $before::TIMESTAMP GROUP BY ALL""",
        {"new": pending.new, "before": before},
    )
    if before is not None:
        parts = _part_rules(pending).select(tier.table, "time, count, low, high, total, last_time")
        cursor.execute(
            f"""INSERT INTO moved_{tier.table} SELECT $new, time, {_part(pending)} FROM {parts}
                WHERE time < $before::TIMESTAMP""",
            asked,
        )
    cursor.execute(f"INSERT INTO {tier.table} FROM moved_{tier.table} ORDER BY time")


def _part_rules(pending: Retyped) -> _Rules:
    """Of a minute or an hour of which the values are gone, by its last value."""
    rules = _rules(pending.old_type, pending.new_type, "last")
    if (pending.old_type, pending.new_type) != (MetricType.NUMBER, MetricType.BOOLEAN):
        return rules
    truths = "low IN (0, 1) AND high IN (0, 1) AND total = trunc(total) AND total BETWEEN 0 AND count"
    return rules._replace(value=f"CASE WHEN {truths} THEN {rules.value} END")


def _part(pending: Retyped) -> str:
    """What becomes of such a minute or hour: all columns after its time."""
    if pending.old_type is MetricType.TEXT:
        return "1, v, v, v, last_time, v, NULL"
    if pending.new_type is MetricType.TEXT:
        return "count, NULL, NULL, NULL, last_time, NULL, t"
    return "count, low, high, total, last_time, v, NULL"


def _convert_latest(cursor: duckdb.DuckDBPyConnection, pending: Retyped) -> None:
    """The newest value that reads as the new type, wherever it still is."""
    found = _rules(pending.old_type, pending.new_type).select("latest", "time, received_at")
    cursor.execute(
        f"""INSERT INTO latest
            SELECT $new, max(time), max(received_at), arg_max(v, time), arg_max(t, time) FROM (
                FROM {found}
                UNION ALL SELECT time, make_timestamp(epoch_us(time) + 1000 * lag_ms), v, t FROM moved
                UNION ALL SELECT last_time, last_time, last, text FROM hours WHERE metric = $new)
            HAVING count(*) > 0 {IF_NEWER}""",
        {"old": pending.old, "new": pending.new},
    )


def preview(cursor: duckdb.DuckDBPyConnection, metric: Metric, kind: MetricType) -> Preview:
    """What would become of the metric's values if this were its type."""
    rules = _rules(metric.type, kind)
    shown = {MetricType.TEXT: "text", MetricType.NUMBER: _DIGITS, MetricType.BOOLEAN: _WORD}[metric.type]
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE judged AS
            SELECT left({shown.format("value")}, {EXAMPLE_CHARS}) AS shown,
                   {rules.value} IS NULL AND {rules.text} IS NULL AS lost
            FROM {_STORED}""",
        {"metric": metric.number},
    )
    [(values, lost)] = cursor.execute("SELECT count(*), count(*) FILTER (lost) FROM judged").fetchall()
    examples = cursor.execute(
        f"""SELECT shown, count(*) AS count FROM judged WHERE lost GROUP BY shown
            ORDER BY count DESC, shown LIMIT {EXAMPLES_MAX}"""
    ).fetchall()
    cursor.execute("DROP TABLE judged")
    return Preview(values, lost, examples)


def count(cursor: duckdb.DuckDBPyConnection, metric: Metric) -> int:
    """How many values of the metric are stored, each as it came."""
    asked = {"metric": metric.number}
    [(values,)] = cursor.execute(f"SELECT count(*) FROM {_STORED}", asked).fetchall()
    return int(values)
