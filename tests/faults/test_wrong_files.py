"""Store files that are damaged, or somebody else's: the hub says which, ends with 3, and leaves them as they
are.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from hub.history.duckdb.state import looked_at
from tests.history.journals import batch_of, opened, records
from tests.hub_process import make_store

NEWER = "written by a newer version of the hub"
FOREIGN = "of this hub"


def serve(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    ports = {"HUB__HTTP__PORT": "0", "HUB__MQTT__PORT": "0"}
    return subprocess.run(
        [sys.executable, "-m", "hub", "serve"],
        cwd=tmp_path,
        env={**os.environ, **ports, "HUB__STORE__PATH": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def foreign_sqlite(path: Path) -> None:
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE accounts (balance REAL); INSERT INTO accounts VALUES (5)")
    other.close()


def foreign_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE accounts AS SELECT 5 AS balance")


def newer_sqlite(path: Path) -> None:
    make_store(path.parent)
    other = sqlite3.connect(path)
    with other:
        other.execute("INSERT INTO schema_version VALUES (99)")
    other.close()


def newer_duckdb(path: Path) -> None:
    newer_sqlite(path.parent / "registry.db")
    (path.parent / "registry.db").unlink()
    with duckdb.connect(str(path)) as other:
        other.execute("INSERT INTO schema_version VALUES (99)")


JOURNAL = "journal/00000000000000000001.journal"


def damaged_journal(path: Path) -> None:
    make_store(path.parents[1])
    with looked_at(path.parents[1] / "history.duckdb") as state:
        pass
    with opened(path.parent, state.identity) as journal:
        for number in (1, 2):
            journal.append(batch_of(number, 20.5))
    first, _ = records(path)
    with path.open("r+b") as file:
        file.seek(first.end - 1)
        file.write(b"\xff")


def torn_duckdb(path: Path) -> None:
    foreign_duckdb(path)
    os.truncate(path, 10_000)


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        pytest.param("history.duckdb", noise, FOREIGN, id="history of noise"),
        pytest.param("history.duckdb", foreign_sqlite, FOREIGN, id="history of another kind"),
        pytest.param("history.duckdb", foreign_duckdb, FOREIGN, id="history of another program"),
        pytest.param("history.duckdb", torn_duckdb, "history.duckdb: ", id="history cut off"),
        pytest.param("history.duckdb", newer_duckdb, NEWER, id="history of a newer hub"),
        pytest.param(JOURNAL, damaged_journal, "`hub journal repair` saves the rest", id="journal damaged"),
        pytest.param("registry.db", noise, FOREIGN, id="registry of noise"),
        pytest.param("registry.db", foreign_sqlite, FOREIGN, id="registry of another program"),
        pytest.param("registry.db", newer_sqlite, NEWER, id="registry of a newer hub"),
    ],
)
def test_a_store_file_that_is_wrong_is_refused_and_left_untouched(
    tmp_path: Path, name: str, make: Callable[[Path], None], says: str
) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / name
    make(path)
    before = path.read_bytes()
    done = serve(tmp_path)
    assert done.returncode == 3, done.stderr
    assert says in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == before
