"""What a history says while it cannot store, or its file cannot be written: once when that begins, once when
it is over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hub.history.duckdb.folding import FOLDING
from hub.history.duckdb.history import STORING, EmbeddedHistory
from tests.captured_logs import captured_logs
from tests.history.disks import full_journal, hanging_journal, refusing_file
from tests.history.rows import T0, append, folded
from tests.stores import empty_history

JOURNAL_MAX_MB = 8
PER_BATCH = 20_000
LATE_S = 1.0  # a batch is stored in less, also on a busy machine
DEADLINE_S = 30.0


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[EmbeddedHistory]:
    async with EmbeddedHistory.open(
        empty_history(tmp_path), 128, 100, LATE_S, journal_max_mb=JOURNAL_MAX_MB
    ) as history:
        append(history, 1.0)
        await folded(history)
        yield history


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_file_that_cannot_be_written_is_told_once_and_so_is_a_journal_that_it_fills(
    history: EmbeddedHistory,
) -> None:
    syncs = history.syncs
    with captured_logs() as said:
        with refusing_file(history):
            append(history, 2.0)
            await history.stored
            assert not await history._fresh()
            behind, before = history.behind, history.journal
            failures = [history.failure]  # it is acknowledged, and stays so
            while history.failure is None:
                append(history, *range(PER_BATCH), start=T0 + 1_000_000)
                stored = history.stored
                while not stored.done() and history.failure is None:
                    await asyncio.wait([stored], timeout=0.01)
            failures.append(history.failure)
            after = history.journal
            append(history, 3.0)
            await until(lambda: history.is_late)  # that is not told beside
        await until(lambda: history.behind is None and history.failure is None)
        await folded(history)
    events = [(line["level"], line["event"]) for line in said]
    assert events == [
        ("error", FOLDING.fails),
        ("error", "the journal is full; nothing is acknowledged until the history has taken some of it over"),
        ("info", FOLDING.works),
        ("info", "the journal has room again"),
    ]
    assert behind
    assert said[0]["why"] == said[1]["why"] == said[2]["after"] == behind
    assert failures == [None, f"the journal is full (limits.journal_max_mb): {behind}"]
    assert before.bytes < after.bytes_max == before.bytes_max == JOURNAL_MAX_MB * 1_048_576 <= after.bytes
    assert history.journal.bytes < before.bytes_max
    assert history.syncs >= syncs + 2 + after.bytes // (20 * PER_BATCH)


@pytest.mark.parametrize(
    ("trouble", "begins"), [(full_journal, STORING.fails), (hanging_journal, STORING.is_late)]
)
async def test_a_disk_that_takes_nothing_is_told_once(
    history: EmbeddedHistory, trouble: Callable[[EmbeddedHistory], AbstractContextManager[None]], begins: str
) -> None:
    with captured_logs() as said:
        with trouble(history):
            append(history, 2.0)
            await until(lambda: history.failure)
            append(history, 3.0)
            await until(lambda: history.is_late)
        await history.stored
    assert [(line["level"], line["event"]) for line in said] == [("error", begins), ("info", STORING.works)]
