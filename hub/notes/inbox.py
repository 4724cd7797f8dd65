"""What waits for each person, and the messages between them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import orjson

from hub.errors import NotFound, StoreError
from hub.feed import Feed
from hub.feed.channel import wire_ms
from hub.fleet.devices import Devices
from hub.logs import Logger
from hub.model import Device, InboxEntry, PersonalMessage, Principal, Right, author_of
from hub.model.note import check_text
from hub.people.accounts import Accounts
from hub.people.rule import Decision, decide
from hub.registry.inbox import StoredInbox

_log = Logger("inbox")


class Waiting(NamedTuple):
    """What is in an inbox, newest first, and up to which of it the person has seen."""

    entries: Sequence[InboxEntry]
    seen: int

    @property
    def unread(self) -> int:
        """How many they have not seen."""
        return sum(entry.id > self.seen for entry in self.entries)


class Inboxes:
    """Mentions of and messages to people, and alerts routed to them. `clock` gives µs UTC."""

    def __init__(
        self,
        stored: StoredInbox,
        devices: Devices,
        accounts: Accounts,
        feed: Feed,
        clock: Callable[[], int],
    ) -> None:
        self._stored = stored
        self._devices = devices
        self._accounts = accounts
        self._feed = feed
        self._clock = clock

    async def of(self, person: Principal) -> Waiting:
        """What waits for a person. What is about a device that they may not see now is not among it."""
        entries, seen = await self._stored.of(person.name)
        return Waiting([entry for entry in entries if self._may_see(person, entry)], seen)

    async def see(self, person: Principal, upto: int) -> Waiting:
        """They have seen all up to that entry: all dashboards of theirs are told."""
        await self._stored.see(person.name, upto)
        await self.tell_all([person.name])
        return await self.of(person)

    async def send(self, by: Principal, to: str, text: str) -> PersonalMessage:
        """Write to a person. Raises Invalid, StoreError, and NotFound also where one may not know of them."""
        check_text(text)
        if not self._may_know(by, to):
            raise NotFound(f"there is no operator {to!r}")
        message = await self._stored.send(PersonalMessage(0, by.name, author_of(by), to, text, self._clock()))
        await self.tell_all([to])
        return message

    async def messages(
        self, person: Principal, limit: int, before: int | None = None, other: str | None = None
    ) -> Sequence[PersonalMessage]:
        """Messages to a person and from them, newest first; with `other`, those with that one."""
        return await self._stored.messages(person.name, limit, before, other)

    async def tell_all(self, names: Iterable[str]) -> None:
        """Tell all dashboards of these people how much waits for them. It is on disk already: where it cannot
        be read again, it waits until they ask.
        """
        for name in names:
            try:
                await self._tell(name)
            except StoreError as error:
                _log.warning("a person could not be told of their inbox", why=str(error))

    async def greet(self, person: Principal) -> None:
        """A dashboard of theirs has connected: say what came while they were away, if there is any."""
        if person.is_person and self._accounts.has(person.name):
            try:
                waiting = await self.of(person)
            except StoreError as error:
                _log.warning("a person could not be told of their inbox", why=str(error))
                return
            if waiting.unread:
                self._say(person.name, waiting)

    async def _tell(self, name: str) -> None:
        if self._feed.persons.is_here(name) and self._accounts.has(name):
            self._say(name, await self.of(Principal(name, self._accounts.find(name).grants)))

    def _say(self, name: str, waiting: Waiting) -> None:
        newest = waiting.entries[0] if waiting.entries else None
        said = {
            "type": "inbox",
            "unread": waiting.unread,
            "newest": None if newest is None else self.shown(newest),
        }
        self._feed.persons.tell(name, "inbox", orjson.dumps(said))

    def shown(self, entry: InboxEntry) -> dict[str, object]:
        """An entry as the wire has it."""
        devices = self._devices_of(entry)
        return {
            "id": entry.id,
            "kind": entry.kind.value,
            "by": entry.by,
            "text": entry.text,
            "made_at": wire_ms(entry.made_at),
            "device": devices[0].id if devices else None,
            "note": entry.note,
            "message": entry.message,
            "alert": entry.alert,
            "at": None if entry.at is None else wire_ms(entry.at),
        }

    def _may_see(self, person: Principal, entry: InboxEntry) -> bool:
        if entry.device is None and not entry.devices:
            return True
        devices = self._devices_of(entry)
        return bool(devices) and all(
            decide(person, Right.DEVICES_READ, device) is Decision.ALLOW for device in devices
        )

    def _devices_of(self, entry: InboxEntry) -> list[Device]:
        """Those that it is about and that are there still."""
        numbers = entry.devices if entry.device is None else (entry.device,)
        return [device for number in numbers if (device := self._devices.numbered(number)) is not None]

    def _may_know(self, by: Principal, name: str) -> bool:
        """Who is limited to a scope knows of those alone who see a device that they see too."""
        if not self._accounts.has(name):
            return False
        if by.scopes is None or name == by.name:
            return True
        other = Principal(name, self._accounts.find(name).grants)
        return any(
            by.sees(device.id, device.labels) and other.sees(device.id, device.labels)
            for device in self._devices.all()
        )
