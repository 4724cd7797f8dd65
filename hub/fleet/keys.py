"""The devices' API keys, in memory for the path of a connection and in the registry for good."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from hub.config import AuthConfig, CertificateNames
from hub.errors import Conflict, Forbidden, NotFound, StoreError, Unauthenticated, Unreadable
from hub.fleet.devices import Devices
from hub.fleet.presence import Roster
from hub.fleet.session import EndReason
from hub.logs import Logger
from hub.model import ALL_KEY_RIGHTS, ApiKey, Device, KeyRight
from hub.model import key as keys
from hub.model.certificate import Certificate, PeerCertificate
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


def _named(shown: PeerCertificate, names: CertificateNames) -> str | None:
    """The id of the device that a certificate names."""
    if names is CertificateNames.CN:
        return shown.common_name
    if names is CertificateNames.URI and len(shown.uris) == 1:
        return shown.uris[0].replace(":", "/").rpartition("/")[2]
    return None


class LoginThrottle:
    """Delays refusals, longer for an address that failed often. `clock_s` gives steady seconds, and `pace` by
    how much the delays are longer than in the hub: tests wait less.

    A success forgives nothing: whoever has one good key would show it between two guesses. It is not delayed.
    """

    def __init__(self, auth: AuthConfig, clock_s: Callable[[], float], pace: float) -> None:
        self._failures_max = auth.failures_max
        self._window_s = auth.failures_window_s
        self._clock_s = clock_s
        self._pace = pace
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
        delay_s = DELAY_MAX_S if count > self._failures_max else min(DELAY_MAX_S, DELAY_MIN_S * count)
        return delay_s * self._pace


class Keys:
    """Lets devices in. `clock` gives µs UTC, `choose` one random character of a string; `names` says which
    name in a certificate that was never added is its device's id.
    """

    def __init__(
        self,
        stored: StoredKeys,
        devices: Devices,
        roster: Roster,
        throttle: LoginThrottle,
        clock: Callable[[], int],
        choose: Callable[[str], str],
        names: CertificateNames = CertificateNames.OFF,
    ) -> None:
        self._stored = stored
        self._devices = devices
        self._roster = roster
        self._throttle = throttle
        self._clock = clock
        self._choose = choose
        self._names = names
        self._keys: dict[str, ApiKey] = {}
        self._certificates: dict[bytes, str] = {}  # the keys that are certificates, by fingerprint
        self._used: dict[str, ApiKey] = {}  # keys whose last use is not in the registry yet

    async def restore(self) -> None:
        """Read the registry."""
        self.remember(await self._stored.all())

    def remember(self, known: Iterable[ApiKey]) -> None:
        """Know keys that are in the registry."""
        for key in known:
            self._keys[key.id] = key
            if key.certificate is not None:
                self._certificates[key.certificate] = key.id

    def forget(self, device: Device) -> None:
        """The device was removed."""
        left = [key for key in self._keys.values() if key.device != device.number]
        self._keys, self._certificates = {}, {}
        self.remember(left)

    def make(self, device: int = 0) -> tuple[Key, ApiKey]:
        """A new key as its device will know it, and as it is kept; in neither memory nor registry yet."""
        made = keys.make(self._choose)
        return made, ApiKey(made.id, device, keys.digest(made.secret), self._clock())

    async def authenticate(
        self,
        key: str | None,
        address: str,
        device_id: str | None = None,
        certificate: PeerCertificate | None = None,
    ) -> Login:
        """Who holds this key or certificate; `device_id` is who it says it is, if it says.

        Whoever shows a certificate is its device or nobody: a key beside it has to be that device's too, and
        what both allow is allowed. Raises Unauthenticated, the later the more this address has failed before.
        """
        if certificate is None:
            login, why = self.verify(key or "", device_id), "the key is wrong or revoked"
        else:
            login = await self._verify_certificate(certificate, key, device_id)
            why = "the certificate is of no device here, is over, or does not go with key or name"
        if login is None:
            await asyncio.sleep(self._throttle.failed(address))
            raise Unauthenticated(why)
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

    async def _verify_certificate(
        self, shown: PeerCertificate, key: str | None, device_id: str | None
    ) -> Login | None:
        kept = self._keys.get(self._certificates.get(shown.fingerprint, "")) or await self._learn(shown)
        device = None if kept is None else self._devices.numbered(kept.device)
        if kept is None or kept.is_over(self._clock()) or device is None:
            return None
        if device_id is not None and device_id != device.id:
            return None
        if not key:
            return Login(device, kept.id, kept.rights)
        beside = self.verify(key, device.id)
        return None if beside is None else Login(device, kept.id, kept.rights & beside.rights)

    async def _learn(self, shown: PeerCertificate) -> ApiKey | None:
        """A certificate that was never added, as a key of the device that it names; None for no device.

        From then on it is a key like any other. It takes the places of certificates that have ended, which
        may be one a day.
        """
        device_id = _named(shown, self._names)
        device = None if device_id is None else self._devices.known(device_id, sources=False)
        if device is None:
            return None
        with suppress(NotFound):  # it was removed meanwhile
            async with self._devices.held(device):
                known = self._keys.get(self._certificates.get(shown.fingerprint, ""))
                if known is not None:
                    return known
                kept = self._of_certificate(device, shown.fingerprint, shown.ends_at)
                ended = [
                    one
                    for one in self.of(device)
                    if one.certificate is not None and one.revoked_at is None and one.is_over(self._clock())
                ]
                await self._stored.add(kept, forgotten=ended)
                for one in ended:
                    self._keys.pop(one.id)
                    self._certificates.pop(one.certificate or b"")
                self.remember([kept])
                return kept
        return None

    def _of_certificate(
        self, device: Device, fingerprint: bytes, ends_at: int, rights: frozenset[KeyRight] = ALL_KEY_RIGHTS
    ) -> ApiKey:
        made = keys.make(self._choose)
        return ApiKey(
            made.id,
            device.number,
            b"",
            self._clock(),
            rights=rights,
            expires_at=ends_at,
            certificate=fingerprint,
        )

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

    async def add_certificate(
        self,
        device: Device,
        certificate: Certificate,
        rights: frozenset[KeyRight] = ALL_KEY_RIGHTS,
        ttl_s: float | None = None,
    ) -> ApiKey:
        """Let the device in by this certificate, until it ends, or for `ttl_s`.

        Raises NotFound, Conflict where it was added before or has ended, StoreError.
        """
        kept = self._of_certificate(device, certificate.fingerprint, certificate.ends_at, rights)
        ends = [end for end in (kept.expires_at, self._after(ttl_s)) if end is not None]
        kept = replace(kept, expires_at=min(ends))
        async with self._devices.held(device):
            self._refuse_certificate(kept)
            await self._stored.add(kept)
            self.remember([kept])
        return kept

    def _refuse_certificate(self, fresh: ApiKey) -> None:
        if fresh.is_over(self._clock()):
            raise Conflict("the certificate has ended")
        if fresh.certificate in self._certificates:
            raise Conflict("the certificate was added before, to this device or to another")

    async def rotate(self, device: Device, key_id: str, overlap_s: float) -> Key:
        """A new key in place of this one, with the same rights, which works beside it for so long.

        Raises NotFound, Conflict if the key is over, StoreError.
        """
        made, fresh = self.make(device.number)
        await self._replace(device, key_id, overlap_s, fresh)
        return made

    async def rotate_to_certificate(
        self, device: Device, key_id: str, overlap_s: float, certificate: Certificate
    ) -> ApiKey:
        """The same with a certificate in place of the key. Raises as `rotate` and `add_certificate`."""
        fresh = self._of_certificate(device, certificate.fingerprint, certificate.ends_at)
        return await self._replace(device, key_id, overlap_s, fresh)

    async def _replace(self, device: Device, key_id: str, overlap_s: float, fresh: ApiKey) -> ApiKey:
        async with self._devices.held(device):
            if fresh.certificate is not None:
                self._refuse_certificate(fresh)
            old = self._find(device, key_id)
            if old.is_over(self._clock()):
                raise Conflict(f"the key {key_id!r} was revoked or has expired")
            ends = [end for end in (old.expires_at, self._after(overlap_s)) if end is not None]
            old = replace(old, expires_at=min(ends))
            fresh = replace(fresh, rights=old.rights)
            await self._stored.add(fresh, old)
            self.remember([fresh])
            self._keys[key_id] = replace(self._keys[key_id], expires_at=old.expires_at)
        return fresh

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
