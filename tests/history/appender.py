"""A hub's history in a process of its own: appends numbered values, and prints how far it has stored them.

python -m tests.history.appender FILE HOW, where HOW is

    store             append until killed, 500 values at a time; folded every few seconds
    fold              the same, and fold all the while
    keep              the same, and a keeper seals all the while
    full-journal      no file may grow beyond 300,000 bytes, so the journal cannot; until a line on stdin
    full-file COUNT   the history's file has grown large before and may not grow any more, the journal may, up
                      to its limit; until a line comes on stdin. COUNT values at a time
"""

import asyncio
import random
import resource
import sys
from pathlib import Path

from hub.config import LogConfig
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.logs import set_up_logs
from tests.history.rows import T0, append, folded

VALUES_PER_BATCH = 500
JOURNAL_BYTES = 300_000
LOG_MAX_BYTES = 16_000_000  # DuckDB folds its log into the file at this size
JOURNAL_MAX_MB = 8


async def append_forever(path: Path, how: str) -> None:
    """Append and report until killed."""
    async with EmbeddedHistory.open(path, 256, 100) as history, asyncio.TaskGroup() as tasks:
        if how != "store":
            tasks.create_task(fold_forever(history))
        if how == "keep":
            tasks.create_task(keep_forever(history))
        appended = 0
        while True:
            append(history, *range(appended, appended + VALUES_PER_BATCH), start=T0 + 1000 * appended)
            appended += VALUES_PER_BATCH
            await history.stored
            print("stored", appended, flush=True)


async def fold_forever(history: EmbeddedHistory) -> None:
    """Fold whatever is there, without a pause."""
    while True:
        await folded(history)
        await asyncio.sleep(0)


async def keep_forever(history: EmbeddedHistory) -> None:
    """Turn over whatever is there, and seal it in small pieces, without a pause."""
    keeper = Keeper(history.database, dict, lambda: T0, Bounds(fill_rows=1, piece_rows=1))
    while True:
        if not await keeper.step():
            await asyncio.sleep(0.001)


async def append_through_full_disk(path: Path, per_batch: int, *, journal: bool) -> None:
    """Append until nothing is acknowledged any more, wait for room, and go on."""
    async with EmbeddedHistory.open(path, 256, 100, journal_max_mb=JOURNAL_MAX_MB) as history:
        appended = acknowledged = 0
        size_max = JOURNAL_BYTES if journal else await fill(history, path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_max, resource.RLIM_INFINITY))
        while history.failure is None:
            append(history, *range(appended, appended + per_batch), start=T0 + 1000 * appended)
            appended += per_batch
            stored = history.stored
            while not stored.done() and history.failure is None:
                await asyncio.wait([stored], timeout=0.01)
            acknowledged += per_batch * stored.done()
            if history.behind is None:
                await history._fresh()  # so that folds are as large as batches are
        print(appended, acknowledged, history.pending, history.failure, flush=True)
        append(history, *range(appended, appended + 5), start=T0 + 1000 * appended)
        await asyncio.to_thread(sys.stdin.readline)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await asyncio.wait_for(history.stored, 60)
        while not await history._fresh():
            await asyncio.sleep(0.05)
        print(appended + 5, history.pending, history.failure, history.behind, flush=True)


async def fill(history: EmbeddedHistory, path: Path) -> int:
    """Make the file larger than DuckDB's log may get, with values that do not compress (all below 0); returns
    its size.
    """
    noise = random.Random(1)
    while path.stat().st_size < LOG_MAX_BYTES * 1.2:
        append(history, *(-1 - noise.random() for _ in range(500_000)))
        await folded(history)
    return path.stat().st_size


if __name__ == "__main__":
    set_up_logs(LogConfig())
    file, how, *count = sys.argv[1:]
    if how.startswith("full"):
        per_batch = int(count[0]) if count else VALUES_PER_BATCH
        asyncio.run(append_through_full_disk(Path(file), per_batch, journal=how == "full-journal"))
    else:
        asyncio.run(append_forever(Path(file), how))
