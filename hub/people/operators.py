"""The people, and the programs that act for them: one-time links, browser sessions, tokens."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jwt

from hub.clock import Step
from hub.config import AuthConfig
from hub.errors import Invalid, Unauthenticated
from hub.model import Grant, Principal, Right, Role, Scope, checked_grant
from hub.registry.people import StoredCredentials

ISSUER = "sensor-hub"
ALGORITHM = "HS256"
NAME_MAX = 100
ISSUED_MAX = 10_000  # links and sessions that move along when the clock is set; the oldest do not

LOCAL_OWNER = Principal("local", (Grant(Role.LOCAL),))
"""The one who can open the hub's Unix socket, mode 0600: the owner of the process."""


class Operators:
    """Lets people and tokens in. `clock` gives µs UTC, `random_text` 256 bits of secret as text."""

    def __init__(
        self,
        stored: StoredCredentials,
        auth: AuthConfig,
        token_secret: bytes,
        clock: Callable[[], int],
        random_text: Callable[[], str],
    ) -> None:
        self._stored = stored
        self._auth = auth
        self._token_secret = token_secret
        self._clock = clock
        self._random_text = random_text
        # Links and sessions of this run: their digests, and when each ends.
        self._issued: dict[bytes, int] = {}

    async def make_link(self, name: str = "admin") -> str:
        """The code of a link that lets one person in once, as admin, in `login_link_s`. Raises Invalid."""
        _check_name(name)
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

    def make_token(
        self, name: str, grant: Grant, ttl_s: float, rights: Collection[Right] | None = None
    ) -> str:
        """A JWT (RFC 7519, HS256) for REST and the live socket. Raises Invalid."""
        _check_name(name)
        if not 0 < ttl_s <= self._auth.token_max_s:
            raise Invalid(
                f"a token lasts over 0 and at most {self._auth.token_max_s:.0f} s (auth.token_max_s)", "ttl_s"
            )
        claims: dict[str, object] = {
            "iss": ISSUER,
            "sub": name,
            "role": grant.role,
            "iat": int(self._clock() / 1e6),
            "exp": self._clock() / 1e6 + ttl_s,
        }
        if grant.scope is not None:
            claims["devices"] = sorted(grant.scope.devices)
            claims["labels"] = sorted(grant.scope.labels)
        if rights is not None:
            claims["rights"] = sorted(rights)
        return jwt.encode(claims, self._token_secret, ALGORITHM)

    def token(self, text: str) -> Principal:
        """Whom a token stands for. Raises Unauthenticated, saying why."""
        try:
            claims = jwt.decode(
                text,
                self._token_secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "sub", "role"], "verify_exp": False, "verify_iat": False},
            )
            if claims["exp"] <= self._clock() / 1e6:
                raise Unauthenticated("the token has expired")
            return _claimed(claims)
        except (jwt.InvalidTokenError, Invalid, ValueError, TypeError) as error:
            raise Unauthenticated(f"the token is not one of this hub: {error}") from error


def _claimed(claims: Mapping[str, Any]) -> Principal:
    """Whom claims stand for. Raises Invalid, ValueError, TypeError."""
    devices, labels, rights = (claims.get(name) for name in ("devices", "labels", "rights"))
    scope = None
    if devices is not None or labels is not None:
        scope = Scope(frozenset(devices or ()), frozenset((key, value) for key, value in labels or ()))
    grant = checked_grant(Role(claims["role"]), scope)
    limited = None if rights is None else frozenset(Right(one) for one in rights)
    return Principal(claims["sub"], (grant,), limited)


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(f"a name has 1 to {NAME_MAX} printable characters", "name")


def _digest(secret: str) -> bytes:
    """Of any text at all: a cookie's stray bytes come as lone surrogates."""
    return hashlib.blake2b(secret.encode(errors="surrogatepass"), digest_size=32).digest()
