"""Group commit, what can be read back, and which files the history opens."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from hub.errors import StoreError
from hub.history.duckdb.file import MIGRATIONS
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import Keeper
from hub.model import Device, Metric, MetricType, Rejection, SequenceMark, Thresholds
from tests.history.rows import DEVICE, T0, TEMPERATURE, append, count_rows, folded, stored_values
from tests.stores import empty_history

BOILER = Device(DEVICE, "boiler-1", "Boiler", {}, T0)
REJECTIONS_MAX = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


@pytest.fixture
async def history(path: Path) -> AsyncIterator[EmbeddedHistory]:
    async with EmbeddedHistory.open(empty_history(path.parent), 128, REJECTIONS_MAX) as history:
        yield history


def rejection(number: int) -> Rejection:
    return Rejection(DEVICE, T0, "type", f"refusal {number}", "mqtt", bytes([number % 256, 0, 255]))


async def failure_of(history: EmbeddedHistory, *, wanted: bool = True) -> str | None:
    """The failure the history tells; waits for the first try to fail."""
    async with asyncio.timeout(10):
        while wanted and history.failure is None:
            await asyncio.wait([history.stored], timeout=0.01)
    return history.failure


async def test_what_comes_while_a_commit_is_written_goes_into_the_next_one(history: EmbeddedHistory) -> None:
    append(history, 1.0)
    first = history.stored
    await asyncio.sleep(0)  # the turn in which the batch is handed over
    append(history, 2.0)
    append(history, 3.0)
    second = history.stored
    assert second is not first

    await second

    assert first.done()  # in order
    assert history.commits == 2
    assert history.pending == 0


async def test_all_of_one_turn_shares_a_commit(history: EmbeddedHistory) -> None:
    for value in range(100):
        append(history, float(value))
    await history.stored
    assert history.commits == 1


async def test_nothing_to_store_is_stored_already(history: EmbeddedHistory) -> None:
    assert history.stored.done()
    assert not history.batch
    await history.stored
    assert history.commits == 0


async def test_closing_commits_what_has_gathered_behind_a_commit_in_flight(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        append(history, 1.0)
        await asyncio.sleep(0)
        append(history, 2.0, start=T0 + 1000)
        stored = history.stored
    assert stored.done()
    assert not stored.cancelled()
    assert stored_values(path) == [1.0, 2.0]


async def test_room_comes_when_the_disk_has_taken_what_was_pending(history: EmbeddedHistory) -> None:
    append(history, 1.0, 2.0, 3.0)
    waiting = [asyncio.create_task(history.room(3)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert history.pending == 0


async def test_two_values_of_the_same_instant_are_both_kept(history: EmbeddedHistory) -> None:
    append(history, 21.5)
    await history.stored
    append(history, 20.5)
    found = await history.range(TEMPERATURE, T0, T0 + 1, 10)
    assert (found.tier, found.time, found.avg) == ("raw", [T0, T0], [21.5, 20.5])  # as they came
    assert found.counts is None


async def test_texts_and_truth_values_come_back_as_they_went_in(history: EmbeddedHistory) -> None:
    state = Metric(2, DEVICE, "state", MetricType.TEXT)
    door = Metric(3, DEVICE, "door_open", MetricType.BOOLEAN)
    texts = ["", "närrisch 😀", "with \x00 inside", "'; DROP TABLE readings; --"]
    batch = history.batch
    batch.metrics = {2: state, 3: door}
    for position, text in enumerate(texts):
        batch.texts.append((DEVICE, 2, T0 + position, T0 + 7, text))
    batch.add(DEVICE, T0 + 7, [3, 3], [T0, T0 + 1], [0.0, 1.0])
    await history.stored

    assert (await history.range(state, T0, T0 + 10, 10)).avg == texts
    assert (await history.range(door, T0, T0 + 10, 10)).avg == [0.0, 1.0]
    latest = {found.metric: found for found in await history.latest()}
    assert (latest[2].value, latest[2].time, latest[2].received_at) == (texts[-1], T0 + 3, T0 + 7)
    assert latest[3].value is True
    assert await history.metrics() == [state, door]


async def test_a_wide_range_comes_in_buckets_with_their_extremes(history: EmbeddedHistory) -> None:
    append(history, *(float(value) for value in range(1000)))
    found = await history.range(TEMPERATURE, T0, T0 + 1_000_000, 10)
    assert found.tier == "bucket"
    assert found.time == [T0 + 100_000 * bucket for bucket in range(10)]
    assert found.min == [100.0 * bucket for bucket in range(10)]
    assert found.max == [100.0 * bucket + 99 for bucket in range(10)]
    assert found.avg == [100.0 * bucket + 49.5 for bucket in range(10)]
    assert found.counts == [100] * 10


async def test_a_range_ends_before_its_end(history: EmbeddedHistory) -> None:
    append(history, 1.0, 2.0)
    assert (await history.range(TEMPERATURE, T0, T0 + 1000, 10)).avg == [1.0]
    assert (await history.range(TEMPERATURE, T0 + 2000, T0 + 3000, 10)).time == []


async def test_a_commit_takes_thousands_of_new_metrics_sequences_and_rejections_in_one_step(
    history: EmbeddedHistory, path: Path
) -> None:
    """Row by row the metrics alone took over a minute, and everybody else waited for them."""
    batch = history.batch
    for number in range(1, 20_001):
        unit = "°C" if number % 3 else None
        batch.metrics[number] = Metric(
            number, number, f"m {number}", MetricType.NUMBER, unit, None, number / 7
        )
        batch.sequences[number] = SequenceMark(number, 0)
        batch.rejections.append(replace(rejection(number), device=number))
    wanted = list(batch.metrics.values())
    await asyncio.wait_for(history.stored, 30)
    assert await history.metrics() == wanted
    assert len(await history.sequences()) == 20_000


async def test_the_rejections_of_many_devices_are_trimmed_for_each(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        for place in range(3_000):
            history.batch.rejections.append(replace(rejection(place), device=1 + place % 3))
            if place % 100 == 99:
                await history.stored
        for device in (1, 2, 3):
            kept = await history.rejections(replace(BOILER, number=device), 1_000)
            newest = [f"refusal {place}" for place in range(2_999, 0, -1) if 1 + place % 3 == device]
            assert [one.message for one in kept[:REJECTIONS_MAX]] == newest[:REJECTIONS_MAX]
            assert len(kept) < 500


async def test_only_the_newest_rejections_of_each_device_are_kept(history: EmbeddedHistory) -> None:
    for batch_number in range(3):
        history.batch.rejections.extend(rejection(300 * batch_number + position) for position in range(300))
        await history.stored
    kept = await history.rejections(BOILER, 1000)
    # Trimmed once in a while: the newest are there, the first ones are gone.
    assert [one.message for one in kept[:REJECTIONS_MAX]] == [f"refusal {n}" for n in range(899, 879, -1)]
    assert len(kept) < 900
    assert kept[0].raw == bytes([899 % 256, 0, 255])


async def test_a_removed_device_leaves_nothing_not_even_of_the_same_commit(
    history: EmbeddedHistory, path: Path
) -> None:
    append(history, 1.0)
    await history.stored
    append(history, 2.0)
    batch = history.batch
    batch.texts.append((DEVICE, TEMPERATURE.number, T0, T0, "text"))
    batch.sequences[DEVICE] = SequenceMark(7, 0)
    batch.rejections.append(rejection(1))
    batch.add(2, T0, [9], [T0], [3.0])
    batch.removed.add(DEVICE)
    await history.stored
    assert await history.metrics() == []
    assert await history.sequences() == {}
    assert await history.rejections(BOILER, 10) == []
    assert await history.latest() == []


async def test_sequence_numbers_are_replaced_and_survive_a_restart(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        for highest in (1, 2, 2**63 - 1):
            history.batch.sequences[DEVICE] = SequenceMark(highest, highest // 2)
            await history.stored
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        assert await history.sequences() == {DEVICE: SequenceMark(2**63 - 1, 2**62 - 1)}


async def test_a_batch_the_store_cannot_take_is_told_and_the_writer_lives_on(path: Path) -> None:
    """A value no column holds stands for any fault that is not the disk's: the batch waits, nothing is
    acknowledged.
    """
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        batch = history.batch
        batch.sequences[2**64] = SequenceMark(1, 0)
        stored = history.stored
        await failure_of(history)
        assert not stored.done()
        batch.sequences[1] = batch.sequences.pop(2**64)
        await asyncio.wait_for(stored, 10)
        assert await failure_of(history, wanted=False) is None
    assert count_rows(path, "sequences") == 1


async def test_closing_gives_up_on_a_disk_that_fails_and_acknowledges_nothing(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        history.batch.sequences[2**64] = SequenceMark(1, 0)
        stored = history.stored
        append(history, 1.0)
        await failure_of(history)
    assert stored.cancelled()
    assert stored_values(path) == []


async def test_queries_during_a_failure_answer_from_what_is_stored(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        append(history, 1.0)
        await history.stored
        history.batch.sequences[2**64] = SequenceMark(1, 0)
        await failure_of(history)
        assert (await history.range(TEMPERATURE, T0, T0 + 1, 10)).avg == [1.0]


def endless(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("SELECT sum(a.range * b.range) FROM range(10_000_000) a, range(10_000_000) b").fetchall()


async def test_work_that_takes_long_does_not_keep_the_store_from_trying_again(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        history.batch.sequences[2**40] = SequenceMark(1, 0)
        await history.stored
        working = asyncio.ensure_future(history.database.move(endless))
        with pytest.raises(StoreError, match="journal only"):
            await folded(history)
        [waiting] = history._folding.unstored
        waiting.sequences[1] = waiting.sequences.pop(2**40)
        await asyncio.wait_for(waiting.stored, 20)
        with pytest.raises(StoreError, match="Interrupted"):
            await working


# Files


async def test_an_empty_file_of_a_start_cut_short_becomes_a_history(path: Path) -> None:
    path.touch()
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        append(history, 1.0)
        await history.stored
    assert stored_values(path) == [1.0]


async def refused(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(StoreError) as error:
        async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX):
            pass
    assert path.read_bytes() == before
    assert not path.with_name(path.name + ".wal").exists()
    return str(error.value)


@pytest.mark.parametrize("content", [b"x", b"SQLite format 3\0" + bytes(4080), bytes(range(256)) * 40])
async def test_a_file_of_another_kind_is_refused_and_left_untouched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert await refused(path) == f"{path}: not a history of this hub; it was left untouched"


async def test_the_duckdb_file_of_another_program_is_refused_and_left_untouched(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE schema_version (number INTEGER)")
        other.execute("CREATE TABLE accounts (balance DOUBLE)")
    assert await refused(path) == f"{path}: not a history of this hub; it was left untouched"


async def test_a_newer_schema_is_refused_and_left_untouched(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX):
        pass
    with duckdb.connect(str(path)) as newer:
        newer.execute("INSERT INTO schema_version VALUES (99)")
    assert await refused(path) == (
        f"{path}: written by a newer version of the hub (schema 99, this one knows {len(MIGRATIONS)})"
    )


async def test_a_damaged_file_is_refused_with_its_name(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, REJECTIONS_MAX) as history:
        append(history, 1.0)
        await history.stored
    content = bytearray(path.read_bytes())
    content[4096:12288] = bytes(8192)  # both headers; the name of the format before them is left
    path.write_bytes(content)
    message = await refused(path)
    assert message.startswith(f"{path}: ")
    assert "another process" not in message


async def test_a_second_hub_on_the_same_file_is_told_so(history: EmbeddedHistory, path: Path) -> None:
    second = (
        "import asyncio, sys, pathlib\n"
        "from hub.errors import StoreError\n"
        "from hub.history.duckdb.history import EmbeddedHistory\n"
        "async def main():\n"
        "    async with EmbeddedHistory.open(pathlib.Path(sys.argv[1]), 128, 20): pass\n"
        "try: asyncio.run(main())\n"
        "except StoreError as error: print(error)\n"
    )
    found = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", second, str(path)], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == f"{path}: another process has it open; one hub owns its history file"


async def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"history\.duckdb"):
        async with EmbeddedHistory.open(tmp_path / "missing" / "history.duckdb", 128, REJECTIONS_MAX):
            pass
    with pytest.raises(StoreError, match="directory"):
        async with EmbeddedHistory.open(tmp_path, 128, REJECTIONS_MAX):
            pass


@contextmanager
def old_store(path: Path, schema: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """The store as a version of the hub made it that knew so many migrations."""
    with duckdb.connect(str(path)) as store:
        store.execute("CREATE TABLE schema_version (number INTEGER NOT NULL)")
        for number, statements in enumerate(MIGRATIONS[:schema], 1):
            store.execute(statements)
            store.execute("INSERT INTO schema_version VALUES (?)", [number])
        yield store


async def test_a_store_of_the_second_schema_is_migrated_and_its_metrics_can_be_described(path: Path) -> None:
    with old_store(path, schema=2) as old:
        old.execute("INSERT INTO metrics VALUES (1, 1, 'temperature', 'number', '°C', -5, 90)")
    known = Metric(1, 1, "temperature", MetricType.NUMBER, "°C", -5.0, 90.0)
    described = replace(known, decimals=2, thresholds=Thresholds(None, 5.0, None, 32.5))
    async with EmbeddedHistory.open(path, 128, 20) as history:
        assert await history.metrics() == [known]
        history.batch.metrics[1] = described
        await history.stored
    async with EmbeddedHistory.open(path, 128, 20) as history:
        assert await history.metrics() == [described]


async def test_what_an_earlier_version_left_of_removed_metrics_goes_and_their_numbers_are_not_given_again(
    path: Path,
) -> None:
    with old_store(path, schema=3) as old:
        old.execute("INSERT INTO metrics (number, device, name, type) VALUES (1, 1, 't', 'number')")
        for metric in (1, 7):
            old.execute(f"INSERT INTO readings VALUES (1, {metric}, now(), now(), 1.0, NULL)")
            old.execute(f"INSERT INTO sealed VALUES ({metric}, now(), 0, 1.0, NULL)")
    async with EmbeddedHistory.open(path, 128, 20) as history:
        assert await history.highest_metric() == 7
        while await Keeper(history.database, dict, lambda: T0).step():
            pass
        tables = " UNION ALL ".join(f"SELECT metric FROM {name}" for name in ("readings", "filled", "sealed"))
        assert await history.database.keep(lambda cursor: cursor.execute(tables).fetchall()) == [(1,), (1,)]


async def test_a_metrics_number_is_never_given_again(path: Path) -> None:
    async with EmbeddedHistory.open(path, 128, 20) as history:
        history.batch.metrics[5] = replace(TEMPERATURE, number=5)
        history.batch.removed.add(DEVICE)  # in the same commit
        await folded(history)
        while await Keeper(history.database, dict, lambda: T0).step():
            pass
    async with EmbeddedHistory.open(path, 128, 20) as history:
        assert await history.highest_metric() == 5
