"""Hubs kept for the tests of a file: to open one takes ten times as long as to clear one.

A fixture takes the hub, and gives it back when the test is done. It is given to the next test where it is as
it was when new; where a test failed, or left it otherwise, the next test gets a new one.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Generic, TypeVar

from hub.config import Config
from hub.fleet.fleet import Fleet
from hub.history.contract import History
from hub.intake.accept import Ingest
from hub.intake.known import IntakeCounts

H = TypeVar("H")

LOCALHOST = "127.0.0.1"


class KeptHubs(Generic[H]):
    """One hub for each configuration that is asked for, all closed at the end.

    `open_hub` opens one; `clear` takes away what a test made, and tells whether the hub is as good as new.
    """

    def __init__(
        self,
        open_hub: Callable[[Config], AbstractAsyncContextManager[H]],
        clear: Callable[[H], Awaitable[bool]],
    ) -> None:
        self._open = open_hub
        self._clear = clear
        self._kept: list[tuple[Config, H, AsyncExitStack]] = []

    async def take(self, config: Config) -> H:
        """The hub of this configuration."""
        for known, hub, _ in self._kept:
            if known == config:
                return hub
        stack = AsyncExitStack()
        hub = await stack.enter_async_context(self._open(config))
        self._kept.append((config, hub, stack))
        return hub

    async def give_back(self, hub: H, *, failed: bool) -> None:
        """Clear it, or close it."""
        if failed or not await self._clear(hub):
            [gone] = [one for one in self._kept if one[1] is hub]
            self._kept.remove(gone)
            await gone[2].aclose()

    async def close(self) -> None:
        """Close all."""
        while self._kept:
            await self._kept.pop()[2].aclose()


async def empty(fleet: Fleet, history: History, ingest: Ingest) -> None:
    """Take all devices away, count from 0 again, and forgive this machine all wrong keys.

    The readings stay in the history, under numbers that no device gets again: to take them away too would
    cost more than all the rest.
    """
    for device in fleet.devices.all():
        await fleet.removal.remove(device)
        history.batch.removed.discard(device.number)
    ingest.counts = IntakeCounts()
    fleet.keys._throttle._failures.pop(LOCALHOST, None)
