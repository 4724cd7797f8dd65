"""What a history says of itself while no hub has it open."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from hub.errors import StoreError
from hub.history.duckdb.file import explain, identity
from hub.history.duckdb.fold import committed
from hub.history.journal.damage import HistoryState


@contextmanager
def looked_at(path: Path) -> Iterator[HistoryState]:
    """Its identity and how much of the journal it has; no hub can open it meanwhile, and nothing is changed.

    Raises StoreError where a hub has it open.
    """
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            if ("identity",) not in tables:
                raise StoreError(f"{path}: it is from before there was a journal; `hub serve` upgrades it")
            yield HistoryState(identity(connection), committed(connection))
    except duckdb.Error as error:
        raise StoreError(f"{path}: {explain(error)}") from error
