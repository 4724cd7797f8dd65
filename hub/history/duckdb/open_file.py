"""The history's file while it is open: one connection, and the threads that work with cursors of it.

Queries run in a small pool of threads, each on a cursor of its own, for a limited time. What is long and in
nobody's way, moving and keeping, has a thread each. DuckDB refuses all work on a connection that has failed,
so after a failure the next write begins with a new one.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import duckdb

from hub.errors import StoreError
from hub.history.duckdb.arrived import Arrived
from hub.history.duckdb.file import connect

T = TypeVar("T")
Work = Callable[[duckdb.DuckDBPyConnection], T]

QUERY_THREADS = 4  # so that two that one person asked for leave room for others
QUERY_TIMEOUT_S = 10.0
INTERRUPT_EVERY_S = 0.01
INTERRUPTS_MAX = 100  # then the thread is left to end by itself: it waits for the disk, not for DuckDB


class HistoryFile:
    """The open file. `query`, `move` and `keep` raise StoreError; cancelled they stop their work."""

    def __init__(self, path: Path, memory_limit_mb: int) -> None:
        """Raises StoreError."""
        self._path = path
        self._memory_limit_mb = memory_limit_mb
        self._connection = connect(path, memory_limit_mb)
        self._is_broken = False
        self._reconnecting = threading.Lock()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()  # at work now
        # Held while batches are folded, and by the keeper while it turns tables over.
        self.exclusive = threading.Lock()
        self.arrived = Arrived()
        self.querying = 0  # queries that run or wait for a thread
        self.query_timeout_s = QUERY_TIMEOUT_S
        self._readers = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="history-reader")
        self._keeping = ThreadPoolExecutor(1, thread_name_prefix="history-keeper")
        self._moving = ThreadPoolExecutor(1, thread_name_prefix="history-mover")

    def writing(self) -> duckdb.DuckDBPyConnection:
        """The connection to write on, for one thread: a new one after `broke`. Raises StoreError."""
        if self._is_broken:
            with self._reconnecting:
                self._drop_connection()
                self._connection = connect(self._path, self._memory_limit_mb)
            self._is_broken = False
        return self._connection

    def broke(self) -> None:
        """Work on the connection has failed."""
        self._is_broken = True

    async def query(self, work: Work[T], *, limited: bool = True) -> T:
        """Run a query. If `limited`, it is also an error when it takes too long."""
        self.querying += 1
        try:
            async with asyncio.timeout(self.query_timeout_s if limited else None):
                return await self._run(self._readers, work)
        except TimeoutError:
            raise StoreError(
                f"history: no answer within {self.query_timeout_s:g} s; ask for a shorter range, or later"
            ) from None
        finally:
            self.querying -= 1

    async def move(self, work: Work[T]) -> T:
        """Run a step of an export, an import or a backup."""
        return await self._run(self._moving, work)

    async def keep(self, work: Work[T]) -> T:
        """Run a step of the keeper."""
        return await self._run(self._keeping, work)

    def close(self, *, at_rest: bool) -> None:
        """End. The file is closed only where no thread waits for the disk: closing would wait for it too."""
        for pool in (self._keeping, self._moving, self._readers):
            pool.shutdown(cancel_futures=True)
        if at_rest:
            self._connection.close()

    def _drop_connection(self) -> None:
        """Close the connection. DuckDB refuses that while one of its cursors is at work, so these are stopped
        first: on a connection that has failed they can do nothing any more.
        """
        for _ in range(INTERRUPTS_MAX):
            for cursor in list(self._cursors):
                with suppress(duckdb.Error):  # closed meanwhile
                    cursor.interrupt()
            with suppress(duckdb.OperationalError):
                self._connection.close()
                return
            time.sleep(INTERRUPT_EVERY_S)
        self._connection.close()

    async def _run(self, pool: ThreadPoolExecutor, work: Work[T]) -> T:
        """Run `work` in a thread of `pool` on a cursor of its own; a caller that gives up stops it."""
        cursors: list[duckdb.DuckDBPyConnection] = []

        def run() -> T:
            try:
                with self._reconnecting:
                    cursor = self._connection.cursor()
                with closing(cursor):
                    cursors.append(cursor)
                    self._cursors.add(cursor)
                    try:
                        return work(cursor)
                    finally:
                        self._cursors.discard(cursor)
            except duckdb.Error as error:
                raise StoreError(f"history: {error}") from error

        running = pool.submit(run)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            # Again until it is over, because between two statements there is nothing to interrupt.
            for _ in range(INTERRUPTS_MAX):
                if running.done():
                    break
                for cursor in cursors:
                    with suppress(duckdb.Error):  # closed meanwhile
                        cursor.interrupt()
                await asyncio.sleep(INTERRUPT_EVERY_S)
            raise
