"""A hub's history in a process of its own: appends numbered values, and prints how far it has stored them.

python -m tests.history.appender FILE [FILE_SIZE_MAX VALUES_PER_BATCH]: with a size, no file may grow beyond
it until a line comes on standard input, as if the disk were full for a while. Size 0: the file has grown
large before, and may not grow any more. With the word `keep` instead, a keeper seals all the while.
"""

import asyncio
import random
import resource
import sys
from pathlib import Path

from hub.config import LogConfig
from hub.history.duckdb.history import History
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.logs import set_up_logs
from tests.history.rows import T0, append

VALUES_PER_BATCH = 500
LOG_MAX_BYTES = 16_000_000  # DuckDB folds its log into the file at this size


async def append_forever(path: Path, *, keep: bool) -> None:
    """Append and report until killed."""
    async with History.open(path, 256, 100) as history, asyncio.TaskGroup() as tasks:
        if keep:
            tasks.create_task(keep_forever(history))
        appended = 0
        while True:
            append(history, *range(appended, appended + VALUES_PER_BATCH), start=T0 + 1000 * appended)
            appended += VALUES_PER_BATCH
            await history.stored
            print("stored", appended, flush=True)


async def keep_forever(history: History) -> None:
    """Turn over whatever is there, and seal it in small pieces, without a pause."""
    keeper = Keeper(history, dict, lambda: T0, Bounds(fill_rows=1, piece_rows=1))
    while True:
        if not await keeper.step():
            await asyncio.sleep(0.001)


async def append_through_full_disk(path: Path, size_max: int, per_batch: int) -> None:
    """Append until the disk is full, wait for room, and go on."""
    async with History.open(path, 256, 100) as history:
        appended = 0
        if size_max == 0:
            size_max = await fill(history, path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_max, resource.RLIM_INFINITY))
        while history.failure is None:
            append(history, *range(appended, appended + per_batch), start=T0 + 1000 * appended)
            appended += per_batch
            stored = history.stored
            while not stored.done() and history.failure is None:
                await asyncio.wait([stored], timeout=0.01)
        acknowledged = history.stored.done()
        print("failed", appended, acknowledged, history.pending, history.failure, flush=True)
        append(history, *range(appended, appended + 5), start=T0 + 1000 * appended)
        await asyncio.to_thread(sys.stdin.readline)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await asyncio.wait_for(history.stored, 30)
        print("stored", appended + 5, history.pending, history.failure, flush=True)


async def fill(history: History, path: Path) -> int:
    """Make the file larger than DuckDB's log may get, with values that do not compress (all below 0); returns
    its size.
    """
    noise = random.Random(1)
    while path.stat().st_size < LOG_MAX_BYTES * 1.2:
        append(history, *(-1 - noise.random() for _ in range(500_000)))
        await history.stored
    return path.stat().st_size


if __name__ == "__main__":
    set_up_logs(LogConfig())
    file = Path(sys.argv[1])
    if len(sys.argv) > 3:
        asyncio.run(append_through_full_disk(file, int(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(append_forever(file, keep=sys.argv[2:] == ["keep"]))
