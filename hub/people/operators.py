"""The people who use the hub: one-time links, browser sessions."""

import hashlib
from collections.abc import Callable

from hub.clock import Step
from hub.config import AuthConfig
from hub.errors import Unauthenticated
from hub.model import Grant, Principal, Role
from hub.people.names import check_name
from hub.registry.people import StoredCredentials

ISSUED_MAX = 10_000  # links and sessions that move along when the clock is set; the oldest do not

LOCAL_OWNER = Principal("local", (Grant(Role.LOCAL),), credential="local")
"""The one who can open the hub's Unix socket, mode 0600: the owner of the process."""


class Operators:
    """Lets people in. `clock` gives µs UTC, `random_text` 256 bits of secret as text."""

    def __init__(
        self,
        stored: StoredCredentials,
        auth: AuthConfig,
        clock: Callable[[], int],
        random_text: Callable[[], str],
    ) -> None:
        self._stored = stored
        self._auth = auth
        self._clock = clock
        self._random_text = random_text
        # Links and sessions of this run: their digests, and when each ends.
        self._issued: dict[bytes, int] = {}

    async def make_link(self, name: str = "admin") -> str:
        """The code of a link that lets one person in once, as admin, in `login_link_s`. Raises Invalid."""
        check_name(name)
        return await self._issue("link", Principal(name, (Grant(Role.ADMIN),)), self._auth.login_link_s)

    async def use_link(self, code: str) -> str:
        """The secret of a session for the code of a link, which works once. Raises Unauthenticated."""
        digest = _digest(code)
        principal = await self._stored.find(digest, "link", self._clock())
        if principal is None or not await self._stored.remove(digest, self._clock()):
            raise Unauthenticated("this link was used before or is over; `hub login` prints a new one")
        return await self._issue("session", principal, self._auth.session_s)

    async def session(self, secret: str) -> Principal:
        """Whose session this is. Raises Unauthenticated."""
        principal = await self._stored.find(_digest(secret), "session", self._clock())
        if principal is None:
            raise Unauthenticated("the session is over; `hub login` prints a link for a new one")
        return principal

    async def has_admin(self) -> bool:
        """Whether somebody is logged in as admin somewhere: then links are for who asks for one."""
        return await self._stored.has_any("session", self._clock())

    async def end_session(self, secret: str) -> None:
        """Log out."""
        await self._stored.remove(_digest(secret), self._clock())

    async def _issue(self, kind: str, principal: Principal, seconds: float) -> str:
        secret = self._random_text()
        expires_at = self._clock() + round(seconds * 1e6)
        digest = _digest(secret)
        await self._stored.put(digest, kind, principal, expires_at)
        if len(self._issued) >= ISSUED_MAX:
            del self._issued[next(iter(self._issued))]
        self._issued[digest] = expires_at
        return secret

    async def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set: links and sessions of this run last as long as they would have.

        Raises StoreError.
        """
        before = step.at - step.by
        lasting = {digest: ends for digest, ends in self._issued.items() if ends > before}
        self._issued = {digest: ends + step.by for digest, ends in lasting.items()}
        await self._stored.set_ends(self._issued)


def _digest(secret: str) -> bytes:
    """Of any text at all: a cookie's stray bytes come as lone surrogates."""
    return hashlib.blake2b(secret.encode(errors="surrogatepass"), digest_size=32).digest()
