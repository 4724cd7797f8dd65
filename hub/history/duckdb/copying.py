"""A copy of the history's file, made while it is written to: one read transaction, which holds up no fold."""

from pathlib import Path

import duckdb

from hub.history.contract import Copied
from hub.history.duckdb.fold import committed


def copy(cursor: duckdb.DuckDBPyConnection, path: Path) -> Copied:
    """Make the copy. It is a history of its own: what waits in this one's journal is not for it."""
    [(database,)] = cursor.execute("SELECT current_database()").fetchall()
    name = str(path).replace("'", "''")
    cursor.execute(f"ATTACH '{name}' AS backup")
    try:
        cursor.execute(f'COPY FROM DATABASE "{database}" TO backup')
        cursor.execute("USE backup")
        cursor.execute("UPDATE identity SET history = uuid()")
        [(values,)] = cursor.execute(
            """SELECT (SELECT count(*) FROM sealed) + (SELECT count(*) FROM readings)
                      + (SELECT count(*) FROM filled WHERE metric > (SELECT metric FROM sealing))"""
        ).fetchall()
        return Copied(values, committed(cursor))
    finally:
        cursor.execute(f'USE "{database}"')
        cursor.execute("DETACH backup")
