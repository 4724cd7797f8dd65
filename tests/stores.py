"""Empty stores, ready to be opened: tables are made once a process, and copied for each test."""

import asyncio
import shutil
import tempfile
import threading
from functools import cache
from pathlib import Path

from hub.history.duckdb.history import EmbeddedHistory
from hub.registry.registry import Registry

FILES = ("history.duckdb", "registry.db")


async def _make(folder: Path) -> None:
    async with EmbeddedHistory.open(folder / FILES[0], 128, 1000), Registry.open(folder / FILES[1]):
        pass


@cache
def _made() -> Path:
    """In a thread: the test that asks first may have a loop that runs."""
    folder = Path(tempfile.mkdtemp(prefix="hub-stores-"))
    maker = threading.Thread(target=lambda: asyncio.run(_make(folder)))
    maker.start()
    maker.join()
    return folder


def lay_out(folder: Path) -> Path:
    """Put empty stores into a folder that has none; the folder."""
    for name in FILES:
        if not (folder / name).exists():
            shutil.copy(_made() / name, folder / name)
    return folder


def empty_history(folder: Path) -> Path:
    """The file of an empty history, put into a folder that has none."""
    path = folder / FILES[0]
    shutil.copy(_made() / FILES[0], path)
    return path
