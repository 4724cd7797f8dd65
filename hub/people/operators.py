"""The people who use the hub: one-time links, browser sessions."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hub.clock import Step
from hub.config import AuthConfig
from hub.errors import Conflict, Invalid, StepUp, Unauthenticated
from hub.model import Grant, Principal, Role, Session
from hub.people.accounts import LOCAL_NAME, Accounts
from hub.people.names import check_name
from hub.registry.people import UNKNOWN, Begun, StoredCredentials

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
        accounts: Accounts,
    ) -> None:
        self._accounts = accounts
        self._stored = stored
        self._auth = auth
        self._clock = clock
        self._random_text = random_text
        self._step_up_us = round(auth.step_up_s * 1e6)
        # Links and sessions of this run: their digests, and when each ends.
        self._issued: dict[bytes, int] = {}

    async def make_link(self, name: str = "admin") -> str:
        """The code of a link that lets one person in once, within `login_link_s`. Raises Invalid, Conflict.

        One that nobody is called by makes an admin of that name when used: the first one comes so.
        """
        check_name(name)
        if name == LOCAL_NAME:
            raise Invalid("this name is the owner's of the process", "name")
        self._accounts.refuse_provided(name)
        return await self._issue("link", Principal(name, (Grant(Role.ADMIN),)), self._auth.login_link_s)

    async def whose_link(self, code: str) -> str | None:
        """Whom a link lets in; None where it lets nobody in any more. It is not used up."""
        found = await self._stored.find(session_digest(code), "link", self._clock())
        return None if found is None else found.name

    async def use_link(self, code: str, address: str | None = None) -> str:
        """The secret of a session for the code of a link, which works once. Raises Unauthenticated."""
        digest = session_digest(code)
        principal = await self._stored.find(digest, "link", self._clock())
        if principal is None or not await self._stored.remove(digest, self._clock()):
            raise Unauthenticated("this link was used before or is over; `hub login` prints a new one")
        try:
            await self._accounts.ensure_admin(principal.name)
        except Conflict as error:
            raise Unauthenticated(str(error)) from error
        return await self._begin(principal.name, address, "link")

    async def log_in(self, name: str, password: str, address: str) -> str:
        """The secret of a session for a name and password. Raises as `Accounts.check`."""
        return await self._begin(
            (await self._accounts.check(name, password, address)).name, address, "password"
        )

    async def begin_provided(
        self, name: str, address: str, provider: str, lasts_s: float, proven_at: int | None = None
    ) -> str:
        """The secret of a session for somebody whom a provider has let in; for so long at most.

        `proven_at` is when it asked them last who they are, µs UTC, if it says.
        """
        return await self._begin(name, address, f"oidc:{provider}", lasts_s, proven_at)

    async def log_in_by_passkey(self, shown: Mapping[str, Any], origin: str, address: str) -> str:
        """The secret of a session for what a passkey signed. Raises as `Passkeys.check`."""
        found = await self._accounts.passkeys.check(shown, origin, address)
        return await self._begin(found.operator, address, "passkey")

    async def _begin(
        self,
        name: str,
        address: str | None,
        origin: str,
        lasts_s: float = float("inf"),
        proven_at: int | None = None,
    ) -> str:
        now = self._clock()
        begun = Begun(now, address, origin, None if proven_at is None else min(proven_at, now))
        principal = Principal(name, (Grant(Role.VIEWER),))
        return await self._issue("session", principal, min(self._auth.session_s, lasts_s), begun)

    async def session(self, secret: str) -> Principal:
        """Whose session this is. Raises Unauthenticated."""
        idle_us = round(self._auth.session_idle_s * 1e6)
        found = await self._stored.find(session_digest(secret), "session", self._clock(), idle_us)
        if found is None:
            raise Unauthenticated("the session is over; `hub login` prints a link for a new one")
        confirmed_until = (found.confirmed_at or 0) + self._step_up_us
        principal = self._accounts.principal(found.name, found.credential)
        return replace(principal, confirmed_until=confirmed_until, expires_at=found.expires_at)

    async def confirm(self, secret: str) -> None:
        """Whoever has this session proved just now who they are."""
        await self._stored.confirm(session_digest(secret), self._clock())

    def refuse_unconfirmed(self, principal: Principal) -> None:
        """Raises StepUp for somebody whose last proof of who they are is too long ago."""
        until = principal.confirmed_until
        if until is None or self._clock() < until:
            return
        confirm_by = self._accounts.confirm_by(principal.name)
        how = "log in once more"
        if not self._accounts.is_provided(principal.name):
            how += ": an admin, or `hub login`, makes a link for it"
        if confirm_by:
            shown = " or ".join(f"your {way}" for way in confirm_by)
            how = f"show {shown} to POST /api/v1/session/confirm, or log in once more"
        raise StepUp(
            f"this takes a proof of who you are, not older than {self._auth.step_up_s:.0f} s "
            f"(auth.step_up_s): {how}",
            confirm_by,
        )

    async def has_admin(self) -> bool:
        """Whether somebody is logged in as admin somewhere: then links are for who asks for one."""
        return await self._stored.has_any("session", self._clock())

    async def note_browser(self, secret: str, browser: str) -> None:
        """Note what the browser that got this session calls itself, so that people know it in their list."""
        await self._stored.note_browser(session_digest(secret), browser)

    async def end_session(self, secret: str) -> None:
        """Log out."""
        await self._stored.remove(session_digest(secret), self._clock())

    async def sessions(self, name: str) -> list[Session]:
        """Where a person is logged in, oldest first."""
        return await self._stored.sessions(name, self._clock())

    async def end_sessions(self, name: str, only: str | None = None, but: str | None = None) -> list[str]:
        """End a person's sessions, or the one with that id, or all but one; the ids of those that ended."""
        return await self._stored.end_sessions(name, only, but)

    async def _issue(self, kind: str, principal: Principal, seconds: float, begun: Begun = UNKNOWN) -> str:
        secret = self._random_text()
        expires_at = self._clock() + round(seconds * 1e6)
        digest = session_digest(secret)
        await self._stored.put(digest, kind, principal, expires_at, begun)
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
        await self._stored.set_ends(self._issued, step.by)


def session_digest(secret: str) -> bytes:
    """Of any text at all: a cookie's stray bytes come as lone surrogates."""
    return hashlib.blake2b(secret.encode(errors="surrogatepass"), digest_size=32).digest()
