"""What a channel published last, encoded: one bounded log serves every viewer and every resume."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hub.config import LiveConfig


class Resume(NamedTuple):
    """Where a viewer was when it lost the connection."""

    epoch: str
    offset: int


class Entry(NamedTuple):
    """What one publish put into the log. `offset` is the one after it; `encoded` has no brackets around."""

    offset: int
    at_s: float
    device_id: str
    encoded: bytes


class Log:
    """The newest entries: none older than `resume_window_s`, `resume_max_bytes` in all; the oldest go first.

    `start` is the offset before the first entry, `end` the one after the last.
    """

    __slots__ = ("_clock", "_config", "_entries", "bytes", "end", "start")

    def __init__(self, config: LiveConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._entries: deque[Entry] = deque()
        self.start = 0
        self.end = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, offset: int, device_id: str, encoded: bytes) -> None:
        """One more entry, that ends at `offset`."""
        now_s = self._clock()
        entries = self._entries
        entries.append(Entry(offset, now_s, device_id, encoded))
        self.end = offset
        self.bytes += len(encoded)
        oldest_s = now_s - self._config.resume_window_s
        while entries and (self.bytes > self._config.resume_max_bytes or entries[0].at_s < oldest_s):
            gone = entries.popleft()
            self.start = gone.offset
            self.bytes -= len(gone.encoded)

    def forget(self, offset: int) -> None:
        """Nobody will ask for what was before `offset`."""
        self._entries.clear()
        self.bytes = 0
        self.start = self.end = offset

    def since(self, offset: int) -> list[Entry] | None:
        """The entries after `offset`; None if that is before all of them, or inside one."""
        if offset == self.end:
            return []
        if offset < self.start or offset > self.end:
            return None
        found: list[Entry] = []
        known_from = self.start
        for entry in reversed(self._entries):
            if entry.offset <= offset:
                known_from = entry.offset
                break
            found.append(entry)
        found.reverse()
        return found if known_from == offset else None
