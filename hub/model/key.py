"""API keys: `hk_<key id>_<secret>`. Pure: randomness comes in from outside.

Only a digest of the secret is kept. A secret is 190 random bits, so a plain fast hash is as safe as a slow
one would be: slow hashes exist for secrets that people choose (OWASP Password Storage Cheat Sheet).
"""

import hashlib
import hmac
import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from hub.errors import Unreadable

PREFIX = "hk_"
KEY_ID_CHARS = string.ascii_lowercase + string.digits
SECRET_CHARS = string.ascii_letters + string.digits
KEY_ID_LENGTH = 12
SECRET_LENGTH = 32
_SECRETS = re.compile(r"(h[kt]_[A-Za-z0-9]+)_[A-Za-z0-9]+")  # of tokens too
_SHAPE = re.compile(rf"{PREFIX}([a-z0-9]{{{KEY_ID_LENGTH}}})_([A-Za-z0-9]{{{SECRET_LENGTH}}})")


class KeyRight(StrEnum):
    """What a device may do with a key."""

    TELEMETRY = "telemetry"  # send readings
    ATTRIBUTES = "attributes"  # report its attributes, and get those that are set for it
    COMMANDS = "commands"  # get commands, and answer them


ALL_KEY_RIGHTS = frozenset(KeyRight)


class Key(NamedTuple):
    """A key as its device knows it."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"  # a secret has no place in a log


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of a device as it is kept: the secret itself is known to the device alone."""

    id: str
    device: int  # Device.number
    digest: bytes = field(repr=False)  # BLAKE2b-256 of the secret; empty where there is none
    created_at: int = 0  # µs, UTC
    last_used_at: int | None = None  # µs, UTC
    last_used_from: str | None = None  # address
    revoked_at: int | None = None  # µs, UTC
    rights: frozenset[KeyRight] = ALL_KEY_RIGHTS
    expires_at: int | None = None  # µs, UTC; None: it does not end by itself
    certificate: bytes | None = None  # what is shown in place of a secret: the SHA-256 of its DER form

    def is_over(self, now: int) -> bool:
        """Whether it was revoked, or has ended by itself."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


def make(choose: Callable[[str], str]) -> Key:
    """A new key. `choose` picks one character of a string, as `secrets.choice` does."""
    return Key(
        "".join(choose(KEY_ID_CHARS) for _ in range(KEY_ID_LENGTH)),
        "".join(choose(SECRET_CHARS) for _ in range(SECRET_LENGTH)),
    )


def parse(text: str) -> Key:
    """The key written in `text`. Raises Unreadable, without repeating what was shown."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise Unreadable("not an API key: a key looks like hk_<key id>_<secret>")
    return Key(found[1], found[2])


def digest(secret: str) -> bytes:
    """What is kept of a secret: BLAKE2b, 32 bytes (RFC 7693)."""
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()


def matches(secret: str, kept: bytes) -> bool:
    """Whether the secret has the kept digest, in a time that does not depend on where they differ."""
    return hmac.compare_digest(digest(secret), kept)


def without_secrets(text: str) -> str:
    """A text without the secrets of keys and tokens, which people put where an id is wanted."""
    return _SECRETS.sub(r"\1_…", text)
