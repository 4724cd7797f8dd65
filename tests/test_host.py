"""What the system says of the process and its disks, and how much that makes a day."""

import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hub.host import DAY_S, WINDOW_S, HostFigures, WrittenPerDay, sync_time_s, written_bytes

RATE = 8_192.0  # bytes a second


def shown(until_s: float, rates: list[tuple[float, float]], every_s: float = 2.0) -> float | None:
    """Per day, after so long with these rates: (from when on, bytes a second)."""
    per_day, found, written, at_s = WrittenPerDay(), None, 5_000_000.0, 0.0
    while at_s <= until_s:
        found = per_day.add(at_s, round(written))
        written += every_s * [rate for begin_s, rate in rates if begin_s <= at_s][-1]
        at_s += every_s
    return found


def test_nothing_is_said_of_a_day_before_a_minute_is_over() -> None:
    assert shown(58, [(0, RATE)]) is None
    assert shown(60, [(0, RATE)]) == pytest.approx(RATE * DAY_S)


@pytest.mark.parametrize("until_s", [60.0, 600.0, 3_600.0, 7_200.0, 30_000.0])
@pytest.mark.parametrize("every_s", [0.5, 2.0, 60.0])
def test_a_steady_rate_is_shown_as_it_is_at_any_time(until_s: float, every_s: float) -> None:
    assert shown(until_s, [(0, RATE)], every_s) == pytest.approx(RATE * DAY_S, rel=1e-6)


def test_what_is_written_once_an_hour_counts_as_what_it_is_a_day() -> None:
    seldom: list[tuple[float, float]] = [
        (hour * 3_600 + offset, rate)
        for hour in range(4)
        for offset, rate in ((0, 0), (1_800, 1e6), (1_810, 0))
    ]
    for until_s in (3_700, 5_000, 7_100, 9_000, 12_000):
        assert shown(until_s, seldom) == pytest.approx(24 * 10 * 1e6, rel=0.02)


def test_what_is_over_for_an_hour_is_forgotten() -> None:
    assert shown(2 * WINDOW_S + 200, [(0, RATE), (WINDOW_S, 0)]) == 0


def test_what_a_process_writes_is_counted_where_the_system_tells_it(tmp_path: Path) -> None:
    process = psutil.Process()
    before = written_bytes(process)
    with (tmp_path / "file").open("wb") as file:
        file.write(bytes(1_000_000))
        file.flush()
        os.fsync(file.fileno())
    after = written_bytes(process)
    assert (before is None) == (after is None)
    # 0 where the folder for temporary files is in memory.
    assert before is None or after is None or after - before == 0 or after - before >= 1_000_000


def refuse() -> None:
    raise psutil.AccessDenied


@pytest.mark.parametrize("process", [SimpleNamespace(), SimpleNamespace(io_counters=refuse)])
def test_a_system_that_tells_nothing_of_what_is_written_is_no_fault(process: object) -> None:
    assert written_bytes(process) is None


def test_the_stores_are_as_large_as_their_files_and_those_of_the_journal(tmp_path: Path) -> None:
    data, journal = tmp_path / "data", tmp_path / "journal"
    for folder in (data, journal):
        folder.mkdir()
    figures = HostFigures(data, journal).figures
    assert figures()["store_mib"] == 0
    for number, name in enumerate(("history.duckdb", "history.duckdb.wal", "registry.db", "registry.db-wal")):
        (data / name).write_bytes(bytes(1_048_576 << number))
    assert figures()["store_mib"] == 15
    (journal / "00000000000000000001.journal").write_bytes(bytes(16 * 1_048_576))
    (journal / "other").write_bytes(bytes(1_048_576))
    assert figures()["store_mib"] == 31


def test_how_long_a_sync_takes_is_measured_and_leaves_nothing(tmp_path: Path) -> None:
    assert sync_time_s(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        sync_time_s(tmp_path / "missing")
