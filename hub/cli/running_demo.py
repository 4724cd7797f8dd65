"""Where a running demo is found: a small file of it in the user's runtime folder.

So `hub login`, typed in another terminal beside a demo, is for that demo. The folder is
$XDG_RUNTIME_DIR/sensor-hub, or <temporary folder>/sensor-hub-<uid> where the system has no runtime folder.
What others could write there is not believed.
"""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER_MODE = 0o700


@dataclass(frozen=True)
class RunningDemo:
    """A demo of this user: its process, the address of its page, the folder of its stores."""

    pid: int
    url: str
    store: Path

    @property
    def socket_path(self) -> Path:
        """The command line's way to it."""
        return self.store / "hub.sock"


@contextmanager
def findable(demo: RunningDemo) -> Iterator[bool]:
    """Let commands find the demo as long as this lasts. False where they cannot; the demo runs anyway."""
    file = _folder() / f"demo-{demo.pid}.json"
    written = False
    with suppress(OSError):
        file.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        if _is_ours_alone(file.parent):
            file.unlink(missing_ok=True)  # of an earlier process with this id
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as lines:
                json.dump({"pid": demo.pid, "url": demo.url, "store": str(demo.store.absolute())}, lines)
            written = True
    try:
        yield written
    finally:
        if written:
            file.unlink(missing_ok=True)
            with suppress(OSError):  # another demo has its own file there
                file.parent.rmdir()


def running_demos() -> list[RunningDemo]:
    """The demos of this user whose process is alive. Files of those that were killed are removed."""
    folder = _folder()
    if not _is_ours_alone(folder):
        return []
    found = []
    for file in sorted(folder.glob("demo-*.json")):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            demo = RunningDemo(int(told["pid"]), str(told["url"]), Path(told["store"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not written yet, or by nobody we know
        if _is_alive(demo.pid):
            found.append(demo)
        else:
            file.unlink(missing_ok=True)
    return found


def _folder() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and _is_ours_alone(Path(base)):
        return Path(base) / "sensor-hub"
    return Path(tempfile.gettempdir()) / f"sensor-hub-{os.getuid()}"


def _is_ours_alone(folder: Path) -> bool:
    """Whether it is this user's folder, and nobody else can write in it. No link: others can make one."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & others


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:  # there is none, or by now it is somebody else's
        return False
    return True
