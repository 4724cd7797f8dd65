"""The registry's file: opened, migrated, asked in transactions. SQLite in WAL mode.

Plain SQL by Python's own driver: SQLAlchemy Core took 18 MB of every hub and a fifth of its start, for some
thirty statements. These keep to what PostgreSQL reads as well.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from hub.errors import StoreError
from hub.registry import schema

T = TypeVar("T")

# The hub's own writes take turns: who else holds the file is a tool beside it, and it should not for long.
BUSY_S = 1.0
TURN_TIMEOUT_S = 30.0


class Transaction:
    """All or nothing of some statements. They name their values, `:name`, and never hold them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, /, **values: object) -> list[dict[str, Any]]:
        """What is found, each by the names of its columns."""
        return [dict(row) for row in self._connection.execute(sql, values)]

    def value(self, sql: str, /, **values: object) -> Any:
        """The first column of what is found first; None where there is nothing."""
        row = self._connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def run(self, sql: str, /, **values: object) -> int:
        """How many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it for each of these."""
        self._connection.executemany(sql, rows)

    def insert(self, table: str, row: Mapping[str, object]) -> int:
        """Add a row; the number that the database gave it."""
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        added = self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", row)
        if added.lastrowid is None:
            raise StoreError("registry: the database gave no id to a new row")
        return added.lastrowid


def to_json(value: object) -> bytes:
    """As it is stored: in bytes, since of a text that is one number SQLite would make a number of its own."""
    return json.dumps(value).encode()


def from_json(stored: Any) -> Any:
    """What was written as JSON text. SQLite makes a number of a text that is one in columns of this type."""
    return json.loads(stored) if isinstance(stored, str | bytes) else stored


class Database:
    """Transactions on the file; connections and cursors go no further than this class."""

    def __init__(self, writing: "_Turns", reading: "_Turns") -> None:
        self._writing = writing
        self._reading = reading

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Database"]:
        """The database in the file at `path`, made or migrated as needed. Raises StoreError."""
        writing, reading = await asyncio.to_thread(_open, path)
        try:
            yield cls(writing, reading)
        finally:
            await asyncio.to_thread(reading.close)
            await asyncio.to_thread(writing.close)  # the last one folds the log into the file

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` finds, in a thread. Raises StoreError."""
        return await self._reading.take("BEGIN", work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, in a thread, when its turn comes: what it wrote is on disk then, or nothing of
        it.

        Raises StoreError; sqlite3.IntegrityError for what the tables do not allow.
        """
        return await self._writing.take("BEGIN IMMEDIATE", work)


class _Turns:
    """A connection with a thread of its own.

    SQLite lets one write at a time, and those that wait for it try again at random: of 500 that came at once,
    some were still waiting after 5 s and failed. Here each gets its turn in the order in which they came.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "registry")
        self._turn = asyncio.Lock()

    async def take(self, begin: str, work: Callable[[Transaction], T]) -> T:
        """Run a transaction when the turn comes."""
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreError("registry: too much waits for the disk") from None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, _transact, self._connection, begin, work)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise StoreError(f"registry: {error}") from error
        finally:
            self._turn.release()

    def close(self) -> None:
        """After what is under way."""
        self._thread.shutdown()
        self._connection.close()


def _transact(connection: sqlite3.Connection, begin: str, work: Callable[[Transaction], T]) -> T:
    connection.execute(begin)
    try:
        result = work(Transaction(connection))
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a COMMIT that failed may have undone it already
            connection.execute("ROLLBACK")
        raise
    return result


def _open(path: Path) -> tuple[_Turns, _Turns]:
    """To write, and to read beside it."""
    _refuse_foreign(path)
    opened: list[sqlite3.Connection] = []
    try:
        opened.append(_connect(path))
        _transact(opened[0], "BEGIN IMMEDIATE", lambda transaction: _migrate(transaction, path))
        opened.append(_connect(path))
    except BaseException as error:
        for connection in opened:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{path}: {error}") from error
        raise
    return _Turns(opened[0]), _Turns(opened[1])


def _connect(path: Path) -> sqlite3.Connection:
    """WAL, so that reading never waits for writing; synchronous FULL, so that what is kept is on disk.

    Without an isolation level it is this file that says BEGIN, and not the driver.
    """
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(path: Path) -> None:
    """Look before anything at all is written: the file may belong to another program."""
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise StoreError(
            f"{path}: not a registry of this hub, or damaged ({error}); it was left untouched"
        ) from error
    if tables and not {"schema_version", "credentials"} <= tables:
        raise StoreError(f"{path}: not a registry of this hub; it was left untouched")


def _migrate(transaction: Transaction, path: Path) -> None:
    """Bring the file to this version's schema, in one transaction: a start cut short leaves it as it was."""
    transaction.run("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    done = transaction.value("SELECT coalesce(max(number), 0) FROM schema_version")
    if done > len(schema.MIGRATIONS):
        raise StoreError(
            f"{path}: written by a newer version of the hub "
            f"(schema {done}, this one knows {len(schema.MIGRATIONS)})"
        )
    for number, statements in enumerate(schema.MIGRATIONS[done:], done + 1):
        for statement in statements:
            transaction.run(statement)
        transaction.run("INSERT INTO schema_version VALUES (:number)", number=number)
