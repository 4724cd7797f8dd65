"""Passwords: what they have to be, and their digests. Argon2id, in a thread, two at once."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from hub.errors import Busy, Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

LENGTH_MIN = 12  # and no rules of what is in it (NIST SP 800-63B, 3.1.1.2)
LENGTH_MAX = 1_000
AT_ONCE = 2  # each takes a core for a while, and 19 MiB
WAITING_MAX = 20  # beyond, one is told to come back
# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. 25 ms on the machine of the README.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1


def check_password(password: str) -> None:
    """Raises Invalid for one that is too short or too long."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise Invalid(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters, of any kind", "password")


class Passwords:
    """Makes digests, and compares with them. Tests take less memory."""

    def __init__(self, memory_kib: int = MEMORY_KIB) -> None:
        self._memory_kib = memory_kib
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._hasher: PasswordHasher | None = None
        self._nobody = ""  # what the password of an unknown name is compared with, to take the same time

    async def digest(self, password: str) -> str:
        """What is kept of a password. Raises Invalid, Busy."""
        check_password(password)
        return await self._work(lambda hasher: hasher.hash(_bytes(password)))

    async def matches(self, password: str, digest: str | None) -> bool:
        """Whether the digest is of this password. None takes as long, and is of none. Raises Busy."""
        return await self._work(lambda hasher: self._verify(hasher, password, digest))

    def _verify(self, hasher: "PasswordHasher", password: str, digest: str | None) -> bool:
        from argon2.exceptions import VerificationError

        self._nobody = self._nobody or hasher.hash(b"nobody")
        try:
            return hasher.verify(digest or self._nobody, _bytes(password)) and digest is not None
        except VerificationError:
            return False

    async def _work(self, work: Callable[["PasswordHasher"], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Busy("too many passwords are being checked", 1.0, "fixed.passwords_at_once")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(lambda: work(self._loaded()))
        finally:
            self._waiting -= 1

    def _loaded(self) -> "PasswordHasher":
        if self._hasher is None:
            from argon2 import PasswordHasher  # here: a hub nobody logs in to by password needs none of it

            self._hasher = PasswordHasher(PASSES, self._memory_kib, LANES)
        return self._hasher


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")
