"""A hub's history that is killed at each statement of a fold, and again at each of the start after it.

python -m tests.history.killed_in_fold FOLDER

For each it prints what is there in the end, as JSON. Every try is a process of its own, forked from this one
before it has any thread.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import duckdb

from hub.config import LogConfig
from hub.history.batch import Batch, Retyped
from hub.history.duckdb.file import identity
from hub.history.duckdb.fold import Fold
from hub.history.duckdb.history import EmbeddedHistory, _recover
from hub.history.duckdb.open_file import HistoryFile
from hub.history.journal.journal import Journal
from hub.logs import set_up_logs
from hub.model import Metric, MetricType, Rejection, SequenceMark
from tests.history.rows import T0, folded

MEMORY_MB, REJECTIONS_MAX = 128, 100
NUMBER, TEXT, GONE = (
    Metric(1, 1, "t", MetricType.NUMBER),
    Metric(2, 1, "state", MetricType.TEXT),
    Metric(3, 1, "gone", MetricType.NUMBER),
)
OF_ANOTHER = Metric(4, 2, "t", MetricType.NUMBER)  # its device is removed
RETYPED = Metric(5, 1, "state", MetricType.NUMBER)


class Deadly:
    """A file whose connection kills the process instead of its n-th statement."""

    def __init__(self, database: HistoryFile, statements: int) -> None:
        self._database = database
        self._left = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def writing(self) -> Any:
        return _DeadlyConnection(self, self._database.writing())

    def before_statement(self) -> None:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


class _DeadlyConnection:
    def __init__(self, deadly: Deadly, connection: duckdb.DuckDBPyConnection) -> None:
        self._deadly = deadly
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> duckdb.DuckDBPyConnection:
        self._deadly.before_statement()
        return self._connection.execute(*arguments)


def fill_first(batch: Batch) -> None:
    """What is in the file before."""
    batch.metrics.update({one.number: one for one in (NUMBER, TEXT, GONE, OF_ANOTHER)})
    for device, metric in ((1, 1), (1, 3), (2, 4)):
        batch.add(device, T0, [metric] * 2, [T0, T0 + 1], [1.0, 2.0])
    batch.texts.append((1, TEXT.number, T0, T0, "20.5"))
    batch.sequences.update({1: SequenceMark(5, 0), 2: SequenceMark(7, 0)})
    batch.readings += 7


def fill_second(batch: Batch) -> None:
    """One of everything that a batch can hold."""
    batch.metrics[RETYPED.number] = RETYPED
    batch.add(1, T0 + 5, [1, 5, 3], [T0 + 2, T0 + 2, T0 + 2], [3.0, 30.0, 3.0])
    batch.texts.append((1, TEXT.number, T0 + 1, T0 + 5, "21.5"))
    batch.sequences[1] = SequenceMark(9, 2, 4, T0)
    batch.rejections.append(Rejection(1, T0 + 5, "type", "no number", "mqtt", b"\0\xff"))
    batch.removed.add(2)
    batch.removed_metrics.add(GONE.number)
    batch.retyped.append(Retyped(TEXT.number, MetricType.TEXT, RETYPED.number, MetricType.NUMBER))
    batch.readings += 4


async def fold_and_die(path: Path, statements: int) -> None:
    """One batch is in the file; the next in the journal, and then folded for so many statements."""
    async with EmbeddedHistory.open(path, MEMORY_MB, REJECTIONS_MAX) as history:
        fill_first(history.batch)
        await folded(history)
        fold: Any = history._folding._fold
        fold._database = Deadly(history.database, statements)
        fill_second(history.batch)
        await history.stored
        await folded(history)
        os._exit(0)  # it had no more statements


async def start_and_die(path: Path, statements: int) -> None:
    """Start, and be killed while what the journal has is brought into the file."""
    database = HistoryFile(path, MEMORY_MB)
    folder, history = path.with_name("journal"), identity(database.writing())
    journal = Journal(folder, history, 64 * 1_048_576, run=b"killed at start.")
    deadly: Any = Deadly(database, statements)
    _recover(database, journal, Fold(deadly, REJECTIONS_MAX))
    os._exit(0)


async def start_and_tell(path: Path) -> None:
    """Start, bring all to rest, and print what there is."""
    async with EmbeddedHistory.open(path, MEMORY_MB, REJECTIONS_MAX) as history:
        keeper = history.keeper(dict, lambda: T0 + 10)
        while await keeper.step():
            pass
    with duckdb.connect(str(path)) as connection:
        found = {
            name: connection.execute(statement).fetchall()
            for name, statement in {
                "metrics": "SELECT number, name, type FROM metrics ORDER BY ALL",
                "values": """SELECT metric, epoch_us(time), value, text FROM readings
                             UNION ALL SELECT metric, epoch_us(time), value, text FROM filled
                                       WHERE metric > (SELECT metric FROM sealing)
                             UNION ALL SELECT metric, epoch_us(time), value, text FROM sealed ORDER BY ALL""",
                "sequences": "FROM sequences ORDER BY ALL",
                "rejections": "SELECT device, message, hex(raw) FROM rejections",
                "conversions": "FROM conversions",
                "removed": "FROM removed",
                "commits": "SELECT number FROM commits",
            }.items()
        }
    print(json.dumps(found), flush=True)


def in_a_process(work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> bool:
    """Whether it was killed."""
    child = os.fork()
    if not child:
        try:
            asyncio.run(work(*arguments))
        finally:
            sys.stdout.flush()
            os._exit(0 if sys.exc_info()[0] is None else 1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    """Until a fold has no more statements at which to die."""
    statements, is_killed = 0, True
    while is_killed:
        path = folder / str(statements) / "history.duckdb"
        path.parent.mkdir()
        is_killed = in_a_process(fold_and_die, path, statements)
        in_a_process(start_and_die, path, statements)
        in_a_process(start_and_tell, path)
        statements += 1


if __name__ == "__main__":
    set_up_logs(LogConfig(level="error"))
    main(Path(sys.argv[1]))
