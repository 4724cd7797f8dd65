"""One file of the journal, as it is written.

    header      64 bytes: magic, version, the history it belongs to, the number of its first batch, the run of
                the hub that made it, checksum
    records     24 bytes: magic, length, number, checksum of the content, checksum of these; then the content,
                see record.py

Theory. A record that would reach over a page's end and fits in one begins at the next page: so a small one
costs the disk one page. The file is filled with zeros ahead of the records, page by page: then a sync writes
what was written, and not also that the file has grown. Measured on ext4 with records of 130 bytes, in the
quietest of nine rounds: 45 µs of processor time, 0.17 ms and 4.6 KiB on the disk for each record, against
70 µs, 0.36 ms and 8.2 KiB where the file grows with each record, and 144 µs, 0.53 ms and 14 KiB for SQLite
(WAL, synchronous = FULL), which is why the journal is no SQLite file: `python -m benchmarks.journal`.

A record's checksums begin with one of the header, which nobody outside knows: no values that a device sends
look like a record, and neither do records of a file that was here before. The run is not in it, so that
records are found behind a header that is damaged.
"""

import fcntl
import os
import struct
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MAGIC = b"HUBJRNL\n"
VERSION = 1
PAGE = 4096
AHEAD_BYTES = 262_144  # filled with zeros at a time
SMALL_BYTES = 16_384  # a larger record is not worth it
SUFFIX = ".journal"
HEADER = struct.Struct("<8sI4x16sQ16s4xI")
NO_RUN = bytes(16)
RECORD_MAGIC = b"HREC"
RECORD = struct.Struct("<4sIQII")  # magic, length, number, checksum of the content, checksum of these
_HEAD = struct.Struct("<4sIQI")  # all but the last
ALIGNED = 8
_CHECKSUM_BYTES = 4
_ZERO_PAGE = bytes(PAGE)


class SegmentHeader(NamedTuple):
    """What a segment says of itself."""

    history: bytes  # 16 bytes: the identity of the history it belongs to
    first: int  # number of its first batch
    run: bytes = NO_RUN  # 16 bytes: each start of a hub begins a journal of its own

    @property
    def file_name(self) -> str:
        """What the file is called."""
        return f"{self.first:020d}{SUFFIX}"

    @property
    def seed(self) -> int:
        """What its records' checksums begin with: the header's, as it would be without the run."""
        return self._replace(run=NO_RUN)._checksum()

    def pack(self) -> bytes:
        """As it stands in the file."""
        return HEADER.pack(MAGIC, VERSION, *self, self._checksum())

    def _checksum(self) -> int:
        return zlib.crc32(HEADER.pack(MAGIC, VERSION, *self, 0)[:-_CHECKSUM_BYTES])


class Segment:
    """A file that is appended to. `end` is where the next record may begin: all before is on disk."""

    def __init__(self, folder: Path, header: SegmentHeader) -> None:
        """Make the file. Raises OSError, and leaves nothing then."""
        self.path = folder / header.file_name
        self.last = header.first - 1  # number of its last batch
        self.end = HEADER.size
        self._seed = header.seed
        self._ahead = 0  # up to here the file is filled
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(self._file, header.pack(), 0)
            self._fill()
            os.fsync(self._file)
            sync_folder(folder)
        except OSError:
            os.close(self._file)
            with suppress(OSError):  # it says of itself that nothing is in it
                self.path.unlink()
            raise

    @property
    def is_empty(self) -> bool:
        """Whether no record was synced."""
        return self.end == HEADER.size

    def write(self, number: int, content: bytes) -> int:
        """Write a record, and return where it ends; it counts once it is synced. Raises OSError.

        Written again it takes the place of what a try before has left.
        """
        record = pack(self._seed, number, content)
        start = place(self.end, len(record))
        end = start + len(record)
        if end > self._ahead and len(record) <= SMALL_BYTES:
            self._fill()
        _write(self._file, record, start)
        return end

    def sync(self, number: int, end: int) -> None:
        """Bring what was written to the disk. Raises OSError: then it is not known what is there."""
        sync_data(self._file)
        self.last, self.end = number, end

    def cut(self) -> None:
        """Take away what follows the last record that was synced, for good. Raises OSError."""
        self._ahead = 0
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
    start = end + -end % ALIGNED
    left = -start % PAGE
    return start + left if left < size <= PAGE else start


def pack(seed: int, number: int, content: bytes) -> bytes:
    """A record as it stands in the file."""
    head = _HEAD.pack(RECORD_MAGIC, len(content), number, zlib.crc32(content, seed))
    return head + zlib.crc32(head, seed).to_bytes(_CHECKSUM_BYTES, "little") + content


def _write(file: int, content: bytes, start: int) -> None:
    written = os.pwrite(file, content, start)
    while written < len(content):
        written += os.pwrite(file, memoryview(content)[written:], start + written)


def sync_data(file: int) -> None:
    """Bring what was written to the disk itself. Raises OSError."""
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # fsync leaves it in the disk's memory there
    else:
        os.fdatasync(file)


def sync_folder(folder: Path) -> None:
    """Bring the folder's list of files to the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
