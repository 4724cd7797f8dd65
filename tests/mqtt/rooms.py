"""A hub's rooms with the MQTT server alone, on real stores, for as long as a test lasts."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hub import compose
from hub.compose import Surroundings
from hub.config import Config, LimitsConfig, MqttConfig, StoreConfig
from hub.errors import StoreError
from hub.fleet.attributes import Attributes
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet, NewDevice
from hub.fleet.presence import Roster
from hub.history.commit import Commit
from hub.history.contract import History
from hub.intake.accept import Ingest
from hub.intake.receipts import Receipt
from hub.model import Device, Reading, Refusal, Rejection
from hub.mqtt.codec.packets import Version
from hub.mqtt.server import MqttServer
from hub.registry.registry import Registry
from hub.serve import owned
from tests.mqtt.client import Client
from tests.stores import lay_out

DEADLINE_S = 10.0


class SlowDisk(Ingest):
    """An intake whose receipts are kept open until the test lets them go."""

    held: Commit | None = None

    def __init__(self, ingest: Ingest) -> None:
        vars(self).update(vars(ingest))  # the same rooms and the same figures

    def accept(
        self,
        device: Device,
        readings: Sequence[Reading],
        source: str,
        refused: Sequence[Refusal] = (),
        *,
        size: int = 0,
        present: bool = True,
    ) -> Receipt:
        receipt = super().accept(device, readings, source, refused, size=size, present=present)
        if self.held is None:
            self.held = Commit(loop=asyncio.get_running_loop())
        return receipt._replace(stored=self.held)

    def let_go(self) -> None:
        assert self.held is not None
        self.held.set_result(None)
        self.held = None


class BrokenAttributes(Attributes):
    """Attributes that cannot be stored: because of the disk, or by a fault of their own."""

    def __init__(self, attributes: Attributes) -> None:
        vars(self).update(vars(attributes))

    async def report(self, device: Device, values: Mapping[str, object]) -> None:
        if "disk" in values:
            raise StoreError("the disk is full")
        raise ZeroDivisionError


@dataclass
class Clock:
    """Steady seconds that a test can move on."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@dataclass
class Rooms:
    """What a test may look at, and talk to."""

    registry: Registry
    history: History
    roster: Roster
    ingest: Ingest
    fleet: Fleet
    commands: Commands
    server: MqttServer
    clock: Clock
    keys: dict[str, str] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)

    async def add(self, *ids: str) -> list[Device]:
        """Devices, each with its key in `keys`."""
        added = await self.fleet.add([NewDevice(one) for one in ids])
        self.keys |= {device.id: str(key) for device, key in added}
        return [device for device, _ in added]

    @property
    def port(self) -> int:
        assert self.server.port is not None
        return self.server.port

    def client(self, port: int | None = None, **options: Any) -> Client:
        """A client that is not connected yet; closed with the hub if not before."""
        self.clients.append(Client(port or self.port, **options))
        return self.clients[-1]

    async def stored(self, device_id: str) -> list[tuple[str, object]]:
        """The device's values on disk, as (metric, value), oldest first."""
        device = self.fleet.devices.find(device_id)
        await self.history.stored
        found: list[tuple[str, object]] = []
        for metric in await self.history.metrics():
            if metric.device == device.number:
                columns = await self.history.range(metric, 0, 2**53, 10_000)
                found += [(metric.name, value) for value in columns.avg]
        return found

    async def rejections(self, device_id: str) -> list[Rejection]:
        """The device's rejections on disk, newest first."""
        await self.history.stored
        return await self.history.rejections(self.fleet.devices.find(device_id), 100)


@asynccontextmanager
async def rooms(
    path: Path,
    mqtt: MqttConfig | None = None,
    limits: LimitsConfig | None = None,
    tls: ssl.SSLContext | None = None,
    *,
    slow_disk: bool = False,
    broken_fleet: bool = False,
) -> AsyncIterator[Rooms]:
    """Everything a device needs to be heard, on a free port."""
    config = Config(
        store=StoreConfig(path=str(lay_out(path)), memory_limit_mb=256),
        mqtt=mqtt or MqttConfig(port=0),
        limits=limits or LimitsConfig(),
    )
    clock = Clock()
    async with compose.open_rooms(config, Surroundings(steady_s=clock)) as found:
        ingest = SlowDisk(found.ingest) if slow_disk else found.ingest
        fleet = found.fleet
        if broken_fleet:
            fleet.attributes = BrokenAttributes(fleet.attributes)
        server = compose.mqtt(replace(found, ingest=ingest, fleet=fleet))
        await server.start((lambda: tls) if tls else None)
        opened = Rooms(
            found.registry,
            found.history,
            found.roster,
            ingest,
            fleet,
            found.commands,
            server,
            clock,
        )
        try:
            async with owned([server.run()]):
                yield opened
        finally:
            await server.stop(2)
            for client in opened.clients:
                client.close()


def boiler(hub: Rooms, version: Version = Version.V5, **options: Any) -> Client:
    """A client of the device boiler, with its key."""
    return hub.client(key=hub.keys["boiler"], version=version, **options)
