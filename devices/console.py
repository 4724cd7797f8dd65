"""The terminal, and when to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from rich.console import Console

_LIVE_INTERVAL_S = 0.5
_LINE_INTERVAL_S = 10.0


class Stop:
    """Whether it is time to stop, for whoever pauses."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    def now(self) -> None:
        """It is."""
        self._stopped.set()

    async def pause(self, delay_s: float) -> bool:
        """Wait so long, but not past the stop; whether it is time to stop."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return self._stopped.is_set()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stopped.wait()
        return self._stopped.is_set()


@asynccontextmanager
async def stop_on_signals(duration_s: float | None = None) -> AsyncIterator[Stop]:
    """A `Stop` set by the first SIGINT or SIGTERM, or after `duration_s`. A second signal has its usual effect."""
    loop = asyncio.get_running_loop()
    stop = Stop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        stop.now()

    for number in signals:
        loop.add_signal_handler(number, first)
    timer = loop.call_later(duration_s, stop.now) if duration_s is not None else None
    try:
        yield stop
    finally:
        if timer is not None:
            timer.cancel()
        for number in signals:
            loop.remove_signal_handler(number)


async def report(console: Console, stop: Stop, describe: Callable[[], str]) -> None:
    """Until the stop: one line kept up to date on a terminal, else a plain line now and then."""
    if not console.is_terminal:
        while not await stop.pause(_LINE_INTERVAL_S):
            console.print(describe(), highlight=False, markup=False, soft_wrap=True)
        return
    with console.status(describe()) as line:
        while not await stop.pause(_LIVE_INTERVAL_S):
            line.update(describe())
