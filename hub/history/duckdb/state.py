"""What a history says of itself while no hub has it open."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from hub.errors import StoreError
from hub.history.duckdb.file import explain, identity
from hub.history.journal.reading import HistoryState


def state_of(connection: duckdb.DuckDBPyConnection) -> HistoryState:
    """Which history this is, and how much of the journal it has."""
    [(number, run)] = connection.execute("SELECT number, run FROM commits").fetchall()
    return HistoryState(identity(connection), number, run.bytes)


@contextmanager
def looked_at(path: Path) -> Iterator[HistoryState]:
    """Its identity and how much of the journal it has; no hub can open it meanwhile, and nothing is changed.

    Raises StoreError where a hub has it open.
    """
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            columns = connection.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall()
            if ("commits", "run") not in columns:
                raise StoreError(f"{path}: it is an earlier version's; `hub serve` upgrades it")
            yield state_of(connection)
    except duckdb.Error as error:
        raise StoreError(f"{path}: {explain(error)}") from error
