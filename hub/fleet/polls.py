"""Devices that wait for something by HTTP, each with a request that is held until it is there."""

import asyncio
from contextlib import suppress

from hub.errors import Busy
from hub.model import Device

OF_DEVICE_MAX = 2  # one that came again before its last request was given up; the oldest gives way
RETRY_AFTER_S = 5.0


class Polls:
    """At most `polls_max` requests wait, over all devices. One that waits costs a future and a timer."""

    def __init__(self, polls_max: int) -> None:
        self._max = polls_max
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}  # by device number, the oldest first
        self.count = 0  # of requests that wait
        self._is_over = False

    async def wait(self, device: Device, timeout_s: float) -> None:
        """Until `wake`, or for so long; at once where the hub stops. Raises Busy where too many wait."""
        if self._is_over:
            return
        mine = self._waiting.setdefault(device.number, [])
        if len(mine) >= OF_DEVICE_MAX:
            self._wake_one(mine[0])
        elif self.count >= self._max:
            if not mine:
                del self._waiting[device.number]
            raise Busy(
                "too many devices wait for commands (limits.polls_max)", RETRY_AFTER_S, "limits.polls_max"
            )
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine.append(woken)
        self.count += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await woken
        finally:
            self.count -= 1
            mine.remove(woken)
            if not mine and self._waiting.get(device.number) is mine:
                del self._waiting[device.number]

    def wake(self, device: Device) -> None:
        """There is something for this device."""
        for woken in self._waiting.get(device.number, ()):
            self._wake_one(woken)

    def close(self) -> None:
        """The hub stops: nobody waits any more."""
        self._is_over = True
        for waiting in self._waiting.values():
            for woken in waiting:
                self._wake_one(woken)

    def _wake_one(self, woken: asyncio.Future[None]) -> None:
        if not woken.done():
            woken.set_result(None)
