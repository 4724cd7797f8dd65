"""The history's file: its tables, the migrations that make them, and which files are opened at all."""

from pathlib import Path

import duckdb

from hub.errors import StoreError

MIGRATIONS: tuple[str, ...] = (
    """
    -- One metric of one device. Numbers come from the hub, in the transaction of the metric's first reading.
    CREATE TABLE metrics (
        number INTEGER PRIMARY KEY, device INTEGER NOT NULL, name VARCHAR NOT NULL, type VARCHAR NOT NULL,
        unit VARCHAR, minimum DOUBLE, maximum DOUBLE);
    -- One value. No index: rows come nearly in order of time, and DuckDB's zone maps skip what a range does
    -- not touch. `value` holds numbers and truth values (0, 1), `text` holds texts; the other one is NULL.
    CREATE TABLE readings (
        device INTEGER NOT NULL, metric INTEGER NOT NULL, time TIMESTAMP NOT NULL,
        received_at TIMESTAMP NOT NULL,
        value DOUBLE, text VARCHAR);
    -- The highest sequence number stored of each device that numbers its readings, and how many it jumped
    -- over.
    CREATE TABLE sequences (device INTEGER PRIMARY KEY, highest BIGINT NOT NULL, lost BIGINT NOT NULL);
    -- What was refused, the newest limits.rejections_max of each device.
    CREATE SEQUENCE rejection_number;
    CREATE TABLE rejections (
        number BIGINT NOT NULL, device INTEGER NOT NULL, received_at TIMESTAMP NOT NULL,
        code VARCHAR NOT NULL,
        message VARCHAR NOT NULL, source VARCHAR NOT NULL, raw BLOB NOT NULL);
    -- The number of the last batch that is here, written in the same transactions: after a COMMIT that
    -- failed, this says whether it was done.
    CREATE TABLE commits (number BIGINT NOT NULL);
    INSERT INTO commits VALUES (0);
    """,
    """
    -- Readings go from `readings`, where they arrive, through `filled` into `sealed` (see sealing.py).
    -- `filled` is a `readings` that was full, or old; nothing is added to it any more.
    CREATE TABLE filled (
        device INTEGER NOT NULL, metric INTEGER NOT NULL, time TIMESTAMP NOT NULL,
        received_at TIMESTAMP NOT NULL,
        value DOUBLE, text VARCHAR);
    -- Values for good, ordered by metric and time within each run. `lag_ms` is received_at less time: 3 bits
    -- instead of 23.
    CREATE TABLE sealed (
        metric INTEGER NOT NULL, time TIMESTAMP NOT NULL, lag_ms BIGINT NOT NULL, value DOUBLE, text VARCHAR);
    -- Of what is sealed, by minute and by hour. A row is a part: those of the same metric and time are merged
    -- when read. `last` and `text` are the value at last_time; texts have no low, high, total and last.
    CREATE TABLE minutes (
        metric INTEGER NOT NULL, time TIMESTAMP NOT NULL, count BIGINT NOT NULL, low DOUBLE, high DOUBLE,
        total DOUBLE,
        last_time TIMESTAMP NOT NULL, last DOUBLE, text VARCHAR);
    CREATE TABLE hours (
        metric INTEGER NOT NULL, time TIMESTAMP NOT NULL, count BIGINT NOT NULL, low DOUBLE, high DOUBLE,
        total DOUBLE,
        last_time TIMESTAMP NOT NULL, last DOUBLE, text VARCHAR);
    -- The newest value of each metric among what is sealed, and when anything of it was last received: kept
    -- for ever.
    CREATE TABLE latest (
        metric INTEGER PRIMARY KEY, time TIMESTAMP NOT NULL, received_at TIMESTAMP NOT NULL, value DOUBLE,
        text VARCHAR);
    -- The metrics of `filled` up to and with this one are sealed; those above are not.
    CREATE TABLE sealing (metric INTEGER NOT NULL);
    INSERT INTO sealing VALUES (0);
    -- Where retention has taken values of a metric from a tier, and up to when: a range that begins before
    -- asks a coarser one.
    CREATE TABLE cuts (tier VARCHAR NOT NULL, metric INTEGER NOT NULL, before TIMESTAMP NOT NULL);
    -- Up to when the parts of each tier have been put together.
    CREATE TABLE compacted (tier VARCHAR NOT NULL, until TIMESTAMP NOT NULL);
    -- Metrics of removed devices, until the tables above are rid of them.
    CREATE TABLE removed (metric INTEGER NOT NULL);
    """,
    """
    -- How many decimals people are shown, and where values begin to be a matter of concern: NULL where nobody
    -- said.
    ALTER TABLE metrics ADD COLUMN decimals INTEGER;
    ALTER TABLE metrics ADD COLUMN critical_low DOUBLE;
    ALTER TABLE metrics ADD COLUMN warning_low DOUBLE;
    ALTER TABLE metrics ADD COLUMN warning_high DOUBLE;
    ALTER TABLE metrics ADD COLUMN critical_high DOUBLE;
    """,
    """
    -- Metrics whose type was changed, by their old number and the one they have since: the keeper converts
    -- what is stored.
    CREATE TABLE conversions (
        old INTEGER NOT NULL, old_type VARCHAR NOT NULL, new INTEGER NOT NULL, new_type VARCHAR NOT NULL);
    """,
    """
    -- The highest number that a metric was ever given. It only rises: a number that was given twice would
    -- make what is left of a removed metric look like another device's values.
    CREATE TABLE metric_numbers (highest INTEGER NOT NULL);
    CREATE TEMP TABLE found AS
        SELECT DISTINCT metric FROM (
            SELECT metric FROM readings UNION ALL SELECT metric FROM filled
            UNION ALL SELECT metric FROM sealed UNION ALL SELECT metric FROM minutes
            UNION ALL SELECT metric FROM hours UNION ALL SELECT metric FROM latest);
    CREATE TEMP TABLE known AS SELECT number FROM metrics UNION SELECT old FROM conversions;
    INSERT INTO metric_numbers SELECT coalesce(max(number), 0) FROM (
        FROM known UNION ALL SELECT metric FROM removed UNION ALL SELECT metric FROM found);
    -- Imports of earlier versions went on for a device that was removed meanwhile: what they left is taken
    -- away.
    INSERT INTO removed SELECT metric FROM found
        WHERE metric NOT IN (FROM known) AND metric NOT IN (SELECT metric FROM removed);
    DELETE FROM readings WHERE metric NOT IN (FROM known);
    DROP TABLE known;
    DROP TABLE found;
    """,
    """
    -- Of the count before a device began to count again: its highest number, and until when it was measured
    -- (µs, UTC).
    ALTER TABLE sequences ADD COLUMN old_highest BIGINT DEFAULT -1;
    ALTER TABLE sequences ADD COLUMN old_until BIGINT DEFAULT -1;
    """,
    """
    -- Which history this is: its journal says the same. `commits` says how much of that is here. A version
    -- that knows no journal refuses this file, and so does not lose what waits there.
    CREATE TABLE identity (history UUID NOT NULL);
    INSERT INTO identity VALUES (uuid());
    """,
    """
    -- In which run's journal the last batch was: each start of a hub is a run, and its journal says which.
    ALTER TABLE commits ADD COLUMN run UUID DEFAULT '00000000-0000-0000-0000-000000000000';
    """,
)

