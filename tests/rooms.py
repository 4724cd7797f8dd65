"""All the rooms below the transports, on real stores in a folder, with time held in the hand."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hub import compose
from hub.compose import Surroundings
from hub.config import AuthConfig, Config, LimitsConfig, LiveConfig, ReadingsConfig, StoreConfig
from hub.fleet.fleet import NewDevice
from hub.fleet.session import EndReason, Handover, SharedAttributes
from hub.model import Command, Device
from hub.model.key import Key
from tests.stores import lay_out

UNLIMITED = LimitsConfig(readings_per_s=10**6, readings_burst=10**6, values_per_s=10**8, bytes_per_s=10**9)
T0 = 1_795_170_094_504_000  # µs, UTC


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = T0
        self.set_by = 0  # µs, by which somebody has set it

    def __call__(self) -> int:
        return self.now + self.set_by

    def monotonic_s(self) -> float:
        return self.now / 1e6

    def pass_s(self, seconds: float) -> None:
        self.now += round(seconds * 1e6)


@dataclass(eq=False)
class FakeSession:
    """A connected device: keeps what it is given, refuses while `deaf`."""

    device: Device
    key_id: str = ""
    deaf: bool = False
    handover: Handover = Handover.CONFIRMED_LATER
    delivered: list[Command | SharedAttributes] = field(default_factory=list)
    ended: list[EndReason] = field(default_factory=list)

    def deliver(self, message: Command | SharedAttributes) -> Handover | None:
        if self.deaf:
            return None
        self.delivered.append(message)
        return self.handover

    def end(self, reason: EndReason) -> None:
        self.ended.append(reason)


@dataclass(frozen=True)
class Rooms(compose.Rooms):
    clock: Clock

    async def add(self, device_id: str, expected_interval_s: float | None = None) -> tuple[Device, Key]:
        """One more device, and its key."""
        ((device, key),) = await self.fleet.add(
            [NewDevice(device_id, expected_interval_s=expected_interval_s)]
        )
        return device, key

    def connect(self, device: Device, key_id: str = "") -> FakeSession:
        """A session of the device."""
        session = FakeSession(device, key_id)
        self.roster.enter(session)
        return session


@asynccontextmanager
async def open_rooms(
    folder: Path,
    clock: Clock,
    limits: LimitsConfig | None = None,
    auth: AuthConfig | None = None,
    live: LiveConfig | None = None,
    readings: ReadingsConfig | None = None,
) -> AsyncIterator[Rooms]:
    """The rooms on the stores in `folder`, restored from them."""
    config = Config(
        store=StoreConfig(path=str(lay_out(folder)), memory_limit_mb=128),
        limits=limits or LimitsConfig(),
        auth=auth or AuthConfig(),
        live=live or LiveConfig(),
        readings=readings or ReadingsConfig(),
    )
    chance = random.Random(len(list(folder.iterdir())))
    around = Surroundings(
        clock=clock,
        steady_s=clock.monotonic_s,
        choose=chance.choice,
        random_bytes=lambda count: bytes(range(count)),
        random_text=lambda: chance.randbytes(32).hex(),
        uniform=chance.uniform,
    )
    async with compose.open_rooms(config, around) as rooms:
        yield Rooms(**vars(rooms), clock=clock)
