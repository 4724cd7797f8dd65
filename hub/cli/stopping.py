"""Running until a signal says stop, and then not for long, whatever hangs."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine

STOP_MAX_S = 10.0  # an orderly stop takes less than 5; what was acknowledged is on disk long before
# A signal within this time is the same one again: timeout(1) and some runners send it to the group as well.
SAME_S = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_stopped(
    work: Callable[[asyncio.Event], Coroutine[None, None, None]], limit_s: float = STOP_MAX_S
) -> None:
    """Run `work` on uvloop. The first SIGINT or SIGTERM sets the event it gets; then it has `limit_s` to end.

    A second signal kills the process at once, as it does with a program that handles none, so its exit code
    is that of the signal. A process that is not done in time ends with exit code 1.
    """
    import uvloop

    guard = threading.Timer(limit_s, _give_up, (limit_s,))
    guard.daemon = True

    async def run() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()

        def kill_from_now_on() -> None:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)

        def first() -> None:
            if not stop.is_set():
                guard.start()
                stop.set()
                loop.call_later(SAME_S, kill_from_now_on)

        for number in SIGNALS:
            loop.add_signal_handler(number, first)
        await work(stop)

    try:
        uvloop.run(run())
    finally:
        guard.cancel()


def _give_up(limit_s: float) -> None:
    sys.stderr.write(
        f"hub: not stopped after {limit_s:g} s, so it ends now; what was acknowledged is on disk\n"
    )
    sys.stderr.flush()
    os._exit(1)
