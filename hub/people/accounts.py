"""Operators: the people who use the hub, what each may, and their passwords."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from hub.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from hub.fleet.keys import LoginThrottle
from hub.model import Grant, Operator, Principal, Role
from hub.people.challenges import Challenges
from hub.people.names import check_name
from hub.people.passkeys import Passkeys
from hub.people.passwords import Passwords, check_password
from hub.registry.operators import StoredOperators
from hub.registry.registry import Registry

OPERATORS_MAX = 10_000
GRANTS_MAX = 100  # of one operator
LOCAL_NAME = "local"  # of the owner of the process; nobody else is called so


class Accounts:
    """Who there is. `clock` gives µs UTC."""

    def __init__(
        self,
        stored: StoredOperators,
        passwords: Passwords,
        throttle: LoginThrottle,
        clock: Callable[[], int],
        passkeys: Passkeys,
    ) -> None:
        self._stored = stored
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self.passkeys = passkeys
        self._operators: dict[str, Operator] = {}
        self._turn = asyncio.Lock()  # what is written is written by one at a time

    async def restore(self) -> None:
        """Read the registry."""
        self._operators = {one.name: one for one in await self._stored.all()}

    def all(self) -> list[Operator]:
        """All operators who may come in, by name."""
        return [one for _, one in sorted(self._operators.items()) if one.grants]

    def has(self, name: str) -> bool:
        """Whether somebody is called so."""
        return name in self._operators

    def find(self, name: str) -> Operator:
        """The operator. Raises NotFound."""
        found = self._operators.get(name)
        if found is None:
            raise NotFound(f"there is no operator {name!r}")
        return found

    def principal(self, name: str, credential: str) -> Principal:
        """An operator as whoever asks. Raises Unauthenticated for one who was removed, or may not come in."""
        found = self._operators.get(name)
        if found is None or not found.grants:
            raise Unauthenticated("the session is over; `hub login` prints a link for a new one")
        return Principal(name, found.grants, credential=credential)

    async def add(self, name: str, grants: Iterable[Grant], password: str | None = None) -> Operator:
        """One more operator. Raises Invalid, Conflict, StoreError, Busy."""
        check_name(name)
        if name == LOCAL_NAME:
            raise Invalid("this name is the owner's of the process", "name")
        digest = None if password is None else await self._passwords.digest(password)
        async with self._turn:
            if name in self._operators:
                raise Conflict(f"an operator {name!r} exists already")
            self._refuse_when_full()
            made = Operator(name, _checked(grants), self._clock(), digest)
            await self._stored.add(made)
            self._operators[name] = made
        return made

    async def ensure_admin(self, name: str) -> None:
        """Let there be an operator of this name; one who is new is an admin. Raises Invalid, StoreError, and
        Conflict where they come by a provider.
        """
        self.refuse_provided(name)
        if name not in self._operators and name != LOCAL_NAME:
            await self.add(name, [Grant(Role.ADMIN)])

    async def change(
        self, name: str, grants: Iterable[Grant] | None = None, password: str | None = None
    ) -> Operator:
        """Change what an operator may, or the password.

        Raises NotFound, Invalid, Conflict where nobody would be an admin any more or a provider has the word,
        StoreError, Busy.
        """
        self.refuse_provided(name)
        digest = None if password is None else await self._passwords.digest(password)
        async with self._turn:
            changed = self.find(name)
            if grants is not None:
                changed = replace(changed, grants=_checked(grants))
                if not _is_admin(changed):
                    self.refuse_last_admin(name)
            if digest is not None:
                changed = replace(changed, password=digest)
            await self._stored.update(changed)
            self._operators[name] = changed
        return changed

    def refuse_provided(self, name: str) -> None:
        """Raises Conflict for somebody who comes by a provider: what they may, and how they come in, is its
        word alone.
        """
        if self.is_provided(name):
            raise Conflict(f"{name!r} comes in by {self.find(name).issuer} alone, which says what they may")

    def is_provided(self, name: str) -> bool:
        """Whether they come by a provider."""
        found = self._operators.get(name)
        return found is not None and found.issuer is not None

    async def admit(self, issuer: str, subject: str, called: str, grants: Iterable[Grant]) -> Operator:
        """The person whom the provider lets in, with what they may now: one more, where it is the first time.

        They get a name that nobody has, and keep it. Raises Invalid, StoreError.
        """
        async with self._turn:
            found = next((one for one in self._operators.values() if _is(one, issuer, subject)), None)
            now = self._clock()
            if found is not None:
                admitted = replace(found, grants=_checked(grants), checked_at=now)
                await self._stored.update(admitted)
            else:
                self._refuse_when_full()
                name = self._free_name(called)
                admitted = Operator(name, _checked(grants), now, None, issuer, subject, now)
                await self._stored.add(admitted)
            self._operators[admitted.name] = admitted
        return admitted

    async def lapse(self, name: str) -> None:
        """Their provider does not let them in any more. Raises NotFound, StoreError."""
        async with self._turn:
            lapsed = replace(self.find(name), grants=())
            await self._stored.update(lapsed)
            self._operators[name] = lapsed

    def of_issuer(self, issuer: str | None, subject: str | None = None) -> list[Operator]:
        """Whom this provider lets in, or the one whom it calls so."""
        return [
            one
            for one in self.all()
            if one.issuer is not None and one.issuer == issuer and subject in (None, one.subject)
        ]

    def _free_name(self, wanted: str) -> str:
        names = (wanted if count == 1 else f"{wanted} {count}" for count in range(1, OPERATORS_MAX + 2))
        return next(name for name in names if name not in self._operators and name != LOCAL_NAME)

    def _refuse_when_full(self) -> None:
        if len(self._operators) >= OPERATORS_MAX:
            raise Invalid(f"there are {OPERATORS_MAX} operators; at most so many are kept")

    async def remove(self, name: str) -> None:
        """Remove an operator; what they came in with works no more. Raises as `change` does."""
        async with self._turn:
            self.refuse_last_admin(name)
            await self._stored.remove(name)
            self.passkeys.forget(name)
            del self._operators[name]

    def refuse_last_admin(self, name: str) -> None:
        """Raises Conflict for the only one who may see to people, and NotFound for nobody."""
        self.find(name)
        if [one.name for one in self._operators.values() if _is_admin(one)] == [name]:
            raise Conflict(f"{name!r} is the last admin; let somebody else be one first")

    def confirm_by(self, name: str) -> tuple[str, ...]:
        """What somebody who is logged in can show to say once more who they are."""
        found = self._operators.get(name)
        has_password = found is not None and found.password is not None
        ways = {"password": has_password, "passkey": bool(self.passkeys.of(name))}
        return tuple(way for way, is_there in ways.items() if is_there)

    # Passwords

    async def check(self, name: str, password: str, address: str) -> Operator:
        """Whose name and password these are. Takes as long for names that nobody has.

        Raises Unauthenticated, the later the more has failed for this name or from this address, and Busy.
        A right password is never delayed, so that nobody can lock somebody else out.
        """
        found = self._operators.get(name)
        is_right = await self._passwords.matches(password, None if found is None else found.password)
        if found is None or not is_right:
            await asyncio.sleep(max(self._throttle.failed(f"name {name}"), self._throttle.failed(address)))
            raise Unauthenticated("the name or the password is wrong")
        return found

    async def prove(self, name: str, password: str, address: str) -> None:
        """Somebody who is logged in says once more who they are. Raises as `check`, but Forbidden: that they
        are logged in stays true.
        """
        try:
            await self.check(name, password, address)
        except Unauthenticated as error:
            raise Forbidden("the password is wrong") from error

    async def set_own_password(self, name: str, old: str | None, new: str, address: str) -> None:
        """Change one's own password; the old one is asked for where there is one. Raises as `prove`."""
        check_password(new)
        if self.find(name).password is not None:
            await self.prove(name, old or "", address)
        await self.change(name, password=new)


async def open_accounts(
    registry: Registry,
    passwords: Passwords,
    challenges: Challenges,
    throttle: LoginThrottle,
    clock: Callable[[], int],
    known_by: bytes,
) -> Accounts:
    """The people in the registry, with their passkeys."""
    passkeys = Passkeys(registry.passkeys, challenges, throttle, clock, known_by)
    await passkeys.restore()
    accounts = Accounts(registry.operators, passwords, throttle, clock, passkeys)
    await accounts.restore()
    return accounts


def _is_admin(operator: Operator) -> bool:
    return any(grant.role is Role.ADMIN for grant in operator.grants)


def _is(operator: Operator, issuer: str, subject: str) -> bool:
    return (operator.issuer, operator.subject) == (issuer, subject)


def _checked(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    found = tuple(grants)
    if not 1 <= len(found) <= GRANTS_MAX:
        raise Invalid(f"an operator has 1 to {GRANTS_MAX} grants", "grants")
    return found
