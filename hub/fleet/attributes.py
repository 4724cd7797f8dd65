from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import orjson

from hub.errors import Invalid
from hub.feed import Feed
from hub.fleet.checks import ATTRIBUTE_MAX_BYTES, ATTRIBUTES_MAX_BYTES, check_json
from hub.fleet.devices import Devices
from hub.fleet.methods import ATTRIBUTE as METHODS
from hub.fleet.methods import parse_methods
from hub.fleet.parameters import is_same
from hub.fleet.presence import Roster
from hub.fleet.session import DeviceSession, SharedAttributes
from hub.model import Device
from hub.registry.attributes import StoredAttributes

NAME_MAX = 100


class DeviceAttributes(NamedTuple):
    """Slow-changing facts: reported by the device, and shared with it by operators who wish them so."""

    device: dict[str, object]
    shared: dict[str, object]

    @property
    def pending(self) -> dict[str, object]:
        """What operators wish and the device has not reported back."""
        return {
            name: value
            for name, value in self.shared.items()
            if name not in self.device or not is_same(self.device[name], value)
        }

    def named(self, of_device: Sequence[str], shared: Sequence[str]) -> dict[str, object]:
        """As ThingsBoard answers a device: {"client": {…}, "shared": {…}}, or all where none are named."""
        if not of_device and not shared:
            return {"client": self.device, "shared": self.shared}
        asked = {"client": (of_device, self.device), "shared": (shared, self.shared)}
        return {
            scope: {name: values[name] for name in names if name in values}
            for scope, (names, values) in asked.items()
            if names
        }


class Attributes:
    """Facts about devices, at most `count_max` of each kind a device. `clock` gives µs UTC."""

    def __init__(
        self,
        stored: StoredAttributes,
        devices: Devices,
        roster: Roster,
        feed: Feed,
        count_max: int,
        clock: Callable[[], int],
    ) -> None:
        self._feed = feed
        self._wished: set[int] = set()  # numbers of devices with which anything was ever shared
        self._stored = stored
        self._devices = devices
        self._roster = roster
        self._count_max = count_max
        self._clock = clock

    async def restore(self) -> None:
        """Read from the registry with which devices anything is shared."""
        self._wished = await self._stored.shared_with()

    def may_be_pending(self, device: Device) -> bool:
        """Whether it is worth asking what is pending."""
        return device.number in self._wished

    async def deliver_pending(self, session: DeviceSession) -> None:
        """A device connected: send it what operators wish and it has not reported back. Raises NotFound."""
        async with self._devices.held(session.device):  # so that no older value follows a newer one
            pending = (await self.of(session.device)).pending
            if pending:
                session.deliver(SharedAttributes(pending))

    async def of(self, device: Device) -> DeviceAttributes:
        """What the device reported of itself, and what operators set."""
        found = await self._stored.of(device)
        return DeviceAttributes(found["device"], found["shared"])

    async def report(self, device: Device, values: Mapping[str, object]) -> None:
        """The device reports facts about itself; on disk when it returns. None removes one.

        Raises Invalid, NotFound.
        """
        self._check(values)
        if isinstance(values.get(METHODS), list):
            parse_methods(values[METHODS], METHODS)
        async with self._devices.held(device):
            await self._put(device, "device", values)
            self._tell(device)

    async def share(self, device: Device, values: Mapping[str, object]) -> None:
        """An operator sets facts for the device: kept, and sent to it if it is there. None removes one.

        Raises Invalid, NotFound.
        """
        self._check(values)
        async with self._devices.held(device):
            await self._put(device, "shared", values)
            self._wished.add(device.number)
            self._tell(device)
            for session in self._roster.sessions(device):  # in the order in which they were kept
                session.deliver(SharedAttributes(dict(values)))

    def _tell(self, device: Device) -> None:
        """Those who watch ask for them where they show them."""
        channel = self._feed.device(device.id)
        channel.notify("attributes", orjson.dumps({"type": "attributes", "channel": channel.name}))

    def _check(self, values: Mapping[str, object]) -> None:
        if len(values) > self._count_max:
            raise Invalid(f"{len(values)} attributes at once; at most {self._count_max}")
        for name, value in values.items():
            if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
                raise Invalid(f"an attribute's name has 1 to {NAME_MAX} printable characters", name[:40])
            check_json(value, name, ATTRIBUTE_MAX_BYTES)

    async def _put(self, device: Device, scope: str, values: Mapping[str, object]) -> None:
        await self._stored.put(device, scope, values, self._clock(), self._count_max, ATTRIBUTES_MAX_BYTES)
