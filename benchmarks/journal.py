"""`python -m benchmarks.journal`: what it costs to have one small batch on disk, by the hub's journal and by
what could be in its place.

All write the same records one by one, each synced before the next, in turn and several times. The journal's
own files are written by the hub's code, head, checksums and all; the file that grows and SQLite get the
record as it is. Prints a table; --json FILE writes the figures.
"""

import argparse
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from hub.history.journal.segment import Segment, SegmentHeader

HISTORY = bytes(16)
ROWS = (
    ("processor time (µs)", "cpu_us", 1),
    ("time (ms)", "wall_ms", 3),
    ("written by the process (KiB)", "process_kib", 1),
    ("written on the disk, file system and all (KiB)", "disk_kib", 1),
)

Figures = dict[str, float]


def segment(folder: Path, record: bytes, count: int) -> None:
    """As the hub does it: zeros ahead of the records, and small ones within a page."""
    made = Segment(folder, SegmentHeader(HISTORY, 1))
    for number in range(1, count + 1):
        made.sync(number, made.write(number, record))
    made.close()


def growing(folder: Path, record: bytes, count: int) -> None:
    """One record behind the other; the file grows with each."""
    file = os.open(folder / "growing", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for _ in range(count):
        os.write(file, record)
        os.fdatasync(file)
    os.close(file)


def sqlite(folder: Path, record: bytes, count: int) -> None:
    """A row for each record, in a transaction of its own."""
    with closing(sqlite3.connect(folder / "journal.db", isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = FULL")
        store.execute("CREATE TABLE batches (number INTEGER PRIMARY KEY, content BLOB NOT NULL)")
        for number in range(count):
            store.execute("BEGIN")
            store.execute("INSERT INTO batches VALUES (?, ?)", (number, record))
            store.execute("COMMIT")


WAYS: dict[str, Callable[[Path, bytes, int], None]] = {
    "the hub's journal": segment,
    "a file that grows": growing,
    "SQLite, WAL, synchronous = FULL": sqlite,
}


def measure(way: Callable[[Path, bytes, int], None], folder: Path, size: int, count: int) -> Figures:
    """For each record."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        written, on_disk = written_bytes(), disk_bytes(Path(own))
        cpu, began = time.process_time(), time.perf_counter()
        way(Path(own), os.urandom(size), count)
        return {
            "cpu_us": (time.process_time() - cpu) * 1e6 / count,
            "wall_ms": (time.perf_counter() - began) * 1e3 / count,
            "process_kib": (written_bytes() - written) / 1024 / count,
            "disk_kib": (disk_bytes(Path(own)) - on_disk) / 1024 / count,
        }


def written_bytes() -> int:
    """By this process, as the system counts."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def disk_bytes(folder: Path) -> int:
    """By all, on the disk of this folder; 0 where the system does not say."""
    device = folder.stat().st_dev
    for line in Path("/proc/diskstats").read_text(encoding="ascii").splitlines():
        major, minor, _, *counts = line.split()
        if (int(major), int(minor)) == (os.major(device), os.minor(device)):
            return int(counts[6]) * 512
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal", description=__doc__)
    parser.add_argument("--records", type=int, default=1000, help="in each round")
    parser.add_argument("--bytes", type=int, default=130, help="of a record: a few readings have so many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk that is to be measured")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found: dict[str, list[Figures]] = {name: [] for name in WAYS}
    for _ in range(arguments.rounds):
        for name, way in WAYS.items():
            found[name].append(measure(way, arguments.folder, arguments.bytes, arguments.records))
    table = Table(title=f"A record of {arguments.bytes} bytes, on disk; medians (lowest to highest)")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for title, key, places in ROWS:
        cells = []
        for rounds in found.values():
            values = sorted(figures[key] for figures in rounds)
            cells.append(f"{median(values):.{places}f} ({values[0]:.{places}f} to {values[-1]:.{places}f})")
        table.add_row(title, *cells)
    Console(width=150).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
