"""The devices' API keys, in memory for the path of a connection and in the registry for good."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from hub.errors import Conflict, NotFound, StoreError, Unauthenticated, Unreadable
from hub.fleet.devices import Devices
from hub.fleet.presence import Roster
from hub.fleet.session import EndReason
from hub.logs import Logger
from hub.model import ApiKey, Device
from hub.model import key as keys
from hub.model.key import Key
from hub.registry.keys import StoredKeys
from hub.timers import aligned_sleep

ADDRESSES_MAX = 10_000  # beyond, the address that failed longest ago is forgotten
DELAY_MIN_S = 0.1
DELAY_MAX_S = 3.0
USES_INTERVAL_S = 10.0
_NOBODY = ApiKey("", 0, bytes(32))  # what a key with an unknown id is compared with, to take the same time

_log = Logger("keys")


class Login(NamedTuple):
    """Who a key let in."""

    device: Device
    key_id: str


class LoginThrottle:
    """Delays refusals, longer for an address that failed often. `clock_s` gives steady seconds.

    A success forgives nothing: whoever has one good key would show it between two guesses. It is not delayed.
    """

    def __init__(self, failures_max: int, window_s: float, clock_s: Callable[[], float]) -> None:
        self._failures_max = failures_max
        self._window_s = window_s
        self._clock_s = clock_s
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # by address: count, the last one

    def __len__(self) -> int:
        return len(self._failures)

    def failed(self, address: str) -> float:
        """One more failure from this address; how many seconds to wait before telling."""
        now_s = self._clock_s()
        count, last_s = self._failures.pop(address, (0, 0.0))
        count = count + 1 if count and now_s - last_s < self._window_s else 1
        self._failures[address] = (count, now_s)
        if len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)
        return DELAY_MAX_S if count > self._failures_max else min(DELAY_MAX_S, DELAY_MIN_S * count)


class Keys:
    """Lets devices in. `clock` gives µs UTC, `choose` one random character of a string."""

    def __init__(
        self,
        stored: StoredKeys,
        devices: Devices,
        roster: Roster,
        throttle: LoginThrottle,
        clock: Callable[[], int],
        choose: Callable[[str], str],
    ) -> None:
        self._stored = stored
        self._devices = devices
        self._roster = roster
        self._throttle = throttle
        self._clock = clock
        self._choose = choose
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, ApiKey] = {}  # keys whose last use is not in the registry yet

    async def restore(self) -> None:
        """Read the registry."""
        self.remember(await self._stored.all())

    def remember(self, known: Iterable[ApiKey]) -> None:
        """Know keys that are in the registry."""
        self._keys.update((key.id, key) for key in known)

    def forget(self, device: Device) -> None:
        """The device was removed."""
        self._keys = {key.id: key for key in self._keys.values() if key.device != device.number}

    def make(self, device: int = 0) -> tuple[Key, ApiKey]:
        """A new key as its device will know it, and as it is kept; in neither memory nor registry yet."""
        made = keys.make(self._choose)
        return made, ApiKey(made.id, device, keys.digest(made.secret), self._clock())

    async def authenticate(self, key: str, address: str, device_id: str | None = None) -> Login:
        """Who holds this key; `device_id` is who it says it is, if it says.

        Raises Unauthenticated, the later the more this address has failed before.
        """
        login = self.verify(key, device_id)
        if login is None:
            await asyncio.sleep(self._throttle.failed(address))
            raise Unauthenticated("the key is wrong or revoked")
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
        device = self._devices.numbered(kept.device)
        if not keys.matches(shown.secret, kept.digest) or kept.revoked_at is not None or device is None:
            return None
        if device_id is not None and device_id != device.id:
            return None
        return Login(device, kept.id)

    def of(self, device: Device) -> list[ApiKey]:
        """The device's keys, oldest first, revoked ones too."""
        return sorted(
            (key for key in self._keys.values() if key.device == device.number),
            key=lambda key: key.created_at,
        )

    async def add(self, device: Device) -> Key:
        """One more key for the device; this is the only time it is seen. Raises NotFound, StoreError."""
        made, kept = self.make(device.number)
        async with self._devices.held(device):
            await self._stored.add(kept)
            self._keys[kept.id] = kept
        return made

    async def revoke(self, device: Device, key_id: str) -> None:
        """End a key for good, and every session that began with it.

        Raises NotFound, Conflict if it was revoked before, StoreError: the key does not work any more then
        either, and writing that down is tried again with the uses of keys.
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
        await self._stored.update([revoked])

    async def keep_uses(self) -> None:
        """Write when and from where keys were used last, until cancelled; then write once more."""
        try:
            while True:
                await aligned_sleep(USES_INTERVAL_S)
                await self.write_uses()
        finally:
            await self.write_uses()

    async def write_uses(self) -> None:
        """Write the uses noted since the last time, one entry a key.

        A disk that says no is tried again at the next turn.
        """
        used, self._used = self._used, {}
        try:
            await self._stored.update(self._keys[key_id] for key_id in used if key_id in self._keys)
        except StoreError as error:
            self._used = {**used, **self._used}
            _log.error("cannot write the uses of keys; retrying", why=str(error))
        except asyncio.CancelledError:
            self._used = {**used, **self._used}
            raise
