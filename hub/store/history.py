"""The history: readings by device, metric and time. DuckDB, one file, one writer, many readers.

`append` and its like fill the open batch in the loop's thread; a writer thread commits (see writer.py);
queries run in a small pool of threads, each on a cursor of its own, and never stall the loop.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TypeVar

import duckdb
import structlog

from hub.errors import StoreError
from hub.model import Device, Metric, Rejection
from hub.store import queries
from hub.store.batch import Batch
from hub.store.writer import Writer

T = TypeVar("T")

QUERY_THREADS = 2
STOP_TIMEOUT_S = 3.0
LAST_TRY_TIMEOUT_S = 1.0
FRESH_TIMEOUT_S = 1.0

MIGRATIONS: tuple[str, ...] = (
    """
    -- One metric of one device. Numbers come from the hub, in the transaction of the metric's first reading.
    CREATE TABLE metrics (
        number INTEGER PRIMARY KEY, device INTEGER NOT NULL, name VARCHAR NOT NULL, type VARCHAR NOT NULL,
        unit VARCHAR, minimum DOUBLE, maximum DOUBLE);
    -- One value. No index: rows come nearly in order of time, and DuckDB's zone maps skip what a range does not touch.
    -- `value` holds numbers and truth values (0, 1), `text` holds texts; the other one is NULL.
    CREATE TABLE readings (
        device INTEGER NOT NULL, metric INTEGER NOT NULL, time TIMESTAMP NOT NULL, received_at TIMESTAMP NOT NULL,
        value DOUBLE, text VARCHAR);
    -- The highest sequence number stored of each device that numbers its readings, and how many it jumped over.
    CREATE TABLE sequences (device INTEGER PRIMARY KEY, highest BIGINT NOT NULL, lost BIGINT NOT NULL);
    -- What was refused, the newest limits.rejections_max of each device.
    CREATE SEQUENCE rejection_number;
    CREATE TABLE rejections (
        number BIGINT NOT NULL, device INTEGER NOT NULL, received_at TIMESTAMP NOT NULL, code VARCHAR NOT NULL,
        message VARCHAR NOT NULL, source VARCHAR NOT NULL, raw BLOB NOT NULL);
    -- How many batches were committed, counted in the same transactions: after a COMMIT that failed, this says whether it was done.
    CREATE TABLE commits (number BIGINT NOT NULL);
    INSERT INTO commits VALUES (0);
    """,
)

# A DuckDB file says so from its ninth byte on (DuckDB documentation, "Storage Versions and Format").
MAGIC = b"DUCK"
MAGIC_START = 8
MAGIC_END = MAGIC_START + len(MAGIC)
NOT_OURS = "not a history of this hub; it was left untouched"

_log = structlog.get_logger("history")


class History:
    """The readings' store. Make it with `open`; all methods are for the loop's thread."""

    def __init__(self, path: Path, memory_limit_mb: int, rejections_max: int) -> None:
        self._path = path
        self._memory_limit_mb = memory_limit_mb
        self._loop = asyncio.get_running_loop()
        self._connection = _connect(path, memory_limit_mb)
        self._reconnecting = threading.Lock()
        self._broken = False
        self._open = Batch(self._loop.create_future())
        self._in_flight: Batch | None = None
        self._handing_over = False
        self._done = self._loop.create_future()
        self._done.set_result(None)
        self._told = (
            asyncio.Event()
        )  # the writer told something: there may be room, or nothing left to wait for
        self.failure: str | None = None  # why nothing can be stored at present
        self.commits = 0
        self.pending = 0  # readings not on disk yet
        self._writer = Writer(self._write_connection, self._tell_committed, self._tell_failed, rejections_max)
        self._readers = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="history-reader")

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, memory_limit_mb: int, rejections_max: int) -> AsyncIterator["History"]:
        """The history in the file at `path`, made or migrated as needed. Raises StoreError."""
        history = cls(path, memory_limit_mb, rejections_max)
        history._writer.start()
        try:
            yield history
        finally:
            await history._close()

    # Writing

    @property
    def batch(self) -> Batch:
        """The open batch, to be filled at once and without an await; its `stored` is done when it is on disk."""
        if not self._handing_over and self._in_flight is None:
            self._handing_over = True
            self._loop.call_soon(self._hand_over)
        return self._open

    @property
    def stored(self) -> asyncio.Future[None]:
        """Done when everything appended so far is on disk."""
        if self._open:
            return self._open.stored
        return self._in_flight.stored if self._in_flight else self._done

    async def room(self, pending_max: int) -> None:
        """Wait until less than `pending_max` readings are on their way to the disk."""
        while self.pending >= pending_max:
            self._told.clear()
            await self._told.wait()

    def _hand_over(self) -> None:
        self._handing_over = False
        if self._in_flight is None and self._open:
            self._in_flight, self._open = self._open, Batch(self._loop.create_future())
            self._writer.write(self._in_flight)

    def _tell_committed(self, batch: Batch) -> None:
        self._loop.call_soon_threadsafe(self._on_committed, batch)

    def _on_committed(self, batch: Batch) -> None:
        if self.failure is not None:
            _log.info("storing again", after=self.failure)
            self.failure = None
        self.commits += 1
        self.pending -= batch.readings
        self._in_flight = None
        if not batch.stored.cancelled():
            batch.stored.set_result(None)
        self._told.set()
        self._hand_over()

    def _tell_failed(self, batch: Batch, error: Exception) -> None:
        self._broken = True
        self._loop.call_soon_threadsafe(self._on_failed, batch, str(error))

    def _on_failed(self, batch: Batch, message: str) -> None:
        if self.failure is None:
            _log.error(
                "cannot store; retrying, nothing is acknowledged meanwhile",
                why=message,
                readings=batch.readings,
            )
        self.failure = message
        self._told.set()

    def _write_connection(self) -> duckdb.DuckDBPyConnection:
        if self._broken:
            with self._reconnecting:
                self._connection.close()
                self._connection = _connect(self._path, self._memory_limit_mb)
            self._broken = False
        return self._connection

    async def _close(self) -> None:
        """Commit what is there, unless the disk says no; then end the writer, which is told last: it takes nothing after."""
        self._hand_over()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                while (self._in_flight or self._open) and self.failure is None:
                    self._told.clear()
                    await self._told.wait()
        self._writer.stop()
        await asyncio.to_thread(self._writer.join, LAST_TRY_TIMEOUT_S)
        for batch in (self._in_flight, self._open):
            if batch and not batch.stored.done():
                batch.stored.cancel()  # never acknowledged: the devices still have these readings
        self._readers.shutdown(cancel_futures=True)
        if not self._writer.is_alive():  # else the disk holds it, and closing would wait for the disk too
            self._connection.close()

    # Reading

    async def _query(self, query: Callable[[duckdb.DuckDBPyConnection], T], *, fresh: bool = True) -> T:
        """Run a query in a reader thread; `fresh` lets what was appended before reach the disk first, if it soon does."""
        if fresh and self.failure is None:
            await asyncio.wait([self.stored], timeout=FRESH_TIMEOUT_S)

        def run() -> T:
            try:
                with self._reconnecting:
                    cursor = self._connection.cursor()
                with closing(cursor):
                    return query(cursor)
            except duckdb.Error as error:
                raise StoreError(f"history: {error}") from error

        return await self._loop.run_in_executor(self._readers, run)

    async def metrics(self) -> list[Metric]:
        """All metrics, by number."""
        return await self._query(queries.metrics, fresh=False)

    async def sequences(self) -> dict[int, tuple[int, int]]:
        """By device number: the highest sequence number stored, and how many were jumped over."""
        return await self._query(queries.sequences, fresh=False)

    async def latest(self) -> list[queries.Latest]:
        """The newest value of every metric."""
        return await self._query(queries.latest, fresh=False)

    async def range(self, metric: Metric, start: int, end: int, points: int) -> queries.Columns:
        """One metric from `start` up to `end` (µs, UTC), in at most about `points` columns (see queries.range_of)."""
        return await self._query(lambda cursor: queries.range_of(cursor, metric, start, end, points))

    async def rejections(self, device: Device, limit: int) -> list[Rejection]:
        """A device's newest rejections, newest first."""
        return await self._query(lambda cursor: queries.rejections(cursor, device.number, limit))


