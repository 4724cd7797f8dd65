"""A consistent copy of both stores, made while they are written to.

Theory. The history's copy is one read transaction, which holds up no commit. The registry's is made after it,
so it has every device that the history's copy has readings of, except those removed between the two. These
are noted as removed, and the hub that starts on the copy takes their readings away, as after a removal that
was cut short. The copy grows under a name of its own and gets the one asked for when all of it is on disk, so
that half a copy is never taken for a whole one.
"""

import asyncio
import hashlib
import json
import os
import sqlite3
from collections.abc import AsyncGenerator, Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from hub.errors import Conflict, Invalid, StoreError
from hub.history.contract import Copied, History

HISTORY, REGISTRY, MANIFEST = "history.duckdb", "registry.db", "manifest.json"
PARTIAL = ".partial"
LOOK_EVERY_S = 0.2
CHUNK_BYTES = 1_048_576


class BackupProgress(NamedTuple):
    """How far the copy of the history has come; of about so many bytes."""

    bytes: int
    total: int


class Backup:
    """One copy, from the folder of the stores into a new one. `devices`: the numbers of all there are now."""

    def __init__(self, history: History, stores: Path, output: Path, devices: Collection[int]) -> None:
        self._history = history
        self._stores = stores
        self._output = output
        self._partial = output.with_name(output.name + PARTIAL)
        self._devices = devices
        self.manifest: dict[str, object] = {}

    async def run(self, made_at: str, version: str) -> AsyncGenerator[BackupProgress, None]:
        """Copy, telling how far it is; then `manifest` says what is in it.

        Raises Invalid, Conflict, StoreError.
        """
        self._claim()
        try:
            copying = asyncio.ensure_future(self._history.copy(self._partial / HISTORY))
            total = (self._stores / HISTORY).stat().st_size
            try:
                while not (await asyncio.wait([copying], timeout=LOOK_EVERY_S))[0]:
                    yield BackupProgress(min(total, _size(self._partial / HISTORY)), total)
                copied = copying.result()
            finally:
                copying.cancel()
                await asyncio.wait([copying])
            self.manifest = await asyncio.to_thread(self._finish, copied, made_at, version)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"backup: {error}") from error
        finally:
            await asyncio.to_thread(self._clear)

    def _claim(self) -> None:
        if not self._output.is_absolute():
            raise Invalid("output: a folder's full path is wanted", "output")
        if self._output.exists():
            raise Conflict(f"{self._output} exists already; a backup is never written over")
        try:
            self._partial.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise Conflict(
                f"{self._partial} is there: a backup runs, or was cut short and may be removed"
            ) from None
        except OSError as error:
            raise StoreError(f"backup: {self._partial}: {error.strerror}") from error

    def _finish(self, copied: Copied, made_at: str, version: str) -> dict[str, object]:
        devices = _copy_registry(self._stores / REGISTRY, self._partial / REGISTRY, self._devices)
        manifest = {
            "hub": version,
            "made_at": made_at,
            "devices": devices,
            "values": copied.values,
            "batches": copied.batches,
            "files": {name: _described(self._partial / name) for name in (HISTORY, REGISTRY)},
        }
        (self._partial / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        for path in (*(self._partial / name for name in (HISTORY, REGISTRY, MANIFEST)), self._partial):
            _to_disk(path)
        self._partial.rename(self._output)
        _to_disk(self._output.parent)
        return manifest

    def _clear(self) -> None:
        """Remove what is left of a copy that failed. A copy that did not fail leaves nothing here."""
        if self._partial.is_dir():
            for path in self._partial.iterdir():
                path.unlink()
            with suppress(OSError):
                self._partial.rmdir()


def _copy_registry(source: Path, copy: Path, devices_before: Collection[int]) -> int:
    """How many devices there are in the copy."""
    with closing(sqlite3.connect(source)) as registry:
        registry.execute("VACUUM INTO ?", [str(copy)])
    with closing(sqlite3.connect(copy)) as registry, registry:
        there = {number for (number,) in registry.execute("SELECT number FROM devices")}
        gone = [(number,) for number in set(devices_before) - there]
        registry.executemany("INSERT OR IGNORE INTO removed VALUES (?)", gone)
    copy.chmod(0o600)
    return len(there)


def _described(path: Path) -> dict[str, object]:
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return {"bytes": path.stat().st_size, "blake2b": digest.hexdigest()}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
