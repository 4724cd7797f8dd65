"""Readings not yet acknowledged.

An entry is first *unsent*, then *taken* by a connection, then *done*. When a connection ends, what it had
taken is unsent again, in its old place.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from devices.wire import BacklogEntry


class Backlog(Protocol):
    """Kept in memory (`MemoryBacklog`) or in a file (`devices.spool.Spool`). Bounded by its user, who calls
    `drop`.
    """

    @property
    def unsent(self) -> int:
        """How many wait to be taken."""

    @property
    def taken(self) -> int:
        """How many are on their way."""

    @property
    def next_place(self) -> int:
        """The place the next entry gets. Rises by one with each, and never falls."""

    def add(self, text: bytes) -> None:
        """Put a reading at the end."""

    def drop(self) -> None:
        """Forget the oldest unsent entry."""

    def take(self, count_max: int, size_max: int) -> list[BacklogEntry]:
        """The oldest unsent entries, at most `count_max` and `size_max` bytes, but one at least if there is
        any.
        """

    def done(self, entries: Sequence[BacklogEntry]) -> None:
        """These were acknowledged, or refused for good: forget them. They are a run that `take` returned."""

    def rewind(self) -> None:
        """All that were taken are unsent again."""

    def close(self) -> None:
        """Let go of files. Nothing else is called after it."""


class MemoryBacklog:
    """In memory: gone with the program."""

    def __init__(self, first_place: int = 1) -> None:
        self.next_place = first_place
        self._unsent: deque[BacklogEntry] = deque()
        self._taken: dict[int, BacklogEntry] = {}

    @property
    def unsent(self) -> int:
        """How many wait to be taken."""
        return len(self._unsent)

    @property
    def taken(self) -> int:
        """How many are on their way."""
        return len(self._taken)

    def add(self, text: bytes) -> None:
        """Put a reading at the end."""
        self._unsent.append(BacklogEntry(self.next_place, text))
        self.next_place += 1

    def drop(self) -> None:
        """Forget the oldest unsent entry."""
        self._unsent.popleft()

    def take(self, count_max: int, size_max: int) -> list[BacklogEntry]:
        """The oldest unsent entries."""
        entries: list[BacklogEntry] = []
        size = 0
        while self._unsent and len(entries) < count_max:
            size += len(self._unsent[0].text) + 1  # its comma
            if entries and size > size_max:
                break
            entry = self._unsent.popleft()
            self._taken[entry.place] = entry
            entries.append(entry)
        return entries

    def done(self, entries: Sequence[BacklogEntry]) -> None:
        """Forget these."""
        for entry in entries:
            del self._taken[entry.place]

    def rewind(self) -> None:
        """All that were taken are unsent again."""
        self._unsent.extendleft(sorted(self._taken.values(), reverse=True))
        self._taken.clear()

    def close(self) -> None:
        """Nothing to let go of."""
