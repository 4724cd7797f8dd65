"""The devices' API keys, in memory for the path of a connection and in the registry for good."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from hub.errors import Conflict, Forbidden, NotFound, StoreError, Unauthenticated, Unreadable
from hub.fleet.devices import Devices
from hub.fleet.presence import Roster
from hub.fleet.session import EndReason
from hub.logs import Logger
from hub.model import ALL_KEY_RIGHTS, ApiKey, Device, KeyRight
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
    rights: frozenset[KeyRight] = ALL_KEY_RIGHTS

    def refuse_without(self, right: KeyRight) -> None:
        """Raises Forbidden where the key does not allow this."""
        refuse_without(self.rights, right)


def refuse_without(rights: frozenset[KeyRight], right: KeyRight) -> None:
    """Raises Forbidden where these do not hold the right."""
    if right not in rights:
        raise Forbidden(f"the key is not for {right}; it is for {', '.join(sorted(rights))}")


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
        if not keys.matches(shown.secret, kept.digest) or kept.is_over(self._clock()) or device is None:
            return None
        if device_id is not None and device_id != device.id:
            return None
        return Login(device, kept.id, kept.rights)

    def of(self, device: Device) -> list[ApiKey]:
        """The device's keys, oldest first, revoked ones too."""
        return sorted(
            (key for key in self._keys.values() if key.device == device.number),
            key=lambda key: key.created_at,
        )

    async def add(
        self,
        device: Device,
        rights: frozenset[KeyRight] = ALL_KEY_RIGHTS,
        ttl_s: float | None = None,
    ) -> Key:
        """One more key for the device; this is the only time it is seen. It works for `ttl_s`, or for good.

        Raises NotFound, StoreError.
        """
        made, kept = self.make(device.number)
        kept = replace(kept, rights=rights, expires_at=self._after(ttl_s))
        async with self._devices.held(device):
            await self._stored.add(kept)
            self._keys[kept.id] = kept
        return made

    async def rotate(self, device: Device, key_id: str, overlap_s: float) -> Key:
        """A new key in place of this one, with the same rights, which works beside it for so long.

        Raises NotFound, Conflict if the key is over, StoreError.
        """
        made, fresh = self.make(device.number)
        async with self._devices.held(device):
            old = self._find(device, key_id)
            if old.is_over(self._clock()):
                raise Conflict(f"the key {key_id!r} was revoked or has expired")
            ends = [end for end in (old.expires_at, self._after(overlap_s)) if end is not None]
            old = replace(old, expires_at=min(ends))
            fresh = replace(fresh, rights=old.rights)
            await self._stored.add(fresh, old)
            self._keys[fresh.id] = fresh
            self._keys[key_id] = replace(self._keys[key_id], expires_at=old.expires_at)
        return made

    def _after(self, seconds: float | None) -> int | None:
        return None if seconds is None else self._clock() + round(seconds * 1e6)

    def _find(self, device: Device, key_id: str) -> ApiKey:
        key = self._keys.get(key_id)
        if key is None or key.device != device.number:
            raise NotFound(f"{device.id!r} has no key {key_id!r}")
        return key

    def end_expired(self) -> None:
        """End the sessions that began with keys which have expired since."""
        now = self._clock()
        for session in self._roster.all_sessions():
            key = self._keys.get(session.key_id)
            if key is not None and key.expires_at is not None and key.is_over(now):
                session.end(EndReason.EXPIRED)

    async def revoke(self, device: Device, key_id: str) -> None:
        """End a key for good, and every session that began with it.

        Raises NotFound, Conflict if it was revoked before, StoreError: the key does not work any more then
        either, and writing that down is tried again with the uses of keys.
        """
        key = self._find(device, key_id)
        if key.revoked_at is not None:
            raise Conflict(f"the key {key_id!r} was revoked before")
        revoked = replace(key, revoked_at=self._clock())
        self._keys[key_id] = self._used[key_id] = revoked
        for session in self._roster.sessions(device):
            if session.key_id == key_id:
                session.end(EndReason.REVOKED)
        await self._stored.update([revoked])

    async def keep_uses(self) -> None:
        """Write when and from where keys were used last, and end sessions of those that have expired; until
        cancelled, then write once more.
        """
        try:
            while True:
                await aligned_sleep(USES_INTERVAL_S)
                self.end_expired()
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
