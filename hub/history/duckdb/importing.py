"""Values on their way in from a file: read and checked in a store of their own, then compared with the history.

Theory. The file goes into a staging store on disk, so that one of any size takes the same memory, and is sorted there by metric
and time. What the history already holds is left out, and of equal values (same metric, time and value) it gets as many
as the file has: the n-th is added if the history holds fewer than n. So the same file twice adds nothing, and two values of the
same instant are both kept. Values from before what retention has taken away are left out too: minutes and hours count them already.

Nothing of this runs in Python row by row, so the loop beside it goes on.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from hub.errors import StoreError, Unreadable
from hub.formats.json import TEXT_MAX
from hub.history.duckdb.export import PLACES, Format
from hub.model import NAME_MAX, NAME_PATTERN, NAME_RULE, MetricType

FAULTS_MAX = 20  # told one by one; those beyond are counted
MEMORY_MB = 256
MS_MIN = 100_000_000_000  # before 1973: more likely seconds
TIME_NAMES = ("time", "timestamp", "ts")

_TIME = """CASE WHEN regexp_full_match({0}, '[0-9]+(\\.[0-9]+)?')
           THEN CASE WHEN try_cast({0} AS DECIMAL(24, 6)) >= {1} THEN try_cast(round(try_cast({0} AS DECIMAL(24, 6)) * 1000) AS BIGINT) END
           ELSE epoch_us(try_cast({0} AS TIMESTAMPTZ)) END"""
_READ_CSV = """read_csv(?, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', columns = {columns},
                        store_rejects = true, new_line = {new_line})"""


class Fault(NamedTuple):
    """Why a row of the file is not taken."""

    line: int
    message: str


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

    rows: int
    series: Sequence[Known]
    faults: Sequence[Fault]
    fault_count: int


class Rows(NamedTuple):
    """Some values, column by column. `series` counts those of Found."""

    series: np.ndarray
    time: np.ndarray  # µs, UTC
    received_at: np.ndarray  # µs, UTC; 0 where the file does not say
    value: np.ndarray  # NaN for texts
    text: np.ndarray  # objects; None but for texts
    nth: np.ndarray  # the how-manieth of equal values

    def take(self, chosen: np.ndarray) -> "Rows":
        """Those of the rows."""
        return Rows(*(column[chosen] for column in self))


class Staging:
    """The staging store, in a folder of its own. Blocking: for a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection = duckdb.connect(
            str(folder / "staging.duckdb"),
            config={
                "memory_limit": f"{MEMORY_MB}MB",
                "threads": 1,
                "temp_directory": str(folder),
                "autoinstall_known_extensions": False,
            },
        )
        self._connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Its folder can go then."""
        self._connection.close()

    def read(
        self, file: Path, written: Format, defaults: Defaults, known: Iterable[Known], latest: int
    ) -> Found:
        """Read a file; times after `latest` (µs, UTC) are refused. Raises Unreadable, StoreError."""
        with _translated():
            self._connection.execute(
                """CREATE TABLE raw (line BIGINT, device VARCHAR, metric VARCHAR, type VARCHAR, time VARCHAR,
                                     value VARCHAR, received_at VARCHAR)"""
            )
            if written is Format.CSV:
                faults, count = self._read_csv(file, defaults)
            else:
                faults, count = [], 0
                self._read_ndjson(file) if written is Format.NDJSON else self._read_parquet(file)
            self._check(defaults, known, latest)
            if written is Format.CSV:
                more = self._faults(FAULTS_MAX)
                lines = _lines(file, [fault.line for fault in more])
                more = [Fault(lines[fault.line], fault.message) for fault in more]
            else:
                more = self._faults(FAULTS_MAX)
            self._sort()
            return self._found(sorted([*faults, *more])[:FAULTS_MAX], count)

    def _read_csv(self, file: Path, defaults: Defaults) -> tuple[list[Fault], int]:
        """Rows into `raw`, with the number of the record as `line`; what has the wrong number of columns is told."""
        header, new_line = _header(file)
        places = {name: f"c{place}" for place, name in enumerate(header)}
        time = next((places[name] for name in TIME_NAMES if name in places), None)
        if time is None:
            raise Unreadable(f"the first line names no column of times ({', '.join(TIME_NAMES)}): {header}")
        columns = "{" + ", ".join(f"'{column}': 'VARCHAR'" for column in places.values()) + "}"
        self._connection.execute(
            f"CREATE TEMP TABLE records AS SELECT row_number() OVER () AS line, * FROM {_READ_CSV.format(columns=columns, new_line=new_line)}",
            [str(file)],
        )
        named = {name: places.get(name, "NULL") for name in ("device", "metric", "type", "received_at")}
        if "value" in places and ("metric" in places or defaults.metric):
            values = [(named["metric"], "value", places["value"])]
        else:
            rest = [name for name in header if name not in (*TIME_NAMES, *named)]
            values = [("'" + name.replace("'", "''") + "'", name, places[name]) for name in rest]
        if not values:
            raise Unreadable(f"the first line names no column of values: {header}")
        for metric, _, column in values:
            wanted = "true" if column == places.get("value") else f"{column} IS NOT NULL"
            self._connection.execute(
                f"""INSERT INTO raw SELECT line, {named["device"]}, {metric}, {named["type"]}, {time}, {column},
                           {named["received_at"]} FROM records WHERE {wanted}"""
            )
        [(torn,)] = self._connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchall()
        return (_torn(file, len(header)), torn) if torn else ([], 0)

    def _read_ndjson(self, file: Path) -> None:
        self._connection.execute(
            """INSERT INTO raw
               SELECT line, row ->> '$.device', row ->> '$.metric',
                      CASE WHEN row IS NULL THEN 'no JSON' ELSE
                          CASE json_type(row, '$.value') WHEN 'VARCHAR' THEN 'text' WHEN 'BOOLEAN' THEN 'boolean'
                               WHEN 'DOUBLE' THEN 'number' WHEN 'BIGINT' THEN 'number' WHEN 'UBIGINT' THEN 'number'
                               ELSE 'none' END END,
                      row ->> '$.time', row ->> '$.value', row ->> '$.received_at'
               FROM (SELECT row_number() OVER () AS line, l, CASE WHEN json_valid(l) THEN l::JSON END AS row
                     FROM read_csv(?, auto_detect = false, header = false, delim = chr(1), quote = '', escape = '',
                                   columns = {'l': 'VARCHAR'}))
               WHERE l IS NOT NULL""",
            [str(file)],
        )

    def _read_parquet(self, file: Path) -> None:
        described = self._connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
        columns = {name: kind for name, kind, *_ in described}
        missing = {"metric", "time", "value"} - columns.keys()
        if missing:
            raise Unreadable(f"the file has no column {', '.join(sorted(missing))}; it has {list(columns)}")

        def time(name: str) -> str:
            if name not in columns:
                return "NULL"
            return (
                f"strftime({name}::TIMESTAMPTZ, '%Y-%m-%dT%H:%M:%S.%fZ')"
                if "TIME" in columns[name]
                else f"{name}::VARCHAR"
            )

        text = "text" if "text" in columns else "NULL"
        kind = "type" if "type" in columns else "NULL"
        self._connection.execute(
            f"""INSERT INTO raw
                SELECT row_number() OVER (), {"device" if "device" in columns else "NULL"}, metric, {kind}, {time("time")},
                       CASE {kind} WHEN 'text' THEN {text} WHEN 'boolean' THEN (value::DOUBLE <> 0)::VARCHAR
                            ELSE value::VARCHAR END, {time("received_at")}
                FROM read_parquet(?)""",
            [str(file)],
        )

    def _check(self, defaults: Defaults, known: Iterable[Known], latest: int) -> None:
        """`checked`: every row with its metric's type, its values read, or its fault."""
        columns = [np.array(column, dtype=object) for column in zip(*known, strict=True)]
        empty = [np.array([], dtype=object)] * len(Known._fields)
        self._connection.register("known", dict(zip(Known._fields, columns or empty, strict=True)))
        self._connection.execute(
            f"""CREATE TABLE filled AS
                SELECT line, coalesce(nullif(device, ''), ?) AS device, coalesce(nullif(metric, ''), ?) AS metric,
                       type, value, {_TIME.format("time", MS_MIN)} AS instant, {_TIME.format("received_at", MS_MIN)} AS received,
                       coalesce(type, CASE WHEN try_cast(value AS DOUBLE) IS NOT NULL THEN 'number'
                                           WHEN lower(value) IN ('true', 'false') THEN 'boolean' ELSE 'text' END) AS looks
                FROM raw""",
            [defaults.device, defaults.metric],
        )
        self._connection.execute("DROP TABLE raw")
        self._connection.execute(
            """CREATE TABLE kinds AS
               SELECT found.device, found.metric, coalesce(any_value(known.type), arg_min(looks, line)) AS kind,
                      any_value(minimum)::DOUBLE AS minimum, any_value(maximum)::DOUBLE AS maximum
               FROM filled AS found LEFT JOIN known ON known.device = found.device AND known.metric = found.metric
               GROUP BY ALL"""
        )
        self._connection.execute(
            f"""CREATE TABLE checked AS
                SELECT line, device, metric, kind, instant, coalesce(received, 0) AS received,
                       CASE kind WHEN 'number' THEN try_cast(value AS DOUBLE)
                                 WHEN 'boolean' THEN CASE lower(value) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 WHEN '1' THEN 1.0 WHEN '0' THEN 0.0 END
                       END AS number,
                       CASE kind WHEN 'text' THEN coalesce(value, '') END AS text,
                       CASE WHEN type = 'no JSON' THEN 'it is not JSON'
                            WHEN device = '' THEN 'device: none is named'
                            WHEN length(metric) > {NAME_MAX} OR NOT regexp_full_match(metric, '{NAME_PATTERN}')
                                THEN 'metric: {NAME_RULE.replace("'", "''")}; got ' || left(metric, 40)
                            WHEN kind NOT IN ('number', 'text', 'boolean') THEN 'value: a number, a text or a truth value is wanted'
                            WHEN type <> kind THEN 'value: a ' || kind || ' is wanted, got a ' || left(type, 40)
                            WHEN instant IS NULL THEN 'time: RFC 3339 or milliseconds since 1970 are wanted'
                            WHEN instant < 0 THEN 'time: it is before 1970'
                            WHEN instant > {latest} THEN 'time: it is ahead of the hub''s clock'
                            WHEN kind = 'number' AND (number IS NULL OR NOT isfinite(number))
                                THEN 'value: a number is wanted, got ' || coalesce(left(value, 40), 'nothing')
                            WHEN kind = 'boolean' AND number IS NULL
                                THEN 'value: true or false is wanted, got ' || coalesce(left(value, 40), 'nothing')
                            WHEN number NOT BETWEEN minimum AND maximum
                                THEN 'value: ' || number || ' is outside ' || minimum || ' to ' || maximum
                            WHEN length(text) > {TEXT_MAX} THEN 'value: a text has at most {TEXT_MAX} characters'
                       END AS fault
                FROM filled JOIN kinds USING (device, metric)"""
        )
        self._connection.execute("DROP TABLE filled")

    def _faults(self, most: int) -> list[Fault]:
        rows = self._connection.execute(
            "SELECT line, fault FROM checked WHERE fault IS NOT NULL ORDER BY line LIMIT ?", [most]
        )
        return [Fault(*row) for row in rows.fetchall()]

    def _sort(self) -> None:
        self._connection.execute(
            """CREATE TABLE series AS SELECT row_number() OVER (ORDER BY device, metric) - 1 AS place, device, metric, kind
               FROM (SELECT DISTINCT device, metric, kind FROM checked WHERE fault IS NULL)"""
        )
        self._connection.execute(
            """CREATE TABLE sorted AS
               SELECT place AS series, instant, received, number, text,
                      row_number() OVER (PARTITION BY place, instant, number, text ORDER BY line) AS nth
               FROM checked JOIN series USING (device, metric) WHERE fault IS NULL ORDER BY place, instant, line"""
        )

    def _found(self, faults: Sequence[Fault], torn: int) -> Found:
        [(rows, wrong)] = self._connection.execute(
            "SELECT (SELECT count(*) FROM sorted), (SELECT count(*) FROM checked WHERE fault IS NOT NULL)"
        ).fetchall()
        series = self._connection.execute("SELECT device, metric, kind FROM series ORDER BY place").fetchall()
        self._connection.execute("DROP TABLE checked")
        return Found(
            rows,
            [Known(device, metric, MetricType(kind)) for device, metric, kind in series],
            faults,
            wrong + torn,
        )

    def page(self, start: int, count: int) -> Rows:
        """So many rows, by metric and time. Raises StoreError."""
        with _translated():
            found = self._connection.execute(
                "SELECT series, instant, received, number, text, nth FROM sorted WHERE rowid >= ? AND rowid < ? ORDER BY rowid",
                [start, start + count],
            ).fetchnumpy()
        text = np.ma.asarray(found["text"])
        words = text.data.copy()
        words[np.ma.getmaskarray(text)] = None
        number = np.ma.filled(np.ma.asarray(found["number"]), np.nan)
        return Rows(found["series"], found["instant"], found["received"], number, words, found["nth"])


