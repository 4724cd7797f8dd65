from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from hub.model import Device, Note
from hub.registry.database import Database, Transaction
from hub.registry.inbox import put_into_inbox

KEPT_MAX = 10_000
"""How many notes of one device are kept; beyond, the oldest go."""

_OF = """SELECT * FROM device_notes WHERE device = :device AND (:before IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit"""
_ONE = "SELECT * FROM device_notes WHERE device = :device AND id = :id"
_EDIT = """UPDATE device_notes SET text = :text, at = :at, until = :until, edited_at = :edited_at
    WHERE device = :device AND id = :id"""
_FORGET = f"""DELETE FROM device_notes WHERE device = :device AND id <=
    (SELECT id FROM device_notes WHERE device = :device ORDER BY id DESC LIMIT 1 OFFSET {KEPT_MAX})"""
_FORGET_MENTIONS = """DELETE FROM inbox WHERE device = :device
    AND note < (SELECT min(id) FROM device_notes WHERE device = :device)"""


class StoredNotes:
    """The notes on devices, each with whom it mentions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, note: Note, mentioned: Iterable[str]) -> Note:
        """Add a note (its `id` is ignored), and put it into the inboxes of those whom it mentions."""

        def add(written: Transaction) -> Note:
            row = _row(note)
            del row["id"]
            added = replace(note, id=written.insert("device_notes", row))
            if written.run(_FORGET, device=note.device):
                written.run(_FORGET_MENTIONS, device=note.device)
            for person in mentioned:
                put_into_inbox(written, person, added.made_at, device=note.device, note=added.id)
            return added

        return await self._database.write(add)

    async def edit(self, note: Note, mentioned: Iterable[str], now: int) -> set[str]:
        """Write a note as it is now; whose inboxes that changes: who is mentioned now, or was."""
        wanted = set(mentioned)

        def edit(written: Transaction) -> set[str]:
            written.run(_EDIT, **_row(note))
            before = _mentioned(written, note.id)
            for person in before - wanted:
                written.run("DELETE FROM inbox WHERE note = :note AND person = :p", note=note.id, p=person)
            for person in wanted - before:
                put_into_inbox(written, person, now, device=note.device, note=note.id)
            return before | wanted

        return await self._database.write(edit)

    async def remove(self, note: Note) -> set[str]:
        """Remove a note; out of whose inboxes it went."""

        def remove(written: Transaction) -> set[str]:
            mentioned = _mentioned(written, note.id)
            written.run("DELETE FROM inbox WHERE note = :note", note=note.id)
            written.run("DELETE FROM device_notes WHERE id = :id", id=note.id)
            return mentioned

        return await self._database.write(remove)

    async def of(self, device: Device, limit: int, before: int | None = None) -> list[Note]:
        """A device's notes, newest first; with `before`, those older than the one with that id."""
        asked = {"device": device.number, "before": before, "limit": limit}
        return await self._database.read(lambda found: [_note(row) for row in found.rows(_OF, **asked)])

    async def one(self, device: Device, note_id: int) -> Note | None:
        """One of a device's notes."""
        asked = {"device": device.number, "id": note_id}
        rows = await self._database.read(lambda found: found.rows(_ONE, **asked))
        return _note(rows[0]) if rows else None


def _mentioned(found: Transaction, note: int) -> set[str]:
    return {row["person"] for row in found.rows("SELECT person FROM inbox WHERE note = :note", note=note)}


def _row(note: Note) -> dict[str, Any]:
    row = asdict(note)
    return {**{name: value for name, value in row.items() if name != "by"}, "by_whom": note.by}


def _note(row: Mapping[str, Any]) -> Note:
    return Note(**{name: value for name, value in row.items() if name != "by_whom"}, by=row["by_whom"])
