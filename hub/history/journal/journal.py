"""The files of the journal, in a folder: batches go in, and out when the history has them.

Theory. Batches are numbered one after the other, for the whole life of a history. The history notes, in the
transaction that takes batches over, the number of the last one. So after a crash at any moment the journal
holds everything after that number, and what it holds up to it is not looked at: nothing is lost, and nothing
is there twice. A hub that starts first brings all that it finds into the history; then the files go, and new
ones are begun. A segment goes when the history has all of its batches.

    <number of the first batch>.journal     one segment: see segment.py

An fdatasync that fails leaves it unknown what is on the disk. Then the segment is cut behind its last good
record and not used any more, and the batch goes into a new one.
"""

import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from hub.errors import StoreError
from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.history.journal import record
from hub.history.journal.segment import (
    SUFFIX,
    Damaged,
    Record,
    Segment,
    SegmentHeader,
    read_header,
    records,
    sync_folder,
)
from hub.logs import Logger

SEGMENT_BYTES = 16_777_216
SEGMENTS_MIN = 8  # of the most that the journal may take

_log = Logger("journal")


class Journal:
    """The journal of one history, in `folder`. `identity` (16 bytes) is the history's.

    `append` is for the thread of the group commit, `forget` for the one that folds.
    """

    def __init__(self, folder: Path, identity: bytes, bytes_max: int) -> None:
        """Raises StoreError where the folder cannot be made."""
        record.refuse_other_machines()
        self._folder = folder
        self._identity = identity
        self.bytes_max = bytes_max
        self._segment_bytes = min(SEGMENT_BYTES, bytes_max // SEGMENTS_MIN)
        self._segments: deque[Segment] = deque()  # oldest first; the last one is written to
        self._doubtful = False  # what is at the end of the last one is not known
        self._is_over = False  # the last one is not written to any more
        self._forgotten = 0  # number of the last batch that the history has
        self.lock = threading.Lock()  # held while anything is written or taken away
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}") from error

    @property
    def bytes(self) -> int:
        """How much there is."""
        return sum(segment.end for segment in list(self._segments))

    @property
    def is_full(self) -> bool:
        """Whether nothing is to be appended until some of it is forgotten."""
        return self.bytes >= self.bytes_max

    @property
    def is_large(self) -> bool:
        """Whether it is time to forget some of it."""
        return self.bytes >= self.bytes_max // 4

    def found(self, after: int, stored: Commit) -> Iterator[Batch]:
        """What is there from before this start, of batches after this one, in order. Raises StoreError."""
        number = after
        paths = segments(self._folder)
        for path in paths:
            for one in read(path, self._identity, is_last=path is paths[-1]):
                if one.number <= after:
                    continue
                number += 1
                if one.number != number:
                    raise Damaged(path, one.offset, f"batch {number} is missing; this is {one.number}")
                try:
                    yield record.decode(number, one.content, stored)
                except StoreError as error:
                    raise Damaged(path, one.offset, str(error)) from error

    def clear(self) -> None:
        """Take away what is there from before this start: the history has it all. Raises StoreError."""
        try:
            for path in segments(self._folder):
                path.unlink()
            sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"{error.filename}: {error.strerror}") from error

    def append(self, batch: Batch) -> None:
        """Write the batch; it is on disk when this returns. Raises StoreError."""
        content = record.encode(batch)
        try:
            with self.lock:
                segment = self._writable(batch.number)
                end = segment.write(batch.number, content)
                self._doubtful = True
                segment.sync(batch.number, end)
                self._doubtful = False
        except OSError as error:
            raise StoreError(f"journal: {self._folder}: {error.strerror}") from error

    def forget(self, number: int) -> None:
        """The history has all batches up to and with this one."""
        gone = []
        with self.lock:
            self._forgotten = number
            while self._segments and self._is_done_with(self._segments[0]):
                gone.append(self._segments.popleft())
        for segment in gone:
            segment.close()
            try:
                segment.path.unlink()
            except OSError as error:
                _log.warning("a file that is done with stays", path=str(segment.path), why=error.strerror)

    def close(self) -> None:
        """End. What the history has all of is taken away."""
        for segment in self._segments:
            segment.close()
            if segment.last <= self._forgotten:
                segment.path.unlink(missing_ok=True)
        self._segments.clear()

    def _is_done_with(self, segment: Segment) -> bool:
        """The last one is written to as long as it is small."""
        is_over = len(self._segments) > 1 or segment.end >= self._segment_bytes
        return is_over and segment.last <= self._forgotten and not self._doubtful

    def _writable(self, number: int) -> Segment:
        if self._doubtful:
            self._leave()
        if not self._segments or self._is_over or self._segments[-1].end >= self._segment_bytes:
            segment = Segment(self._folder, SegmentHeader(self._identity, number))
            self._segments.append(segment)
            self._is_over = False
        return self._segments[-1]

    def _leave(self) -> None:
        """Write no more to the last segment: it ends with its last good record."""
        segment = self._segments[-1]
        segment.cut()
        if segment.is_empty:
            segment.close()
            segment.path.unlink()
            self._segments.pop()
        self._doubtful, self._is_over = False, True


def segments(folder: Path) -> list[Path]:
    """The journal's files, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def read(path: Path, identity: bytes, *, is_last: bool) -> Iterator[Record]:
    """The records of one file. Raises Damaged, StoreError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    header = read_header(path, content)
    if header is None:
        if not is_last:
            raise Damaged(path, 0, "the file is empty, and later ones are not")
        return
    if header.history != identity:
        raise StoreError(
            f"{path}: it belongs to another history than the one here; after a backup was put back, "
            f"or the history's file was removed, move {path.parent} away: see docs/operating.md"
        )
    yield from records(path, content, is_last=is_last)
