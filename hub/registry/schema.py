"""The registry's tables, and the numbered migrations that make them.

The tables below say what the code reads and writes; the migrations say how a file gets there. A test applies
the migrations to an empty file and compares the two.
"""

from sqlalchemy import JSON, BigInteger, Column, Float, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

devices = Table(
    "devices",
    metadata,
    Column("number", Integer, primary_key=True),  # never reused: history refers to it
    Column("id", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # all times here: µs, UTC
    Column("expected_interval_s", Float),
    Column("raw_s", Float),  # how long values are kept; NULL as the configuration says, 0 for ever
    Column("minute_s", Float),
    Column("hour_s", Float),
    Column("learnt_interval_s", Float),  # as far as the hub knows how often it reports
)

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("device", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # BLAKE2b-256 of the secret
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("last_used_from", String),
    Column("revoked_at", BigInteger),
)

attributes = Table(
    "attributes",
    metadata,
    Column("device", Integer, primary_key=True),
    Column("scope", String, primary_key=True),  # "device": reported by it; "shared": set by operators
    Column("name", String, primary_key=True),
    Column("value", JSON),
    Column("updated_at", BigInteger, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", Integer, nullable=False),
    Column("method", String, nullable=False),
    Column("params", JSON),
    Column("state", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("answered_at", BigInteger),
    Column("response", JSON),
)

# One-time links and browser sessions: only digests, so that a stolen file opens nothing.
credentials = Table(
    "credentials",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),  # "link" or "session"
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# What a run of the hub leaves for the next one.
notes = Table(
    "notes",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# Devices that were removed, until the history has confirmed that their readings are gone.
removed = Table("removed", metadata, Column("device", Integer, primary_key=True))

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # AUTOINCREMENT, so that a removed device's number is never handed out again.
        """CREATE TABLE devices (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id VARCHAR NOT NULL UNIQUE, name VARCHAR NOT NULL,
            labels JSON NOT NULL, created_at BIGINT NOT NULL, expected_interval_s FLOAT)""",
        """CREATE TABLE keys (
            id VARCHAR PRIMARY KEY, device INTEGER NOT NULL, digest BLOB NOT NULL, created_at BIGINT NOT NULL,
            last_used_at BIGINT, last_used_from VARCHAR, revoked_at BIGINT)""",
        "CREATE INDEX keys_by_device ON keys (device)",
        """CREATE TABLE attributes (
            device INTEGER NOT NULL, scope VARCHAR NOT NULL, name VARCHAR NOT NULL, value JSON,
            updated_at BIGINT NOT NULL, PRIMARY KEY (device, scope, name))""",
        """CREATE TABLE commands (
            id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, method VARCHAR NOT NULL,
            params JSON, state VARCHAR NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
            sent_at BIGINT, answered_at BIGINT, response JSON)
        """,
        "CREATE INDEX commands_by_device ON commands (device, id)",
        """CREATE TABLE credentials (
            digest BLOB PRIMARY KEY, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, role VARCHAR NOT NULL,
            expires_at BIGINT NOT NULL)""",
        "CREATE TABLE secrets (name VARCHAR PRIMARY KEY, value BLOB NOT NULL)",
    ),
    ("CREATE TABLE removed (device INTEGER PRIMARY KEY)",),
    tuple(f"ALTER TABLE devices ADD COLUMN {tier} FLOAT" for tier in ("raw_s", "minute_s", "hour_s")),
    ("CREATE TABLE notes (name VARCHAR PRIMARY KEY, value BIGINT NOT NULL)",),
    ("ALTER TABLE devices ADD COLUMN learnt_interval_s FLOAT",),
)
