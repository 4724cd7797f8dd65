"""The registry's tables, as the numbered migrations that make them. All times are µs, UTC."""

# The note of the last number that was taken away from the audit.
AUDIT_TRIMMED = "audit trimmed"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # AUTOINCREMENT, so that a removed device's number is never handed out again: the history refers to
        # it.
        """CREATE TABLE devices (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id VARCHAR NOT NULL UNIQUE, name VARCHAR NOT NULL,
            labels JSON NOT NULL, created_at BIGINT NOT NULL, expected_interval_s FLOAT)""",
        # `digest` is the BLAKE2b-256 of the key's secret.
        """CREATE TABLE keys (
            id VARCHAR PRIMARY KEY, device INTEGER NOT NULL, digest BLOB NOT NULL, created_at BIGINT NOT NULL,
            last_used_at BIGINT, last_used_from VARCHAR, revoked_at BIGINT)""",
        "CREATE INDEX keys_by_device ON keys (device)",
        # `scope` is "device" for what the device reported, "shared" for what operators set.
        """CREATE TABLE attributes (
            device INTEGER NOT NULL, scope VARCHAR NOT NULL, name VARCHAR NOT NULL, value JSON,
            updated_at BIGINT NOT NULL, PRIMARY KEY (device, scope, name))""",
        """CREATE TABLE commands (
            id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, method VARCHAR NOT NULL,
            params JSON, state VARCHAR NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
            sent_at BIGINT, answered_at BIGINT, response JSON)
        """,
        "CREATE INDEX commands_by_device ON commands (device, id)",
        # One-time links and browser sessions (`kind` is "link" or "session"): only digests, so that a stolen
        # file opens nothing.
        """CREATE TABLE credentials (
            digest BLOB PRIMARY KEY, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, role VARCHAR NOT NULL,
            expires_at BIGINT NOT NULL)""",
        "CREATE TABLE secrets (name VARCHAR PRIMARY KEY, value BLOB NOT NULL)",
    ),
    # Devices that were removed, until the history has confirmed that their readings are gone.
    ("CREATE TABLE removed (device INTEGER PRIMARY KEY)",),
    # How long a device's values are kept; NULL as the configuration says, 0 for ever.
    tuple(f"ALTER TABLE devices ADD COLUMN {tier} FLOAT" for tier in ("raw_s", "minute_s", "hour_s")),
    # What a run of the hub leaves for the next one.
    ("CREATE TABLE notes (name VARCHAR PRIMARY KEY, value BIGINT NOT NULL)",),
    # How often a device reports, as far as the hub knows.
    ("ALTER TABLE devices ADD COLUMN learnt_interval_s FLOAT",),
    # The tokens of programs. `digest` is the BLAKE2b-256 of an opaque one's secret, and empty for a JWT.
    (
        """CREATE TABLE tokens (
            id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, owner VARCHAR NOT NULL,
            grants JSON NOT NULL, rights JSON, digest BLOB NOT NULL, created_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL, last_used_at BIGINT, last_used_from VARCHAR, revoked_at BIGINT)""",
    ),
    # What a device's key allows, NULL for all, and when it ends by itself.
    ("ALTER TABLE keys ADD COLUMN rights JSON", "ALTER TABLE keys ADD COLUMN expires_at BIGINT"),
    # The people. `password` is the Argon2id digest of theirs. Whoever had logged in before was an admin.
    (
        """CREATE TABLE operators (
            name VARCHAR PRIMARY KEY, grants JSON NOT NULL, created_at BIGINT NOT NULL, password VARCHAR)""",
        """INSERT INTO operators (name, grants, created_at)
            SELECT DISTINCT name, '[{"role": "admin", "devices": null, "labels": null}]', 0
            FROM credentials WHERE name <> 'local'""",
        # Where a session came from, how, when, and when it was used last, to the hour.
        "ALTER TABLE credentials ADD COLUMN created_at BIGINT",
        "ALTER TABLE credentials ADD COLUMN used_at BIGINT",
        "ALTER TABLE credentials ADD COLUMN address VARCHAR",
        "ALTER TABLE credentials ADD COLUMN origin VARCHAR",
    ),
    # What people and programs did. Rows are added, and neither changed nor taken away.
    (
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY AUTOINCREMENT, at BIGINT NOT NULL, who VARCHAR NOT NULL,
            credential VARCHAR NOT NULL, address VARCHAR NOT NULL, what VARCHAR NOT NULL, device VARCHAR)""",
    ),
    # When somebody proved last, in a session, who they are.
    ("ALTER TABLE credentials ADD COLUMN confirmed_at BIGINT",),
    # Commands have more states. What an older version sent is not sent again: it may have arrived.
    (
        "ALTER TABLE commands RENAME COLUMN answered_at TO ended_at",
        "ALTER TABLE commands ADD COLUMN delivered_at BIGINT",
        "ALTER TABLE commands ADD COLUMN batch BIGINT",
        "ALTER TABLE commands ADD COLUMN is_sent_once BOOLEAN NOT NULL DEFAULT FALSE",
        # By what a request is known that comes again: the digest of who asked, where, and the key.
        "ALTER TABLE commands ADD COLUMN request BLOB",
        """UPDATE commands SET delivered_at = ended_at, state = CASE
            WHEN json_type(CAST(response AS TEXT), '$.error') IS NULL THEN 'done' ELSE 'failed' END
            WHERE state = 'answered'""",
        "UPDATE commands SET ended_at = expires_at WHERE state = 'expired'",
        "UPDATE commands SET is_sent_once = TRUE WHERE state = 'sent'",
        "CREATE UNIQUE INDEX commands_by_request ON commands (device, request)",
        "CREATE INDEX commands_by_batch ON commands (batch, id)",
        """CREATE TABLE batches (
            id INTEGER PRIMARY KEY AUTOINCREMENT, label VARCHAR NOT NULL, method VARCHAR NOT NULL,
            params JSON, created_at BIGINT NOT NULL, request BLOB UNIQUE)""",
    ),
    # Refusals are noted too, and counted. The triggers keep entries as they are, whoever asks; the oldest go
    # after the note says so.
    (
        "ALTER TABLE audit ADD COLUMN result VARCHAR NOT NULL DEFAULT 'done'",
        "ALTER TABLE audit ADD COLUMN count BIGINT NOT NULL DEFAULT 1",
        "ALTER TABLE audit ADD COLUMN detail VARCHAR NOT NULL DEFAULT ''",
        "CREATE INDEX audit_by_who ON audit (who, number)",
        "CREATE INDEX audit_by_device ON audit (device, number)",
        """CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'what was noted stays as it is'); END""",
        f"""CREATE TRIGGER audit_grows BEFORE DELETE ON audit
            WHEN OLD.number > coalesce((SELECT value FROM notes WHERE name = '{AUDIT_TRIMMED}'), 0)
            BEGIN SELECT RAISE(ABORT, 'only the oldest entries are taken away'); END""",
    ),
    # A key may be a certificate: the SHA-256 of its DER form; `digest` is empty then.
    (
        "ALTER TABLE keys ADD COLUMN certificate BLOB",
        "CREATE UNIQUE INDEX keys_by_certificate ON keys (certificate)",
    ),
    # Rules as the wire has them; alerts, and what happened to each, with the alert as it was after that.
    (
        """CREATE TABLE rules (
            id INTEGER PRIMARY KEY AUTOINCREMENT, body JSON NOT NULL, created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL, by_whom VARCHAR NOT NULL)""",
        # `device` is its number, `device_id` what it was called. `rule` is 0 for the thresholds of a metric.
        """CREATE TABLE alerts (
            id INTEGER PRIMARY KEY, rule INTEGER NOT NULL, name VARCHAR NOT NULL, severity VARCHAR NOT NULL,
            device INTEGER NOT NULL, device_id VARCHAR NOT NULL, metric VARCHAR NOT NULL,
            opened BIGINT NOT NULL, received BIGINT NOT NULL, resolved BIGINT, value JSON,
            peak_at BIGINT NOT NULL, peak JSON, acknowledged JSON, silenced JSON, flapping BOOLEAN NOT NULL,
            count INTEGER NOT NULL, notify BOOLEAN NOT NULL, labels JSON NOT NULL, why VARCHAR NOT NULL)""",
        "CREATE INDEX alerts_by_machine ON alerts (rule, device, metric, opened)",
        "CREATE INDEX alerts_firing ON alerts (id) WHERE resolved IS NULL",
        """CREATE TABLE alert_changes (
            number INTEGER PRIMARY KEY, alert INTEGER NOT NULL, event VARCHAR NOT NULL, at BIGINT NOT NULL,
            by_whom VARCHAR NOT NULL, text VARCHAR NOT NULL, body JSON NOT NULL)""",
        "CREATE INDEX alert_changes_by_alert ON alert_changes (alert, number)",
        # `which` is of devices, as the wire has it; or there is a rule.
        """CREATE TABLE silences (
            id INTEGER PRIMARY KEY AUTOINCREMENT, which JSON, rule INTEGER, until BIGINT NOT NULL,
            by_whom VARCHAR NOT NULL, made_at BIGINT NOT NULL, comment VARCHAR NOT NULL)""",
    ),
    (
        # Whom a provider of OpenID Connect lets in: who they are to it, and when it said so last. Its word is
        # what they may; without grants they may not come in at present.
        "ALTER TABLE operators ADD COLUMN issuer VARCHAR",
        "ALTER TABLE operators ADD COLUMN subject VARCHAR",
        "ALTER TABLE operators ADD COLUMN checked_at BIGINT",
        "CREATE UNIQUE INDEX operators_by_subject ON operators (issuer, subject)",
        # Of a session that a provider gave: its own name for it, when it said last that the session goes on,
        # and its tokens, which only the secret of the session opens.
        "ALTER TABLE credentials ADD COLUMN provider VARCHAR",
        "ALTER TABLE credentials ADD COLUMN provider_session VARCHAR",
        "ALTER TABLE credentials ADD COLUMN checked_at BIGINT",
        "ALTER TABLE credentials ADD COLUMN sealed BLOB",
    ),
    # People's passkeys: `credential` is what browsers call one, `public_key` is in COSE, `site` the host for
    # which browsers show it.
    (
        """CREATE TABLE passkeys (
            id VARCHAR PRIMARY KEY, operator VARCHAR NOT NULL, name VARCHAR NOT NULL,
            credential BLOB NOT NULL UNIQUE, public_key BLOB NOT NULL, sign_count BIGINT NOT NULL,
            site VARCHAR NOT NULL, created_at BIGINT NOT NULL, last_used_at BIGINT)""",
        "CREATE INDEX passkeys_by_operator ON passkeys (operator)",
    ),
    # What a browser that is logged in calls itself.
    ("ALTER TABLE credentials ADD COLUMN browser VARCHAR",),
    # The commands that operators declared: for a device, or for all with a label, and then `device` is 0.
    (
        """CREATE TABLE methods (
            device INTEGER NOT NULL, label VARCHAR NOT NULL, declared JSON NOT NULL,
            PRIMARY KEY (device, label))""",
    ),
    # Whom alerts are told, by which routes, and the messages on their way.
    (
        # `address` and `secret` are shown to nobody.
        """CREATE TABLE targets (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR NOT NULL, kind VARCHAR NOT NULL,
            address VARCHAR NOT NULL, secret VARCHAR NOT NULL, created_at BIGINT NOT NULL,
            by_whom VARCHAR NOT NULL)""",
        # As the wire has them.
        """CREATE TABLE routes (
            id INTEGER PRIMARY KEY AUTOINCREMENT, body JSON NOT NULL, created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL, by_whom VARCHAR NOT NULL)""",
        # `grouping` is what others join by until it is due. `alerts` are as they were when it was planned.
        """CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY, key VARCHAR NOT NULL, target INTEGER NOT NULL,
            target_name VARCHAR NOT NULL, route INTEGER NOT NULL, event VARCHAR NOT NULL,
            grouping VARCHAR NOT NULL, alerts JSON NOT NULL, more INTEGER NOT NULL,
            by_whom VARCHAR NOT NULL, text VARCHAR NOT NULL, made_at BIGINT NOT NULL, due BIGINT NOT NULL,
            state VARCHAR NOT NULL, tries INTEGER NOT NULL, why VARCHAR NOT NULL, ended_at BIGINT)""",
        "CREATE UNIQUE INDEX deliveries_by_key ON deliveries (key, target)",
        "CREATE INDEX deliveries_queued ON deliveries (id) WHERE state = 'queued'",
        # Which messages each alert is in.
        """CREATE TABLE delivered_alerts (
            alert INTEGER NOT NULL, delivery INTEGER NOT NULL, PRIMARY KEY (alert, delivery))""",
        # Alerts that fire and were told, and what follows while nobody acknowledges them.
        """CREATE TABLE watches (
            route INTEGER NOT NULL, alert INTEGER NOT NULL, body JSON NOT NULL, remind_at BIGINT,
            escalate_at BIGINT, escalated BOOLEAN NOT NULL, unaware JSON NOT NULL,
            PRIMARY KEY (route, alert))""",
    ),
    # What people write: on the timelines of devices, and to each other. `author` is who may change it, NULL
    # once that person was removed: somebody else may be called so later.
    (
        # `at` and `until` are what it is about.
        """CREATE TABLE device_notes (
            id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, text VARCHAR NOT NULL,
            by_whom VARCHAR NOT NULL, author VARCHAR, made_at BIGINT NOT NULL, at BIGINT, until BIGINT,
            edited_at BIGINT)""",
        "CREATE INDEX device_notes_by_device ON device_notes (device, id)",
        """CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT, by_whom VARCHAR NOT NULL, author VARCHAR,
            recipient VARCHAR NOT NULL, text VARCHAR NOT NULL, made_at BIGINT NOT NULL)""",
        "CREATE INDEX messages_by_recipient ON messages (recipient, id)",
        "CREATE INDEX messages_by_author ON messages (author, id)",
        # What waits for a person: a note with its device, or a message; and up to where they saw it.
        """CREATE TABLE inbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT, person VARCHAR NOT NULL, device INTEGER, note INTEGER,
            message INTEGER, made_at BIGINT NOT NULL)""",
        "CREATE INDEX inbox_by_person ON inbox (person, id)",
        "CREATE INDEX inbox_by_note ON inbox (note)",
        "CREATE INDEX inbox_by_device ON inbox (device)",
        "CREATE TABLE inbox_seen (person VARCHAR PRIMARY KEY, upto BIGINT NOT NULL)",
    ),
    # Alerts in inboxes: what was told, and by whom it was acknowledged; of the first of them its id and when
    # it opened. What is about several devices has them in `devices`, and stays until all of them are gone.
    (
        "ALTER TABLE inbox ADD COLUMN told VARCHAR",
        "ALTER TABLE inbox ADD COLUMN told_by VARCHAR",
        "ALTER TABLE inbox ADD COLUMN alert INTEGER",
        "ALTER TABLE inbox ADD COLUMN at BIGINT",
        "ALTER TABLE inbox ADD COLUMN devices JSON",
    ),
)
