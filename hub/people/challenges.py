"""What a passkey has to sign: good once, for a short while, and only for what it was made for.

A challenge carries when it ends, and a keyed digest that says it is one of this run of the hub. So nothing is
kept of those that are handed out, and whoever asks for a million of them takes none away from others. Only
those that a passkey has signed rightly are kept, until they end.
"""

import hashlib
import hmac
from collections.abc import Callable

RANDOM_BYTES = 16
TIME_BYTES = 8
DIGEST_BYTES = 24
LENGTH = RANDOM_BYTES + TIME_BYTES + DIGEST_BYTES
LASTS_S = 120.0


class Challenges:
    """Makes and knows them. `steady_s` gives steady seconds."""

    def __init__(self, random_bytes: Callable[[int], bytes], steady_s: Callable[[], float]) -> None:
        self._random_bytes = random_bytes
        self._steady_s = steady_s
        self._secret = random_bytes(32)
        self._used: dict[bytes, float] = {}  # when each ends

    def make(self, purpose: str) -> bytes:
        """One more."""
        ends_ms = round((self._steady_s() + LASTS_S) * 1000)
        head = self._random_bytes(RANDOM_BYTES) + ends_ms.to_bytes(TIME_BYTES, "big")
        return head + self._digest(head, purpose)

    def is_good(self, challenge: bytes, purpose: str) -> bool:
        """Whether it was made here, for this, is not over, and was not used."""
        head, digest = challenge[:-DIGEST_BYTES], challenge[-DIGEST_BYTES:]
        if len(challenge) != LENGTH or not hmac.compare_digest(digest, self._digest(head, purpose)):
            return False
        return self._ends_s(challenge) > self._steady_s() and challenge not in self._used

    def use(self, challenge: bytes, purpose: str) -> bool:
        """Use it up; whether it was good until now."""
        if not self.is_good(challenge, purpose):
            return False
        now_s = self._steady_s()
        self._used = {known: ends_s for known, ends_s in self._used.items() if ends_s > now_s}
        self._used[challenge] = self._ends_s(challenge)
        return True

    @staticmethod
    def _ends_s(challenge: bytes) -> float:
        return int.from_bytes(challenge[RANDOM_BYTES : RANDOM_BYTES + TIME_BYTES], "big") / 1000

    def _digest(self, head: bytes, purpose: str) -> bytes:
        text = head + purpose.encode(errors="surrogatepass")
        return hashlib.blake2b(text, key=self._secret, digest_size=DIGEST_BYTES).digest()