class Missing(NamedTuple):
    """Which rows the history lacks, and how many are older than what it keeps."""

    chosen: np.ndarray  # positions
    forgotten: int


def missing(cursor: duckdb.DuckDBPyConnection, rows: Rows, metrics: np.ndarray) -> Missing:
    """Which of the rows to add; `metrics` holds their metrics' numbers."""
    incoming = {
        "place": np.arange(len(rows.time)),
        "metric": metrics,
        "instant": rows.time,
        "number": rows.value,
        "words": rows.text,
        "nth": rows.nth,
    }
    cursor.register("incoming", incoming)
    found = cursor.execute(
        f"""WITH held AS (
                SELECT metric, epoch_us(time) AS instant, value, text, count(*) AS rows FROM {PLACES}
                WHERE metric BETWEEN ? AND ? AND time BETWEEN make_timestamp(?::BIGINT) AND make_timestamp(?::BIGINT)
                GROUP BY ALL)
            SELECT place, incoming.instant < (SELECT coalesce(max(epoch_us(before)), 0) FROM cuts
                                         WHERE tier = 'sealed' AND cuts.metric = incoming.metric) AS forgotten
            FROM incoming LEFT JOIN held ON held.metric = incoming.metric AND held.instant = incoming.instant
                 AND held.value IS NOT DISTINCT FROM CASE WHEN isnan(number) THEN NULL ELSE number END
                 AND held.text IS NOT DISTINCT FROM words::VARCHAR
            WHERE nth > coalesce(held.rows, 0) ORDER BY place""",
        [int(metrics.min()), int(metrics.max()), int(rows.time.min()), int(rows.time.max())],
    ).fetchnumpy()
    forgotten = np.asarray(found["forgotten"], bool)
    return Missing(found["place"][~forgotten], int(forgotten.sum()))


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


