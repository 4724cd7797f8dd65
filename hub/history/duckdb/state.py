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
            yield HistoryState(identity(connection), committed(connection))
    except duckdb.CatalogException:
        raise StoreError(
            f"{path}: it is of a version that had no journal yet; `hub serve` upgrades it"
        ) from None
    except duckdb.Error as error:
        raise StoreError(f"{path}: {explain(error)}") from error
