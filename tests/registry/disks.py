"""A registry's file that takes nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hub.registry.registry import Registry


@contextmanager
def locked(registry: Registry) -> Iterator[None]:
    """Another connection holds the write lock until the block ends: to those who write, a disk that says no.

    A hub waits a second for such a lock. Here it is told at once.
    """
    own = registry._database._writing._connection
    files = own.execute("PRAGMA database_list").fetchall()
    [path] = [path for _, name, path in files if name == "main"]  # a migration may have opened temp, too
    [(usual_ms,)] = own.execute("PRAGMA busy_timeout").fetchall()
    own.execute("PRAGMA busy_timeout = 0").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            own.execute(f"PRAGMA busy_timeout = {usual_ms}").close()
