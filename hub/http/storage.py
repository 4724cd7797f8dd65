"""Whether readings get to the disk and into the history, in words for people."""

from enum import StrEnum
from typing import NamedTuple

from hub.history.contract import History, JournalSize
from hub.host import MIB

ROOM_STEPS = 10  # people are told of the room that is left in tenths, not of each byte


class Storing(StrEnum):
    """How storing fares."""

    WELL = "well"
    BEHIND = "behind"  # readings are on disk and acknowledged, but do not get into the history
    FAILING = "failing"  # nothing is acknowledged


class StorageState(NamedTuple):
    """How storing fares, and what to say of it."""

    storing: Storing
    message: str


def storage_state(history: History) -> StorageState:
    """How it fares now. What is said of a history that is behind changes as its journal fills."""
    if (failure := history.failure) is not None:
        return StorageState(Storing.FAILING, f"nothing can be stored at present: {failure}")
    if (behind := history.behind) is not None:
        return StorageState(Storing.BEHIND, _behind(behind, history.journal))
    return StorageState(Storing.WELL, "readings are stored again")


def _behind(why: str, journal: JournalSize | None) -> str:
    """Why readings stay in the journal, and how long they can."""
    lines = why.splitlines()  # DuckDB's errors may have several, and the first one says it
    room = "" if journal is None else f", which has room for {_room_mib(journal)} MiB more"
    return (
        "new readings do not get into the history. Nothing is lost: they are stored in the journal"
        f"{room}. It is tried again. The reason: {lines[0] if lines else why}"
    )


def _room_mib(journal: JournalSize) -> int:
    """At least so much."""
    step = journal.bytes_max // ROOM_STEPS
    return max(0, journal.bytes_max - journal.bytes) // step * step // MIB
