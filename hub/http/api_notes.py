"""The part of REST's table that is about notes, messages and inboxes."""

from http import HTTPStatus

from hub.http.endpoint import BASE, Endpoint, operation
from hub.http.rest import notes
from hub.http.rest.note_shapes import (
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
from hub.model import Right

_NOTES = f"{BASE}/devices/{{device_id}}/notes"
_NOTE = f"{_NOTES}/{{note_id}}"
_CREATED, _NONE = HTTPStatus.CREATED, HTTPStatus.NO_CONTENT
_GONE = (HTTPStatus.NOT_FOUND,)
_CLASH = (HTTPStatus.CONFLICT,)

NOTES: tuple[Endpoint, ...] = (
    operation(
        "GET",
        _NOTES,
        notes.list_notes,
        tag="notes",
        right=Right.DEVICES_READ,
        query=PageQuery,
        answer=NotesOut,
        refusals=_GONE,
    ),
    operation(
        "POST",
        _NOTES,
        notes.add_note,
        tag="notes",
        right=Right.NOTES_WRITE,
        body=NoteIn,
        answer=NoteOut,
        status=_CREATED,
        refusals=(*_GONE, *_CLASH),
        made=lambda answer: str(answer.id),
    ),
    operation(
        "PATCH",
        _NOTE,
        notes.edit_note,
        tag="notes",
        right=Right.NOTES_WRITE,
        body=NoteEdit,
        answer=NoteOut,
        refusals=_GONE,
    ),
    operation(
        "DELETE",
        _NOTE,
        notes.delete_note,
        tag="notes",
        right=Right.NOTES_WRITE,
        status=_NONE,
        refusals=_GONE,
    ),
    operation(
        "GET",
        f"{BASE}/messages",
        notes.list_messages,
        tag="notes",
        right=None,
        query=MessagesQuery,
        answer=MessagesOut,
    ),
    operation(
        "POST",
        f"{BASE}/messages",
        notes.send_message,
        tag="notes",
        right=Right.NOTES_WRITE,
        body=MessageIn,
        answer=MessageOut,
        status=_CREATED,
        refusals=(*_GONE, *_CLASH),
    ),
    operation(
        "GET",
        f"{BASE}/inbox",
        notes.show_inbox,
        tag="notes",
        right=None,
        query=PageQuery,
        answer=InboxOut,
    ),
    operation(
        "POST",
        f"{BASE}/inbox/seen",
        notes.see_inbox,
        tag="notes",
        right=None,
        body=SeenIn,
        answer=SeenOut,
        only_reads=True,
    ),
)
