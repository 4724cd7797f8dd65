"""The files of the journal, as they are read: what checks, what a crash has left, and what is damaged.

Theory. What a crash may leave is one record that was not synced, at the end of the last segment, some of its
pages written and some not. Nobody was told that it is stored. So where something does not check and nothing
stands behind it, the journal ends. That is known to be so where no record after it checks, and where its head
checks and says where it would have ended, no byte. Everything else that does not check is damage, also what
is not zero between two records, and a record that is missing.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hub.errors import StoreError
from hub.history.journal.segment import (
    HEADER,
    MAGIC,
    NO_RUN,
    PAGE,
    RECORD,
    RECORD_MAGIC,
    SUFFIX,
    VERSION,
    SegmentHeader,
)

_NAME = re.compile(rf"\d{{20}}{re.escape(SUFFIX)}")
_HEAD_CHECKED = struct.Struct("<4sIQI")  # of a record's head: all that its last checksum is of


class Damaged(StoreError):
    """Something in a journal's file does not check."""

    def __init__(self, path: Path, offset: int, why: str) -> None:
        super().__init__(
            f"{path}, byte {offset}: {why}. Nothing was changed. `hub journal check` shows all that is wrong,"
            " `hub journal repair` saves the rest; see docs/operating.md"
        )
        self.offset = offset
        self.why = why


class AnotherHistory(StoreError):
    """The journal belongs to a history that is not the one here."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: it belongs to another history than the one here. After a backup was put back, or the"
            f" history's file was removed, move {path.parent} away: see docs/operating.md"
        )


class AnotherRun(StoreError):
    """The history has batches of these numbers, from a hub that did not have this journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: the hub has gone on without this journal, and the history has other batches by the same"
            f" numbers. Nothing was changed. Move {path.parent} away and start again: see docs/operating.md"
        )


class NewerVersion(StoreError):
    """A newer hub has written it."""

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(
            f"{path}: written by a newer version of the hub (journal {version}, this one knows {VERSION})"
        )


class HistoryState(NamedTuple):
    """What the history says of itself."""

    identity: bytes
    batches: int  # number of the last one that it has
    run: bytes = NO_RUN  # of the hub in whose journal that one was


class Record(NamedTuple):
    """A record that checks."""

    offset: int
    end: int
    number: int
    content: bytes


class Broken(NamedTuple):
    """Bytes that do not check, up to the next record that does, or to the last byte that is not zero."""

    offset: int
    end: int
    is_end: bool  # nothing stands behind them: as a crash leaves it at the end of the last segment


def segments(folder: Path) -> list[Path]:
    """The journal's files, oldest first. Raises StoreError."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error


def read(path: Path, state: HistoryState, *, is_last: bool) -> Iterator[Record]:
    """The records of one file, in order, without what a crash has left at the end of the last one.

    Raises Damaged, StoreError.
    """
    found = content_of(path)
    header = header_of(path, found)
    if header is None:
        if is_last and not any(found[HEADER.size :]):
            return  # its making was cut short
        raise Damaged(path, 0, header_fault(found))
    refuse_strange(path, header, state)
    if header.file_name != path.name:
        raise Damaged(path, 0, name_fault(header))
    number = header.first
    for piece in pieces(found, header.seed):
        if isinstance(piece, Broken):
            if is_last and piece.is_end:
                return
            raise Damaged(path, piece.offset, "what stands here does not check")
        if piece.number != number:
            raise Damaged(path, piece.offset, missing(number, piece.number))
        yield piece
        number += 1


def refuse_strange(path: Path, header: SegmentHeader, state: HistoryState) -> None:
    """Raises AnotherHistory, AnotherRun.

    Each start of a hub takes over all of the journal that it finds, and begins another. So what is from the
    run that the history took over last may be half known there. Of any other run it has nothing yet.
    """
    if header.history != state.identity:
        raise AnotherHistory(path)
    if header.run != state.run and header.first <= state.batches:
        raise AnotherRun(path)


def run_of(path: Path) -> bytes:
    """The run of the hub that made this file, as far as its header checks. Raises StoreError."""
    try:
        with path.open("rb") as file:
            header = header_of(path, file.read(HEADER.size))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    return header.run if header else NO_RUN


def content_of(path: Path) -> bytes:
    """All bytes of the file. Raises StoreError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def header_of(path: Path, found: bytes) -> SegmentHeader | None:
    """What the file says of itself; None where that does not check. Raises NewerVersion."""
    if len(found) < HEADER.size:
        return None
    magic, version, history, first, run, checksum = HEADER.unpack_from(found)
    if magic != MAGIC or zlib.crc32(found[: HEADER.size - 4]) != checksum:
        return None
    if version > VERSION:
        raise NewerVersion(path, version)
    return SegmentHeader(history, first, run)


def header_fault(found: bytes) -> str:
    """What is wrong with a header that does not check."""
    return "the file's header does not check" if any(found) else "the file is empty"


def name_fault(header: SegmentHeader) -> str:
    """What is wrong with the name of a file that has this header."""
    return f"by its header this file is {header.file_name}"


def missing(wanted: int, found: int) -> str:
    """What is wrong where one batch was to follow and another one does."""
    if found < wanted:
        return f"batch {found} comes after batch {wanted - 1}"
    return (
        f"batch {wanted} is missing"
        if found == wanted + 1
        else f"batches {wanted} to {found - 1} are missing"
    )


def pieces(found: bytes, seed: int) -> Iterator[Record | Broken]:
    """All that stands behind the header, in order."""
    position = HEADER.size
    while (start := _first_byte(found, position)) < len(found):
        if record := _at(found, start, seed):
            yield record
            position = record.end
        elif later := _find(found, start, seed):
            yield Broken(start, later.offset, is_end=False)
            position = later.offset
        else:
            end = len(found.rstrip(b"\0"))
            claimed = _claimed_end(found, start, seed)
            yield Broken(start, end, is_end=not claimed or end <= claimed)
            return


def _find(found: bytes, position: int, seed: int) -> Record | None:
    """The next record that checks, wherever it begins."""
    while (position := found.find(RECORD_MAGIC, position)) >= 0:
        if record := _at(found, position, seed):
            return record
        position += 1
    return None


def _claimed_end(found: bytes, position: int, seed: int) -> int:
    """Where the record ends whose head stands here; 0 where none does."""
    if found[position : position + len(RECORD_MAGIC)] != RECORD_MAGIC:
        return 0
    begin = position + RECORD.size
    if begin > len(found):
        return 0
    _, length, _, _, checksum = RECORD.unpack_from(found, position)
    if zlib.crc32(found[position : position + _HEAD_CHECKED.size], seed) != checksum:
        return 0
    return begin + int(length)


def _at(found: bytes, position: int, seed: int) -> Record | None:
    end = _claimed_end(found, position, seed)
    if not 0 < end <= len(found):
        return None
    _, _, number, checksum, _ = RECORD.unpack_from(found, position)
    content = found[position + RECORD.size : end]
    if zlib.crc32(content, seed) != checksum:
        return None
    return Record(position, end, number, content)


def _first_byte(found: bytes, position: int) -> int:
    """Where the next byte stands that is not zero; at the end if there is none."""
    while page := found[position : position + PAGE]:
        if left := page.lstrip(b"\0"):
            return position + len(page) - len(left)
        position += len(page)
    return len(found)
