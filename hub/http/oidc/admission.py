from collections.abc import Callable, Iterable

from hub.config_oidc import OidcProvider
from hub.http.live.viewers import Viewers
from hub.http.oidc.provider import Person
from hub.logs import Logger
from hub.model import AuditEntry, Operator, Principal
from hub.people.accounts import Accounts
from hub.people.audit import Audit
from hub.people.oidc.faults import NoEntry
from hub.people.oidc.groups import grants_of
from hub.people.operators import Operators
from hub.people.tokens import Tokens

_log = Logger("oidc")


class Admission:
    """Turns what a provider says of a person into what they may. `viewers` gives the live connections."""

    def __init__(
        self,
        accounts: Accounts,
        operators: Operators,
        tokens: Tokens,
        viewers: Callable[[], Viewers],
        audit: Audit,
        clock: Callable[[], int],
    ) -> None:
        self._audit = audit
        self._clock = clock
        self._accounts = accounts
        self._operators = operators
        self._tokens = tokens
        self._viewers = viewers

    async def admit(self, provider: OidcProvider, person: Person) -> Operator:
        """The operator that this person is, with what their groups allow now.

        Raises NoEntry where that is nothing: then all that they came in with has ended. Raises Invalid,
        StoreError.
        """
        groups = person.groups or frozenset()
        grants = grants_of(provider, groups)
        before = self._accounts.of_issuer(provider.issuer, person.subject)
        if not grants:
            _log.debug("no group is mapped", provider=provider.name, who=person.called, groups=sorted(groups))
            for one in before:
                await self._lapse(provider, one)
            raise NoEntry(f"none of the groups of {person.called!r} is mapped to a role", person.called)
        called = f"{person.called} ({provider.name})"
        admitted = await self._accounts.admit(provider.issuer, person.subject, called, grants)
        if any(one.grants != grants for one in before):
            await self._end_tokens(admitted)
            self._viewers().begin_again(admitted.name)
        return admitted

    async def lapse_unseen(self, providers: Iterable[OidcProvider], unseen_s: float) -> None:
        """End the tokens of those of whom their provider has said nothing for so long: who never comes back
        has no session to ask about. Raises StoreError.
        """
        before = self._clock() - round(unseen_s * 1e6)
        for provider in providers:
            for one in self._accounts.of_issuer(provider.issuer):
                if (one.checked_at or 0) < before:
                    await self._lapse(provider, one)

    async def _lapse(self, provider: OidcProvider, operator: Operator) -> None:
        """End all that somebody came in with, and let them in no more until their provider does."""
        _log.info("a provider lets somebody in no more", provider=provider.name, who=operator.name)
        await self._accounts.lapse(operator.name)
        entry = AuditEntry(self._clock(), operator.name, f"oidc {provider.name}", "", "let in no more")
        await self._audit.note(entry)
        await self._end_tokens(Operator(operator.name, (), operator.created_at))
        await self.end_sessions(operator.name)

    async def end_sessions(self, name: str, only: str | None = None) -> None:
        """End a person's sessions, or the one with that id, with what they watch."""
        for session_id in await self._operators.end_sessions(name, only):
            self._viewers().end_with(f"session {session_id}", "the provider has ended the session")

    async def _end_tokens(self, operator: Operator) -> None:
        for token_id in await self._tokens.revoke_beyond(Principal(operator.name, operator.grants)):
            self._viewers().end_with(f"token {token_id}", "the token was revoked")
