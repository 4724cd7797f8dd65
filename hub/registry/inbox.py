from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.errors import NotFound
from hub.model import InboxAlert, InboxEntry, InboxKind, PersonalMessage, author_of_person
from hub.registry.database import Database, Transaction, from_json, to_json

KEPT_MAX = 500
"""How many entries of one inbox are kept; beyond, the oldest go."""
MESSAGES_MAX = 10_000
"""How many messages to one person are kept; beyond, the oldest go."""

_ENTRIES = """SELECT inbox.*, coalesce(told, device_notes.text, messages.text) AS text,
    coalesce(told_by, device_notes.by_whom, messages.by_whom) AS by_whom
    FROM inbox LEFT JOIN device_notes ON device_notes.id = inbox.note
    LEFT JOIN messages ON messages.id = inbox.message
    WHERE person = :person ORDER BY inbox.id DESC"""
_FORGET = f"""DELETE FROM inbox WHERE person = :person AND id <=
    (SELECT id FROM inbox WHERE person = :person ORDER BY id DESC LIMIT 1 OFFSET {KEPT_MAX})"""
_MESSAGES = """SELECT * FROM messages WHERE (recipient = :person OR author = :author)
    AND (:other IS NULL OR by_whom = :other OR recipient = :other)
    AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit"""
_FORGET_MESSAGES = f"""DELETE FROM messages WHERE recipient = :person AND id <=
    (SELECT id FROM messages WHERE recipient = :person ORDER BY id DESC LIMIT 1 OFFSET {MESSAGES_MAX})"""
_SEEN = "SELECT coalesce((SELECT upto FROM inbox_seen WHERE person = :person), 0)"
_SEE = """INSERT INTO inbox_seen VALUES (:person, :upto)
    ON CONFLICT (person) DO UPDATE SET upto = excluded.upto"""


class StoredInbox:
    """What waits for each person, and the messages between them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, person: str) -> tuple[list[InboxEntry], int]:
        """All that is kept for a person, newest first, and up to which of it they have seen."""

        def find(found: Transaction) -> tuple[list[InboxEntry], int]:
            rows = found.rows(_ENTRIES, person=person)
            return [_entry(row) for row in rows], found.value(_SEEN, person=person)

        return await self._database.read(find)

    async def see(self, person: str, upto: int) -> None:
        """They have seen all up to this one. What comes later has not been seen, whatever number is named."""

        def see(written: Transaction) -> None:
            newest = written.value("SELECT max(id) FROM inbox WHERE person = :person", person=person) or 0
            seen = written.value(_SEEN, person=person)
            if min(upto, newest) > seen:
                written.run(_SEE, person=person, upto=min(upto, newest))

        await self._database.write(see)

    async def send(self, message: PersonalMessage) -> PersonalMessage:
        """Add a message (its `id` is ignored), and put it into the inbox, unless one writes to oneself.

        Raises NotFound where nobody is called so.
        """

        def send(written: Transaction) -> PersonalMessage:
            if not _is_there(written, message.to):
                raise NotFound(f"there is no operator {message.to!r}")
            row = {
                "by_whom": message.by,
                "author": message.author,
                "recipient": message.to,
                "text": message.text,
                "made_at": message.made_at,
            }
            added = replace(message, id=written.insert("messages", row))
            written.run(_FORGET_MESSAGES, person=message.to)
            if message.author != author_of_person(message.to):
                put_into_inbox(written, message.to, message.made_at, message=added.id)
            return added

        return await self._database.write(send)

    async def messages(
        self, person: str, limit: int, before: int | None = None, other: str | None = None
    ) -> list[PersonalMessage]:
        """Messages to a person and from them, newest first; with `other`, those with that one."""
        asked = {"person": person, "author": author_of_person(person), "other": other}
        rows = await self._database.read(
            lambda found: found.rows(_MESSAGES, **asked, before=before, limit=limit)
        )
        return [_message(row) for row in rows]


def put_into_inbox(
    written: Transaction,
    person: str,
    made_at: int,
    *,
    device: int | None = None,
    note: int | None = None,
    message: int | None = None,
) -> None:
    """Add an entry, unless that person was removed meanwhile; the oldest beyond KEPT_MAX go."""
    row = {"person": person, "device": device, "note": note, "message": message, "made_at": made_at}
    _put(written, row)


def put_alert_into_inbox(written: Transaction, told: InboxAlert, made_at: int) -> None:
    """Add what a person is told of alerts, as `put_into_inbox` does."""
    row: dict[str, object] = {"person": told.person, "alert": told.alert, "at": told.at}
    row |= {"told": told.text, "told_by": told.by, "made_at": made_at}
    if len(told.devices) == 1:
        row["device"] = told.devices[0]
    else:
        row["devices"] = to_json(told.devices)
    _put(written, row)


def _put(written: Transaction, row: Mapping[str, object]) -> None:
    person = row["person"]
    if _is_there(written, person):
        written.insert("inbox", row)
        written.run(_FORGET, person=person)


def forget_person(written: Transaction, person: str) -> None:
    """The person is removed. Somebody else who gets the name finds nothing of theirs, and owns nothing."""
    for sql in (
        "DELETE FROM inbox WHERE person = :person",
        "DELETE FROM inbox_seen WHERE person = :person",
        "DELETE FROM messages WHERE recipient = :person",
    ):
        written.run(sql, person=person)
    for table in ("messages", "device_notes"):
        written.run(
            f"UPDATE {table} SET author = NULL WHERE author = :author", author=author_of_person(person)
        )


def _is_there(found: Transaction, person: object) -> bool:
    return bool(found.value("SELECT 1 FROM operators WHERE name = :person", person=person))


def _entry(row: Mapping[str, Any]) -> InboxEntry:
    return InboxEntry(
        id=row["id"],
        kind=_kind(row),
        by=row["by_whom"] or "",
        text=row["text"] or "",
        made_at=row["made_at"],
        device=row["device"],
        note=row["note"],
        message=row["message"],
        alert=row["alert"],
        at=row["at"],
        devices=() if row["devices"] is None else tuple(from_json(row["devices"])),
    )


def _kind(row: Mapping[str, Any]) -> InboxKind:
    if row["told"] is not None:
        return InboxKind.ALERT
    return InboxKind.MESSAGE if row["note"] is None else InboxKind.MENTION


def _message(row: Mapping[str, Any]) -> PersonalMessage:
    return PersonalMessage(
        id=row["id"],
        by=row["by_whom"],
        author=row["author"],
        to=row["recipient"],
        text=row["text"],
        made_at=row["made_at"],
    )
