"""Passkeys (WebAuthn level 2): keys in people's devices that log in without a name or a password.

Theory. The browser shows a passkey only for the site that made it, and signs a challenge of the hub together
with the page's origin. The device asks for a finger or a PIN first, so a passkey counts as two factors. The
public half is kept here; py_webauthn checks what comes, in a thread, and is loaded with the first of them.
"""

import asyncio
import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hub.errors import Busy, Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from hub.fleet.keys import LoginThrottle
from hub.model import Passkey
from hub.people.challenges import LASTS_S, Challenges
from hub.people.names import check_name
from hub.registry.passkeys import StoredPasskeys

T = TypeVar("T")

EACH_MAX = 20  # of one person
CREDENTIAL_MAX_BYTES = 1_023  # WebAuthn level 2, 5.8.3
AT_ONCE = 2
WAITING_MAX = 20  # beyond, one is told to come back
ALGORITHMS = (-7, -8, -257)  # ES256, EdDSA, RS256
SHOW = "show"
WRONG = "the passkey is not known here, or what it signed is wrong"
# What the signature of an unknown passkey is checked with, to take the same time: a point of P-256, in COSE.
_NOBODY = bytes.fromhex(
    "a5010203262001215820"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "225820"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


class Passkeys:
    """Those that are known. `clock` gives µs UTC; `secret` makes the names that devices know people by."""

    def __init__(
        self,
        stored: StoredPasskeys,
        challenges: Challenges,
        throttle: LoginThrottle,
        clock: Callable[[], int],
        secret: bytes,
    ) -> None:
        self._stored = stored
        self._challenges = challenges
        self._throttle = throttle
        self._clock = clock
        self._secret = secret
        self._passkeys: dict[bytes, Passkey] = {}  # by what browsers call them
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def restore(self) -> None:
        """Read the registry."""
        self._passkeys = {one.credential: one for one in await self._stored.all()}

    def of(self, operator: str) -> list[Passkey]:
        """A person's, oldest first."""
        return [one for one in self._passkeys.values() if one.operator == operator]

    def has_any(self, origin: str) -> bool:
        """Whether somebody may log in by one at this address."""
        site = site_of(origin)
        return site is not None and any(one.site == site for one in self._passkeys.values())

    # Adding and removing

    def creation_options(self, operator: str, credential: str, origin: str) -> dict[str, Any]:
        """What a browser makes one by, for whoever has this session. Raises Invalid, Conflict."""
        site = _checked_site(origin)
        own = self.of(operator)
        if len(own) >= EACH_MAX:
            raise Conflict(f"you have {EACH_MAX} passkeys, and that is the most; remove one")
        return {
            "rp": {"id": site, "name": "Sensor Hub"},
            "user": {"id": _text(self._handle(operator)), "name": operator, "displayName": operator},
            "challenge": _text(self._challenges.make(f"add {credential}")),
            "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in ALGORITHMS],
            "timeout": round(LASTS_S * 1000),
            "excludeCredentials": [{"type": "public-key", "id": _text(one.credential)} for one in own],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }

    async def add(
        self, operator: str, credential: str, origin: str, name: str, made: Mapping[str, Any]
    ) -> Passkey:
        """Keep what a browser made. Raises Invalid, Conflict, StoreError, Busy."""
        check_name(name)
        site, purpose = _checked_site(origin), f"add {credential}"
        challenge = _challenge_of(made)
        if not self._challenges.is_good(challenge, purpose):
            raise Invalid(
                "the passkey took too long, or was made for something else: begin anew", "credential"
            )
        verified = await self._work(lambda: _verify_made(made, challenge, site, origin))
        if verified is None:
            raise Invalid("the browser made no passkey that can be used here", "credential")
        credential_id, public_key, count = verified
        if len(credential_id) > CREDENTIAL_MAX_BYTES or not self._challenges.use(challenge, purpose):
            raise Invalid(
                "the passkey took too long, or was made for something else: begin anew", "credential"
            )
        if credential_id in self._passkeys:
            raise Conflict("this passkey is known already")
        short = hashlib.blake2b(credential_id, digest_size=8).hexdigest()
        passkey = Passkey(short, operator, name, credential_id, public_key, count, site, self._clock())
        await self._stored.add(passkey)
        self._passkeys[credential_id] = passkey
        return passkey

    async def remove(self, operator: str, passkey_id: str) -> None:
        """Remove one of a person's. Raises NotFound, StoreError."""
        found = next((one for one in self.of(operator) if one.id == passkey_id), None)
        if found is None:
            raise NotFound(f"there is no passkey {passkey_id!r}")
        await self._stored.remove(found)
        self._passkeys.pop(found.credential, None)

    def forget(self, operator: str) -> None:
        """The person was removed, and the registry has their passkeys no more."""
        self._passkeys = {key: one for key, one in self._passkeys.items() if one.operator != operator}

    # Logging in

    def request_options(self, origin: str) -> dict[str, Any]:
        """What a browser shows one by. It names none: nobody learns by it who has any. Raises Invalid."""
        return {
            "rpId": _checked_site(origin),
            "challenge": _text(self._challenges.make(SHOW)),
            "timeout": round(LASTS_S * 1000),
            "allowCredentials": [],
            "userVerification": "required",
        }

    async def check(self, shown: Mapping[str, Any], origin: str, address: str, name: str = "") -> Passkey:
        """Whose passkey signed this, and that it did; with `name`, that it is this person's. Raises
        Unauthenticated, the later the more has failed from this address, or for the name; Busy, StoreError.
        """
        found = await self._checked(shown, origin)
        if found is None or (name and found.operator != name):
            delays_s = [
                self._throttle.failed(one) for one in (address, f"name {name}" if name else "") if one
            ]
            await asyncio.sleep(max(delays_s))
            raise Unauthenticated(WRONG)
        await self._stored.note_use(found)
        return found

    async def prove(self, operator: str, shown: Mapping[str, Any], origin: str, address: str) -> None:
        """Somebody who is logged in says once more who they are. Raises as `check`, but Forbidden: that they
        are logged in stays true.
        """
        try:
            await self.check(shown, origin, address, operator)
        except Unauthenticated as error:
            raise Forbidden(WRONG) from error

    async def _checked(self, shown: Mapping[str, Any], origin: str) -> Passkey | None:
        site, challenge, credential_id = site_of(origin), _challenge_of(shown), _bytes(shown.get("rawId"))
        if site is None or not self._challenges.is_good(challenge, SHOW):
            return None
        known = self._passkeys.get(credential_id)
        public_key = _NOBODY if known is None else known.public_key
        count = 0 if known is None else known.sign_count
        new_count = await self._work(lambda: _verify_shown(shown, challenge, site, origin, public_key, count))
        # Nothing waits from here on: of two who show the same, one comes through. Meanwhile it may have been
        # removed, or used elsewhere.
        known = self._passkeys.get(credential_id)
        if known is None or new_count is None or not self._is_own_handle(known, shown):
            return None
        if (new_count or known.sign_count) and new_count <= known.sign_count:
            return None
        if not self._challenges.use(challenge, SHOW):
            return None
        used = replace(known, sign_count=new_count, last_used_at=self._clock())
        self._passkeys[credential_id] = used
        return used

    def _is_own_handle(self, known: Passkey, shown: Mapping[str, Any]) -> bool:
        response = shown.get("response")
        handle = response.get("userHandle") if isinstance(response, Mapping) else None
        return handle is None or _bytes(handle) == self._handle(known.operator)

    def _handle(self, operator: str) -> bytes:
        """What authenticators know a person by."""
        return hashlib.blake2b(operator.encode(), key=self._secret, digest_size=32).digest()

    async def _work(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Busy("too many passkeys are being checked", 1.0, "fixed.passkeys_at_once")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def site_of(origin: str) -> str | None:
    """The host by which browsers know a page's passkeys; None where they have none: without TLS, and at a
    bare address.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    is_name = any(one.isalpha() for one in host.rpartition(".")[2]) and ":" not in host
    is_here = host == "localhost" or host.endswith(".localhost")
    return host if is_name and (parts.scheme == "https" or is_here) else None


def _checked_site(origin: str) -> str:
    site = site_of(origin)
    if site is None:
        raise Invalid(
            "browsers have passkeys for pages at a host name over TLS, and at localhost; "
            f"this one is at {origin[:200]}"
        )
    return site


def _verify_made(
    made: Mapping[str, Any], challenge: bytes, site: str, origin: str
) -> tuple[bytes, bytes, int] | None:
    """What is called how, its public key, and how often it was used; None where something is wrong."""
    from webauthn import verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    try:
        found = verify_registration_response(
            credential=dict(made),
            expected_challenge=challenge,
            expected_rp_id=site,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(one) for one in ALGORITHMS],
        )
    except Exception:  # noqa: BLE001  # whatever strangers send, and however the library takes it
        return None
    return bytes(found.credential_id), bytes(found.credential_public_key), int(found.sign_count)


def _verify_shown(
    shown: Mapping[str, Any], challenge: bytes, site: str, origin: str, public_key: bytes, count: int
) -> int | None:
    """How often it was used, as it says; None where something is wrong."""
    from webauthn import verify_authentication_response

    try:
        found = verify_authentication_response(
            credential=dict(shown),
            expected_challenge=challenge,
            expected_rp_id=site,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=count,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  # whatever strangers send, and however the library takes it
        return None
    return int(found.new_sign_count)


def _challenge_of(shown: Mapping[str, Any]) -> bytes:
    """What was signed; b"" where nothing can be read."""
    response = shown.get("response")
    text = response.get("clientDataJSON") if isinstance(response, Mapping) else None
    try:
        said = json.loads(_bytes(text))
    except (ValueError, RecursionError):
        return b""
    return _bytes(said.get("challenge")) if isinstance(said, dict) else b""


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: object) -> bytes:
    """Of base64url without padding; b"" for anything else."""
    if not isinstance(text, str):
        return b""
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except ValueError:
        return b""
