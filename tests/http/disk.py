"""A disk that is full: a real one, as far as this process is concerned."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.http.conftest import Hub

FILLING = "x" * 4000
WAL_MIN_BYTES = 262_144  # more than anything else that this process writes meanwhile


async def fill_log(hub: Hub, folder: Path) -> Path:
    """Make the history's log the largest file that is written to; its path."""
    log = folder / "history.duckdb.wal"
    while not log.exists() or log.stat().st_size < WAL_MIN_BYTES:
        status, _ = await hub.send([{"filling": FILLING}] * 50)
        assert status == 200
    return log


@contextmanager
def full_disk(log: Path) -> Iterator[None]:
    """No file grows beyond the size that `log` has now: writing past it fails as on a disk
    without space (EFBIG).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
