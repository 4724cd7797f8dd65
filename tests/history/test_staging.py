"""Files that hold more than they seem to, and whoever does not wait for them."""

import random
import threading
from pathlib import Path

import duckdb
import pytest

from hub.errors import StoreError, Unreadable
from hub.history.contract import Format
from hub.history.duckdb.parquet import ROWS_FREE, TEXT_FREE_BYTES
from hub.history.duckdb.staging import Defaults, Found, Staging
from tests.history.rows import T0
from tests.rounds import rounds


def parquet(path: Path, columns: str, rows: int, after: str = "i") -> Path:
    """A file of so many rows, each so many µs after T0."""
    time = f"make_timestamptz({T0} + {after}) AS time"
    copied = f"""COPY (SELECT 'boiler' AS device, 't' AS metric, {time}, {columns}
                       FROM range({rows}) numbers(i))
                 TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
    with duckdb.connect() as connection:
        connection.execute(copied)
    return path


def read(folder: Path, file: Path, written: Format = Format.PARQUET) -> Found:
    staging = Staging(folder)
    try:
        return staging.read(file, written, Defaults(), [], 2 * T0)
    finally:
        staging.close()


def test_a_small_file_of_very_many_rows_is_refused_before_they_are_read(tmp_path: Path) -> None:
    file = parquet(tmp_path / "file", "1.0 AS value", 5 * ROWS_FREE, "0")
    assert file.stat().st_size < 1_000_000
    with pytest.raises(Unreadable, match="10000000 rows in"):
        read(tmp_path, file)


@pytest.mark.parametrize(
    "columns", ["NULL::DOUBLE AS value, repeat('x', 4000) AS text", "repeat('1', 4000) AS value"]
)
def test_a_small_file_of_very_long_texts_is_refused_before_they_are_kept(
    tmp_path: Path, columns: str
) -> None:
    file = parquet(tmp_path / "file", columns, TEXT_FREE_BYTES // 4000 + 1, "0")
    with pytest.raises(Unreadable, match="texts of"):
        read(tmp_path, file)


def test_as_many_rows_as_a_real_file_has_are_read(tmp_path: Path) -> None:
    file = parquet(tmp_path / "file", "i / 7 AS value", 200_000)
    assert read(tmp_path, file).values == 200_000


def test_texts_longer_than_memory_are_read_and_given_page_by_page(tmp_path: Path) -> None:
    noise = random.Random(1)
    texts = [noise.randbytes(1_500).hex() for _ in range(rounds(16_000))]
    rows = [f"boiler,m{place % 2},{T0 // 1000 - place},{text}\n" for place, text in enumerate(texts)]
    file = tmp_path / "file"
    file.write_text("device,metric,time,value\n" + "".join(rows))
    staging = Staging(tmp_path, memory_mb=32)
    found = staging.read(file, Format.CSV, Defaults(), [], 2 * T0)
    pages = [staging.page(start, 1_000) for start in range(0, found.values, 1_000)]
    staging.close()
    assert found.values == len(texts)
    given = [text for page in pages for text in page.text]
    assert given == [*texts[::2][::-1], *texts[1::2][::-1]]


@pytest.mark.parametrize("written", Format)
def test_a_file_that_nobody_waits_for_is_given_up(tmp_path: Path, written: Format) -> None:
    file = tmp_path / "file"
    if written is Format.PARQUET:
        parquet(file, "i / 7 AS value", 1_000_000)
    else:
        row = "boiler,t,x,1\n" if written is Format.CSV else '{"device":"boiler"}\n'
        file.write_text("device,metric,time,value\n" + row * 1_000_000)
    staging = Staging(tmp_path)
    failed: list[Exception] = []

    def reading() -> None:
        try:
            staging.read(file, written, Defaults(), [], 2 * T0)
        except StoreError as error:
            failed.append(error)

    thread = threading.Thread(target=reading)
    thread.start()
    while thread.is_alive():
        staging.interrupt()
        thread.join(0.01)
    staging.close()
    assert len(failed) == 1
