"""The rows of a file that are refused, each with its line, the reason and its text: on disk, however many.

They are found in three steps: by their text (records.py), by what they say (checking.py), and when devices or
metrics go while the file is added (intake/imports.py).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from hub.history.contract import Format
from hub.history.duckdb.records import FAULTS_MAX, RowFault, numbered_lines

TEXT_CHARS_MAX = 4096  # of a row's text; the rest of a longer one is left out


class RefusedRow(NamedTuple):
    """A row that is not taken; of a text over several lines this is the first. A row of Parquet is JSON."""

    line: int
    message: str
    text: str


class RowRefusals:
    """Tables in the staging store: `refused` gathers them, `told` has them in the order of their lines."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lines: Iterator[tuple[int, bytes]] | None = None
        self._at = (0, b"")
        connection.execute("CREATE TABLE refused (line BIGINT, message VARCHAR, text VARCHAR)")

    def add(self, faults: Sequence[RowFault]) -> None:
        """Some more."""
        if faults:
            lines, messages = zip(*faults, strict=True)
            columns = {"line": np.array(lines, np.int64), "message": np.array(messages, dtype=object)}
            self._connection.register("more", columns)
            self._connection.execute("INSERT INTO refused SELECT line, message, NULL FROM more")
            self._connection.unregister("more")

    def count(self) -> int:
        """How many there are."""
        [(count,)] = self._connection.execute("SELECT count(*) FROM refused").fetchall()
        return int(count)

    def first(self) -> list[RowFault]:
        """Those that a summary names."""
        found = self._connection.execute(
            f"SELECT line, message FROM refused ORDER BY line, rowid LIMIT {FAULTS_MAX}"
        ).fetchall()
        return [RowFault(*row) for row in found]

    def put_in_order(self, file: Path, written: Format) -> None:
        """Before the first page."""
        source = "SELECT line, message, text FROM refused ORDER BY line, rowid"
        if written is Format.PARQUET:
            source = f"""SELECT line, message, left(to_json(found)::VARCHAR, {TEXT_CHARS_MAX}) AS text
                         FROM refused JOIN (FROM read_parquet($file, file_row_number = true)) AS found
                              ON file_row_number = line - 1 ORDER BY line, refused.rowid"""
        asked = {"file": str(file)} if written is Format.PARQUET else None
        self._connection.execute(f"CREATE TABLE told AS {source}", asked)
        self._lines = None if written is Format.PARQUET else numbered_lines(file)

    def page(self, start: int, count: int) -> list[RefusedRow]:
        """So many of them, by line. Pages are asked for one after another."""
        found = self._connection.execute(
            "SELECT line, message, text FROM told WHERE rowid >= ? AND rowid < ? ORDER BY rowid",
            [start, start + count],
        ).fetchall()
        return [
            RefusedRow(line, message, self._text(line) if text is None else text)
            for line, message, text in found
        ]

    def _text(self, line: int) -> str:
        """What stands in this line, which is not before the one that was asked for last."""
        if self._lines is not None:
            while self._at[0] < line:
                self._at = next(self._lines, (line, b""))
        content = self._at[1][: 4 * TEXT_CHARS_MAX]
        return content.decode(errors="replace").rstrip("\r\n")[:TEXT_CHARS_MAX]
