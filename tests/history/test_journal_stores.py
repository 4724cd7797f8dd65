"""What waits in a journal belongs to one history: through upgrade, backup, restore, and on another disk."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.compose import _open_history
from hub.config import Config, StoreConfig
from hub.errors import StoreError
from hub.history.batch import Batch, Retyped
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.state import looked_at
from hub.history.journal.reading import segments
from hub.model import Metric, MetricType
from tests.history.disks import refusing_file
from tests.history.journals import MIB, batch_of, opened
from tests.history.rows import DEVICE, T0, TEMPERATURE, append, folded, stored_values
from tests.history.test_history import old_store
from tests.hub_process import make_store

ROOT = Path(__file__).parents[2]
ALL_TIMES = (0, 2**53)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


@asynccontextmanager
async def history_at(path: Path) -> AsyncIterator[EmbeddedHistory]:
    async with EmbeddedHistory.open(path, 128, 100) as history:
        yield history


async def values_at(path: Path) -> list[float]:
    """Once a hub has started there, and has been stopped."""
    async with history_at(path):
        assert segments(path.with_name("journal")) == []
    return stored_values(path)


def leave_waiting(path: Path, *fill: Callable[[Batch], None]) -> None:
    """In the journal of this history, as a hub leaves it that is killed before it folds."""
    with looked_at(path) as state:
        pass
    with opened(path.with_name("journal"), state.identity, 64 * MIB) as journal:
        for number, work in enumerate(fill, state.batches + 1):
            batch = batch_of(number)
            work(batch)
            journal.append(batch)


def temperatures(*values: float, start: int = T0) -> Callable[[Batch], None]:
    def work(batch: Batch) -> None:
        batch.metrics[TEMPERATURE.number] = TEMPERATURE
        times = [start + 1000 * position for position in range(len(values))]
        batch.add(DEVICE, T0, [TEMPERATURE.number] * len(values), times, list(values))
        batch.readings += len(values)

    return work


async def test_a_store_from_before_there_was_a_journal_goes_on_with_one(path: Path) -> None:
    with old_store(path, schema=6) as old:
        old.execute("INSERT INTO metrics (number, device, name, type) VALUES (1, 1, 'temperature', 'number')")
        old.execute("INSERT INTO readings VALUES (1, 1, make_timestamp(?), now(), 1.5, NULL)", [T0])
        old.execute("UPDATE commits SET number = 41")
    with pytest.raises(StoreError, match="`hub serve` upgrades it"), looked_at(path):
        pass
    assert await values_at(path) == [1.5]
    leave_waiting(path, temperatures(2.5, start=T0 + 1))
    assert int(segments(path.with_name("journal"))[0].stem) == 42
    assert await values_at(path) == [1.5, 2.5]


async def test_two_histories_are_never_the_same(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        path = tmp_path / f"{name}.duckdb"
        async with EmbeddedHistory.open(path, 128, 100, journal=tmp_path / name):
            pass
        with looked_at(path) as state:
            found.append(state.identity)
    assert found[0] != found[1]


async def test_a_copy_has_what_waits_in_the_journal_and_is_a_history_of_its_own(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / "history.duckdb"
    copy.parent.mkdir()
    async with history_at(path) as history:
        append(history, 1.0, 2.0)
        await history.stored
        assert history._folding.pending == 2  # it is in the journal only
        assert (await history.copy(copy)).values == 2
    with looked_at(path) as state, looked_at(copy) as other:
        assert other.batches == state.batches
        assert other.identity != state.identity
    assert await values_at(copy) == [1.0, 2.0]


async def test_a_copy_that_would_lack_something_is_not_made(path: Path, tmp_path: Path) -> None:
    async with history_at(path) as history:
        append(history, 1.0)
        await folded(history)
        with refusing_file(history):
            append(history, 2.0)
            await history.stored
            with pytest.raises(StoreError, match="what was accepted last is in the journal only"):
                await history.copy(tmp_path / "copy.duckdb")
        assert not (tmp_path / "copy.duckdb").exists()


async def test_a_copy_beside_an_old_journal_is_refused_until_that_is_moved_away(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.duckdb"
    async with history_at(path) as history:
        append(history, 1.0)
        await history.copy(copy)
    leave_waiting(path, temperatures(2.0))
    copy.replace(path)
    path.with_name("history.duckdb.wal").unlink(missing_ok=True)
    journal = path.with_name("journal")
    before = [one.read_bytes() for one in segments(journal)]
    for _ in range(2):
        with pytest.raises(StoreError, match=rf"belongs to another history.*move {journal} away"):
            await values_at(path)
    assert [one.read_bytes() for one in segments(journal)] == before
    journal.rename(tmp_path / "old journal")
    assert await values_at(path) == [1.0]


def test_a_journal_on_another_disk_is_where_the_configuration_says(tmp_path: Path) -> None:
    store = make_store(tmp_path / "data")
    elsewhere = tmp_path / "elsewhere"
    config = Config(store=StoreConfig(path=str(store), journal_path=str(elsewhere)))

    async def use() -> list[int]:
        async with _open_history(config) as history:
            history.batch.removed.add(1)
            await history.stored
            return [len(segments(elsewhere)), len(segments(store / "journal"))]

    assert asyncio.run(use()) == [1, 0]
    assert segments(elsewhere) == []  # a hub that stops leaves nothing waiting


async def test_a_removal_that_is_in_the_journal_only_is_done(path: Path) -> None:
    async with history_at(path) as history:
        append(history, 1.0, 2.0)
    leave_waiting(path, temperatures(3.0, start=T0 + 9), lambda batch: batch.removed.add(DEVICE))
    async with history_at(path) as history:
        assert await history.metrics() == []
        assert await history.highest_metric() == TEMPERATURE.number  # it is not given again
    assert stored_values(path) == []


async def test_a_metric_removed_in_the_journal_only_is_gone(path: Path) -> None:
    async with history_at(path) as history:
        append(history, 1.0, 2.0)
    leave_waiting(path, lambda batch: batch.removed_metrics.add(TEMPERATURE.number))
    async with history_at(path) as history:
        assert await history.metrics() == []


async def test_a_type_changed_twice_in_the_journal_only_is_changed(path: Path) -> None:
    number = TEMPERATURE.type
    text = Metric(2, DEVICE, "temperature", MetricType.TEXT)
    again = Metric(3, DEVICE, "temperature", number)

    def to_text(batch: Batch) -> None:
        batch.retyped.append(Retyped(TEMPERATURE.number, number, text.number, MetricType.TEXT))
        batch.metrics[text.number] = text
        batch.texts.append((DEVICE, text.number, T0 + 10_000, T0, "2.5"))
        batch.readings += 1

    def and_back(batch: Batch) -> None:
        batch.retyped.append(Retyped(text.number, MetricType.TEXT, again.number, number))
        batch.metrics[again.number] = again
        batch.add(DEVICE, T0, [again.number], [T0 + 20_000], [3.5])
        batch.readings += 1

    async with history_at(path) as history:
        append(history, 1.5)
    leave_waiting(path, to_text, and_back)
    async with history_at(path) as history:
        keeper = history.keeper(dict, lambda: T0)
        while await keeper.step():
            pass
        assert await history.metrics() == [again]
        assert (await history.raw(again, *ALL_TIMES, None, 10)).value == [1.5, 2.5, 3.5]


async def test_what_is_brought_in_at_a_start_comes_in_pieces(path: Path) -> None:
    async with history_at(path):
        pass
    many = [float(value) for value in range(200_000)]
    leave_waiting(path, *(temperatures(*many, start=T0 + 1000 * number * len(many)) for number in range(4)))
    assert await values_at(path) == many * 4


def test_a_start_without_room_for_the_history_leaves_the_journal_for_the_next(path: Path) -> None:
    """In a process of its own: no file may grow there at all."""
    script = (
        "import asyncio, resource, sys\n"
        "from pathlib import Path\n"
        "from hub.errors import StoreError\n"
        "from hub.history.duckdb.history import EmbeddedHistory\n"
        "async def start():\n"
        "    async with EmbeddedHistory.open(Path(sys.argv[1]), 128, 100): pass\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try: asyncio.run(start())\n"
        "except StoreError as error: sys.stderr.write(str(error))\n"
    )
    asyncio.run(values_at(path))
    leave_waiting(path, temperatures(1.0, 2.0))
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "what waits in the journal cannot be brought into the history" in done.stderr
    assert "File too large" in done.stderr
    assert "it stays where it is" in done.stderr
    assert asyncio.run(values_at(path)) == [1.0, 2.0]
