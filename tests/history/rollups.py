"""A look into the minutes and hours of a metric, which the hub asks for by way of a range alone."""

from collections.abc import Sequence

import duckdb

from hub.history.batch import Unstored
from hub.history.duckdb import ranges
from hub.history.duckdb.ranges import Rollup
from hub.model import Metric


def rollup_of(
    cursor: duckdb.DuckDBPyConnection,
    metric: Metric,
    unstored: Sequence[Unstored],
    start: int,
    end: int,
    table: str,
    step: int,
) -> Rollup:
    """Buckets of `step` µs from `start` up to `end`, of `table` ("minutes", "hours") and the unsealed."""
    with ranges._sight(cursor, metric, unstored, start, end):
        return ranges._merged(cursor, metric, table, start, end, step)
