"""Saving what can be saved of a damaged journal.

Theory. First the files as they are get a second name in a folder of their own, and stay there. Then one new
file is made, with all records that check and that the history lacks, numbered on from what it has. It lies
there as `repaired.new`, and as long as it does, no hub starts on this journal. So the rest can be cut short
at any moment, and is done again: the damaged files go, and the new one gets its place. A second name costs no
room; where the file system has no such thing, the files are copied.
"""

import os
import shutil
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from hub.errors import StoreError
from hub.history.journal.damage import Damage, Kept, Looked, damage_of, look
from hub.history.journal.journal import REPAIRED
from hub.history.journal.reading import HistoryState, header_of, segments
from hub.history.journal.segment import HEADER, Segment, SegmentHeader, sync_folder

UNFINISHED = "repaired.making"


class RepairPlan(NamedTuple):
    """What a repair would do."""

    found: list[Looked]
    faults: list[Damage]
    saved: list[Kept]  # in their order
    lost: list[tuple[int, int]]  # batches, from and to, that nothing is left of
    end_is_lost: bool  # there may have been more after the last one that is saved
    is_begun: bool  # one was cut short; all that is left to do is to finish it

    @property
    def damaged_bytes(self) -> int:
        """How many bytes do not check. Those a crash has left at the very end are not counted."""
        return sum(fault.bytes for fault in self.faults)


def plan(folder: Path, state: HistoryState) -> RepairPlan:
    """Look at it. Raises StoreError where the journal is not this history's, or a newer hub's."""
    found = look(folder, state)
    for one in found:
        if one.header is None and one.faults:
            raise StoreError(f"{one.path}: {one.faults[0].why}")
    # By number: a file that somebody copied has the same ones again.
    by_number = {kept.record.number: kept for one in reversed(found) for kept in one.kept}
    saved = [by_number[number] for number in sorted(by_number) if number > state.batches]
    numbers = [state.batches, *(kept.record.number for kept in saved)]
    lost = [(before + 1, after - 1) for before, after in pairwise(numbers) if after > before + 1]
    end_is_lost = bool(found) and _end_is_lost(found[-1])
    return RepairPlan(found, damage_of(found), saved, lost, end_is_lost, (folder / REPAIRED).exists())


def _end_is_lost(last: Looked) -> bool:
    end = last.kept[-1].record.end if last.kept else 0
    return any(fault.bytes and fault.offset >= end for fault in last.faults)


def repair(folder: Path, state: HistoryState, wanted: RepairPlan, now: datetime) -> Path | None:
    """Do it; the caller has the folder for itself. Returns where the damaged files are. Raises StoreError."""
    try:
        if wanted.is_begun:
            _finish(folder)
            return None
        aside = folder / f"damaged-{now:%Y%m%dT%H%M%SZ}"
        aside.mkdir(mode=0o700)
        _give_to_owner(aside, folder)
        for path in segments(folder):
            _name_again(path, aside / path.name)
        sync_folder(aside)
        sync_folder(folder)
        _make(folder, state, wanted.saved)
        _finish(folder)
    except OSError as error:
        raise StoreError(f"{error.filename or folder}: {error.strerror}; repair it again") from error
    return aside


def _give_to_owner(path: Path, folder: Path) -> None:
    """Root may repair what is the hub's user's: the hub has to read it."""
    owner = folder.stat()
    if owner.st_uid != os.geteuid():
        os.chown(path, owner.st_uid, owner.st_gid)


def _name_again(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except OSError:
        shutil.copy2(path, other)
        handle = os.open(other, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _make(folder: Path, state: HistoryState, saved: list[Kept]) -> None:
    """The new file, whole and on disk when it has its name."""
    making = folder / UNFINISHED
    shutil.rmtree(making, ignore_errors=True)  # of a repair that was cut short
    making.mkdir(mode=0o700)
    segment = Segment(making, SegmentHeader(state.identity, state.batches + 1, state.run))
    try:
        for number, kept in enumerate(saved, state.batches + 1):
            segment.end = segment.write(number, kept.record.content)
        segment.sync(segment.last + len(saved), segment.end)
    finally:
        segment.close()
    _give_to_owner(segment.path, folder)
    segment.path.rename(folder / REPAIRED)
    making.rmdir()
    sync_folder(folder)


def _finish(folder: Path) -> None:
    for path in segments(folder):
        path.unlink()
    sync_folder(folder)
    with (folder / REPAIRED).open("rb") as file:
        header = header_of(folder / REPAIRED, file.read(HEADER.size))
    if header is None:
        raise StoreError(f"{folder / REPAIRED}: its header does not check; move it away and repair again")
    (folder / REPAIRED).rename(folder / header.file_name)
    sync_folder(folder)
