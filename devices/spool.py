"""Unsent readings in a file, so that they outlive the program: a kill loses nothing, a power cut the last
moments.

SQLite in WAL mode with synchronous=NORMAL: a commit is in the kernel's hands when `add` returns (about 20 µs,
no fsync), which is what survives SIGKILL; fsync comes with each checkpoint. An fsync a reading would wear out
the flash card of a small device. The calls block the event loop for as long as they take, which is why they
are so few.

`seq` is the entry's place, and AUTOINCREMENT never gives a place twice, so numbers go on rising over
restarts.
"""

import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devices.errors import SpoolError
from devices.wire import BacklogEntry

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS unsent (place INTEGER PRIMARY KEY AUTOINCREMENT, text BLOB NOT NULL) STRICT"
)
_APPLICATION_ID = 0x48554253  # "HUBS": tells a spool from another program's database
_TAKEN_AT_ONCE = 1_000  # rows read from the file at a time


class Spool:
    """A backlog in a file. One program has it at a time; a second one gets SpoolError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._naming_the_file():
            self._file = sqlite3.connect(path, isolation_level=None, timeout=0.0)
        try:
            with self._naming_the_file():
                self._open()
        except SpoolError:
            self._file.close()
            raise

    def _open(self) -> None:
        owner = self._one("PRAGMA application_id")
        if owner not in {0, _APPLICATION_ID} or (
            owner == 0 and self._one("SELECT count(*) FROM sqlite_master")
        ):
            raise SpoolError(f"{self._path}: the database of another program")
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._file.execute(_SCHEMA)
        # Takes the lock now, so that a second program is told at its start and not at its first reading.
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute("COMMIT")
        self._unsent = self._one("SELECT count(*) FROM unsent")
        self.next_place = 1 + self._one(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'unsent'"
        )
        self._cursor = 0  # the highest place taken
        self._taken: dict[int, BacklogEntry] = {}
        self._ahead: deque[BacklogEntry] = deque()  # read from the file, not taken yet

    @property
    def unsent(self) -> int:
        """How many wait to be taken."""
        return self._unsent

    @property
    def taken(self) -> int:
        """How many are on their way."""
        return len(self._taken)

    def add(self, text: bytes) -> None:
        """Put a reading at the end. Raises SpoolError when the disk is full."""
        with self._naming_the_file():
            self._file.execute("INSERT INTO unsent (place, text) VALUES (?, ?)", (self.next_place, text))
        self.next_place += 1
        self._unsent += 1

    def drop(self) -> None:
        """Forget the oldest unsent entry."""
        self._ahead.clear()
        with self._naming_the_file():
            self._file.execute(
                "DELETE FROM unsent WHERE place = (SELECT min(place) FROM unsent WHERE place > ?)",
                (self._cursor,),
            )
        self._unsent -= 1

    def take(self, count_max: int, size_max: int) -> list[BacklogEntry]:
        """The oldest unsent entries."""
        entries: list[BacklogEntry] = []
        size = 0
        while len(entries) < count_max and self._look_ahead():
            size += len(self._ahead[0].text) + 1
            if entries and size > size_max:
                break
            entry = self._ahead.popleft()
            self._cursor = entry.place
            self._taken[entry.place] = entry
            entries.append(entry)
        self._unsent -= len(entries)
        return entries

    def _look_ahead(self) -> bool:
        if not self._ahead and self._unsent:
            with self._naming_the_file():
                rows = self._file.execute(
                    "SELECT place, text FROM unsent WHERE place > ? ORDER BY place LIMIT ?",
                    (self._cursor, _TAKEN_AT_ONCE),
                )
                self._ahead.extend(BacklogEntry(place, text) for place, text in rows)
        return bool(self._ahead)

    def done(self, entries: Sequence[BacklogEntry]) -> None:
        """Forget these: a run, with nothing else between its ends."""
        if not entries:
            return
        with self._naming_the_file():
            self._file.execute(
                "DELETE FROM unsent WHERE place BETWEEN ? AND ?", (entries[0].place, entries[-1].place)
            )
        for entry in entries:
            del self._taken[entry.place]

    def rewind(self) -> None:
        """All that were taken are unsent again."""
        self._unsent += len(self._taken)
        self._taken.clear()
        self._ahead.clear()
        self._cursor = 0

    def close(self) -> None:
        """Close the file; the next program finds in it what was not acknowledged."""
        self._file.close()

    def _one(self, sql: str) -> int:
        number: int = self._file.execute(sql).fetchone()[0]
        return number

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = "another program has it open" if "locked" in str(error) else str(error)
            raise SpoolError(f"{self._path}: {reason}") from error
