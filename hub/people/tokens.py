"""Tokens, by which programs come in: made, shown to the hub, listed, revoked."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from hub.config import AuthConfig
from hub.errors import Busy, Conflict, Invalid, NotFound, StoreError, Unauthenticated
from hub.logs import Logger
from hub.model import Grant, Principal, Right, Role, Scope, Token, TokenKind, checked_grant
from hub.model import key as keys
from hub.model import token as tokens
from hub.people.names import check_name
from hub.people.rule import is_within
from hub.registry.tokens import StoredTokens
from hub.timers import aligned_sleep

ISSUER = "sensor-hub"
ALGORITHM = "HS256"
JWT_MAX_S = 3600.0
TOKENS_MAX = 10_000  # those that are over included, which go after a while
OVER_KEPT_US = 30 * 86_400_000_000  # so that a list says what became of a token
USES_INTERVAL_S = 60.0

_log = Logger("tokens")


class Tokens:
    """Lets programs in. `clock` gives µs UTC, `choose` one random character of a string."""

    def __init__(
        self,
        stored: StoredTokens,
        auth: AuthConfig,
        secret: bytes,
        clock: Callable[[], int],
        choose: Callable[[str], str],
    ) -> None:
        self._stored = stored
        self._auth = auth
        self._secret = secret
        self._clock = clock
        self._choose = choose
        self._tokens: dict[str, Token] = {}
        self._used: dict[str, Token] = {}  # those whose last use is not in the registry yet

    async def restore(self) -> None:
        """Read the registry."""
        self._tokens = {token.id: token for token in await self._stored.all()}

    def all(self) -> list[Token]:
        """All tokens, oldest first; JWTs as long as they work, others a while longer."""
        now = self._clock()
        return [token for token in self._tokens.values() if not _is_gone(token, now)]

    # Making and ending

    async def make(
        self,
        name: str,
        grant: Grant,
        ttl_s: float,
        *,
        owner: str,
        rights: Collection[Right] | None = None,
        kind: TokenKind = TokenKind.OPAQUE,
    ) -> tuple[Token, str]:
        """A new token, and its text, which is not known to anybody afterwards. Raises Invalid, StoreError;
        Busy where there are too many.
        """
        await self._forget_old()
        made, text = tokens.make_opaque(self._choose)
        digest = keys.digest(made.secret)
        if kind is TokenKind.JWT:
            text, digest = self.sign(name, grant, ttl_s, rights, made.id), b""
        self._check(name, ttl_s)
        now = self._clock()
        limited = None if rights is None else frozenset(rights)
        token = Token(made.id, kind, name, grant, limited, owner, now, now + round(ttl_s * 1e6), digest)
        await self._stored.add(token)
        self._tokens[token.id] = token
        return token, text

    def sign(
        self,
        name: str,
        grant: Grant,
        ttl_s: float,
        rights: Collection[Right] | None = None,
        token_id: str | None = None,
    ) -> str:
        """A JWT (RFC 7519, HS256), which needs no entry to be good: for an hour at most. Raises Invalid."""
        self._check(name, ttl_s)
        if ttl_s > JWT_MAX_S:
            raise Invalid(f"a JWT lasts at most {JWT_MAX_S:.0f} s; one of the kind opaque may last", "ttl_s")
        now_s = self._clock() / 1e6
        claims: dict[str, object] = {"iss": ISSUER, "sub": name, "role": grant.role}
        claims |= {"iat": int(now_s), "exp": now_s + ttl_s}
        if token_id is not None:
            claims["jti"] = token_id
        if grant.scope is not None:
            claims["devices"] = sorted(grant.scope.devices)
            claims["labels"] = sorted(grant.scope.labels)
        if rights is not None:
            claims["rights"] = sorted(rights)
        import jwt  # here: with cryptography it is 22 MB, and most hubs have no JWT

        return jwt.encode(claims, self._secret, ALGORITHM)

    def _check(self, name: str, ttl_s: float) -> None:
        check_name(name)
        if not 0 < ttl_s <= self._auth.token_max_s:
            raise Invalid(
                f"a token lasts over 0 and at most {self._auth.token_max_s:.0f} s (auth.token_max_s)", "ttl_s"
            )

    def find(self, token_id: str) -> Token:
        """The token. Raises NotFound."""
        token = self._tokens.get(token_id)
        if token is None:
            raise NotFound(f"there is no token {token_id!r}")
        return token

    async def revoke(self, token_id: str) -> None:
        """End a token for good. Raises NotFound, Conflict if it was revoked before, StoreError: it does not
        work any more then either.
        """
        token = self.find(token_id)
        if token.revoked_at is not None:
            raise Conflict(f"the token {token_id!r} was revoked before")
        revoked = replace(token, revoked_at=self._clock())
        self._tokens[token_id] = self._used[token_id] = revoked
        await self._stored.update([revoked])

    async def revoke_beyond(self, owner: Principal) -> list[str]:
        """End the tokens of somebody that may more than their owner does now; the ids of those.

        Raises StoreError.
        """
        beyond = [
            token.id
            for token in self._tokens.values()
            if token.owner == owner.name
            and token.revoked_at is None
            and not is_within(token.grant, token.rights, owner)
        ]
        for token_id in beyond:
            await self.revoke(token_id)
        return beyond

    async def _forget_old(self) -> None:
        now = self._clock()
        gone = [token for token in self._tokens.values() if _is_gone(token, now)]
        await self._stored.remove(gone)
        for token in gone:
            del self._tokens[token.id]
            self._used.pop(token.id, None)
        if len(self._tokens) >= TOKENS_MAX:
            text = f"there are {TOKENS_MAX} tokens; revoke some, or wait until some are over"
            raise Busy(text, 3600.0, "fixed.tokens")

    # Letting in

    def check(self, text: str, address: str | None = None) -> Principal:
        """Whom a token stands for; `address` is where it is used from. Raises Unauthenticated, saying why."""
        shown = tokens.parse(text)
        return self._check_jwt(text, address) if shown is None else self._check_opaque(shown, address)

    def _check_opaque(self, shown: keys.Key, address: str | None) -> Principal:
        token = self._tokens.get(shown.id)
        is_right = keys.matches(shown.secret, bytes(32) if token is None else token.digest)
        if token is None or not is_right:
            raise Unauthenticated("the token is wrong")
        self._refuse_over(token, address)
        credential = f"token {token.id}"
        return Principal(token.name, (token.grant,), token.rights, credential, expires_at=token.expires_at)

    def _check_jwt(self, text: str, address: str | None) -> Principal:
        if text.count(".") != 2:
            raise Unauthenticated("the token is not one of this hub: it has neither form of them")
        import jwt

        try:
            claims = jwt.decode(
                text,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "sub", "role"], "verify_exp": False, "verify_iat": False},
            )
            if claims["exp"] <= self._clock() / 1e6:
                raise Unauthenticated("the token has expired")
            principal = _claimed(claims)
        except (jwt.InvalidTokenError, Invalid, ValueError, TypeError) as error:
            raise Unauthenticated(f"the token is not one of this hub: {error}") from error
        token = self._tokens.get(claims.get("jti", ""))
        if token is not None:
            self._refuse_over(token, address)
        return principal

    def _refuse_over(self, token: Token, address: str | None) -> None:
        now = self._clock()
        if token.revoked_at is not None:
            raise Unauthenticated("the token was revoked")
        if token.expires_at <= now:
            raise Unauthenticated("the token has expired")
        if address is not None:
            used = replace(token, last_used_at=now, last_used_from=address)
            self._tokens[token.id] = self._used[token.id] = used

    # Beside all that

    async def keep_uses(self) -> None:
        """Write when and from where tokens were used last, until cancelled; then write once more."""
        try:
            while True:
                await aligned_sleep(USES_INTERVAL_S)
                await self.write_uses()
        finally:
            await self.write_uses()

    async def write_uses(self) -> None:
        """Write the uses noted since the last time. A disk that says no is tried again at the next turn."""
        used, self._used = self._used, {}
        try:
            await self._stored.update(used.values())
        except StoreError as error:
            self._used = {**used, **self._used}
            _log.error("cannot write the uses of tokens; retrying", why=str(error))


def _is_gone(token: Token, now: int) -> bool:
    kept_us = 0 if token.kind is TokenKind.JWT else OVER_KEPT_US
    return token.expires_at + kept_us <= now


def _claimed(claims: Mapping[str, Any]) -> Principal:
    """Whom claims stand for. Raises Invalid, ValueError, TypeError."""
    devices, labels, rights = (claims.get(name) for name in ("devices", "labels", "rights"))
    scope = None
    if devices is not None or labels is not None:
        scope = Scope(frozenset(devices or ()), frozenset((key, value) for key, value in labels or ()))
    grant = checked_grant(Role(claims["role"]), scope)
    limited = None if rights is None else frozenset(Right(one) for one in rights)
    credential = f"token {claims.get('jti', '')}".rstrip()
    return Principal(claims["sub"], (grant,), limited, credential, expires_at=round(claims["exp"] * 1e6))
