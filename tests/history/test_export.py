"""Values on their way out: every one once, in order, whatever the keeper does meanwhile."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pytest

from hub.history.contract import Format, Series
from hub.history.duckdb import export
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.model import Metric, MetricType
from tests.history.rows import T0
from tests.stores import empty_history

DEVICE = 1
NUMBER = Metric(1, DEVICE, "temperature", MetricType.NUMBER)
TEXT = Metric(2, DEVICE, "note", MetricType.TEXT)
TRUTH = Metric(3, DEVICE, "open", MetricType.BOOLEAN)
SERIES = [Series(metric.number, "boiler-1", metric.name, metric.type) for metric in (NUMBER, TEXT, TRUTH)]
NOTES = ["plain", 'with "quotes", and commas', "two\nlines", "", "ä€🙂", "\t\\n"]
END = T0 + 10**12


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[EmbeddedHistory]:
    async with EmbeddedHistory.open(empty_history(tmp_path), 256, 100) as opened:
        yield opened


async def store(history: EmbeddedHistory, values: list[float], start: int = T0, step: int = 1000) -> None:
    batch = history.batch
    batch.metrics[NUMBER.number] = NUMBER
    batch.add(DEVICE, T0, [1] * len(values), [start + step * place for place in range(len(values))], values)
    await history.stored


async def store_all_types(history: EmbeddedHistory) -> None:
    batch = history.batch
    for metric in (NUMBER, TEXT, TRUTH):
        batch.metrics[metric.number] = metric
    # The last two are of the same instant, the larger one first.
    numbers = [0.1 + 0.2, -1e-7, 1e20, 20.0, 3.0, 2.0]
    times = [T0, T0 + 1, T0 + 2, T0 + 3, T0 + 4, T0 + 4]
    batch.add(DEVICE, T0 + 10_500_000, [1] * 6, times, numbers)
    batch.add(DEVICE, T0 + 10_500_000, [3, 3], [T0, T0 + 1], [1.0, 0.0])
    for place, note in enumerate(NOTES):
        batch.texts.append((DEVICE, TEXT.number, T0 + place, T0 + 10_500_000, note))
    await history.stored


async def exported(history: EmbeddedHistory, written: Format, end: int = END) -> bytes:
    found = await history.held(SERIES, 0, end)
    return b"".join([page async for page in history.pages(found, written)])


def keeper(history: EmbeddedHistory) -> Keeper:
    return Keeper(history.database, dict, lambda: T0, Bounds(fill_rows=1, piece_rows=1))


async def test_csv_holds_every_type_exactly(history: EmbeddedHistory) -> None:
    await store_all_types(history)
    rows = list(csv.DictReader(io.StringIO((await exported(history, Format.CSV)).decode(), newline="")))
    of = {
        name: [row["value"] for row in rows if row["metric"] == name]
        for name in ("temperature", "note", "open")
    }
    assert [float(text) for text in of["temperature"]] == [0.1 + 0.2, -1e-7, 1e20, 20.0, 3.0, 2.0]
    assert of["note"] == NOTES
    assert of["open"] == ["true", "false"]
    assert rows[0] == {
        "device": "boiler-1",
        "metric": "temperature",
        "type": "number",
        "time": "2026-11-20T10:21:34.504000Z",
        "value": "0.30000000000000004",
        "received_at": "2026-11-20T10:21:45.004000Z",
    }


async def test_ndjson_holds_every_type_exactly(history: EmbeddedHistory) -> None:
    await store_all_types(history)
    rows = [json.loads(line) for line in (await exported(history, Format.NDJSON)).splitlines()]
    assert [row["value"] for row in rows if row["metric"] == "note"] == NOTES
    assert [row["value"] for row in rows if row["metric"] == "open"] == [True, False]
    assert [row["value"] for row in rows if row["metric"] == "temperature"][:2] == [0.1 + 0.2, -1e-7]


async def test_parquet_holds_every_type_exactly(history: EmbeddedHistory, tmp_path: Path) -> None:
    await store_all_types(history)
    found = await history.held(SERIES, 0, END)
    await history.write_parquet(found, tmp_path / "it's.parquet")
    table = duckdb.read_parquet(str(tmp_path / "it's.parquet"))
    rows = table.project("metric, type, epoch_us(time), value, text, epoch_us(received_at)").fetchall()
    assert [row[4] for row in rows if row[0] == "note"] == NOTES
    assert [row[3] for row in rows if row[0] == "temperature"] == [0.1 + 0.2, -1e-7, 1e20, 20.0, 3.0, 2.0]
    assert [row[1:4] for row in rows if row[0] == "open"] == [("boolean", T0, 1.0), ("boolean", T0 + 1, 0.0)]
    assert rows[0][5] == T0 + 10_500_000


async def test_an_export_of_nothing_has_its_columns(history: EmbeddedHistory, tmp_path: Path) -> None:
    assert await exported(history, Format.CSV) == b"device,metric,type,time,value,received_at\n"
    assert await exported(history, Format.NDJSON) == b""
    await history.write_parquet([], tmp_path / "none.parquet")
    found = duckdb.read_parquet(str(tmp_path / "none.parquet"))
    assert (found.columns[:4], len(found)) == (["device", "metric", "type", "time"], 0)


async def test_the_range_ends_before_its_end(history: EmbeddedHistory) -> None:
    await store(history, [1.0, 2.0, 3.0])
    assert (await exported(history, Format.NDJSON, T0 + 2000)).count(b"\n") == 2


async def test_sealing_changes_nothing_of_what_is_exported(history: EmbeddedHistory) -> None:
    await store_all_types(history)
    before = await exported(history, Format.CSV)
    while await keeper(history).step():
        pass
    await store(history, [9.0], T0 + 4)  # one more of an instant that has values already
    lines = (await exported(history, Format.CSV)).decode().splitlines()
    late = [line for line in lines if line not in before.decode().splitlines()]
    assert len(late) == 1
    assert lines.index(late[0]) == 7  # behind those that came before it
    lines.remove(late[0])
    assert lines == before.decode().splitlines()


@pytest.mark.parametrize("step", [1000, 1, 0], ids=["spread", "dense", "all of one instant"])
async def test_a_long_metric_comes_in_pages_each_value_once(history: EmbeddedHistory, step: int) -> None:
    count = 3 * export.PAGE_ROWS + 17
    await store(history, [float(value) for value in range(count)], step=step)
    found = await history.held(SERIES, 0, END)
    assert [(one.series.number, one.rows) for one in found] == [(1, count)]
    pages = [page async for page in history.pages(found, Format.NDJSON)]
    if step:
        assert len(pages) >= 4
        assert max(page.count(b"\n") for page in pages) <= export.PAGE_ROWS
    values = [json.loads(line)["value"] for page in pages for line in page.splitlines()]
    assert values == [float(value) for value in range(count)]


async def test_what_is_sealed_while_the_export_runs_comes_once(history: EmbeddedHistory) -> None:
    count = 2 * export.PAGE_ROWS + 5
    await store(history, [float(value) for value in range(count)])
    found = await history.held(SERIES, 0, END)
    lines = b""
    async for page in history.pages(found, Format.NDJSON):
        lines += page
        await keeper(history).step()
    assert [json.loads(line)["value"] for line in lines.splitlines()] == list(range(count))
