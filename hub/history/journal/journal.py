"""The files of the journal, in a folder: batches go in, and out when the history has them.

Theory. Batches are numbered one after the other, for the whole life of a history. The history notes, in the
transaction that takes batches over, the number of the last one. So after a crash at any moment the journal
holds everything after that number, and what it holds up to it is not looked at: nothing is lost, and nothing
is there twice. A hub that starts first brings all that it finds into the history; then the files go, and new
ones are begun. A segment goes when the history has all of its batches.

Where somebody moves the journal away, the hub goes on from the history's number, and those numbers are given
again. So each start is a run with an id of its own. Files and history name it: a journal that is put back
after another run has gone on is refused.

    <number of the first batch>.journal     one segment: see segment.py

An fdatasync that fails leaves it unknown what is on the disk. Then the segment is cut behind its last good
record and not used any more, and the batch goes into a new one.
"""

import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.errors import StoreError
from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.history.journal import record
from hub.history.journal.reading import Damaged, HistoryState, missing, read, run_of, segments
from hub.history.journal.segment import Segment, SegmentHeader, sync_folder
from hub.logs import Logger

SEGMENT_BYTES = 16_777_216
SEGMENTS_MIN = 8  # of the most that the journal may take
REPAIRED = "repaired.new"  # what a repair has saved, until it takes the place of what was damaged

_log = Logger("journal")


class Journal:
    """The journal of one history, in `folder`. `identity` is the history's, `run` is this start's: 16 bytes.

    `append` is for the thread of the group commit, `forget` for the one that folds.
    """

    def __init__(self, folder: Path, identity: bytes, bytes_max: int, run: bytes) -> None:
        """Raises StoreError where the folder cannot be made, or is another process's."""
        record.refuse_other_machines()
        self._folder = folder
        self._identity = identity
        self._own_run = run
        self.run = run  # of what was found; once that is cleared, of what is written
        self.bytes = 0  # how much there is
        self.bytes_max = bytes_max
        self._segment_bytes = min(SEGMENT_BYTES, bytes_max // SEGMENTS_MIN)
        self._segments: deque[Segment] = deque()  # oldest first; the last one is written to
        self._doubtful = False  # what is at the end of the last one is not known
        self._is_over = False  # the last one is not written to any more
        self._forgotten = 0  # number of the last batch that the history has
        self.lock = threading.Lock()  # held while anything is written or taken away
        make_folder(folder)
        self._claim = claim(folder)

    @property
    def is_full(self) -> bool:
        """Whether nothing is to be appended until some of it is forgotten."""
        return self.bytes >= self.bytes_max

    @property
    def is_large(self) -> bool:
        """Whether it is time to forget some of it."""
        return self.bytes >= self.bytes_max // 4

    def found(self, state: HistoryState, stored: Commit) -> Iterator[Batch]:
        """What is there from before this start and not in the history, in order. Raises StoreError."""
        if (self._folder / REPAIRED).exists():
            raise StoreError(
                f"{self._folder}: a repair of the journal was cut short; `hub journal repair` goes on with it"
            )
        number = state.batches
        paths = segments(self._folder)
        if paths:
            self.run = run_of(paths[0])
        for path in paths:
            for one in read(path, state, is_last=path is paths[-1]):
                if one.number <= state.batches:
                    continue
                number += 1
                if one.number != number:
                    raise Damaged(path, one.offset, missing(number, one.number))
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
        self.run = self._own_run

    def append(self, batch: Batch) -> None:
        """Write the batch; it is on disk when this returns. Raises StoreError."""
        content = record.encode(batch)
        try:
            with self.lock:
                segment = self._writable(batch.number)
                end = segment.write(batch.number, content)
                self._doubtful = True
                before = segment.end
                segment.sync(batch.number, end)
                self.bytes += end - before
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
                self.bytes -= gone[-1].end
        for segment in gone:
            self._remove(segment)

    def close(self) -> None:
        """End. What the history has all of is taken away."""
        for segment in self._segments:
            if segment.last <= self._forgotten:
                self._remove(segment)
            else:
                segment.close()
        self._segments.clear()
        self.release()

    def release(self) -> None:
        """Let go of the folder, without a look at what is in it."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _remove(self, segment: Segment) -> None:
        """It may stay as well: what the history has of it is passed over at the next start."""
        segment.close()
        try:
            segment.path.unlink()
        except OSError as error:
            _log.warning("a file that is done with stays", path=str(segment.path), why=error.strerror)

    def _is_done_with(self, segment: Segment) -> bool:
        """The last one is written to as long as it is small."""
        if segment is self._segments[-1] and (self._doubtful or segment.end < self._segment_bytes):
            return False
        return segment.last <= self._forgotten

    def _writable(self, number: int) -> Segment:
        if self._doubtful:
            self._leave()
        if not self._segments or self._is_over or self._segments[-1].end >= self._segment_bytes:
            segment = Segment(self._folder, SegmentHeader(self._identity, number, self.run))
            self._segments.append(segment)
            self.bytes += segment.end
            self._is_over = False
        return self._segments[-1]

    def _leave(self) -> None:
        """Write no more to the last segment: it ends with its last good record. Without one it may go on."""
        segment = self._segments[-1]
        segment.cut()
        self._doubtful, self._is_over = False, not segment.is_empty


def make_folder(folder: Path) -> None:
    """Make the journal's folder where it is missing, so that it is there after a loss of power too.

    The folder around it has to be there: where it is missing, a disk is not mounted, and on that disk may be
    what waits for the history. Raises StoreError, also where nothing can be written to it.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            sync_folder(folder.parent)
            with suppress(PermissionError):
                sync_folder(folder.parent.parent)  # the stores' folder may be as new
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: there is no {folder.parent} to make it in; is its disk mounted?"
        ) from None
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"{folder}: the journal cannot be written there; the hub's user has to be able to")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Have the folder for this process alone. Raises StoreError."""
    handle = claim(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def claim(folder: Path) -> int | None:
    """Have the folder for this process alone, until what is returned is closed. Raises StoreError.

    None where the file system cannot say so; the history's own lock is left then.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StoreError(
            f"{folder}: another hub, or a repair, is at work on this journal; each hub has one of its own"
        ) from None
    except OSError:
        os.close(handle)
        return None
    return handle
