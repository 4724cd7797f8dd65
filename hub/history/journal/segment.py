"""One file of the journal.

    header      64 bytes: magic, version, the history it belongs to, the number of its first batch, checksum
    records     24 bytes: magic, length, number, and a checksum of all of it; then the content, see record.py

Theory. A record that would reach over a page's end and fits in one begins at the next page: so a small one
costs the disk one page. The file is filled with zeros ahead of the records, page by page: then a sync writes
what was written, and not also that the file has grown. Measured on ext4 with records of 130 bytes: 35 to 55
µs of processor time and 9 to 12 KB on the disk for each record, against 63 to 82 µs and 14 to 22 KB where the
file grows with each record, and 105 to 145 µs and 22 to 78 KB for SQLite (WAL, synchronous = FULL), which is
why the journal is no SQLite file: `python -m benchmarks.journal`.

What a crash may leave is one record that was not synced, at the end of the last segment, some of its pages
written and some not. Nobody was told that it is stored. So where a record does not check and no record after
it does, the journal ends. Where one after it does, the file is damaged. A record's checksum begins with the
header's, which nobody outside knows: no values that a device sends look like a record.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hub.errors import StoreError

MAGIC = b"HUBJRNL\n"
VERSION = 1
PAGE = 4096
AHEAD_BYTES = 262_144  # filled with zeros at a time
SMALL_BYTES = 16_384  # a larger record is not worth it
SUFFIX = ".journal"
_HEADER = struct.Struct("<8sI4x16sQ20xI")
_RECORD_MAGIC = b"HREC"
_RECORD = struct.Struct("<4sIQII")  # magic, length, number, checksum, 0
_ZERO_PAGE = bytes(PAGE)


class Damaged(StoreError):
    """Something in a journal's file does not check."""

    def __init__(self, path: Path, offset: int, why: str) -> None:
        super().__init__(
            f"{path}, byte {offset}: {why}; `hub journal check` says more, and nothing was changed"
        )
        self.path = path
        self.offset = offset
        self.why = why


class SegmentHeader(NamedTuple):
    """What a segment says of itself."""

    history: bytes  # 16 bytes: the identity of the history it belongs to
    first: int  # number of its first batch


class Record(NamedTuple):
    """A record found in a file."""

    offset: int
    end: int
    number: int
    content: bytes


