import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from hub.errors import HubError, StoreError, Unauthenticated
from hub.http.around import Around
from hub.http.oidc.admission import Admission
from hub.http.oidc.provider import Person, Provider
from hub.logs import Logger
from hub.people.accounts import Accounts
from hub.people.oidc.faults import ProviderSilent
from hub.people.oidc.sealing import seal, unseal
from hub.people.operators import session_digest
from hub.registry.people import session_id
from hub.registry.provided import ProvidedSession, StoredProvidedSessions

KNOWN_MAX = 10_000  # sessions whose next check is known; of others the registry is asked
SILENT_AGAIN_S = 60.0  # how often a provider that does not answer is asked about one session

_log = Logger("oidc")


@dataclass(frozen=True, slots=True)
class KeptTokens:
    """What is kept of a session's tokens, sealed."""

    refresh: str | None = None
    id: str | None = None  # to tell the provider which session is logged out

    @classmethod
    def of(cls, person: Person, before: "KeptTokens | None" = None) -> "KeptTokens":
        """Those of an answer; a provider that gives no new ones leaves those before in force."""
        before = before or cls()
        return cls(person.refresh_token or before.refresh, person.id_token or before.id)

    @classmethod
    def unsealed(cls, secret: str, sealed: bytes | None) -> "KeptTokens":
        """What was sealed; nothing where it cannot be opened."""
        text = None if sealed is None else unseal(secret, sealed)
        return cls() if text is None else cls(**orjson.loads(text))

    def sealed(self, secret: str, random_bytes: Callable[[int], bytes]) -> bytes:
        """To be kept."""
        return seal(secret, orjson.dumps(self).decode(), random_bytes)


class Rechecks:
    """Asks providers again whether a session goes on, when it is used and a check is due.

    A session that is not used is not asked about: what is kept of it cannot be opened then.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        stored: StoredProvidedSessions,
        accounts: Accounts,
        admission: Admission,
        around: Around,
    ) -> None:
        self._providers = providers
        self._stored = stored
        self._accounts = accounts
        self._admission = admission
        self._around = around
        self._due_s: OrderedDict[bytes, float | None] = OrderedDict()  # None: no provider gave the session
        self._silent_until_s: dict[str, float] = {}  # providers that do not answer
        self._under_way: dict[bytes, asyncio.Task[None]] = {}

    async def begin(self, secret: str, provider: str, person: Person) -> None:
        """A session that has just begun."""
        sealed = KeptTokens.of(person).sealed(secret, self._around.random_bytes)
        now = self._around.clock()
        await self._stored.begin(session_digest(secret), provider, person.session, now, sealed)

    async def confirm(self, secret: str, wait_s: float) -> bool:
        """Let a session go on, if it does; whether its provider was asked. Many who need that ask once.

        Who asks waits so long at most. Then the session goes on, and ends, with what it watches, when the
        answer says so. Raises Unauthenticated where it is over, StoreError.
        """
        digest = session_digest(secret)
        if digest in self._due_s:
            self._due_s.move_to_end(digest)
            due_s = self._due_s[digest]
            if due_s is None or self._around.steady_s() < due_s:
                return False
        task = self._under_way.get(digest)
        if task is None:
            task = self._under_way[digest] = asyncio.ensure_future(self._check(secret, digest))
            task.add_done_callback(lambda done: self._is_checked(digest, done))
        # Who asked may leave, or be told already: what the provider answers is kept all the same.
        done, _ = await asyncio.wait([task], timeout=wait_s)
        for one in done:
            one.result()
        return True

    def _is_checked(self, digest: bytes, task: asyncio.Task[None]) -> None:
        """A check has ended; maybe nobody waits for it any more."""
        del self._under_way[digest]
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Unauthenticated):
            _log.error("a session could not be checked", exc_info=error)

    async def _check(self, secret: str, digest: bytes) -> None:
        found = await self._stored.find(digest)
        due_s = None
        if found is not None:
            due_s = self._around.steady_s() + await self._go_on_s(secret, digest, found)
        self._due_s[digest] = due_s
        if len(self._due_s) > KNOWN_MAX:
            self._due_s.popitem(last=False)

    async def _go_on_s(self, secret: str, digest: bytes, found: ProvidedSession) -> float:
        """For how long it goes on until the next check. Raises Unauthenticated."""
        provider, operator = self._providers.get(found.provider), self._accounts.find(found.name)
        if provider is None or operator.subject is None or operator.issuer != provider.config.issuer:
            raise await self._ended(digest, found, "there is no such provider any more")
        config, now = provider.config, self._around.clock()
        kept = KeptTokens.unsealed(secret, found.sealed)
        if kept.refresh is None:  # it cannot be asked
            left_s = config.unchecked_s - (now - found.created_at) / 1e6
            if left_s <= 0:
                raise await self._ended(digest, found, "it lasts no longer without a new log in")
            return left_s
        age_s = (now - found.checked_at) / 1e6
        if 0 <= age_s < config.check_s:
            return config.check_s - age_s
        try:
            person = await self._ask(provider, kept.refresh, operator.subject)
            if person.groups is not None:
                await self._admission.admit(config, person)
        except ProviderSilent as error:
            _log.warning("a provider does not answer", provider=config.name, why=str(error))
            if age_s >= config.outage_s:
                raise await self._ended(digest, found, "the provider has not answered for long") from error
            return SILENT_AGAIN_S
        except StoreError:
            raise
        except HubError as error:  # no, or nothing to be believed, or nothing that lets in
            raise await self._ended(digest, found, str(error)) from error
        fresh = KeptTokens.of(person, kept) if person.groups is not None else KeptTokens(None, kept.id)
        await self._stored.check(digest, now, fresh.sealed(secret, self._around.random_bytes))
        return config.check_s

    async def _ask(self, provider: Provider, refresh_token: str, subject: str) -> Person:
        """Who somebody is now. One who did not answer a moment ago is not asked again for each session."""
        name, now_s = provider.config.name, self._around.steady_s()
        if now_s < self._silent_until_s.get(name, now_s):
            raise ProviderSilent("it did not answer a moment ago")
        try:
            return await provider.refresh(refresh_token, subject)
        except ProviderSilent:
            self._silent_until_s[name] = self._around.steady_s() + SILENT_AGAIN_S
            raise

    async def _ended(self, digest: bytes, found: ProvidedSession, why: str) -> Unauthenticated:
        """End the session; what to raise."""
        _log.info("a provider's session is over", provider=found.provider, who=found.name, why=why)
        await self._admission.end_sessions(found.name, only=session_id(digest))
        self._due_s.pop(digest, None)
        return Unauthenticated(f"the session is over: {why}; log in again")

    async def id_token(self, secret: str) -> tuple[str, str | None] | None:
        """The provider of a session and its ID token, if a provider gave it."""
        found = await self._stored.find(session_digest(secret))
        return None if found is None else (found.provider, KeptTokens.unsealed(secret, found.sealed).id)

    async def close(self) -> None:
        """Ask nobody any more."""
        for task in list(self._under_way.values()):
            task.cancel()
