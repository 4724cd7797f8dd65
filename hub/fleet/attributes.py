from collections.abc import Callable, Mapping
from typing import NamedTuple

from hub.errors import Invalid
from hub.fleet.checks import ATTRIBUTE_MAX_BYTES, ATTRIBUTES_MAX_BYTES, check_json
from hub.fleet.devices import Devices
from hub.fleet.presence import Roster
from hub.fleet.session import SharedAttributes
from hub.model import Device
from hub.registry.attributes import StoredAttributes

NAME_MAX = 100


class DeviceAttributes(NamedTuple):
    """Slow-changing facts: reported by the device, and set by operators."""

    device: dict[str, object]
    shared: dict[str, object]


class Attributes:
    """Facts about devices, at most `count_max` of each kind a device. `clock` gives µs UTC."""

    def __init__(
        self,
        stored: StoredAttributes,
        devices: Devices,
        roster: Roster,
        count_max: int,
        clock: Callable[[], int],
    ) -> None:
        self._stored = stored
        self._devices = devices
        self._roster = roster
        self._count_max = count_max
        self._clock = clock

    async def of(self, device: Device) -> DeviceAttributes:
        """What the device reported of itself, and what operators set."""
        found = await self._stored.of(device)
        return DeviceAttributes(found["device"], found["shared"])

    async def report(self, device: Device, values: Mapping[str, object]) -> None:
        """The device reports facts about itself; on disk when it returns. None removes one.

        Raises Invalid, NotFound.
        """
        self._check(values)
        async with self._devices.held(device):
            await self._put(device, "device", values)

    async def share(self, device: Device, values: Mapping[str, object]) -> None:
        """An operator sets facts for the device: kept, and sent to it if it is there. None removes one.

        Raises Invalid, NotFound.
        """
        self._check(values)
        async with self._devices.held(device):
            await self._put(device, "shared", values)
            for session in self._roster.sessions(device):  # in the order in which they were kept
                session.deliver(SharedAttributes(dict(values)))

    def _check(self, values: Mapping[str, object]) -> None:
        if len(values) > self._count_max:
            raise Invalid(f"{len(values)} attributes at once; at most {self._count_max}")
        for name, value in values.items():
            if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
                raise Invalid(f"an attribute's name has 1 to {NAME_MAX} printable characters", name[:40])
            check_json(value, name, ATTRIBUTE_MAX_BYTES)

    async def _put(self, device: Device, scope: str, values: Mapping[str, object]) -> None:
        await self._stored.put(device, scope, values, self._clock(), self._count_max, ATTRIBUTES_MAX_BYTES)
