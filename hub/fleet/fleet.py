"""The fleet: every device with its keys, in memory for the path of a connection and in the registry for good."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakValueDictionary

import structlog

from hub.config import AuthConfig, LimitsConfig
from hub.errors import Conflict, Invalid, NotFound, StoreError, Unauthenticated, Unreadable
from hub.fleet.checks import check_device, check_metric
from hub.fleet.presence import EndReason, Roster, SharedAttributes
from hub.intake.accept import Ingest
from hub.model import OWN, ApiKey, Device, Metric
from hub.model import key as keys
from hub.model.key import Key
from hub.registry.registry import Registry

ATTRIBUTE_NAME_MAX = 100
ADDRESSES_MAX = 10_000  # beyond, the address that failed longest ago is forgotten
SLOW_MIN_S = 0.1
SLOW_MAX_S = 3.0
USES_INTERVAL_S = 10.0
_NOBODY = ApiKey("", 0, bytes(32))  # what a key with an unknown id is compared with, to take the same time

_log = structlog.get_logger("fleet")


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


class Login(NamedTuple):
    """Who a key let in."""

    device: Device
    key_id: str


class Attributes(NamedTuple):
    """Slow-changing facts: reported by the device, and set by operators."""

    device: dict[str, object]
    shared: dict[str, object]


class NewDevice(NamedTuple):
    """What is asked for when a device is added."""

    id: str
    name: str = ""
    labels: Mapping[str, str] = {}
    expected_interval_s: float | None = None


class Fleet:
    """Devices, keys, attributes. `clock` gives µs UTC, `choose` one random character of a string."""

    def __init__(
        self,
        registry: Registry,
        ingest: Ingest,
        roster: Roster,
        auth: AuthConfig,
        limits: LimitsConfig,
        clock: Callable[[], int],
        choose: Callable[[str], str],
    ) -> None:
        self._registry = registry
        self._ingest = ingest
        self._roster = roster
        self._auth = auth
        self._limits = limits
        self._clock = clock
        self._choose = choose
        self._devices: dict[str, Device] = {}
        self._by_number: dict[int, Device] = {}
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # while somebody writes
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, ApiKey] = {}  # keys whose last use is not in the registry yet
        self._removed: dict[int, asyncio.Future[None]] = {}  # done when the history has let go of them
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()  # address: (count, last at µs)

    async def restore(self) -> None:
        """Read the registry, and open every device."""
        for device in await self._registry.devices():
            self._remember(device)
        self._keys = {key.id: key for key in await self._registry.keys()}
        await self._ingest.restore(self.stored())
        removed = await self._registry.removed()
        if removed:  # a hub ended before the history had confirmed it; it costs nothing to say it twice
            self._removed = dict.fromkeys(removed, self._ingest.forget(removed))

    def _remember(self, device: Device) -> None:
        self._devices[device.id] = device
        self._by_number[device.number] = device

    # Devices

    def __len__(self) -> int:
        return len(self._devices)

    def find(self, device_id: str) -> Device:
        """The device. Raises NotFound."""
        try:
            return self._devices[device_id]
        except KeyError:
            raise NotFound(f"there is no device {device_id!r}") from None

    def look_up(self, device_id: str) -> Device:
        """The device, which may be the hub itself: to look at, for nobody changes that one. Raises NotFound."""
        return OWN if device_id == OWN.id else self.find(device_id)

    def devices(self) -> list[Device]:
        """All devices, by id; the hub itself is none of them."""
        return [self._devices[device_id] for device_id in sorted(self._devices)]

    def stored(self) -> list[Device]:
        """Whatever readings are stored of: all devices, and the hub itself."""
        return [*self._devices.values(), OWN]

    async def add(self, wanted: Sequence[NewDevice]) -> list[tuple[Device, Key]]:
        """Add devices with a key each, all or none; this is the only time the keys are seen. Raises Invalid, Conflict."""
        now = self._clock()
        devices = [
            Device(0, one.id, one.name or one.id, dict(one.labels), now, one.expected_interval_s)
            for one in wanted
        ]
        for device in devices:
            check_device(device)
        if twice := _repeated(device.id for device in devices):
            raise Conflict(f"the device {twice!r} is listed twice")
        made = [keys.make(self._choose) for _ in wanted]
        kept = [ApiKey(key.id, 0, keys.digest(key.secret), now) for key in made]
        added = await self._registry.add_devices(
            devices, [(device.id, key) for device, key in zip(devices, kept, strict=True)]
        )
        for device, key in zip(added, kept, strict=True):
            self._remember(device)
            self._keys[key.id] = replace(key, device=device.number)
            self._ingest.open(device)
        return list(zip(added, made, strict=True))

    @asynccontextmanager
    async def held(self, device: Device) -> AsyncIterator[Device]:
        """The device as it stands, for one who writes of it: until the block ends nobody else writes, and it is not removed.

        So every write of a device goes through here: what it reads in the block it may write back after an await.
        Raises NotFound when the device was removed.
        """
        async with self._turns.setdefault(device.number, asyncio.Lock()):
            try:
                current = self._by_number[device.number]
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

        All is checked before anything is changed, and on disk when it returns. Raises Invalid, NotFound, StoreError.
        """
        async with self.held(device) as current:
            wanted = edit(current)
            wanted = replace(wanted, name=wanted.name or wanted.id)
            check_device(wanted)
            described = self._described(device, metrics)
            if described:
                self._ingest.refuse_while_failing()
            if wanted != current:
                await self._registry.update_device(wanted)
                self._remember(wanted)
                self._roster.update(wanted)
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

    async def remove(self, device: Device) -> None:
        """Remove a device: its sessions end, its keys stop working, its readings go. Raises NotFound."""
        async with self.held(device):
            await self._registry.remove_device(device)
            del self._devices[device.id]
            del self._by_number[device.number]
            self._keys = {key.id: key for key in self._keys.values() if key.device != device.number}
            self._removed[device.number] = self._ingest.close(device)

    # Keys

    async def authenticate(self, key: str, address: str, device_id: str | None = None) -> Login:
        """Who holds this key; `device_id` is who it says it is, if it says.

        Raises Unauthenticated, the later the more this address has failed of late.
        """
        login = self.verify(key, device_id)
        if login is None:
            await asyncio.sleep(self._slowness_s(address))
            raise Unauthenticated("the key is wrong or revoked")
        self._failures.pop(address, None)
        used = replace(self._keys[login.key_id], last_used_at=self._clock(), last_used_from=address)
        self._keys[used.id] = self._used[used.id] = used
        return login

    def verify(self, text: str, device_id: str | None = None) -> Login | None:
        """Who holds this key, or None: what `authenticate` asks, with neither delay nor trace."""
        try:
            shown = keys.parse(text)
        except Unreadable:
            return None
        kept = self._keys.get(shown.id, _NOBODY)
        device = self._by_number.get(kept.device)
        if not keys.matches(shown.secret, kept.digest) or kept.revoked_at is not None or device is None:
            return None
        if device_id is not None and device_id != device.id:
            return None
        return Login(device, kept.id)

    def _slowness_s(self, address: str) -> float:
        now = self._clock()
        count, last = self._failures.pop(address, (0, 0))
        count = count + 1 if now - last < self._auth.failures_window_s * 1e6 else 1
        self._failures[address] = (count, now)
        if len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)
        return SLOW_MAX_S if count > self._auth.failures_max else min(SLOW_MAX_S, SLOW_MIN_S * count)

    def keys(self, device: Device) -> list[ApiKey]:
        """The device's keys, oldest first, revoked ones too."""
        return sorted(
            (key for key in self._keys.values() if key.device == device.number),
            key=lambda key: key.created_at,
        )

    async def add_key(self, device: Device) -> Key:
        """One more key for the device; this is the only time it is seen. Raises NotFound, StoreError."""
        made = keys.make(self._choose)
        kept = ApiKey(made.id, device.number, keys.digest(made.secret), self._clock())
        async with self.held(device):
            await self._registry.add_key(kept)
            self._keys[kept.id] = kept
        return made

    async def revoke(self, device: Device, key_id: str) -> None:
        """End a key for good, and every session that began with it.

        Raises NotFound, Conflict if it was revoked before, StoreError: the key does not work any more then either, and
        writing that down is tried again with the uses of keys.
        """
        key = self._keys.get(key_id)
        if key is None or key.device != device.number:
            raise NotFound(f"{device.id!r} has no key {key_id!r}")
        if key.revoked_at is not None:
            raise Conflict(f"the key {key_id!r} was revoked before")
        revoked = replace(key, revoked_at=self._clock())
        self._keys[key_id] = self._used[key_id] = revoked
        for session in self._roster.sessions(device):
            if session.key_id == key_id:
                session.end(EndReason.REVOKED)
        await self._registry.update_keys([revoked])

    async def keep_uses(self) -> None:
        """Write when and from where keys were used last, and which removals are done; loops until cancelled, once more when it is."""
        try:
            while True:
                await asyncio.sleep(USES_INTERVAL_S)
                await self.write_uses()
                await self.confirm_removed()
        finally:
            await self.write_uses()

    async def confirm_removed(self) -> None:
        """Note of which removed devices nothing is left. A disk that says no is tried again at the next turn."""
        done = {number for number, gone in self._removed.items() if gone.done() and not gone.cancelled()}
        if not done:
            return
        try:
            await self._registry.confirm_removed(done)
        except StoreError as error:
            _log.error("cannot note that removed devices are gone; retrying", why=str(error))
            return
        self._removed = {number: gone for number, gone in self._removed.items() if number not in done}

    async def write_uses(self) -> None:
        """Write the uses noted since the last time. A disk that says no is tried again at the next turn; what is noted meanwhile is one entry a key."""
        used, self._used = self._used, {}
        try:
            await self._registry.update_keys(self._keys[key_id] for key_id in used if key_id in self._keys)
        except StoreError as error:
            self._used = {**used, **self._used}
            _log.error("cannot write the uses of keys; retrying", why=str(error))
        except asyncio.CancelledError:
            self._used = {**used, **self._used}
            raise

    # Attributes

    async def attributes(self, device: Device) -> Attributes:
        """What the device reported of itself, and what operators set."""
        found = await self._registry.attributes(device)
        return Attributes(found["device"], found["shared"])

    async def report_attributes(self, device: Device, values: Mapping[str, object]) -> None:
        """The device reports facts about itself; on disk when it returns. None removes one. Raises Invalid, NotFound."""
        await self._put_attributes(device, "device", values)

    async def share_attributes(self, device: Device, values: Mapping[str, object]) -> None:
        """An operator sets facts for the device: kept, and sent to it if it is there. None removes one.

        Raises Invalid, NotFound.
        """
        await self._put_attributes(device, "shared", values)
        for session in self._roster.sessions(device):
            session.deliver(SharedAttributes(dict(values)))

    async def _put_attributes(self, device: Device, scope: str, values: Mapping[str, object]) -> None:
        if len(values) > self._limits.attributes_max:
            raise Invalid(f"{len(values)} attributes at once; at most {self._limits.attributes_max}")
        for name in values:
            if not 1 <= len(name) <= ATTRIBUTE_NAME_MAX or not name.isprintable():
                raise Invalid(
                    f"an attribute's name has 1 to {ATTRIBUTE_NAME_MAX} printable characters", name[:40]
                )
        async with self.held(device):
            await self._registry.put_attributes(
                device, scope, values, self._clock(), self._limits.attributes_max
            )


def _repeated(ids: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            return one
        seen.add(one)
    return None
