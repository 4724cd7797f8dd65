"""What people write: notes on a device's timeline, messages to each other; and what waits for one of them."""

from dataclasses import dataclass
from enum import StrEnum

from hub.errors import Invalid
from hub.model.principal import Principal

TEXT_MAX = 2_000  # characters
_BREAKS = "\n\t"  # of what is not printable, all that a text may have


@dataclass(frozen=True, slots=True)
class Note:
    """A text on a device's timeline, maybe about a moment or a range. Times are µs, UTC.

    `author` is who may change it: see `author_of`. None: nobody any more.
    """

    id: int
    device: int  # Device.number
    text: str
    by: str  # what the author is called
    author: str | None
    made_at: int
    at: int | None = None
    until: int | None = None
    edited_at: int | None = None

    @property
    def is_by_person(self) -> bool:
        """Whether a person wrote it, and not a program that may be called like one."""
        return self.author is not None and self.author.startswith(_PERSON)


class NoteEvent(StrEnum):
    """What can happen to a note."""

    ADDED = "added"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class PersonalMessage:
    """A text from one person to another."""

    id: int
    by: str
    author: str | None  # None: that person is there no more, even if somebody is called so
    to: str
    text: str
    made_at: int  # µs, UTC


class InboxKind(StrEnum):
    """Why something is in somebody's inbox."""

    MENTION = "mention"
    MESSAGE = "message"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class InboxAlert:
    """What a person is told of one alert or several. Devices are numbers; none and no alert: a test."""

    person: str
    text: str
    by: str  # who has acknowledged it, or ""
    alert: int | None  # the first of them
    at: int | None  # when that one opened; µs, UTC
    devices: tuple[int, ...]  # each once, that of the first alert first


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """Something for one person: a mention, with the note and its device's number, a message, or an alert.

    Alerts of several devices that were told at once have their numbers in `devices`.
    """

    id: int
    kind: InboxKind
    by: str
    text: str
    made_at: int  # µs, UTC
    device: int | None = None
    note: int | None = None
    message: int | None = None
    alert: int | None = None
    at: int | None = None  # when the alert opened; µs, UTC
    devices: tuple[int, ...] = ()


_PERSON = "person "


def author_of_person(name: str) -> str:
    """What a person's texts are known by."""
    return f"{_PERSON}{name}"


def author_of(principal: Principal) -> str:
    """Whose text it is that somebody writes. The names of tokens are chosen freely, so that a token owns what
    it wrote itself, and nothing of a person. A token without an id is one that the hub's owner signed.
    """
    if principal.is_person:
        return author_of_person(principal.name)
    return f"token of {principal.name}" if principal.credential == "token" else principal.credential


def check_text(text: str) -> None:
    """Of a note or a message. Raises Invalid."""
    if not text.strip() or len(text) > TEXT_MAX:
        raise Invalid(f"text: 1 to {TEXT_MAX} characters are wanted, and not only spaces", "text")
    if any(not (one.isprintable() or one in _BREAKS) for one in text):
        raise Invalid("text: it holds control characters; new lines and tabs may be", "text")


def check_times(at: int | None, until: int | None) -> None:
    """Of what a note is about. Raises Invalid."""
    if until is not None and at is None:
        raise Invalid("until: a range begins at a time: at is wanted too", "until")
    if until is not None and at is not None and until <= at:
        raise Invalid("until: a range ends after it begins: until is not after at", "until")
