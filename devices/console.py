"""The terminal, and when to stop."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from rich.console import Console
from rich.markup import escape

STOP_MAX_S = 10.0  # devices take up to 5 s to bring in what they have measured
_STDIN = 0
# A signal within this time is the same one again: timeout(1) and some runners send it to the group as well.
_SAME_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LIVE_INTERVAL_S = 0.5
_LINE_INTERVAL_S = 10.0


class Stop:
    """Whether it is time to stop, for what pauses."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    def now(self) -> None:
        """It is."""
        self._stopped.set()

    async def wait(self) -> None:
        """Until it is."""
        await self._stopped.wait()

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
    """A `Stop` set by the first SIGINT or SIGTERM, or after `duration_s`.

    From the first signal on the block has STOP_MAX_S to end; then, or at a second signal, the process ends at
    once.
    """
    loop = asyncio.get_running_loop()
    stop = Stop()
    guard = threading.Timer(STOP_MAX_S, _give_up)
    guard.daemon = True
    timers: list[asyncio.TimerHandle] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def kill_from_now_on() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    def first() -> None:
        if not guard.is_alive():
            guard.start()
            timers.append(loop.call_later(_SAME_S, kill_from_now_on))
            stop.now()

    for number in _SIGNALS:
        loop.add_signal_handler(number, first)
    if duration_s is not None:
        timers.append(loop.call_later(duration_s, stop.now))
    try:
        yield stop
    finally:
        guard.cancel()
        for timer in timers:
            timer.cancel()
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _give_up() -> None:
    sys.stderr.write(f"not stopped after {STOP_MAX_S:g} s, so this ends now\n")
    sys.stderr.flush()
    os._exit(1)


def stop_at_end_of_input() -> None:
    """Send this process SIGTERM when standard input ends, as it does when the program behind it is gone."""

    def wait() -> None:
        while os.read(_STDIN, 4096):  # not sys.stdin, whose lock a thread must not hold when Python ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end of input", daemon=True).start()


async def report(console: Console, stop: Stop, describe: Callable[[], str]) -> None:
    """Until the stop: one line kept up to date on a terminal, else a plain line now and then."""
    if not console.is_terminal:
        while not await stop.pause(_LINE_INTERVAL_S):
            console.print(describe(), highlight=False, markup=False, soft_wrap=True)
        return
    with console.status(escape(describe())) as line:
        while not await stop.pause(_LIVE_INTERVAL_S):
            line.update(escape(describe()))