# A DuckDB file says so from its ninth byte on (DuckDB documentation, "Storage Versions and Format").
MAGIC = b"DUCK"
MAGIC_START = 8
MAGIC_END = MAGIC_START + len(MAGIC)
NOT_OURS = "not a history of this hub; it was left untouched"


def connect(path: Path, memory_limit_mb: int) -> duckdb.DuckDBPyConnection:
    """The history in the file at `path`, made or migrated as needed. Raises StoreError."""
    try:
        _refuse_foreign(path)
        connection = duckdb.connect(
            str(path),
            config={
                "memory_limit": f"{memory_limit_mb}MB",
                "threads": 2,
                "preserve_insertion_order": True,
                # What was freed goes back to the system also when nothing happens: 10 MiB of an idle hub.
                "allocator_background_threads": True,
                "autoinstall_known_extensions": False,  # the hub fetches nothing from anywhere
            },
        )
        try:
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise StoreError(f"{path}: {explain(error)}") from error
    return connection


def identity(connection: duckdb.DuckDBPyConnection) -> bytes:
    """Which history this is: 16 bytes."""
    [(found,)] = connection.execute("SELECT history FROM identity").fetchall()
    return bytes(found.bytes)


def _refuse_foreign(path: Path) -> None:
    """Look before DuckDB does: it would offer to read other programs' files, and stops at the empty file of a
    first start cut short.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(MAGIC_END)
    if not head:
        path.unlink()
    elif head[MAGIC_START:] != MAGIC:
        raise StoreError(f"{path}: {NOT_OURS}")


def explain(error: duckdb.Error) -> str:
    """What DuckDB says, in words that say more."""
    text = str(error)
    if "Could not set lock" in text:
        return "another process has it open; one hub owns its history file"
    return text


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Bring the file to this version's schema, in one transaction: a start cut short leaves it as it was."""
    if _is_current(connection):
        return
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables and not {"schema_version", "readings"} <= tables:
        raise StoreError(f"{path}: {NOT_OURS}")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    row = connection.execute("SELECT coalesce(max(number), 0) FROM schema_version").fetchone()
    done = row[0] if row else 0
    if done > len(MIGRATIONS):
        raise StoreError(
            f"{path}: written by a newer version of the hub (schema {done}, this one knows {len(MIGRATIONS)})"
        )
    for number, statements in enumerate(MIGRATIONS[done:], done + 1):
        connection.execute(statements)
        connection.execute("INSERT INTO schema_version VALUES (?)", [number])
    connection.execute("COMMIT")


def _is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the schema is this version's. Asked first, for to list all tables takes 6 ms of each start."""
    try:
        connection.execute("FROM readings LIMIT 0")
        [(done,)] = connection.execute("SELECT max(number) FROM schema_version").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return bool(done == len(MIGRATIONS))
