"""Reading a history's file after its owner has gone, and filling batches by hand."""

from pathlib import Path

import duckdb

from hub.history import contract
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.open_file import HistoryFile
from hub.model import Metric, MetricType

T0 = 1_795_170_094_504_000  # µs, UTC
DEVICE = 1
TEMPERATURE = Metric(1, DEVICE, "temperature", MetricType.NUMBER, "°C")


def stored_values(path: Path) -> list[float]:
    """Every number in the file, by time; what waits in the journal is not there yet."""
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("SELECT value FROM readings WHERE value IS NOT NULL ORDER BY time, value")
        return [value for (value,) in rows.fetchall()]


def count_rows(path: Path, table: str) -> int:
    """How many rows the table has."""
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])


def append(history: EmbeddedHistory, *values: float, start: int = T0) -> None:
    """Append temperatures, a millisecond apart."""
    batch = history.batch
    batch.metrics.setdefault(TEMPERATURE.number, TEMPERATURE)
    times = [start + 1000 * position for position in range(len(values))]
    batch.add(DEVICE, T0, [TEMPERATURE.number] * len(values), times, list(values))
    batch.readings += len(values)


def embedded(history: contract.History) -> EmbeddedHistory:
    """The embedded history, for tests that look inside."""
    assert isinstance(history, EmbeddedHistory)
    return history


async def folded(history: contract.History) -> None:
    """All that was appended is in its file."""
    await embedded(history)._folded()


def database(history: contract.History) -> HistoryFile:
    """Its file, for tests that look into that."""
    return embedded(history).database
