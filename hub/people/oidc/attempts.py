import base64
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.people.oidc.faults import NotBegunHere

LASTS_S = 600.0  # for who has to look for a second factor
ATTEMPTS_MAX = 2_000  # under way at once; beyond, the oldest is forgotten
PER_ADDRESS_MAX = 50  # and of one address: many people may be behind one


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log in that has begun. What is secret in it never leaves the hub: of `verifier` a digest does."""

    provider: str
    browser: bytes  # the digest of the cookie of the browser it began in
    redirect_uri: str
    address: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    ends_s: float
    anew_from_s: float | None = None  # seconds UTC: since then the provider has to have asked who it is

    @property
    def challenge(self) -> str:
        """What shows later that the code is asked for by who began this (RFC 7636, 4.2: S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Attempts:
    """Those under way, by their state. `clock_s` gives steady seconds, `random_text` 256 bits as text."""

    def __init__(self, clock_s: Callable[[], float], random_text: Callable[[], str]) -> None:
        self._clock_s = clock_s
        self._random_text = random_text
        self._open: OrderedDict[str, Attempt] = OrderedDict()
        self._addresses: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def begin(
        self,
        provider: str,
        browser: str,
        redirect_uri: str,
        address: str,
        anew_from_s: float | None = None,
    ) -> tuple[str, Attempt]:
        """One more, and its state."""
        now_s = self._clock_s()
        while self._open and next(iter(self._open.values())).ends_s <= now_s:
            self._drop(next(iter(self._open)))
        if self._addresses[address] >= PER_ADDRESS_MAX:
            self._drop(next(state for state, one in self._open.items() if one.address == address))
        elif len(self._open) >= ATTEMPTS_MAX:
            self._drop(next(iter(self._open)))
        state, nonce, verifier = (self._random_text() for _ in range(3))
        attempt = Attempt(
            provider,
            browser_digest(browser),
            redirect_uri,
            address,
            nonce,
            verifier,
            now_s + LASTS_S,
            anew_from_s,
        )
        self._open[state] = attempt
        self._addresses[address] += 1
        return state, attempt

    def take(self, state: str, provider: str, browser: str) -> Attempt:
        """The attempt with this state, which works once. Raises NotBegunHere."""
        attempt = self._drop(state)
        is_good = (
            attempt is not None
            and attempt.provider == provider
            and attempt.browser == browser_digest(browser)
            and self._clock_s() < attempt.ends_s
        )
        if attempt is None or not is_good:
            raise NotBegunHere("this log in was not begun in this browser, was used before, or is over")
        return attempt

    def _drop(self, state: str) -> Attempt | None:
        attempt = self._open.pop(state, None)
        if attempt is not None:
            self._addresses[attempt.address] -= 1
            if not self._addresses[attempt.address]:
                del self._addresses[attempt.address]
        return attempt


def browser_digest(secret: str) -> bytes:
    """What is kept of a browser's cookie; of any text at all."""
    return hashlib.blake2b(secret.encode(errors="surrogatepass"), digest_size=32).digest()