def _header(file: Path) -> tuple[list[str], str]:
    """The names in the first line, as they are told apart: without blanks around them. And how lines end."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            first = lines.readline(100_000)
        header = [name.strip() for name in next(csv.reader([first]), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"the file is no CSV in UTF-8: {error}") from error
    if len(set(header)) < len(header) or not header:
        raise Unreadable(f"the first line names each column once; got {header}")
    return header, "'\\r\\n'" if first.endswith("\r\n") else "'\\n'"


def _records(file: Path) -> Iterator[tuple[int, int]]:
    """Of each record after the header: its first line, and how many columns it has."""
    with closing(file.open(newline="", encoding="utf-8-sig")) as lines:
        reader = csv.reader(lines)
        next(reader)
        before = reader.line_num
        for record in reader:
            if record:
                yield before + 1, len(record)
            before = reader.line_num


def _lines(file: Path, numbers: Sequence[int]) -> dict[int, int]:
    """The lines of the records with these numbers, which count those that have all columns; only as far as needed."""
    wanted, found = set(numbers), {}
    if not wanted:
        return {}
    columns = len(_header(file)[0])
    number = 0
    for line, count in _records(file):
        number += count == columns
        if count == columns and number in wanted:
            found[number] = line
            if len(found) == len(wanted):
                break
    return {one: found.get(one, one + 1) for one in wanted}


def _torn(file: Path, columns: int) -> list[Fault]:
    """Records with too few or too many columns; the first ones."""
    faults = []
    for line, count in _records(file):
        if count != columns:
            faults.append(Fault(line, f"{columns} columns are wanted, got {count}"))
            if len(faults) == FAULTS_MAX:
                break
    return faults
