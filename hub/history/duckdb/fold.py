"""How batches get from the journal into the history's file: many at once, in one transaction.

Theory. A transaction of DuckDB costs milliseconds of processor time, whether it has one row or ten thousand.
So batches are on disk in the journal first, and are folded into the file within a minute, as one batch that
has absorbed them all. The same transaction writes the number of the last one into `commits`. What the file
has is not folded again after a crash: see journal.py. Readers look there too: it tells them which batches
they see already.

A COMMIT that failed may have reached the disk all the same (DuckDB's own log was written, bringing that into
the file failed). So a try after a failure looks into `commits` first: never twice.

The keeper (see keeper.py) writes to tables of its own beside this. What both touch, it changes under
`exclusive`.
"""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import duckdb
import numpy as np

from hub.history.batch import Batch
from hub.history.duckdb import conversion
from hub.history.duckdb.open_file import HistoryFile
from hub.model import SequenceMark, Thresholds

REJECTIONS_TRIM_EVERY = 500


class Fold:
    """Brings batches into the file, for one thread."""

    def __init__(self, database: HistoryFile, rejections_max: int) -> None:
        self._database = database
        self._rejections_max = rejections_max
        self._rejections_since_trim = 0
        self._rejected: set[int] = set()  # devices with rejections since then
        self._in_doubt = False  # the last try failed, and may have stored its batch all the same

    def take(self, batch: Batch, run: bytes) -> None:
        """All of the batch, which the journal of this run has, is in the file when this returns.

        Raises StoreError, duckdb.Error.
        """
        try:
            connection = self._database.writing()
            with self._database.exclusive:
                if not self._in_doubt or committed(connection) < batch.number:
                    self._commit(connection, batch, run)
                self._database.arrived.add(batch)
        except Exception:
            self._in_doubt = True
            self._database.broke()
            raise
        self._in_doubt = False

    def _commit(self, connection: duckdb.DuckDBPyConnection, batch: Batch, run: bytes) -> None:
        connection.execute("BEGIN")
        if batch.metrics:
            _insert_metrics(connection, batch)
        if batch.runs:
            _insert_numbers(connection, batch)
        if batch.texts:
            _insert_texts(connection, batch)
        if batch.sequences:
            _insert_sequences(connection, batch)
        if batch.rejections:
            self._insert_rejections(connection, batch)
        if batch.retyped:
            conversion.note(connection, batch.retyped)
        if batch.removed or batch.removed_metrics:
            _remove(connection, batch)
        connection.execute("UPDATE commits SET number = ?, run = ?", [batch.number, UUID(bytes=run)])
        connection.execute("COMMIT")

    def _insert_rejections(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
        columns: dict[str, np.ndarray] = {
            "device": np.array([r.device for r in batch.rejections], np.int32),
            "received_at": _instants([r.received_at for r in batch.rejections]),
            "code": _objects([r.code for r in batch.rejections]),
            "message": _objects([r.message for r in batch.rejections]),
            "source": _objects([r.source for r in batch.rejections]),
            "raw": _objects([r.raw for r in batch.rejections]),
        }
        _insert(
            connection,
            columns,
            """INSERT INTO rejections
               SELECT nextval('rejection_number'), device, received_at, code, message, source, raw
               FROM new_rows""",
        )
        self._rejections_since_trim += len(batch.rejections)
        self._rejected.update(rejection.device for rejection in batch.rejections)
        if self._rejections_since_trim >= REJECTIONS_TRIM_EVERY:
            self._trim_rejections(connection)

    def _trim_rejections(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Only of devices that were refused something since, and have a good deal too many.

        0.02 s among 5 million rejections; looking at every device took 0.6, and the commit with it.
        """
        most = self._rejections_max
        connection.execute(
            """DELETE FROM rejections WHERE number IN (
                   SELECT number FROM rejections
                   WHERE device IN (SELECT device FROM rejections WHERE device IN (SELECT unnest(?))
                                    GROUP BY device HAVING count(*) > ?)
                   QUALIFY row_number() OVER (PARTITION BY device ORDER BY number DESC) > ?)""",
            [list(self._rejected), most + most // 4, most],
        )
        self._rejections_since_trim = 0
        self._rejected.clear()


def committed(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the last batch on disk."""
    [(number,)] = connection.execute("SELECT number FROM commits").fetchall()
    return int(number)


def _insert_metrics(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """From columns, as everything here: 20,000 rows take 0.03 s, and took a minute by `executemany`."""
    metrics = list(batch.metrics.values())
    bounds = zip(*(metric.thresholds for metric in metrics), strict=True)
    columns: dict[str, np.ndarray] = {
        "number": np.array([metric.number for metric in metrics], np.int32),
        "device": np.array([metric.device for metric in metrics], np.int32),
        "name": _objects([metric.name for metric in metrics]),
        "type": _objects([str(metric.type) for metric in metrics]),
        "unit": _objects([metric.unit for metric in metrics]),
        "minimum": _numbers([metric.minimum for metric in metrics]),
        "maximum": _numbers([metric.maximum for metric in metrics]),
        "decimals": _numbers([metric.decimals for metric in metrics]),
        **{name: _numbers(column) for name, column in zip(Thresholds._fields, bounds, strict=True)},
    }
    _insert(connection, columns, f"INSERT OR REPLACE INTO metrics SELECT {', '.join(columns)} FROM new_rows")
    connection.execute("UPDATE metric_numbers SET highest = greatest(highest, ?)", [max(batch.metrics)])


def _insert_numbers(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    runs = np.array(batch.runs).reshape(-1, 3)
    columns: dict[str, np.ndarray] = {
        "device": np.repeat(runs[:, 0], runs[:, 2]),
        "metric": np.frombuffer(batch.metric, np.int32),
        "time": np.frombuffer(batch.time, "datetime64[us]"),
        "received_at": np.repeat(runs[:, 1], runs[:, 2]).view("datetime64[us]"),
        "value": np.frombuffer(batch.value, np.float64),
    }
    _insert(
        connection,
        columns,
        "INSERT INTO readings SELECT device, metric, time, received_at, value, NULL FROM new_rows",
    )


def _insert_texts(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    device, metric, at, received_at, texts = zip(*batch.texts, strict=True)
    columns: dict[str, np.ndarray] = {
        "device": np.array(device, np.int32),
        "metric": np.array(metric, np.int32),
        "time": _instants(at),
        "received_at": _instants(received_at),
        "text": _objects(texts),
    }
    _insert(
        connection,
        columns,
        "INSERT INTO readings SELECT device, metric, time, received_at, NULL, text FROM new_rows",
    )


def _insert_sequences(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    marks = np.array(list(batch.sequences.values()), np.int64)
    columns: dict[str, np.ndarray] = {
        "device": np.array(list(batch.sequences), np.int32),
        **{name: marks[:, place] for place, name in enumerate(SequenceMark._fields)},
    }
    _insert(
        connection,
        columns,
        "INSERT OR REPLACE INTO sequences SELECT device, highest, lost, old_highest, old_until FROM new_rows",
    )


def _remove(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """What arrives and what is small goes at once; the keeper takes the rest of these metrics away."""
    devices, metrics = [list(batch.removed)], [list(batch.removed_metrics)]
    connection.execute("INSERT INTO removed SELECT unnest(?::INTEGER[])", metrics)
    connection.execute(
        "INSERT INTO removed SELECT number FROM metrics WHERE device IN (SELECT unnest(?::INTEGER[]))",
        devices,
    )
    conversion.abandon(connection)
    connection.execute("DELETE FROM metrics WHERE number IN (SELECT unnest(?::INTEGER[]))", metrics)
    connection.execute("DELETE FROM readings WHERE metric IN (SELECT metric FROM removed)")
    for table in ("readings", "metrics", "sequences", "rejections"):
        statement = f"DELETE FROM {table} WHERE device IN (SELECT unnest(?::INTEGER[]))"
        connection.execute(statement, devices)


def _instants(times: Sequence[int]) -> np.ndarray:
    return np.array(times, np.int64).view("datetime64[us]")


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    """NULL where there is none."""
    missing = np.array([value is None for value in values], bool)
    return np.ma.masked_array(np.array([value or 0.0 for value in values], np.float64), missing)


def _objects(values: Sequence[object]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _insert(connection: duckdb.DuckDBPyConnection, columns: dict[str, np.ndarray], statement: str) -> None:
    """Run an INSERT … SELECT over numpy columns, which DuckDB reads where they lie."""
    connection.register("new_rows", columns)
    try:
        connection.execute(statement)
    finally:
        with suppress(duckdb.Error):  # it says no as well where the statement has failed
            connection.unregister("new_rows")
