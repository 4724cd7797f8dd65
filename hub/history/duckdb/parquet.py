"""A Parquet file's rows, as texts like those of any other file, into the staging store."""

from pathlib import Path

import duckdb

from hub.errors import Unreadable

# How much a file may hold for its size, once it is more than so much: a kilobyte can say that it holds a
# hundred million rows, all the same. Of the hub's own exports the densest, of a value that never changes, has
# 5 bytes a row.
ROWS_FREE, ROWS_PER_BYTE = 2_000_000, 4
TEXT_FREE_BYTES, TEXT_BYTES_PER_BYTE = 268_435_456, 1000
NEEDED = ("metric", "time", "value")
USED = (*NEEDED, "device", "type", "text", "received_at")


def insert(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    """Fill the table `raw`; how many rows there are. Raises Unreadable."""
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
    columns = {name: kind for name, kind, *_ in described}
    missing = set(NEEDED) - columns.keys()
    if missing:
        raise Unreadable(f"the file has no column {', '.join(sorted(missing))}; it has {list(columns)[:50]}")
    rows = _count(connection, file, [name for name in USED if columns.get(name) == "VARCHAR"])
    text = "text" if "text" in columns else "NULL"
    kind = "type" if "type" in columns else "NULL"
    device = "device" if "device" in columns else "NULL"
    connection.execute(
        f"""INSERT INTO raw
            SELECT row_number() OVER (), {device}, metric, {kind}, {_time(columns, "time")},
                   CASE {kind} WHEN 'text' THEN {text} WHEN 'boolean' THEN (value::DOUBLE <> 0)::VARCHAR
                        ELSE value::VARCHAR END, {_time(columns, "received_at")}, false
            FROM read_parquet(?)""",
        [str(file)],
    )
    return rows


def _time(columns: dict[str, str], name: str) -> str:
    if name not in columns:
        return "NULL"
    if "TIME" in columns[name]:
        return f"strftime({name}::TIMESTAMPTZ, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"{name}::VARCHAR"


def _count(connection: duckdb.DuckDBPyConnection, file: Path, texts: list[str]) -> int:
    size = file.stat().st_size
    [(rows,)] = connection.execute(
        "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [str(file)]
    ).fetchall()
    if rows > max(ROWS_FREE, size * ROWS_PER_BYTE):
        raise Unreadable(f"{rows} rows in {size} bytes: more than {ROWS_PER_BYTE} a byte are not read")
    lengths = " + ".join(f"coalesce(sum(strlen({name})), 0)" for name in texts) or "0"
    [(octets,)] = connection.execute(f"SELECT {lengths} FROM read_parquet(?)", [str(file)]).fetchall()
    if octets > max(TEXT_FREE_BYTES, size * TEXT_BYTES_PER_BYTE):
        raise Unreadable(
            f"texts of {octets} bytes in a file of {size}: "
            f"more than {TEXT_BYTES_PER_BYTE} times as much is not read"
        )
    return int(rows)
