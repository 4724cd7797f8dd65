"""What is said to be stored is on disk: after kill -9, and through a disk that is full for a while."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from hub.history.duckdb.history import History
from hub.history.duckdb.ranges import MINUTE_US, rollup_of
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


async def line_of(process: Process) -> list[str]:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode().split(maxsplit=4)


@pytest.mark.parametrize("commits", [1, 7, 40])
async def test_all_that_was_stored_is_there_after_kill_9(tmp_path: Path, commits: int) -> None:
    path = tmp_path / "history.duckdb"
    process = await start_appender(str(path))
    stored = 0
    for _ in range(commits):
        stored = int((await line_of(process))[1])
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert process.stdout is not None
    for line in (await process.stdout.read()).decode().splitlines():
        stored = int(line.split()[1])

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

    async with History.open(path, 256, 100) as history:
        page = await history.raw(TEMPERATURE, T0, 2**53, None, 1_000_000)
        rollup = await history.keep(
            lambda cursor: rollup_of(cursor, TEMPERATURE, [], T0, 2**53, "minutes", MINUTE_US)
        )
    assert page.value == list(range(len(page.value)))
    assert len(page.value) >= stored >= 500 * commits
    assert sum(rollup.counts) == len(page.value)
    assert sum(rollup.sum) == sum(range(len(page.value)))


@pytest.mark.parametrize(
    ("size_max", "per_batch", "when"),
    [
        pytest.param(300_000, 500, "Failed to commit", id="before the commit is done"),
        pytest.param(0, 20_000, "Failed to create checkpoint", id="while the commit rewrites the file"),
        pytest.param(0, 1_000, "COMMIT succeeded and is durable", id="after the commit is done"),
    ],
)
async def test_a_full_disk_stops_acknowledging_and_then_stores_everything_once(
    tmp_path: Path, size_max: int, per_batch: int, when: str
) -> None:
    path = tmp_path / "history.duckdb"
    process = await start_appender(str(path), str(size_max), str(per_batch))
    word, appended, acknowledged, pending, why = await line_of(process)
    assert (word, acknowledged, pending) == ("failed", "False", str(per_batch))
    assert when in why

    assert process.stdin is not None
    process.stdin.write(b"there is room again\n")
    word, stored, pending, why = await line_of(process)
    assert (word, pending, why.strip()) == ("stored", "0", "None")
    assert int(stored) == int(appended) + 5
    assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0

    assert [value for value in stored_values(path) if value >= 0] == list(range(int(stored)))
    assert count_rows(path, "metrics") == 1
