"""What the system knows of this process, of the disks below the stores, and of the folders on them."""

import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import psutil

from hub.model import Value

MIB = 1_048_576
GIB = 1024 * MIB
DAY_S = 86_400.0
STORES = ("history.duckdb*", "registry.db*")
JOURNAL = ("*.journal",)

# The history is sealed once an hour. So a shorter window would miss that or take it for the rule; and a fold
# comes once a minute.
WINDOW_S = 3_600.0
WINDOW_MIN_S = 60.0
MARKS = 60  # of a window: so it is at most a sixtieth longer than it should be

SYNCS = 5
SYNC_BYTES = 4_096


class _Mark(NamedTuple):
    at_s: float
    written: int


class WrittenPerDay:
    """How much is written a day, from what was written in the last hour, or since the start."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()  # oldest first

    def add(self, at_s: float, written: int) -> float | None:
        """Note the bytes written up to now; how many a day that is, or None before a minute is over."""
        marks = self._marks
        if not marks or at_s >= marks[-1].at_s + WINDOW_S / MARKS:
            marks.append(_Mark(at_s, written))
        while len(marks) > 1 and marks[1].at_s <= at_s - WINDOW_S:
            marks.popleft()
        span_s = at_s - marks[0].at_s
        if span_s < WINDOW_MIN_S:
            return None
        return (written - marks[0].written) / span_s * DAY_S


class HostFigures:
    """What the system knows of this process and of the disks below the stores. Asking may block."""

    def __init__(self, data_dir: Path, journal_dir: Path) -> None:
        self._data_dir = data_dir
        self._journal_dir = journal_dir
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first answer has nothing to compare with
        self._written = WrittenPerDay()

    def started_at(self) -> int:
        """When this process began, µs UTC."""
        return round(self._process.create_time() * 1e6)

    def figures(self) -> dict[str, Value]:
        """CPU since the last call, memory, what is written, and the space that the stores take and have left.

        Left on the disk that has less of it, where the journal is on another one than the history.
        """
        stores = (file for pattern in STORES for file in self._data_dir.glob(pattern))
        journal = (file for pattern in JOURNAL for file in self._journal_dir.glob(pattern))
        free = min(psutil.disk_usage(str(folder)).free for folder in (self._data_dir, self._journal_dir))
        figures: dict[str, Value] = {
            "cpu_percent": self._process.cpu_percent(),
            "rss_mib": self._process.memory_info().rss / MIB,
            "store_mib": sum(_sizes((*stores, *journal))) / MIB,
            "disk_free_gib": free / GIB,
        }
        written = written_bytes(self._process)
        per_day = None if written is None else self._written.add(time.monotonic(), written)
        if per_day is not None:
            figures["written_gib_per_day"] = per_day / GIB
        return figures


def written_bytes(process: object) -> int | None:
    """How many bytes a process has had written to disks; None where the system does not tell."""
    counters = getattr(process, "io_counters", None)  # macOS has none
    if counters is None:
        return None
    try:
        written: int = counters().write_bytes
    except (OSError, psutil.Error):  # in some containers a process may not read its own
        return None
    return written


def sync_time_s(folder: Path) -> float:
    """How long the disk below a folder takes to keep a small record for good. Raises OSError."""
    times_s = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for number in range(SYNCS + 1):
            os.pwrite(file.fileno(), bytes([number]) * SYNC_BYTES, 0)
            start_s = time.perf_counter()
            os.fdatasync(file.fileno())
            times_s.append(time.perf_counter() - start_s)
    return statistics.median(times_s[1:])  # the first one has the file grow


def _sizes(files: Iterable[Path]) -> Iterable[int]:
    for file in files:
        try:
            yield file.stat().st_size
        except FileNotFoundError:  # a log that was folded into its file meanwhile
            continue
