"""Stored values on their way out: page by page as text, or as one Parquet file.

Theory. A page is one query of its own and of bounded size, so an export of any length holds no transaction open and
takes the same memory. Between two pages the keeper may bring values from `readings` to `sealed`: pages are cut by metric
and time, where a value stays what it is, so each comes on exactly one page. Within a metric values come by time, those of one
instant in the order in which they were stored.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from hub.history.duckdb.history import History
from hub.model import MetricType

PAGE_ROWS = 50_000  # 4 MB as text, and 60 ms
SPLITS = 4096

# Every value where it is at present; `place` and rowid tell the order in which those of one instant were stored.
# `received_at` is as exact as it stays: to a millisecond after the time.
_LAG_MS = "(epoch_us(received_at) - epoch_us(time)) // 1000"
PLACES = f"""(SELECT metric, time, lag_ms, value, text, 0 AS place, rowid AS row FROM sealed
              UNION ALL SELECT metric, time, {_LAG_MS}, value, text, 1, rowid FROM filled
                        WHERE metric > (SELECT metric FROM sealing)
              UNION ALL SELECT metric, time, {_LAG_MS}, value, text, 2, rowid FROM readings)"""
_RECEIVED_AT = "make_timestamp(epoch_us(time) + 1000 * lag_ms)"
_BETWEEN = "time >= make_timestamp(?::BIGINT) AND time < make_timestamp(?::BIGINT)"
_RFC3339 = "%Y-%m-%dT%H:%M:%S.%fZ"
COLUMNS = ("device", "metric", "type", "time", "value", "received_at")


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Series(NamedTuple):
    """A metric to export, with the names that people know it by."""

    number: int
    device: str
    metric: str
    type: MetricType


class Held(NamedTuple):
    """How much there is of one metric, and between which times (µs, UTC)."""

    series: Series
    rows: int
    first: int
    last: int


class Piece(NamedTuple):
    """What one page holds: these metrics from `start` up to `end` (µs, UTC)."""

    series: Sequence[Series]
    start: int
    end: int


_LINES = {
    Format.CSV: f"""concat(series.device, ',', series.name, ',', series.type, ',', strftime(time, '{_RFC3339}'), ',',
        CASE series.type WHEN 'number' THEN value::VARCHAR WHEN 'boolean' THEN (value <> 0)::VARCHAR
             ELSE concat('"', replace(text, '"', '""'), '"') END,
        ',', strftime({_RECEIVED_AT}, '{_RFC3339}'), chr(10))""",
    Format.NDJSON: f"""concat('{{"device":"', series.device, '","metric":"', series.name,
        '","time":"', strftime(time, '{_RFC3339}'), '","value":',
        CASE series.type WHEN 'number' THEN value::VARCHAR WHEN 'boolean' THEN (value <> 0)::VARCHAR
             ELSE to_json(text)::VARCHAR END,
        ',"received_at":"', strftime({_RECEIVED_AT}, '{_RFC3339}'), '"}}', chr(10))""",
}


async def held(history: History, series: Sequence[Series], start: int, end: int) -> list[Held]:
    """Of which of these metrics there is something from `start` up to `end`, and how much. Raises StoreError."""
    return await history.move(lambda cursor: _held(cursor, series, start, end))


async def pages(history: History, found: Sequence[Held], written: Format) -> AsyncIterator[bytes]:
    """The values as lines of text, page by page; CSV begins with its header. Raises StoreError."""
    if written is Format.CSV:
        yield (",".join(COLUMNS) + "\n").encode()
    for gathered in _gathered(found):
        for piece in await history.move(lambda cursor, held=gathered: _pieces(cursor, held)):  # type: ignore[misc]
            page = await history.move(lambda cursor, piece=piece: _page(cursor, piece, written))  # type: ignore[misc]
            if page:
                yield page


async def write_parquet(history: History, found: Sequence[Held], path: Path) -> None:
    """The values as a Parquet file at `path`. Raises StoreError.

    In the order in which they are stored, and so in constant memory: sealed ones by metric and time, then those that
    arrived of late.
    """
    series = [one.series for one in found]
    start = min((one.first for one in found), default=0)
    end = max((one.last for one in found), default=0) + 1
    await history.move(lambda cursor: _write_parquet(cursor, Piece(series, start, end), path))


def _held(cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], start: int, end: int) -> list[Held]:
    with_number = {one.number: one for one in series}
    if not with_number:
        return []
    rows = cursor.execute(
        f"""SELECT metric, count(*), epoch_us(min(time)), epoch_us(max(time)) FROM {PLACES}
            WHERE {_BETWEEN} AND metric BETWEEN ? AND ? GROUP BY metric ORDER BY metric""",
        [start, end, min(with_number), max(with_number)],
    ).fetchall()
    return [Held(with_number[metric], *rest) for metric, *rest in rows if metric in with_number]


def _gathered(found: Sequence[Held]) -> Iterator[list[Held]]:
    """Small metrics together, as many as fit on a page."""
    gathered: list[Held] = []
    count = 0
    for one in found:
        if gathered and count + one.rows > PAGE_ROWS:
            yield gathered
            gathered, count = [], 0
        gathered.append(one)
        count += one.rows
    if gathered:
        yield gathered


def _pieces(cursor: duckdb.DuckDBPyConnection, gathered: Sequence[Held]) -> list[Piece]:
    start = min(one.first for one in gathered)
    end = max(one.last for one in gathered) + 1
    if len(gathered) > 1 or gathered[0].rows <= PAGE_ROWS:
        return [Piece([one.series for one in gathered], start, end)]
    return [Piece([gathered[0].series], *window) for window in _windows(cursor, gathered[0], start, end)]


def _windows(cursor: duckdb.DuckDBPyConnection, one: Held, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range in windows of about a page each. Values of one instant are never torn, however many they are."""
    step = max(1, -(-(end - start) // SPLITS))
    counts = cursor.execute(
        f"""SELECT (epoch_us(time) - ?) // ? AS part, count(*) FROM {PLACES} WHERE metric = ? AND {_BETWEEN}
            GROUP BY part ORDER BY part""",
        [start, step, one.series.number, start, end],
    ).fetchall()
    begin, gathered = start, 0
    for part, count in counts:
        part_start, part_end = start + part * step, min(end, start + (part + 1) * step)
        if gathered and gathered + count > PAGE_ROWS:
            yield begin, part_start
            begin, gathered = part_start, 0
        if count > PAGE_ROWS and step > 1:
            yield from _windows(cursor, one, part_start, part_end)
            begin = part_end
        else:
            gathered += count
    if gathered:
        yield begin, end


def _register(cursor: duckdb.DuckDBPyConnection, series: Sequence[Series]) -> None:
    columns: dict[str, np.ndarray] = {
        "number": np.array([one.number for one in series], np.int32),
        "device": np.array([one.device for one in series], dtype=object),
        "name": np.array([one.metric for one in series], dtype=object),
        "type": np.array([str(one.type) for one in series], dtype=object),
    }
    cursor.register("series", columns)


def _asked(piece: Piece) -> list[int]:
    numbers = [one.number for one in piece.series]
    return [min(numbers), max(numbers), piece.start, piece.end]


def _page(cursor: duckdb.DuckDBPyConnection, piece: Piece, written: Format) -> bytes:
    """DuckDB makes the text, all in one: 0.1 s in Python, holding up the loop, and 0.06 beside it here."""
    _register(cursor, piece.series)
    [(text,)] = cursor.execute(
        f"""SELECT string_agg({_LINES[written]}, '' ORDER BY found.metric, time, place, row)
            FROM {PLACES} AS found JOIN series ON series.number = found.metric
            WHERE found.metric BETWEEN ? AND ? AND {_BETWEEN}""",
        _asked(piece),
    ).fetchall()
    return (text or "").encode()


def _write_parquet(cursor: duckdb.DuckDBPyConnection, piece: Piece, path: Path) -> None:
    if not piece.series:
        piece = Piece(
            [Series(0, "", "", MetricType.NUMBER)], 0, 0
        )  # a file of no rows has the columns all the same
    _register(cursor, piece.series)
    low, high, start, end = _asked(piece)
    name = str(path).replace("'", "''")
    cursor.execute(
        f"""COPY (SELECT series.device, series.name AS metric, series.type, make_timestamptz(epoch_us(time)) AS time,
                         value, text, make_timestamptz(epoch_us(time) + 1000 * lag_ms) AS received_at
                  FROM {PLACES} AS found JOIN series ON series.number = found.metric
                  WHERE found.metric BETWEEN {low} AND {high}
                    AND time >= make_timestamp({start}) AND time < make_timestamp({end}))
            TO '{name}' (FORMAT parquet, COMPRESSION zstd)"""
    )