def _connect(path: Path, memory_limit_mb: int) -> duckdb.DuckDBPyConnection:
    try:
        _refuse_foreign(path)
        connection = duckdb.connect(
            str(path),
            config={
                "memory_limit": f"{memory_limit_mb}MB",
                "threads": 2,
                "preserve_insertion_order": True,
                "autoinstall_known_extensions": False,  # the hub fetches nothing from anywhere
            },
        )
        try:
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise StoreError(f"{path}: {_explain(error)}") from error
    return connection


def _refuse_foreign(path: Path) -> None:
    """Look before DuckDB does: it would offer to read other programs' files, and stops at the empty file of a first start cut short."""
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(MAGIC_END)
    if not head:
        path.unlink()
    elif head[MAGIC_START:] != MAGIC:
        raise StoreError(f"{path}: {NOT_OURS}")


def _explain(error: duckdb.Error) -> str:
    text = str(error)
    if "Could not set lock" in text:
        return "another process has it open; one hub owns its history file"
    return text


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Bring the file to this version's schema, in one transaction: a start cut short leaves it as it was."""
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables and not {"schema_version", "readings"} <= tables:
        raise StoreError(f"{path}: {NOT_OURS}")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    row = connection.execute("SELECT coalesce(max(number), 0) FROM schema_version").fetchone()
    done = row[0] if row else 0
    if done > len(MIGRATIONS):
        raise StoreError(
            f"{path}: written by a newer version of the hub (schema {done}, this one knows {len(MIGRATIONS)})"
        )
    for number, statements in enumerate(MIGRATIONS[done:], done + 1):
        connection.execute(statements)
        connection.execute("INSERT INTO schema_version VALUES (?)", [number])
    connection.execute("COMMIT")
