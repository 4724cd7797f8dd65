"""All that is wrong with a journal, for people: looked at, and nothing changed."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hub.errors import StoreError
from hub.history.commit import Commit
from hub.history.journal import record
from hub.history.journal.reading import (
    AnotherHistory,
    AnotherRun,
    Broken,
    HistoryState,
    NewerVersion,
    Record,
    header_fault,
    header_of,
    missing,
    name_fault,
    pieces,
    refuse_strange,
    segments,
)
from hub.history.journal.segment import HEADER, SegmentHeader

LOOKS_MAX = 5  # while a hub writes; what is there each time is damage


class Damage(NamedTuple):
    """Something that makes a hub refuse the journal."""

    path: Path
    offset: int
    bytes: int  # that do not check; 0 where something is missing
    why: str


class Kept(NamedTuple):
    """A record that checks and is understood."""

    record: Record
    readings: int
    values: int


class Looked(NamedTuple):
    """One file, as it was found."""

    path: Path
    used: int  # up to its last byte that is not zero
    header: SegmentHeader | None
    kept: list[Kept]
    unfinished: Broken | None  # what a crash has left, or a running hub is writing
    faults: list[Damage]

    @property
    def bytes(self) -> int:
        """How much of it is filled."""
        return max(self.used, self.kept[-1].record.end if self.kept else 0)

    @property
    def first(self) -> int | None:
        """Number of its first batch."""
        return self.kept[0].record.number if self.kept else None

    @property
    def last(self) -> int | None:
        """Number of its last batch."""
        return self.kept[-1].record.number if self.kept else None


def look(folder: Path, state: HistoryState | None) -> list[Looked]:
    """Every file, oldest first. `state` is None where the history cannot be asked. Raises StoreError.

    A hub may be writing meanwhile: so it counts as damage only if it is there when looked at again.
    """
    with closing(asyncio.new_event_loop()) as loop:
        commit = Commit(loop=loop)  # a batch wants one; nobody waits for it
        found = _look(folder, state, commit)
        for _ in range(LOOKS_MAX):
            before = damage_of(found)
            if not before:
                break
            found = _look(folder, state, commit)
            if damage_of(found) == before:
                break
    return found


def damage_of(found: list[Looked]) -> list[Damage]:
    """All that makes a hub refuse it."""
    return [fault for one in found for fault in one.faults]


def _look(folder: Path, state: HistoryState | None, commit: Commit) -> list[Looked]:
    contents = list(_contents(folder))
    found = [
        look_at(path, content, state, commit, is_last=path == contents[-1][0]) for path, content in contents
    ]
    wanted = state.batches + 1 if state else None
    for one in found:
        for kept in one.kept:
            number = kept.record.number
            if state and number <= state.batches:
                continue
            if wanted is not None and number != wanted:
                one.faults.append(Damage(one.path, kept.record.offset, 0, missing(wanted, number)))
            wanted = number + 1
    return found


def _contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Without those that a running hub takes away meanwhile, which it does oldest first."""
    for path in segments(folder):
        try:
            yield path, path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error


def look_at(
    path: Path, content: bytes, state: HistoryState | None, commit: Commit, *, is_last: bool
) -> Looked:
    """One file. Of which history and run it is counts only where `state` says which is wanted.

    What stands behind a header that does not check is found where `state` is known: the file's name says the
    rest of the header.
    """
    used = len(content.rstrip(b"\0"))
    looked = Looked(path, used, None, [], None, [])
    try:
        header = header_of(path, content)
        if header and state:
            refuse_strange(path, header, state)
    except (AnotherHistory, AnotherRun, NewerVersion) as error:
        looked.faults.append(Damage(path, 0, used, str(error).removeprefix(f"{path}: ")))
        return looked
    if header is None:
        if not (is_last and used <= HEADER.size):
            looked.faults.append(Damage(path, 0, min(used, HEADER.size), header_fault(content)))
        if state is None:
            return looked
        header = SegmentHeader(state.identity, int(path.stem))
    elif header.file_name != path.name:
        looked.faults.append(Damage(path, 0, 0, name_fault(header)))
    looked = looked._replace(header=header)
    for piece in pieces(content, header.seed):
        if isinstance(piece, Broken):
            if is_last and piece.is_end:
                return looked._replace(unfinished=piece)
            size = piece.end - piece.offset
            looked.faults.append(Damage(looked.path, piece.offset, size, "what stands here does not check"))
            continue
        try:
            batch = record.decode(piece.number, piece.content, commit)
        except StoreError as error:
            looked.faults.append(Damage(looked.path, piece.offset, piece.end - piece.offset, str(error)))
            continue
        looked.kept.append(Kept(piece, batch.readings, len(batch.time) + len(batch.texts)))
    return looked


def described(found: list[Looked]) -> Iterator[dict[str, object]]:
    """Each file, for programs."""
    for one in found:
        yield {
            "file": str(one.path),
            "bytes": one.bytes,
            "first_batch": one.first,
            "last_batch": one.last,
            "batches": len(one.kept),
            "readings": sum(kept.readings for kept in one.kept),
            "values": sum(kept.values for kept in one.kept),
            "unfinished": one.unfinished
            and {"offset": one.unfinished.offset, "bytes": one.unfinished.end - one.unfinished.offset},
            "faults": [
                {"offset": fault.offset, "bytes": fault.bytes, "why": fault.why} for fault in one.faults
            ],
        }
