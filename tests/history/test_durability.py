"""What is said to be stored is on disk: after kill -9, and through a disk that is full for a while."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.ranges import MINUTE_US
from tests.history.rollups import rollup_of
from tests.history.rows import T0, TEMPERATURE, count_rows, stored_values

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120.0


async def start_appender(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.history.appender",
        *arguments,
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ},
    )


async def line_of(process: Process, words: int = 2) -> list[str]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
    return line.decode().split(maxsplit=words - 1)


@pytest.mark.parametrize("how", ["store", "fold"])
@pytest.mark.parametrize("commits", [1, 7, 40])
async def test_all_that_was_stored_is_there_after_kill_9(tmp_path: Path, commits: int, how: str) -> None:
    path = tmp_path / "history.duckdb"
    process = await start_appender(str(path), how)
    stored = 0
    for _ in range(commits):
        stored = int((await line_of(process))[1])
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert process.stdout is not None
    for line in (await process.stdout.read()).decode().splitlines():
        stored = int(line.split()[1])

    async with EmbeddedHistory.open(path, 256, 100) as history:
        assert not history.unstored
    values = stored_values(path)

    assert values == list(range(len(values)))
    assert len(values) >= stored >= 500 * commits
    assert len(values) % 500 == 0  # a batch is whole or not there


@pytest.mark.parametrize("commits", [3, 10, 25, 60])
async def test_what_is_being_sealed_when_the_hub_is_killed_is_there_and_counted_once(
    tmp_path: Path, commits: int
) -> None:
    path = tmp_path / "history.duckdb"
    stored = 0
    process = await start_appender(str(path), "keep")
    for _ in range(commits):
        stored = int((await line_of(process))[1])
    process.send_signal(signal.SIGKILL)
    await process.wait()

    async with EmbeddedHistory.open(path, 256, 100) as history:
        page = await history.raw(TEMPERATURE, T0, 2**53, None, 1_000_000)
        rollup = await history.database.keep(
            lambda cursor: rollup_of(cursor, TEMPERATURE, [], T0, 2**53, "minutes", MINUTE_US)
        )
    assert page.value == list(range(len(page.value)))
    assert len(page.value) >= stored >= 500 * commits
    assert sum(rollup.counts) == len(page.value)
    assert sum(rollup.sum) == sum(range(len(page.value)))


async def test_a_full_disk_stops_acknowledging_and_then_stores_everything_once(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    why = await through_full_disk(path, "full-journal")
    assert "File too large" in why


# Small folds fail after their commit is done, when DuckDB's log goes into the file; large ones before.
@pytest.mark.parametrize("per_batch", [1_000, 20_000])
async def test_a_history_that_cannot_be_written_is_waited_for_as_long_as_the_journal_has_room(
    tmp_path: Path, per_batch: int
) -> None:
    path = tmp_path / "history.duckdb"
    why = await through_full_disk(path, "full-file", per_batch)
    assert "the journal is full (limits.journal_max_mb): " in why
    assert "File too large" in why


async def through_full_disk(path: Path, how: str, per_batch: int = 500) -> str:
    """What the history says while the disk is full; then there is room, and all is stored once."""
    process = await start_appender(str(path), how, str(per_batch))
    appended, acknowledged, pending, why = await line_of(process, 4)
    assert int(appended) - int(acknowledged) == int(pending) in (0, per_batch)

    assert process.stdin is not None
    process.stdin.write(b"there is room again\n")
    stored, pending, failure, behind = await line_of(process, 4)
    assert (pending, failure, behind.strip()) == ("0", "None", "None")
    assert int(stored) == int(appended) + 5
    assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0

    assert [value for value in stored_values(path) if value >= 0] == list(range(int(stored)))
    assert count_rows(path, "metrics") == 1
    return why
