"""Values on their way in from a file: read and checked in a store of their own.

Theory. The file goes into a staging store on disk, so that one of any size takes the same memory, and is
sorted there by metric and time. What the history already holds is left out, and of equal values (same metric,
time and value) it gets as many as the file has: the n-th is added if the history holds fewer than n. So the
same file twice adds nothing, and two values of the same instant are both kept. Values from before what
retention has taken away are left out too: minutes and hours count them already.

Every row of the file is in one of three places in the end: among the sorted, among the refused, or counted as
empty. The type of a metric that is new is decided by all its rows: what most of them are.

Only lines with quotes in a CSV file are read row by row in Python (see records.py). The rest is DuckDB's, so
the loop beside it goes on.
"""

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from hub.errors import StoreError, Unreadable
from hub.history.contract import Format, Rows
from hub.history.duckdb import parquet
from hub.history.duckdb.checking import AS_WRITTEN, CHECKED, FILLED, GOOD, KINDS, RAW, READ_CSV, SHOWN
from hub.history.duckdb.records import (
    Header,
    Plain,
    RowFault,
    plain_csv,
    plain_lines,
    read_header,
)
from hub.history.duckdb.refused import RefusedRow, RowRefusals
from hub.model import NAME_RULE, MetricType
from hub.model.metric import is_name

MEMORY_MB = 256
FAULTS_PAGE = 20_000
TIME_NAMES = ("time", "timestamp", "ts")


class Known(NamedTuple):
    """A metric the hub has, and the range outside which values are refused."""

    device: str
    metric: str
    type: MetricType
    minimum: float = -math.inf
    maximum: float = math.inf


class Defaults(NamedTuple):
    """What the file leaves out."""

    device: str = ""
    metric: str = ""


class Found(NamedTuple):
    """What the file holds: readable values, by metric in order of `series`; and what is wrong with others."""

    rows: int  # of the file
    empty: int  # rows with no value in any column, and values that are a word for none
    values: int  # that can be read
    series: Sequence[Known]
    faults: Sequence[RowFault]
    fault_count: int


