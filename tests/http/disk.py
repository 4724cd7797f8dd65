"""A disk that is full: a real one, as far as this process is concerned."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from tests.http.conftest import Hub

FILLING = "x" * 4000
JOURNAL_MIN_BYTES = 262_144  # more than anything else that this process writes meanwhile


async def fill_journal(hub: Hub) -> int:
    """Make the journal the largest file that is written to; its size."""
    while (journal := hub.rooms.history.journal) and journal.bytes < JOURNAL_MIN_BYTES:
        status, _ = await hub.send([{"filling": FILLING}] * 50)
        assert status == 200
    assert journal is not None
    return journal.bytes


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows beyond this size: writing past it fails as on a disk without space (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
