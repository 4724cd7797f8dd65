"""What REST takes and gives of notes, messages and inboxes."""

from typing import Annotated

from pydantic import Field

from hub.http.rest.shapes import IS_NUMBER, Asked, Given, Milliseconds, described
from hub.model import InboxKind
from hub.model.note import TEXT_MAX
from hub.people.names import NAME_MAX

TIME_MAX = 4e15
_TEXT_PATTERN = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX), described(pattern=_TEXT_PATTERN)]
Moment = Annotated[float, Field(ge=0, le=TIME_MAX), IS_NUMBER]
Id = Annotated[int, Field(ge=1, le=2**62)]
PersonName = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]


class NoteIn(Asked):
    """A note, maybe about a moment, or about a range from `at` to `until`; in ms. @name notifies them."""

    text: Text
    at: Moment | None = None
    until: Moment | None = Field(None, description="after `at`, which is wanted with it")


class NoteEdit(Asked):
    """What is to change of a note; null takes a time away, what is left out stays."""

    text: Text | None = None
    at: Moment | None = None
    until: Moment | None = None


class NoteOut(Given):
    """A note on the timeline of a device."""

    id: int
    device: str
    text: str
    at: Milliseconds | None = Field(description="the moment that it is about, or where its range begins")
    until: Milliseconds | None
    by: str
    person: bool = Field(
        description="whether a person wrote it who is there still; false: a program, which may be called "
        "anything"
    )
    made_at: Milliseconds
    edited_at: Milliseconds | None


class PageQuery(Asked):
    """How many, newest first, and which page."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    before: Id | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )


class NotesOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    notes: list[NoteOut]
    next: int | None


class MessageIn(Asked):
    """A message to a person."""

    to: PersonName
    text: Text


class MessageOut(Given):
    """A message from one person to another."""

    id: int
    by: str
    to: str
    text: str
    made_at: Milliseconds


class MessagesQuery(PageQuery):
    """Which of the messages to whoever asks and from them."""

    person: PersonName | None = Field(None, description="only those with this one")


class MessagesOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    messages: list[MessageOut]
    next: int | None


class InboxEntryOut(Given):
    """Something that waits for a person: a mention, with its note and device, a message, or an alert that is
    routed to them. A test of a target is an alert without `alert`.
    """

    id: int
    kind: InboxKind
    by: str
    text: str
    made_at: Milliseconds
    device: str | None
    note: int | None
    message: int | None
    alert: int | None = Field(description="the alert, or the first of those that are told of together")
    at: Milliseconds | None = Field(description="when that one opened")


class InboxOut(Given):
    """What waits, newest first; of all of it they have not seen `unread`, and have seen what is up to `seen`.

    `next` is `before` of the page after it, null on the last one.
    """

    unread: int
    seen: int
    entries: list[InboxEntryOut]
    next: int | None


class SeenIn(Asked):
    """Up to which entry all has been seen."""

    upto: Id


class SeenOut(Given):
    """What has not been seen, after that."""

    unread: int
    seen: int
