"""Every device, in memory. What is written of one is written by one at a time: see `Devices.held`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakValueDictionary

from hub.errors import NotFound
from hub.fleet.checks import check_device, check_metric
from hub.fleet.presence import Roster
from hub.intake.accept import Ingest
from hub.model import Device, Metric
from hub.registry.devices import StoredDevices

DeviceEdit = Callable[[Device], Device]
"""A change of a device: from how it stands, when its turn comes, to how it is wanted."""


class MetricEdit(NamedTuple):
    """A change of a device's metric of that name; `where` leads to it in what was asked, for the error."""

    name: str
    edit: Callable[[Metric], Metric]
    where: str = ""


def as_it_is(device: Device) -> Device:
    """No change."""
    return device


class Devices:
    """Finds devices, and changes them. `sources` send readings, but are not counted among the devices."""

    def __init__(
        self, stored: StoredDevices, ingest: Ingest, roster: Roster, sources: Iterable[Device] = ()
    ) -> None:
        self._stored = stored
        self._ingest = ingest
        self._roster = roster
        self._sources = {device.id: device for device in sources}
        self._devices: dict[str, Device] = {}
        self._numbered: dict[int, Device] = {}
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # while somebody writes

    def __len__(self) -> int:
        return len(self._devices)

    def remember(self, device: Device) -> None:
        """Know a device, or how it is from now on."""
        self._devices[device.id] = device
        self._numbered[device.number] = device

    def forget(self, device: Device) -> None:
        """The device was removed."""
        del self._devices[device.id]
        del self._numbered[device.number]

    def find(self, device_id: str) -> Device:
        """The device. Raises NotFound."""
        try:
            return self._devices[device_id]
        except KeyError:
            raise NotFound(f"there is no device {device_id!r}") from None

    def known(self, device_id: str, *, sources: bool = True) -> Device | None:
        """The device, if there is one; or a source, which nobody can change: only to look at it."""
        source = self._sources.get(device_id) if sources else None
        return source or self._devices.get(device_id)

    def numbered(self, number: int) -> Device | None:
        """The device with this number, if there is one."""
        return self._numbered.get(number)

    def all(self) -> list[Device]:
        """All devices, by id."""
        return [self._devices[device_id] for device_id in sorted(self._devices)]

    def with_readings(self) -> list[Device]:
        """Whatever readings are stored of: all devices and sources."""
        return [*self._devices.values(), *self._sources.values()]

    @asynccontextmanager
    async def held(self, device: Device) -> AsyncIterator[Device]:
        """The device as it stands. Until the block ends nobody else writes of it, and it is not removed.

        Every write of a device goes through here, so what is read in the block may be written back after an
        await. Raises NotFound when the device was removed.
        """
        async with self._turns.setdefault(device.number, asyncio.Lock()):
            try:
                current = self._numbered[device.number]
            except KeyError:
                raise NotFound(f"the device {device.id!r} was removed") from None
            yield current

    async def change(
        self,
        device: Device,
        edit: DeviceEdit = as_it_is,
        metrics: Sequence[MetricEdit] = (),
    ) -> Device:
        """Change a device and some of its metrics, by name; without a name it is called by its id.

        All is checked before anything is changed, and on disk when it returns. Raises Invalid, NotFound,
        StoreError.
        """
        async with self.held(device) as current:
            wanted = edit(current)
            wanted = replace(wanted, name=wanted.name or wanted.id)
            check_device(wanted)
            described = self._described(device, metrics)
            if described:
                self._ingest.refuse_while_failing()
            if wanted != current:
                await self._stored.update(wanted)
                self.remember(wanted)
                self._roster.update(wanted)
                self._ingest.update(wanted)
            stored = self._ingest.describe(wanted, described) if described else None
        if stored is not None:
            await stored
        return wanted

    def _described(self, device: Device, edits: Sequence[MetricEdit]) -> list[Metric]:
        """The metrics after these edits, one after another. Raises Invalid, NotFound."""
        found: dict[str, Metric] = {}
        for name, edit, where in edits:
            found[name] = edit(found.get(name) or self._ingest.metric(device, name))
            check_metric(found[name], where)
        return list(found.values())
