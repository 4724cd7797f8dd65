"""A viewer that reads nothing for long, while the device sends. A file of its own: it takes that long."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from statistics import median

import psutil

from tests.faults.watchers import port_of, send, viewing
from tests.hub_process import HubProcess
from tests.rounds import rounds

SECONDS = rounds(20)
QUICK = 2
PADDING_BYTES = 400
GROWTH_MAX_BYTES = 64 * 2**20  # of the hub; all that is not taken would be 250 MB


async def test_a_viewer_that_reads_nothing_for_long_costs_no_memory_slows_nobody_and_gets_the_latest(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = await asyncio.to_thread(
        start_hub,
        HUB__LIVE__PING_INTERVAL_S="1", HUB__LIMITS__READINGS_PER_S="100000", HUB__LIVE__PENDING_MAX="20000",
        HUB__LIVE__RESUME_MAX_BYTES="10000000", HUB__STORE__MEMORY_LIMIT_MB="128",
        HUB__LIMITS__BYTES_PER_S="100000000",
    )  # fmt: skip
    key = await asyncio.to_thread(hub.add_device, "pump")
    token = await asyncio.to_thread(hub.token)
    process = psutil.Process(hub.pid)
    async with AsyncExitStack() as stack:
        stopped = await stack.enter_async_context(viewing(port_of(hub), token))
        quick = [await stack.enter_async_context(viewing(port_of(hub), token)) for _ in range(QUICK)]
        for watcher in quick:
            await stack.enter_async_context(watcher.reading())
        sent, sizes = 0, []
        for _ in range(SECONDS):
            sent += await send(hub, key, 1.0, sent, padding_bytes=PADDING_BYTES)
            for watcher in quick:  # before the next second begins
                await watcher.reached(sent)
            sizes.append(process.memory_info().rss)
        await stopped.until(sent)
    assert [(watcher.skipped, watcher.count) for watcher in quick] == [(0, sent)] * QUICK
    assert stopped.skipped + stopped.count == sent
    assert stopped.skipped > sent * 0.8
    assert stopped.newest == sent - 1
    # Of the last seconds the one in the middle: the history takes more for moments, and gives it back.
    assert median(sizes[-10:]) - sizes[0] < GROWTH_MAX_BYTES