class Staging:
    """The staging store, in a folder of its own. Blocking: for a thread; `interrupt` is for any other."""

    def __init__(self, folder: Path, memory_mb: int = MEMORY_MB) -> None:
        self._folder = folder
        self._plain = Plain(lambda _faults: None)
        self._is_wide = False  # a row has a value for each column
        self._has_texts = False
        self._given_up = threading.Event()
        self._connection = duckdb.connect(
            str(folder / "staging.duckdb"),
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": 1,
                "temp_directory": str(folder),
                "autoinstall_known_extensions": False,
            },
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._refused = RowRefusals(self._connection)

    def close(self) -> None:
        """Close the store; then its folder can be removed."""
        self._connection.close()

    def interrupt(self) -> None:
        """The one who asked went away: end what is being done, with a StoreError."""
        self._given_up.set()
        self._connection.interrupt()

    def read(
        self,
        file: Path,
        written: Format,
        defaults: Defaults,
        known: Iterable[Known],
        latest: int,
        no_value: Iterable[str] = (),
    ) -> Found:
        """Read a file. Times after `latest` (µs, UTC) are refused; words in `no_value` are none.

        Raises Unreadable, StoreError.
        """
        with _translated():
            self._connection.execute(RAW)
            if written is Format.CSV:
                rows, empty = self._read_csv(file, defaults)
            elif written is Format.NDJSON:
                rows, empty = self._read_ndjson(file)
            else:
                rows, empty = parquet.insert(self._connection, file), 0
            self._check(defaults, known, latest, no_value)
            self._sort()
            return self._found(rows, empty)

    def lines(self, records: np.ndarray) -> np.ndarray:
        """Where in the file records stand that `page` gave by their numbers."""
        return self._plain.lines(records - 1)

    # Reading

    def _read_csv(self, file: Path, defaults: Defaults) -> tuple[int, int]:
        """How many rows there are, and how many of them are empty."""
        header = read_header(file)
        places = {name: f"c{place}" for place, name in enumerate(header.names)}
        time = next((places[name] for name in TIME_NAMES if name in places), None)
        if time is None:
            raise Unreadable(
                f"the first line names no column of times ({', '.join(TIME_NAMES)}): {header.names[:50]}"
            )
        named = {name: places.get(name, "NULL") for name in ("device", "metric", "type", "received_at")}
        is_long = "value" in places and bool("metric" in places or defaults.metric)
        rest = [name for name in header.names if name and name not in (*TIME_NAMES, *named)]
        if not is_long and not rest:
            raise Unreadable(f"the first line names no column of values: {header.names[:50]}")
        self._stage_records(file, header, places)
        self._is_wide = not is_long
        if is_long:
            self._fill_raw(named, named["metric"], time, places["value"], "true")
            empty = "false"
        else:
            for name in rest:
                metric = "'" + name.replace("'", "''") + "'"
                self._fill_raw(named, metric, time, places[name], f"{places[name]} IS NOT NULL")
            empty = " AND ".join(f"{places[name]} IS NULL" for name in rest)
        [(count,)] = self._connection.execute(f"SELECT count(*) FROM records WHERE {empty}").fetchall()
        self._connection.execute("DROP TABLE records")
        return self._plain.count + self._plain.refused, count

    def _stage_records(self, file: Path, header: Header, places: dict[str, str]) -> None:
        plain = self._folder / "plain"
        self._plain = plain_csv(file, plain, header, self._given_up, self._refused.add)
        columns = "{" + ", ".join(f"'{column}': 'VARCHAR'" for column in places.values()) + "}"
        reading = READ_CSV.format(delim=",", quote='"', columns=columns)
        self._connection.execute(
            f"CREATE TEMP TABLE records AS SELECT row_number() OVER () AS line, * FROM {reading}",
            [str(plain)],
        )
        plain.unlink()

    def _fill_raw(self, named: dict[str, str], metric: str, time: str, value: str, wanted: str) -> None:
        self._connection.execute(
            f"""INSERT INTO raw SELECT line, {named["device"]}, {metric}, {named["type"]}, {time}, {value},
                       {named["received_at"]}, false FROM records WHERE {wanted}"""
        )

    def _read_ndjson(self, file: Path) -> tuple[int, int]:
        plain = self._folder / "plain"
        self._plain = plain_lines(file, plain, self._given_up, self._refused.add)
        reading = READ_CSV.format(delim="\x01", quote="", columns="{'l': 'VARCHAR'}")
        self._connection.execute(
            f"""INSERT INTO raw
                SELECT line, row ->> '$.device', row ->> '$.metric',
                       CASE WHEN row IS NULL THEN 'no JSON' ELSE
                           CASE json_type(row, '$.value')
                                WHEN 'VARCHAR' THEN 'text' WHEN 'BOOLEAN' THEN 'boolean'
                                WHEN 'DOUBLE' THEN 'number' WHEN 'BIGINT' THEN 'number'
                                WHEN 'UBIGINT' THEN 'number' ELSE 'none' END END,
                       row ->> '$.time', {AS_WRITTEN}, row ->> '$.received_at', true
                FROM (SELECT row_number() OVER () AS line, l, CASE WHEN json_valid(l) THEN l::JSON END AS row
                      FROM {reading})""",
            [str(plain)],
        )
        plain.unlink()
        return self._plain.count + self._plain.refused, 0

    # Checking

    def _check(
        self, defaults: Defaults, known: Iterable[Known], latest: int, no_value: Iterable[str]
    ) -> None:
        """`checked`: every row with its metric's type, its values read, or its fault."""
        columns = [np.array(column, dtype=object) for column in zip(*known, strict=True)]
        empty = [np.array([], dtype=object)] * len(Known._fields)
        self._connection.register("known", dict(zip(Known._fields, columns or empty, strict=True)))
        words = [word.strip().lower() for word in no_value]
        asked = {"device": defaults.device, "metric": defaults.metric, "no_value": words}
        self._connection.execute(FILLED, asked)
        self._connection.execute("DROP TABLE raw")
        self._connection.execute(KINDS)
        self._find_misnamed()
        self._connection.execute(CHECKED, {"latest": latest})
        self._connection.execute("DROP TABLE filled")

    def _find_misnamed(self) -> None:
        """Names are judged by the rule that intake has, which is not written in SQL a second time."""
        names = self._connection.execute("SELECT DISTINCT metric FROM kinds").fetchall()
        if misnamed := [name for (name,) in names if not is_name(name)]:
            self._connection.register("misnamed", {"name": np.array(misnamed, dtype=object)})
            self._connection.execute(
                f"""UPDATE kinds SET misnamed = $rule || {SHOWN.format("metric")}
                    FROM misnamed WHERE metric = name""",
                {"rule": f"metric: {NAME_RULE}; got "},
            )

    def _sort(self) -> None:
        """Texts are kept apart: what is as long as they may be, DuckDB sorts in memory alone."""
        self._connection.execute(
            f"""CREATE TABLE series AS
               SELECT row_number() OVER (ORDER BY device, metric) - 1 AS place, device, metric, kind
               FROM (SELECT DISTINCT device, metric, kind FROM checked WHERE {GOOD})"""
        )
        self._connection.execute(
            f"""CREATE TABLE sorted AS
               SELECT line, place AS series, instant, received, number,
                      row_number() OVER (
                          PARTITION BY place, instant, number, digest ORDER BY line) AS nth
               FROM checked JOIN series USING (device, metric) WHERE {GOOD} ORDER BY place, instant, line"""
        )
        self._connection.execute(
            f"""CREATE TABLE texts AS
               SELECT line, place AS series, text FROM checked JOIN series USING (device, metric)
               WHERE {GOOD} AND text IS NOT NULL"""
        )
        [(texts,)] = self._connection.execute("SELECT count(*) FROM texts").fetchall()
        self._has_texts = texts > 0

    def _found(self, rows: int, empty: int) -> Found:
        [(values, without)] = self._connection.execute(
            f"""SELECT count(*) FILTER ({GOOD}), count(*) FILTER (is_empty AND fault IS NULL)
                FROM checked"""
        ).fetchall()
        series = self._connection.execute("SELECT device, metric, kind FROM series ORDER BY place").fetchall()
        self._refuse_checked()
        return Found(
            rows,
            empty + without,
            values,
            [Known(device, metric, MetricType(kind)) for device, metric, kind in series],
            self._refused.first(),
            self._refused.count(),
        )

    def _refuse_checked(self) -> None:
        """In a row with several values the reason says of which it is."""
        named = "regexp_replace(fault, '^value: ', metric || ': ')" if self._is_wide else "fault"
        self._connection.execute(
            f"CREATE TABLE wrong AS SELECT line, {named} AS fault FROM checked WHERE fault IS NOT NULL"
        )
        self._connection.execute("DROP TABLE checked")
        start = 0
        while wrong := self._connection.execute(
            "SELECT line, fault FROM wrong WHERE rowid >= ? AND rowid < ?", [start, start + FAULTS_PAGE]
        ).fetchall():
            records, faults = zip(*wrong, strict=True)
            lines = self.lines(np.array(records, np.int64)).tolist()
            self._refused.add([RowFault(*row) for row in zip(lines, faults, strict=True)])
            start += FAULTS_PAGE
        self._connection.execute("DROP TABLE wrong")

    # Refused rows

    def refuse(self, faults: Sequence[RowFault]) -> None:
        """Rows that could be read, and have no place any more. Raises StoreError."""
        with _translated():
            self._refused.add(faults)

    def refused(self, file: Path, written: Format, page_rows: int) -> Iterator[list[RefusedRow]]:
        """Every refused row, by line, page by page. Raises StoreError."""
        with _translated():
            self._refused.put_in_order(file, written)
            for start in range(0, self._refused.count(), page_rows):
                yield self._refused.page(start, page_rows)

    def page(self, start: int, count: int) -> Rows:
        """So many rows, by metric and time. Raises StoreError."""
        with _translated():
            found = self._connection.execute(
                """SELECT line, series, instant, received, number, nth FROM sorted
                   WHERE rowid >= ? AND rowid < ? ORDER BY rowid""",
                [start, start + count],
            ).fetchnumpy()
            words = self._texts(start, count, found["line"])
        return Rows(
            self.lines(found["line"]),
            found["series"],
            found["instant"],
            found["received"],
            np.ma.filled(np.ma.asarray(found["number"]), np.nan),
            words,
            found["nth"],
        )

    def _texts(self, start: int, count: int, lines: np.ndarray) -> np.ndarray:
        """The texts of that page; None where a row has none."""
        if not self._has_texts:
            return np.full(len(lines), None, object)
        first, last = (int(lines.min()), int(lines.max())) if len(lines) else (0, 0)
        found = self._connection.execute(
            """SELECT text FROM (SELECT rowid AS n, line, series FROM sorted WHERE rowid BETWEEN ? AND ?)
                      LEFT JOIN (FROM texts WHERE line BETWEEN ? AND ?) USING (line, series) ORDER BY n""",
            [start, start + count - 1, first, last],
        ).fetchnumpy()
        text = np.ma.asarray(found["text"])
        words: np.ndarray = text.data.astype(object)
        words[np.ma.getmaskarray(text)] = None
        return words


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except duckdb.InvalidInputException as error:
        raise Unreadable(f"the file cannot be read: {_first_line(error)}") from error
    except (duckdb.Error, OSError) as error:
        raise StoreError(f"import: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
