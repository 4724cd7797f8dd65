"""The two stores, and the only place that knows SQL.

    registry   devices, keys, attributes, commands, sessions: small, changed in place. SQLite, in WAL mode
    history    metrics, readings, sequence numbers, rejections: large, appended. DuckDB, by group commit

One process owns both files; everything else, the command line included, goes through the hub.
"""
