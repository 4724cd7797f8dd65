"""The registry's file: opened, migrated, asked in transactions. SQLite by SQLAlchemy Core, in WAL mode."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, CursorResult, event, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.errors import StoreError
from hub.registry import schema

# The hub's own writes take turns: who else holds the file is a tool beside it, and it should not for long.
BUSY_MS = 1_000
TURN_TIMEOUT_S = 30.0


class Database:
    """Transactions on the file; connections and rows go no further than the classes of this room."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite lets one write at a time, and those that wait for it try again at random: of 500 that came at
        # once, some were still waiting after 5 s and failed. Here each gets its turn in the order in which
        # they came.
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Database"]:
        """The database in the file at `path`, made or migrated as needed. Raises StoreError."""
        await asyncio.to_thread(_refuse_foreign, path)
        engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)))
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        try:
            try:
                await _migrate(engine, path)
            except DatabaseError as error:
                raise StoreError(f"{path}: {error.orig}") from error
            yield cls(engine)
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that reads. Raises StoreError."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise StoreError(f"registry: {error.orig}") from error
        except PoolTimeoutError as error:  # so many wait for a slow disk that no connection became free
            raise StoreError("registry: too much waits for the disk") from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that writes, when its turn comes: on disk when the block ends, or nothing of it.

        Raises StoreError.
        """
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._writing.acquire()
        except TimeoutError:
            raise StoreError("registry: too much waits for the disk") from None
        try:
            async with self.read() as connection:
                yield connection
        finally:
            self._writing.release()


def new_id(result: CursorResult[Any]) -> int:
    """The number that the database gave to a row just inserted."""
    if result.inserted_primary_key is None:
        raise StoreError("registry: the database gave no id to a new row")
    return int(result.inserted_primary_key[0])


def _set_pragmas(connection: Any, record: object) -> None:
    """WAL, so that reading never waits for writing; synchronous FULL, so that what is kept is on disk."""
    del record
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


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


async def _migrate(engine: AsyncEngine, path: Path) -> None:
    """Bring the file to this version's schema, in one transaction: a start cut short leaves it as it was.

    BEGIN is said here, because the driver begins none before statements that change the schema.
    """
    async with engine.begin() as connection:
        await connection.execute(text("BEGIN IMMEDIATE"))
        await connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)"))
        done = await connection.scalar(text("SELECT coalesce(max(number), 0) FROM schema_version")) or 0
        if done > len(schema.MIGRATIONS):
            raise StoreError(
                f"{path}: written by a newer version of the hub "
                f"(schema {done}, this one knows {len(schema.MIGRATIONS)})"
            )
        for number, statements in enumerate(schema.MIGRATIONS[done:], done + 1):
            for statement in statements:
                await connection.execute(text(statement))
            await connection.execute(text("INSERT INTO schema_version VALUES (:number)"), {"number": number})
