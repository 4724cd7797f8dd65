"""Disks that are full, that hang, and that refuse: for the journal, and for the history's file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hub.history import contract
from hub.history.duckdb.file import connect
from tests.history.rows import database, embedded


@contextmanager
def full_journal(history: contract.History) -> Iterator[None]:
    """There is no space left for the journal's file."""
    journal = embedded(history)._journal
    with journal.lock:
        journal._writable(history.batch.number)  # there is one
    file = journal._segments[-1]._file
    kept, full = os.dup(file), os.open("/dev/full", os.O_RDWR)
    try:
        with journal.lock:
            os.dup2(full, file)
        yield
    finally:
        with journal.lock:
            os.dup2(kept, file)
        os.close(kept)
        os.close(full)


@contextmanager
def hanging_journal(history: contract.History) -> Iterator[None]:
    """As a disk that does not answer: nothing gets into the journal meanwhile, and nothing fails."""
    with embedded(history)._journal.lock:
        yield


@contextmanager
def refusing_file(history: contract.History) -> Iterator[None]:
    """DuckDB refuses to write readings: another transaction, not committed, changes their table."""
    with connect(database(history)._path, database(history)._memory_limit_mb) as connection:
        connection.execute("BEGIN")
        connection.execute("ALTER TABLE readings ADD COLUMN other INTEGER")
        yield
        connection.execute("ROLLBACK")
