"""Waiting for what comes in its own time, and ports to listen on."""

import asyncio
import inspect
import socket
from collections.abc import Callable, Coroutine

DEADLINE_S = 20.0


async def until(
    holds: Callable[[], object] | Callable[[], Coroutine[object, object, object]],
    what: str = "what the test waits for",
    deadline_s: float = DEADLINE_S,
) -> None:
    """Return as soon as `holds()` is true, which may have to be awaited; fail after the deadline."""
    try:
        async with asyncio.timeout(deadline_s) as waiting:
            while True:
                found = holds()
                if await found if inspect.iscoroutine(found) else found:
                    return
                await asyncio.sleep(0.002)
    except TimeoutError:
        if not waiting.expired():  # what was asked gave up by itself
            raise
        raise AssertionError(f"did not happen in {deadline_s:g} s: {what}") from None


def free_port() -> int:
    """One on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
