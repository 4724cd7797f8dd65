"""The stores are their owner's alone: keys' digests and the secret that signs tokens are in them.

A folder that the hub makes has mode 0700. One that was there before may be open to others, and with it what
earlier versions wrote into it. So the modes are looked at at each start.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hub.config import Config

FOLDER_MODE = 0o700
FILE_MODE = 0o600
OTHERS = 0o077  # what must not be set
UMASK = 0o077
OWN = ("registry.db", "history.duckdb", "journal", "hub.sock", "manifest.json")  # how names of ours begin
SHOWN_MAX = 3


class Open(NamedTuple):
    """A file or folder that others may look into, and the mode that it should have."""

    path: Path
    mode: int
    wanted: int

    def __str__(self) -> str:
        return f"{self.path} has mode {self.mode:04o}, and should have {self.wanted:04o}"


class StoreFolders(NamedTuple):
    """Where the stores are. The journal's folder holds nothing else."""

    data: Path
    journal: Path

    @classmethod
    def of(cls, config: Config) -> "StoreFolders":
        """As the configuration says."""
        return cls(config.data_dir, config.journal_dir)

    def open_to_others(self) -> Iterator[Open]:
        """What others than the owner may read or write. Raises OSError."""
        if self.data.is_dir():
            yield from _judged(self.data)
            for path in sorted(self.data.iterdir()):
                if path.name.startswith(OWN):
                    yield from _judged(path)
        if self.journal.is_dir():
            if self.journal.parent != self.data:
                yield from _judged(self.journal)
            for path in sorted(self.journal.iterdir()):
                yield from _judged(path)

    def strangers(self) -> list[str]:
        """Names of what is not the hub's in its folder. Raises OSError."""
        if not self.data.is_dir():
            return []
        return sorted(path.name for path in self.data.iterdir() if not path.name.startswith(OWN))

    def make_private(self) -> list[str]:
        """Take from others what they may do with the stores; what could not be done, in words."""
        failed: list[str] = []
        try:
            strangers = self.strangers()
            for one in self.open_to_others():
                if one.path == self.data and strangers:
                    shown = ", ".join(strangers[:SHOWN_MAX])
                    failed.append(f"{one}; it is left so, for it holds other files too: {shown}")
                    continue
                try:
                    one.path.chmod(one.wanted)
                except OSError as error:
                    failed.append(f"{one}: {error.strerror or error}")
        except OSError as error:
            failed.append(f"{error.filename}: {error.strerror or error}")
        return failed


def _judged(path: Path) -> Iterator[Open]:
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:  # gone meanwhile
        return
    if stat.S_ISLNK(found) or not found & OTHERS:
        return
    yield Open(path, stat.S_IMODE(found), FOLDER_MODE if stat.S_ISDIR(found) else FILE_MODE)