class Segment:
    """A file that is appended to. `end` is where the next record may begin: all before is on disk."""

    def __init__(self, folder: Path, header: SegmentHeader) -> None:
        """Make the file. Raises OSError, and leaves nothing then."""
        self.path = folder / f"{header.first:020d}{SUFFIX}"
        self.last = header.first - 1  # number of its last batch
        self.end = _HEADER.size
        self._ahead = 0  # up to here the file is filled
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            packed = _pack_header(header)
            self._seed = _seed(packed)
            os.pwrite(self._file, packed, 0)
            self._fill()
            os.fsync(self._file)
            sync_folder(folder)
        except OSError:
            os.close(self._file)
            self.path.unlink()
            raise

    @property
    def is_empty(self) -> bool:
        """Whether no record was synced."""
        return self.end == _HEADER.size

    def write(self, number: int, content: bytes) -> int:
        """Write a record, and return where it ends; it counts once it is synced. Raises OSError.

        Written again it takes the place of what a try before has left.
        """
        record = memoryview(_pack(self._seed, number, content))
        start = place(self.end, len(record))
        end = start + len(record)
        if end > self._ahead and len(record) <= SMALL_BYTES:
            self._fill()
        written = 0
        while written < len(record):
            written += os.pwrite(self._file, record[written:], start + written)
        return end

    def sync(self, number: int, end: int) -> None:
        """Bring what was written to the disk. Raises OSError: then it is not known what is there."""
        os.fdatasync(self._file)
        self.last, self.end = number, end

    def cut(self) -> None:
        """Take away what follows the last record that was synced, for good. Raises OSError."""
        os.ftruncate(self._file, self.end)
        os.fsync(self._file)

    def close(self) -> None:
        """No more is written."""
        os.close(self._file)

    def _fill(self) -> None:
        """A help only: where there is no room, the record itself finds out.

        A page at a time: pages that were made together are written together, also when one has changed.
        """
        try:
            for start in range(max(self._ahead, self.end) // PAGE * PAGE, self.end + AHEAD_BYTES, PAGE):
                begin = max(start, self._ahead, self.end)
                os.pwrite(self._file, _ZERO_PAGE[: start + PAGE - begin], begin)
                self._ahead = start + PAGE
        except OSError:
            self._ahead = 0


def place(end: int, size: int) -> int:
    """Where a record of so many bytes begins after this."""
    start = end + -end % 8
    left = -start % PAGE
    return start + left if left < size <= PAGE else start


def _pack_header(header: SegmentHeader) -> bytes:
    packed = _HEADER.pack(MAGIC, VERSION, header.history, header.first, 0)
    return packed[:-4] + zlib.crc32(packed[:-4]).to_bytes(4, "little")


def _pack(seed: int, number: int, content: bytes) -> bytes:
    checksum = _checksum(seed, number, content)
    return _RECORD.pack(_RECORD_MAGIC, len(content), number, checksum, 0) + content


def _checksum(seed: int, number: int, content: bytes) -> int:
    head = _RECORD.pack(_RECORD_MAGIC, len(content), number, 0, 0)
    return zlib.crc32(content, zlib.crc32(head, seed))


def _seed(header: bytes) -> int:
    return zlib.crc32(header[: _HEADER.size])


def read_header(path: Path, found: bytes) -> SegmentHeader | None:
    """What the file says of itself; None where its making was cut short. Raises Damaged, StoreError."""
    if not any(found):
        return None
    if len(found) < _HEADER.size:
        raise Damaged(path, 0, "the file is too short for a journal's header")
    magic, version, history, first, checksum = _HEADER.unpack_from(found)
    if magic != MAGIC or zlib.crc32(found[: _HEADER.size - 4]) != checksum:
        raise Damaged(path, 0, "the file's header does not check")
    if version > VERSION:
        raise StoreError(
            f"{path}: written by a newer version of the hub (journal {version}, this one knows {VERSION})"
        )
    return SegmentHeader(history, first)


def records(path: Path, found: bytes, *, is_last: bool) -> Iterator[Record]:
    """The records of a segment, in order. What a crash has left at the end of the last one is passed over.

    Raises Damaged.
    """
    position = _HEADER.size
    while record := _next(found, position):
        yield record
        position = record.end
    start = first_byte(found, position)
    if start == len(found):
        return
    if not is_last:
        raise Damaged(path, start, "a record does not check")
    if later := find(found, start):
        raise Damaged(path, start, f"a record does not check, and one after it does, at byte {later.offset}")


def first_byte(found: bytes, position: int) -> int:
    """Where the next byte stands that is not zero; at the end if there is none."""
    return len(found) - len(found[position:].lstrip(b"\0"))


def find(found: bytes, position: int) -> Record | None:
    """The next record that checks, wherever it begins."""
    while (position := found.find(_RECORD_MAGIC, position)) >= 0:
        if record := _at(found, position):
            return record
        position += 1
    return None


def _next(found: bytes, position: int) -> Record | None:
    """The record that follows: at once, or at the next page."""
    start = position + -position % 8
    return _at(found, start) or _at(found, start + -start % PAGE)


def _at(found: bytes, position: int) -> Record | None:
    end = position + _RECORD.size
    if found[position : position + 4] != _RECORD_MAGIC or end > len(found):
        return None
    _, length, number, checksum, _ = _RECORD.unpack_from(found, position)
    content = found[end : end + length]
    if len(content) < length or _checksum(_seed(found), number, content) != checksum:
        return None
    return Record(position, end + length, number, content)


def sync_folder(folder: Path) -> None:
    """Bring the folder's list of files to the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
