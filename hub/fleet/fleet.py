"""The fleet: devices come and go here, each with all that is its own."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from hub.errors import Conflict
from hub.fleet.attributes import Attributes
from hub.fleet.batches import Batches
from hub.fleet.checks import check_device
from hub.fleet.devices import Devices
from hub.fleet.intervals import LearntIntervals
from hub.fleet.keys import Keys
from hub.fleet.methods import Methods
from hub.fleet.presence import Roster
from hub.fleet.removal import Removal
from hub.intake.accept import Ingest
from hub.model import Device
from hub.model.key import Key
from hub.registry.devices import StoredDevices


class NewDevice(NamedTuple):
    """What is asked for when a device is added."""

    id: str
    name: str = ""
    labels: Mapping[str, str] = {}
    expected_interval_s: float | None = None


class Fleet:
    """Adds devices and removes them; its rooms are of those that are there."""

    def __init__(
        self,
        stored: StoredDevices,
        devices: Devices,
        keys: Keys,
        attributes: Attributes,
        methods: Methods,
        batches: Batches,
        removal: Removal,
        intervals: LearntIntervals,
        roster: Roster,
        ingest: Ingest,
        clock: Callable[[], int],
    ) -> None:
        self.devices = devices
        self.keys = keys
        self.attributes = attributes
        self.methods = methods
        self.batches = batches
        self.removal = removal
        self.intervals = intervals
        self._stored = stored
        self._roster = roster
        self._ingest = ingest
        self._clock = clock

    async def restore(self) -> None:
        """Read the registry and what the history holds, and open every device."""
        for device in await self._stored.all():
            self.devices.remember(device)
        await self.keys.restore()
        await self.attributes.restore()
        last_seen = await self._ingest.restore(self.devices.with_readings())
        learnt = await self._stored.learnt_intervals()
        for device in self.devices.with_readings():
            self._roster.add(device, last_seen.get(device.number), learnt.get(device.number))
        await self.removal.restore()

    async def add(self, wanted: Sequence[NewDevice]) -> list[tuple[Device, Key]]:
        """Add devices with a key each, all or none; this is the only time the keys are seen.

        Raises Invalid, Conflict, StoreError.
        """
        now = self._clock()
        devices = [
            Device(0, one.id, one.name or one.id, dict(one.labels), now, one.expected_interval_s)
            for one in wanted
        ]
        for device in devices:
            check_device(device)
        if twice := _repeated(device.id for device in devices):
            raise Conflict(f"the device {twice!r} is listed twice")
        # 34 µs each, since the system is asked for every random character: not in the loop's thread.
        made = await asyncio.to_thread(lambda: [self.keys.make() for _ in wanted])
        firsts = [(device.id, kept) for device, (_, kept) in zip(devices, made, strict=True)]
        added = await self._stored.add(devices, firsts)
        for device, (_, kept) in zip(added, made, strict=True):
            self.devices.remember(device)
            self.keys.remember([replace(kept, device=device.number)])
            self._ingest.open(device)
            self._roster.add(device)
        return [(device, key) for device, (key, _) in zip(added, made, strict=True)]

    async def remove(self, device: Device) -> None:
        """Remove a device with all that is its own. Raises NotFound, StoreError."""
        await self.removal.remove(device)


def _repeated(ids: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            return one
        seen.add(one)
    return None
