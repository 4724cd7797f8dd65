"""Notes on the timelines of devices."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hub.errors import Forbidden, NotFound
from hub.feed import Feed
from hub.fleet.devices import Devices
from hub.model import Device, Note, NoteEvent, Principal, Right, author_of
from hub.model.note import check_text, check_times
from hub.notes.inbox import Inboxes
from hub.notes.mentions import mentions
from hub.people.accounts import Accounts
from hub.people.rule import Decision, decide
from hub.registry.registry import Registry


class Written(NamedTuple):
    """What a note says, and which moment or range it is about (µs, UTC)."""

    text: str
    at: int | None = None
    until: int | None = None


class Notes:
    """Writes them, and tells who watches the device and whom they mention. `clock` gives µs UTC."""

    def __init__(
        self,
        registry: Registry,
        devices: Devices,
        accounts: Accounts,
        feed: Feed,
        clock: Callable[[], int],
    ) -> None:
        self.inbox = Inboxes(registry.inbox, devices, accounts, feed, clock)
        self._stored = registry.notes
        self._devices = devices
        self._accounts = accounts
        self._feed = feed
        self._clock = clock

    async def list(self, device: Device, limit: int, before: int | None = None) -> Sequence[Note]:
        """A device's notes, newest first; those older than the one with the id `before`, if given."""
        return await self._stored.of(device, limit, before)

    async def add(self, device: Device, written: Written, by: Principal) -> Note:
        """Write a note; on disk when it returns. Raises Invalid, NotFound, StoreError."""
        _check(written)
        text, at, until = written
        wanted = Note(0, device.number, text, by.name, author_of(by), self._clock(), at, until)
        async with self._devices.held(device) as current:
            mentioned = self._mentioned(current, written.text, by)
            note = await self._stored.add(wanted, mentioned)
            self._feed.note_changed(device.id, NoteEvent.ADDED, note)
        await self.inbox.tell_all(mentioned)
        return note

    async def edit(
        self, device: Device, note_id: int, edit: Callable[[Written], Written], by: Principal
    ) -> Note:
        """Change a note of one's own. Who is mentioned now is told; who is not any more finds nothing.

        Raises NotFound, Forbidden, Invalid, StoreError.
        """
        async with self._devices.held(device) as current:
            note = await self._own(device, note_id, by)
            before = Written(note.text, note.at, note.until)
            written = edit(before)
            if written == before:
                return note
            _check(written)
            now = self._clock()
            note = replace(note, text=written.text, at=written.at, until=written.until, edited_at=now)
            changed = await self._stored.edit(note, self._mentioned(current, note.text, by), now)
            self._feed.note_changed(device.id, NoteEvent.EDITED, note)
        await self.inbox.tell_all(changed)
        return note

    async def remove(self, device: Device, note_id: int, by: Principal) -> None:
        """Delete a note of one's own. Raises NotFound, Forbidden, StoreError."""
        async with self._devices.held(device):
            note = await self._own(device, note_id, by)
            changed = await self._stored.remove(note)
            self._feed.note_changed(device.id, NoteEvent.DELETED, note)
        await self.inbox.tell_all(changed)

    async def _own(self, device: Device, note_id: int, by: Principal) -> Note:
        note = await self._stored.one(device, note_id)
        if note is None:
            raise NotFound(f"{device.id!r} has no note {note_id}")
        if note.author is None or note.author != author_of(by):
            raise Forbidden("only who wrote a note may change or delete it")
        return note

    def _mentioned(self, device: Device, text: str, by: Principal) -> Iterable[str]:
        """Whom the text mentions: of those who may see the device, all but the author."""
        return [
            name
            for name in mentions(text, self._accounts.has)
            if not (by.is_person and name == by.name) and self._may_see(name, device)
        ]

    def _may_see(self, name: str, device: Device) -> bool:
        person = Principal(name, self._accounts.find(name).grants)
        return decide(person, Right.DEVICES_READ, device) is Decision.ALLOW


def _check(written: Written) -> None:
    check_text(written.text)
    check_times(written.at, written.until)
