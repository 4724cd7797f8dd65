"""Notes on the channel of their device: each change is told as it happens, and told to who comes back."""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from hub.feed.channel import DeviceChannel, wire_ms
from hub.feed.steps import queue_step
from hub.feed.viewer import Subscription
from hub.model import Note, NoteEvent

KEPT = 50  # changes of one device, for those who come back
_KIND = "note/"


def shown(note: Note, device_id: str) -> dict[str, object]:
    """A note as the wire has it."""
    return {
        "id": note.id,
        "device": device_id,
        "text": note.text,
        "at": _ms(note.at),
        "until": _ms(note.until),
        "by": note.by,
        "person": note.is_by_person,
        "made_at": wire_ms(note.made_at),
        "edited_at": _ms(note.edited_at),
    }


def _ms(time: int | None) -> int | float | None:
    return None if time is None else wire_ms(time)


class _NoteChange(NamedTuple):
    said: dict[str, object]  # event and note
    offset: int  # of the channel's readings at that moment
    at_s: float


class RecentNotes:
    """What changed of the notes of one device within `window_s`: of each note the last change, and of all
    notes the last KEPT. `clock` gives monotonic seconds.
    """

    def __init__(self, channel: DeviceChannel, window_s: float, clock: Callable[[], float]) -> None:
        self._channel = channel
        self._window_s = window_s
        self._clock = clock
        self._changes: dict[int, _NoteChange] = {}  # by the note's id, that which changed last at the end
        self._forgotten_at = -1  # the offset of the newest change that is not kept any more

    def __len__(self) -> int:
        return len(self._changes)

    def take(self, event: NoteEvent, note: Note) -> None:
        """A note was written, or changed: tell those who watch. Of what was deleted only the id is told."""
        device_id = self._channel.device_id
        told = {"id": note.id} if event is NoteEvent.DELETED else shown(note, device_id)
        said: dict[str, object] = {"event": event.value, "note": told}
        self._changes.pop(note.id, None)
        self._changes[note.id] = _NoteChange(said, self._channel.offset, self._clock())
        self.forget()
        head = {"type": "note", "channel": self._channel.name}
        message, skipped = orjson.dumps({**head, **said}), orjson.dumps({**head, "skipped": True})
        for subscription in self._channel.subscriptions:
            queue_step(subscription, _KIND, f"{_KIND}{note.id}", message, skipped)

    def since(self, subscription: Subscription, offset: int | None) -> dict[str, object]:
        """What changed from this offset on, for somebody who comes back; who comes anew asks REST for notes.

        A change at the offset itself is among it: the viewer may have missed it, and to be told twice changes
        nothing. What may be left out is said.
        """
        del subscription  # who may watch the channel may see all of its notes
        self.forget()
        if offset is None:
            return {}
        if self._forgotten_at >= offset:
            return {"notes": {"skipped": True}}
        changes = [one.said for one in self._changes.values() if one.offset >= offset]
        return {"notes": {"changes": changes}} if changes else {}

    def forget(self) -> None:
        """Let go of what is too old, or too much."""
        oldest_s = self._clock() - self._window_s
        too_many = len(self._changes) - KEPT
        gone = [
            note_id
            for place, (note_id, change) in enumerate(self._changes.items())
            if place < too_many or change.at_s < oldest_s
        ]
        for note_id in gone:
            self._forgotten_at = max(self._forgotten_at, self._changes.pop(note_id).offset)
