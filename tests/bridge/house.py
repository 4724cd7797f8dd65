"""The real rooms of the hub behind its place at a broker, on a folder."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hub import compose
from hub.bridge.bridge import Bridge
from hub.config import BrokerConfig, Config, LimitsConfig, StoreConfig
from hub.fleet.fleet import Fleet, NewDevice
from hub.fleet.presence import Roster
from hub.history.contract import History
from hub.intake.accept import Ingest
from hub.model import Device
from tests.stores import lay_out

FAR_FUTURE = 4_000_000_000_000_000  # µs
ALL = 1_000_000  # more points than any test stores


@dataclass
class House:
    history: History
    ingest: Ingest
    fleet: Fleet
    roster: Roster

    async def add(self, device_id: str) -> tuple[Device, str]:
        """A new device and its key."""
        ((device, key),) = await self.fleet.add([NewDevice(device_id)])
        return device, str(key)

    async def stored(self, device_id: str, metric: str = "n") -> list[float]:
        """All values on disk of a metric of numbers, smallest first."""
        device = self.fleet.devices.find(device_id)
        if metric not in self.ingest.metrics(device):
            return []
        columns = await self.history.range(self.ingest.metrics(device)[metric], 0, FAR_FUTURE, ALL)
        return sorted(float(value) for value in columns.avg)

    def broker(
        self,
        port: int,
        identity: str = "one",
        uniform: Callable[[float, float], float] = random.uniform,
        **changes: object,
    ) -> Bridge:
        settings = {"url": f"mqtt://127.0.0.1:{port}", "backoff_max_s": 0.2, **changes}
        config = BrokerConfig.model_validate(settings)
        return Bridge(config, identity, self.fleet.devices, self.ingest, self.fleet.keys.verify, uniform)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **limits: object) -> AsyncIterator["House"]:
        config = Config(
            store=StoreConfig(path=str(lay_out(folder)), memory_limit_mb=256),
            limits=LimitsConfig.model_validate(limits),
        )
        async with compose.open_rooms(config) as rooms:
            yield cls(rooms.history, rooms.ingest, rooms.fleet, rooms.roster)


@asynccontextmanager
async def running(broker: Bridge) -> AsyncIterator[Bridge]:
    """The broker's client at work, as the composition root has it: until cancelled."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(broker.run())
        try:
            yield broker
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def taken(broker: Bridge, messages: int) -> Callable[[], bool]:
    """Whether so many messages were taken in for good."""
    return lambda: broker.counts.acknowledged >= messages
