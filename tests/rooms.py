"""All the rooms below the transports, on real stores in a folder, with time held in the hand."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hub.config import AuthConfig, LimitsConfig, LiveConfig
from hub.feed import Feed
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet, NewDevice
from hub.fleet.presence import EndReason, Roster, SharedAttributes
from hub.history.duckdb.history import History
from hub.intake.ingest import Ingest
from hub.model import Command, Device
from hub.model.key import Key
from hub.people.operators import Operators
from hub.registry.registry import Registry

T0 = 1_795_170_094_504_000  # µs, UTC


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now

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
    delivered: list[Command | SharedAttributes] = field(default_factory=list)
    ended: list[EndReason] = field(default_factory=list)

    def deliver(self, message: Command | SharedAttributes) -> bool:
        if not self.deaf:
            self.delivered.append(message)
        return not self.deaf

    def end(self, reason: EndReason) -> None:
        self.ended.append(reason)


@dataclass
class Rooms:
    clock: Clock
    registry: Registry
    history: History
    feed: Feed
    roster: Roster
    ingest: Ingest
    fleet: Fleet
    commands: Commands
    operators: Operators

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
) -> AsyncIterator[Rooms]:
    """The rooms on the stores in `folder`, restored from them."""
    limits, auth, live = limits or LimitsConfig(), auth or AuthConfig(), live or LiveConfig()
    chance = random.Random(len(list(folder.iterdir())))
    async with (
        Registry.open(folder / "registry.db") as registry,
        History.open(folder / "history.duckdb", 128, limits.rejections_max) as history,
    ):
        feed = Feed(live, "k3f9", clock.monotonic_s)
        roster = Roster(feed, clock)
        ingest = Ingest(history, feed, roster, limits, clock)
        fleet = Fleet(registry, ingest, roster, auth, limits, clock, chance.choice)
        commands = Commands(registry, roster, clock)
        token_secret = await registry.secret("token", bytes(range(32)))
        operators = Operators(registry, auth, token_secret, clock, lambda: chance.randbytes(32).hex())
        await fleet.restore()
        await commands.restore()
        yield Rooms(clock, registry, history, feed, roster, ingest, fleet, commands, operators)
