"""`python -m benchmarks.history`: a store of 100 million values, and what it costs to keep, to ask and to
start.

The store is filled as the hub fills it: a table of arrivals, made inside DuckDB, is sealed piece by piece
with its minutes and hours. Prints a table; --json FILE writes the figures.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub.clock import HubClock
from hub.config import LimitsConfig, LiveConfig, ReadingsConfig
from hub.feed import Feed
from hub.fleet.presence import Roster
from hub.history.duckdb import compaction, sealing
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import Keeper
from hub.history.duckdb.ranges import HOUR_US
from hub.intake.accept import Ingest
from hub.model import Device, Metric, MetricType, Reading

SECOND_US = 1_000_000
DAY_US = 24 * HOUR_US
END = 1_795_132_800 * SECOND_US  # when the last value was measured
MEMORY_MB = 512
ASKED = 30  # times each question is asked, of different series
DEVICES, CHUNK = 50, 100  # new ones that send beside the others, and their readings at a time
TURNS = 6
SIZE_VALUES, SIZE_SERIES = 10_000_000, 1000  # of the stores made for their size

# What a sensor says: slow, with a digit behind the point, and sent within a few milliseconds.
REGULAR = "round(20 + 5 * sin(s + i / 3600.0) + random() * 0.2, 1)"
RANDOM = "random()"


def metric(number: int) -> Metric:
    return Metric(number, number, "value", MetricType.NUMBER)


def fill(
    cursor: duckdb.DuckDBPyConnection, series: int, first: int, last: int, start: int, value: str
) -> None:
    """The arrivals of seconds `first` up to `last` of every series, all series mixed, as the writer would
    leave them.
    """
    cursor.execute(
        f"""INSERT INTO filled
            SELECT s, s, make_timestamp({start} + i * {SECOND_US} + s % 1000 * 1000),
                   make_timestamp({start} + i * {SECOND_US} + s % 1000 * 1000 + 500
                        + (random() * 4000)::BIGINT),
                   {value}, NULL
            FROM range({first}, {last}) seconds(i), range(1, {series} + 1) all_series(s)"""
    )


def seal_all(cursor: duckdb.DuckDBPyConnection) -> None:
    for piece in sealing.pieces(cursor):
        sealing.seal(cursor, piece)
    sealing.clear(cursor)


async def build(
    history: EmbeddedHistory, values: int, series: int, value: str, done: Callable[[int], None]
) -> float:
    """Fill and seal; seconds spent sealing."""
    seconds = values // series
    start = END - seconds * SECOND_US
    at_once = max(1, sealing.FILL_ROWS // series)
    history.batch.metrics.update({number: metric(number) for number in range(1, series + 1)})
    await history.stored
    spent = 0.0
    for first in range(0, seconds, at_once):
        last = min(seconds, first + at_once)
        await history.database.keep(
            partial(fill, series=series, first=first, last=last, start=start, value=value)
        )
        started = time.perf_counter()
        await history.database.keep(seal_all)
        spent += time.perf_counter() - started
        done((last - first) * series)
    return spent


async def bytes_a_value(figures: dict[str, float], folder: Path, name: str, value: str) -> None:
    """Of the readings, and of all that is used of the file, minutes and hours too; what is free there is used
    again.
    """
    path = folder / "size.duckdb"
    async with EmbeddedHistory.open(path, MEMORY_MB, 100) as history:
        await build(history, SIZE_VALUES, SIZE_SERIES, value, lambda _: None)
        await history.database.keep(put_together)
        used = await history.database.keep(used_bytes)
        readings = await history.database.keep(sealed_bytes)
    path.unlink()
    figures[f"bytes_a_value_{name}"] = readings / SIZE_VALUES
    figures[f"bytes_a_value_{name}_with_minutes_and_hours"] = used / SIZE_VALUES


def sealed_bytes(cursor: duckdb.DuckDBPyConnection) -> int:
    [(size, blocks)] = cursor.execute(
        """SELECT (SELECT block_size FROM pragma_database_size()), count(DISTINCT block_id)
           FROM pragma_storage_info('sealed') WHERE persistent AND block_id >= 0"""
    ).fetchall()
    return int(size * blocks)


def put_together(cursor: duckdb.DuckDBPyConnection) -> None:
    """What the keeper does when days and months are over."""
    for tier in compaction.TIERS:
        while (start := compaction.due(cursor, tier, END + 2 * compaction.HOURS.period)) is not None:
            for piece in compaction.pieces(cursor, tier, start):
                compaction.compact(cursor, tier, start, piece)
            compaction.finish(cursor, tier, start)


def used_bytes(cursor: duckdb.DuckDBPyConnection) -> int:
    cursor.execute("CHECKPOINT")
    [(size, used)] = cursor.execute("SELECT block_size, used_blocks FROM pragma_database_size()").fetchall()
    return int(size * used)


async def ask(
    figures: dict[str, float], name: str, series: int, question: Callable[[Metric], Awaitable[object]]
) -> None:
    """The median and the worst of some questions, ms."""
    spent = []
    for number in range(ASKED):
        started = time.perf_counter()
        await question(metric(1 + number * 7919 % series))
        spent.append((time.perf_counter() - started) * 1000)
    figures[f"{name}_ms"] = median(spent)
    figures[f"{name}_worst_ms"] = max(spent)


async def ask_all(history: EmbeddedHistory, figures: dict[str, float], series: int, values: int) -> None:
    span = values // series * SECOND_US
    await ask(figures, "raw_hour", series, lambda m: history.raw(m, END - HOUR_US, END, None, 10_000))
    for name, wide in (("day", DAY_US), ("week", 7 * DAY_US), ("all", span)):
        await ask(figures, name, series, partial(history.range, start=END - wide, end=END, points=1000))


async def page_through(history: EmbeddedHistory, series: int, stop: asyncio.Event) -> None:
    """A dashboard that looks back: the next of six metrics' last hours and days, four times a second."""
    number = 0
    while not stop.is_set():
        some = [metric(1 + (number + k) % series) for k in range(6)]
        width = (HOUR_US, DAY_US)[number // 6 % 2]
        await history.ranges(some, END - width, END, 1000)
        number += 6
        await asyncio.sleep(0.25)


def open_intake(history: EmbeddedHistory, devices: Sequence[Device]) -> Ingest:
    feed = Feed(LiveConfig(), "benchmark", time.monotonic)
    roster = Roster(feed, now_us, 32, 20_000)
    ingest = Ingest(
        history, feed, roster.heard, LimitsConfig(), ReadingsConfig(), HubClock(now_us, time.monotonic)
    )
    for device in devices:
        ingest.open(device)
        roster.add(device)
    return ingest


def now_us() -> int:
    return time.time_ns() // 1000


async def take_in(
    history: EmbeddedHistory, ingest: Ingest, devices: Sequence[Device], seconds: float
) -> float:
    """Readings/s stored, as many as the hub's way in takes."""
    chunk = [Reading(None, {"temperature": 20.5 + n / 10, "humidity": 40.0 + n}) for n in range(CHUNK)]
    started, before = time.perf_counter(), ingest.counts.readings
    while time.perf_counter() - started < seconds:
        for device in devices:
            ingest.accept(device, chunk, "mqtt")
            await asyncio.sleep(0)
        if ingest.full:
            await ingest.room()
    await history.stored
    return (ingest.counts.readings - before) / (time.perf_counter() - started)


async def ingest_both_ways(
    history: EmbeddedHistory, figures: dict[str, float], series: int, seconds: float
) -> None:
    """Alone and beside a dashboard in turns, so that whatever else the machine does weighs on both."""
    devices = [Device(10_000_000 + n, f"new-{n}", f"new-{n}", {}, END) for n in range(DEVICES)]
    ingest = open_intake(history, devices)
    keeper = Keeper(history.database, dict, now_us)
    alone, beside = [], []
    async with asyncio.TaskGroup() as hub:
        keeping = hub.create_task(keeper.run())
        for _ in range(TURNS):
            alone.append(await take_in(history, ingest, devices, seconds / TURNS))
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(page_through(history, series, stop))
                beside.append(await take_in(history, ingest, devices, seconds / TURNS))
                stop.set()
        keeping.cancel()
    figures["ingest_readings_per_s"] = median(alone)
    figures["ingest_beside_a_dashboard_per_s"] = median(beside)
    figures["ingest_ratio"] = median(beside) / median(alone)


async def until_visible(figures: dict[str, float], history: EmbeddedHistory) -> None:
    """From the intake of a reading to the answer that has it, ms: a question sees what is not on the disk
    yet, too.
    """
    device = Device(20_000_000, "visible", "visible", {}, END)
    ingest = open_intake(history, [device])
    spent = []
    for number in range(ASKED):
        at = now_us()
        started = time.perf_counter()
        ingest.accept(device, [Reading(at, {"n": float(number)})], "mqtt")
        found = await history.raw(ingest.metrics(device)["n"], at, at + 1, None, 10)
        assert found.value == [float(number)], found
        spent.append((time.perf_counter() - started) * 1000)
    figures["insert_to_visible_ms"] = median(spent)
    figures["insert_to_visible_worst_ms"] = max(spent)


def hub_start_s(folder: Path) -> float:
    """From the command to its word that it is ready, on the store in `folder`."""
    settings = {"HUB__STORE__PATH": str(folder), "HUB__HTTP__PORT": "0", "HUB__MQTT__PORT": "0"}
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "hub", "serve"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as hub:
        ready = hub.stdout is not None and any(line.startswith("Ready") for line in hub.stdout)
        spent = time.perf_counter() - started
        hub.terminate()
    if not ready:
        raise SystemExit("the hub did not start on the store that was built")
    return spent


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    figures: dict[str, float] = {"values": options.values, "series": options.series}
    path = folder / "history.duckdb"
    await bytes_a_value(figures, folder, "random", RANDOM)
    await bytes_a_value(figures, folder, "regular", REGULAR)
    async with EmbeddedHistory.open(path, MEMORY_MB, 100) as history:
        with Progress() as progress:
            task = progress.add_task(f"{options.values:,} values", total=options.values)
            spent = await build(
                history, options.values, options.series, REGULAR, lambda count: progress.advance(task, count)
            )
        figures["sealed_values_per_s"] = options.values / spent
    figures["file_mb"] = path.stat().st_size / 1e6
    started = time.perf_counter()
    async with EmbeddedHistory.open(path, MEMORY_MB, 100) as history:
        await history.metrics()
        await history.sequences()
        assert len(await history.latest()) == options.series
        figures["open_and_read_latest_s"] = time.perf_counter() - started
        await ask_all(history, figures, options.series, options.values)
        await until_visible(figures, history)
    figures["hub_start_s"] = await asyncio.to_thread(hub_start_s, folder)
    async with EmbeddedHistory.open(path, MEMORY_MB, 100) as history:
        await ingest_both_ways(history, figures, options.series, options.seconds)
        await ask(
            figures,
            "raw_hour_behind_ingest",
            options.series,
            lambda m: history.raw(m, END - HOUR_US, END, None, 10_000),
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--values", type=int, default=100_000_000)
    parser.add_argument("--series", type=int, default=128, help="at a value a second each")
    parser.add_argument(
        "--seconds", type=float, default=20, help="of ingest, alone and beside a dashboard each"
    )
    parser.add_argument(
        "--folder", type=Path, help="where the store is built (1 GB); a temporary one by default"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = asyncio.run(measure(Path(folder), options))
    table = Table("history", "figure")
    for name, figure in figures.items():
        table.add_row(name.replace("_", " "), f"{figure:,.2f}" if figure < 1000 else f"{figure:,.0f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
