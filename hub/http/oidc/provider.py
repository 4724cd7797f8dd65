import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from hub.config_oidc import OidcProvider
from hub.errors import HubError, Invalid
from hub.http.oidc.client import ProviderClient
from hub.people.oidc.attempts import Attempt
from hub.people.oidc.discovery import Metadata, discovery_url, read_discovery
from hub.people.oidc.faults import ProviderSilent, ProviderWrong, UnknownKey
from hub.people.oidc.groups import groups_of
from hub.people.oidc.messages import (
    Callback,
    ProviderTokens,
    TokenRequest,
    code_request,
    read_tokens,
    refresh_request,
)
from hub.people.oidc.signatures import KeySet
from hub.people.oidc.tokens import Expected, IdToken, LogoutToken, check_id_token, check_logout_token

KEPT_S = 3_600.0  # how long document and keys are believed to be the same
AGAIN_S = 30.0  # how often keys are asked for at most, whatever key tokens name
SILENT_S = 5.0  # for how long one who did not answer is not asked for its document again
NAME_MAX = 60
_NAMES = ("preferred_username", "name", "email")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider lets in. `groups` is None where it did not say."""

    subject: str
    called: str
    groups: frozenset[str] | None
    session: str | None  # the provider's own name for it
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    proven_at_s: float | None = None  # when it asked them last who they are, if it says


class Provider:
    """One provider. `clock_s` gives seconds UTC, `steady_s` steady ones.

    Its methods raise ProviderSilent, ProviderRefused and ProviderWrong.
    """

    def __init__(
        self,
        config: OidcProvider,
        client: ProviderClient,
        clock_s: Callable[[], float],
        steady_s: Callable[[], float],
    ) -> None:
        self.config = config
        self._secret = read_secret(config)
        self._client = client
        self._clock_s = clock_s
        self._steady_s = steady_s
        self._metadata: Metadata | None = None
        self._keys: KeySet | None = None
        self._metadata_s = self._keys_s = self._silent_s = float("-inf")  # when they came, or did not
        self._turn = asyncio.Lock()  # many who need a document ask for it once

    async def metadata(self) -> Metadata:
        """What it says of itself. Where it does not answer, what it said before goes on."""
        async with self._turn:
            now_s = self._steady_s()
            if self._metadata is not None and now_s - self._metadata_s < KEPT_S:
                return self._metadata
            if now_s - self._silent_s < SILENT_S:
                return self._last("it did not answer a moment ago")
            issuer = self.config.issuer
            try:
                document = await self._client.get(discovery_url(issuer))
                self._metadata = read_discovery(issuer, document)
            except ProviderSilent as error:
                self._silent_s = self._steady_s()
                return self._last(str(error), error)
            self._metadata_s = now_s
            return self._metadata

    def _last(self, why: str, cause: HubError | None = None) -> Metadata:
        if self._metadata is None:
            raise ProviderSilent(why) from cause
        return self._metadata

    async def log_in(self, attempt: Attempt, callback: Callback) -> Person:
        """Who has come back from it with this answer."""
        metadata = await self.metadata()
        callback.check(metadata)
        asked = code_request(metadata, self.config, self._secret, attempt, callback.code)
        tokens = await self._tokens(metadata, asked)
        if tokens.id is None:
            raise ProviderWrong("the answer has no id_token")
        found = await self._id_token(
            tokens.id, nonce=attempt.nonce, access_token=tokens.access, anew_from_s=attempt.anew_from_s
        )
        return await self._person(metadata, tokens, found)

    async def refresh(self, refresh_token: str, subject: str) -> Person:
        """Who somebody is now."""
        metadata = await self.metadata()
        asked = refresh_request(metadata, self.config, self._secret, refresh_token)
        tokens = await self._tokens(metadata, asked)
        if tokens.id is None:
            found = IdToken(subject, None, {})
        else:
            found = await self._id_token(tokens.id, subject=subject, access_token=tokens.access)
        return await self._person(metadata, tokens, found)

    async def logout_token(self, token: str) -> LogoutToken:
        """Who is logged out there, by a token that somebody has brought."""

        def judge(keys: KeySet) -> LogoutToken:
            return check_logout_token(token, keys, self.config.issuer, self.config.client_id, self._clock_s())

        await _load()
        try:
            return judge(await self._known_keys())
        except UnknownKey:
            return judge(await self._newer_keys())

    async def _tokens(self, metadata: Metadata, asked: TokenRequest) -> ProviderTokens:
        return read_tokens(*await self._client.post(metadata.token_endpoint, asked.form, asked.headers))

    async def _id_token(self, token: str, **expected: Any) -> IdToken:
        wanted = Expected(self.config.issuer, self.config.client_id, self._clock_s(), **expected)
        await _load()
        try:
            return check_id_token(token, await self._known_keys(), wanted)
        except UnknownKey:
            return check_id_token(token, await self._newer_keys(), wanted)

    async def _person(self, metadata: Metadata, tokens: ProviderTokens, found: IdToken) -> Person:
        """With the groups, which some tell in the ID token, and some if asked for them (Core 1.0, 5.3)."""
        path = self.config.groups_claim
        claims = found.claims
        groups = groups_of(claims, path)
        if groups is None and metadata.userinfo_endpoint is not None:
            more = await self._client.get(metadata.userinfo_endpoint, tokens.access)
            if not isinstance(more, dict) or more.get("sub") != found.subject:
                raise ProviderWrong("what it tells of the person is of somebody else")  # 5.3.2
            groups = groups_of(more, path) or frozenset()
            claims = {**more, **claims}
        elif groups is None and tokens.id is not None:
            groups = frozenset()
        return Person(
            found.subject,
            _called(claims, found.subject),
            groups,
            found.session,
            tokens.refresh,
            tokens.id,
            found.proven_at_s,
        )

    # Its keys

    async def _known_keys(self) -> KeySet:
        if self._keys is None or self._steady_s() - self._keys_s >= KEPT_S:
            return await self._newer_keys()
        return self._keys

    async def _newer_keys(self) -> KeySet:
        """Its keys as they are now, or were a moment ago: whoever brings tokens makes nobody ask often."""
        metadata = await self.metadata()
        async with self._turn:
            if self._keys is None or self._steady_s() - self._keys_s >= AGAIN_S:
                self._keys = KeySet.read(await self._client.get(metadata.jwks_uri))
                self._keys_s = self._steady_s()
            return self._keys


def read_secret(config: OidcProvider) -> str:
    """The client's secret. Raises Invalid for a file that cannot be read."""
    if not config.client_secret_file:
        return config.client_secret
    try:
        return Path(config.client_secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a text"
        raise Invalid(f"auth.oidc: {config.name}: {config.client_secret_file}: {why}") from error


async def _load() -> None:
    """What judges signatures takes 70 ms to load, which is not for the loop."""
    if "jwt" not in sys.modules:
        await asyncio.to_thread(import_module, "jwt")


def _called(claims: Mapping[str, Any], subject: str) -> str:
    """What people call them; for reading only, since anybody may be called anything."""
    named = (claims.get(name) for name in _NAMES)
    name = next((one for one in named if isinstance(one, str) and one.strip()), subject)
    return "".join(one for one in name if one.isprintable()).strip()[:NAME_MAX] or "somebody"
