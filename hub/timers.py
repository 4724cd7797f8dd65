"""Waiting for the next turn of what looks after something now and then.

Theory. To wake an idle process costs more than most of what it then does. So loops do not sleep for their
interval but until a multiple of it: all that are due then are due in one moment, and the hub sleeps for the
rest of the time.
"""

import asyncio
from collections.abc import Callable


def aligned(now_s: float, interval_s: float) -> float:
    """The next multiple of the interval, but one that is half an interval away at least."""
    return (round(now_s / interval_s) + 1) * interval_s


async def aligned_sleep(interval_s: float) -> None:
    """Sleep until the loop's time is a multiple of this, for about as long."""
    now_s = asyncio.get_running_loop().time()
    await asyncio.sleep(aligned(now_s, interval_s) - now_s)


async def every(interval_s: float, do: Callable[[], None]) -> None:
    """Do it at each turn of the interval, until cancelled."""
    while True:
        await aligned_sleep(interval_s)
        do()
