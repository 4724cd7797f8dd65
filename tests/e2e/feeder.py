"""A device that goes on sending while a test looks at the page."""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from devices.client import DeviceClient
from tests.e2e.network import Network
from tests.hub_process import HubProcess

INTERVAL_S = 0.1
DEADLINE_S = 30.0

Values = dict[str, float | str | bool]


def machine(number: int) -> Values:
    """What a machine reports as its reading `number`: a count, a wave, a text and a truth value."""
    return {
        "count": number,
        "temperature": round(40 + 5 * math.sin(number / 10), 2),
        "mode": "auto" if number % 20 < 10 else "manual",
        "open": number % 2 == 0,
    }


class Feeder:
    """Sends a reading every `interval_s` over MQTT from a thread of its own, from `with` on until its end.

    Of `earlier` readings it sends at once what it took while nobody was there. A hub that goes away and comes
    back is found again, and gets what it missed.
    """

    def __init__(
        self,
        hub: HubProcess | Network,
        key: str,
        *,
        interval_s: float = INTERVAL_S,
        values: Callable[[int], Values] = machine,
        earlier: int = 0,
    ) -> None:
        self._url = f"mqtt://127.0.0.1:{hub.mqtt_port}"
        self._key = key
        self._interval_s = interval_s
        self._values = values
        self._earlier = earlier
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feeder")
        self._device: DeviceClient | None = None

    @property
    def sent(self) -> int:
        """How many readings the hub acknowledged."""
        return 0 if self._device is None else self._device.counts.acknowledged

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for(self._earlier + 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        if error is None and self._failure is not None:
            raise self._failure

    def wait_for(self, sent: int) -> None:
        """Wait until so many readings were sent and acknowledged."""
        deadline = time.monotonic() + DEADLINE_S
        while self.sent < sent:
            assert self._thread.is_alive(), self._failure
            assert time.monotonic() < deadline, f"{self.sent} of {sent} were sent"
            self._stop.wait(0.01)

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001  # it is raised in the test
            self._failure = error

    async def _send(self) -> None:
        async with DeviceClient(self._url, self._key, numbered=True, first_seq=1) as device:
            self._device = device
            now = time.time()
            for number in range(self._earlier):
                then = now - (self._earlier - number) * self._interval_s
                await device.send(self._values(number), time=then * 1000)
            number = self._earlier
            while not self._stop.is_set():
                await device.send(self._values(number))
                number += 1
                await asyncio.to_thread(self._stop.wait, self._interval_s)
