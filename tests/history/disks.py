"""Disks that are full, that hang, and that refuse: for the journal, and for the history's file."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from hub.history import contract
from hub.history.duckdb.file import connect
from tests.history.journals import in_place_of
from tests.history.rows import database, embedded


def full_journal(history: contract.History) -> AbstractContextManager[None]:
    """There is no space left for the journal's file."""
    return _journal_on("/dev/full", history)


def journal_without_sync(history: contract.History) -> AbstractContextManager[None]:
    """The journal's file takes what is written, and then fdatasync fails."""
    return _journal_on("/dev/null", history)


@contextmanager
def _journal_on(other: str, history: contract.History) -> Iterator[None]:
    journal = embedded(history)._journal
    with journal.lock:
        journal._writable(history.batch.number)  # there is one
    with in_place_of(journal._segments[-1]._file, other):
        yield


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
