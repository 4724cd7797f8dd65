"""REST: notes on the timelines of devices, messages between people, and what waits for each of them."""

from typing import Any

from hub.errors import Forbidden, Invalid
from hub.feed.channel import wire_ms
from hub.feed.notes import shown
from hub.http.endpoint import Call, Nothing
from hub.http.rest.note_shapes import (
    InboxEntryOut,
    InboxOut,
    MessageIn,
    MessageOut,
    MessagesOut,
    MessagesQuery,
    NoteEdit,
    NoteIn,
    NoteOut,
    NotesOut,
    PageQuery,
    SeenIn,
    SeenOut,
)
from hub.http.rest.rules import number_in
from hub.http.rooms import NOTES
from hub.model import Device, Note, PersonalMessage, Principal
from hub.notes.notes import Written


async def list_notes(call: Call[PageQuery, Nothing]) -> NotesOut:
    """List what people wrote on a device's timeline, newest first."""
    device, limit = call.device(), call.query.limit
    found = await call.app[NOTES].list(device, limit + 1, call.query.before)
    page = found[:limit]
    return NotesOut(
        notes=[_shown(one, device) for one in page], next=page[-1].id if len(found) > limit else None
    )


async def add_note(call: Call[Nothing, NoteIn]) -> NoteOut:
    """Write on a device's timeline; whom the text mentions with @ is notified."""
    device, body = call.device(), call.body
    written = Written(body.text, _us(body.at), _us(body.until))
    return _shown(await call.app[NOTES].add(device, written, call.principal), device)


async def edit_note(call: Call[Nothing, NoteEdit]) -> NoteOut:
    """Change a note of one's own."""
    device, body = call.device(), call.body
    if "text" in body.model_fields_set and body.text is None:
        raise Invalid("text: a note has one; leave it out to keep it", "text")

    def edited(before: Written) -> Written:
        asked = body.model_fields_set
        return Written(
            before.text if body.text is None else body.text,
            _us(body.at) if "at" in asked else before.at,
            _us(body.until) if "until" in asked else before.until,
        )

    note = await call.app[NOTES].edit(device, number_in(call, "note_id", "note"), edited, call.principal)
    return _shown(note, device)


async def delete_note(call: Call[Nothing, Nothing]) -> None:
    """Delete a note of one's own."""
    device = call.device()
    await call.app[NOTES].remove(device, number_in(call, "note_id", "note"), call.principal)


async def list_messages(call: Call[MessagesQuery, Nothing]) -> MessagesOut:
    """List the messages to whoever asks and from them, newest first."""
    person, query = _person(call), call.query
    found = await call.app[NOTES].inbox.messages(person, query.limit + 1, query.before, query.person)
    page = found[: query.limit]
    return MessagesOut(
        messages=[_shown_message(one) for one in page],
        next=page[-1].id if len(found) > query.limit else None,
    )


async def send_message(call: Call[Nothing, MessageIn]) -> MessageOut:
    """Write to a person. Who is limited to a scope can write to those who see a device of it."""
    return _shown_message(await call.app[NOTES].inbox.send(_person(call), call.body.to, call.body.text))


async def show_inbox(call: Call[PageQuery, Nothing]) -> InboxOut:
    """Show what waits for whoever asks: mentions, messages and alerts, newest first."""
    inbox, query = call.app[NOTES].inbox, call.query
    waiting = await inbox.of(_person(call))
    left = [one for one in waiting.entries if query.before is None or one.id < query.before]
    page = left[: query.limit]
    return InboxOut(
        unread=waiting.unread,
        seen=waiting.seen,
        entries=[InboxEntryOut.model_validate(inbox.shown(one)) for one in page],
        next=page[-1].id if len(left) > query.limit else None,
    )


async def see_inbox(call: Call[Nothing, SeenIn]) -> SeenOut:
    """Say up to where one has seen what waits; all dashboards of that person are told."""
    waiting = await call.app[NOTES].inbox.see(_person(call), call.body.upto)
    return SeenOut(unread=waiting.unread, seen=waiting.seen)


def _person(call: Call[Any, Any]) -> Principal:
    """Who asks. Raises Forbidden for a program: by the name of its token it could be anybody."""
    if not call.principal.is_person:
        raise Forbidden("messages are between people who have logged in; a token is nobody's log in")
    return call.principal


def _us(time_ms: float | None) -> int | None:
    return None if time_ms is None else round(time_ms * 1000)


def _shown(note: Note, device: Device) -> NoteOut:
    return NoteOut.model_validate(shown(note, device.id))


def _shown_message(message: PersonalMessage) -> MessageOut:
    return MessageOut(
        id=message.id, by=message.by, to=message.to, text=message.text, made_at=wire_ms(message.made_at)
    )
