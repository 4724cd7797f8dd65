"""Journals without a hub: filled batch by batch, and read back."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.history.journal.journal import Journal
from hub.history.journal.reading import HistoryState, Record, content_of, header_of, pieces, segments
from tests.history.rows import DEVICE, T0, TEMPERATURE

HISTORY = bytes(range(16))
RUN = bytes(range(16, 32))
MIB = 1_048_576
_LOOP = asyncio.new_event_loop()  # never runs: commits want one


def batch_of(number: int, *values: float) -> Batch:
    """Temperatures, a millisecond apart."""
    batch = Batch(number, Commit(loop=_LOOP))
    if number == 1:
        batch.metrics[TEMPERATURE.number] = TEMPERATURE
    times = [T0 + 1_000_000 * number + 1000 * position for position in range(len(values))]
    batch.add(DEVICE, T0, [TEMPERATURE.number] * len(values), times, list(values))
    batch.readings = len(values)
    return batch


@contextmanager
def opened(
    folder: Path, history: bytes = HISTORY, bytes_max: int = 64 * MIB, run: bytes = RUN
) -> Iterator[Journal]:
    """A journal, that lets go of its folder at the end, as a hub that was killed does."""
    journal = Journal(folder, history, bytes_max, run)
    try:
        yield journal
    finally:
        journal.release()
        for segment in journal._segments:
            segment.close()


def write(folder: Path, *batches: Batch, bytes_max: int = 64 * MIB) -> list[Path]:
    """A journal with these batches, as a hub leaves it that was killed; returns its files."""
    with opened(folder, bytes_max=bytes_max) as journal:
        for batch in batches:
            journal.append(batch)
    return segments(folder)


def found(folder: Path, after: int = 0, history: bytes = HISTORY, run: bytes = RUN) -> list[list[float]]:
    """The values of each batch that a hub finds when it starts. Raises StoreError."""
    with opened(folder, history) as journal:
        state = HistoryState(history, after, run)
        return [list(batch.value) for batch in journal.found(state, Commit(loop=_LOOP))]


def records(path: Path) -> list[Record]:
    """The records of a file of which all checks."""
    content = content_of(path)
    header = header_of(path, content)
    assert header is not None
    whole = [piece for piece in pieces(content, header.seed) if isinstance(piece, Record)]
    assert whole
    return whole


@contextmanager
def in_place_of(file: int, other: str) -> Iterator[None]:
    """What is written to this descriptor goes to another file, such as /dev/full, meanwhile."""
    kept, put = os.dup(file), os.open(other, os.O_RDWR)
    try:
        os.dup2(put, file)
        yield
    finally:
        os.dup2(kept, file)
        os.close(kept)
        os.close(put)
