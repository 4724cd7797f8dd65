"""The two stores, and the only place that knows SQL.

    registry   devices, keys, attributes, commands, sessions: small, changed in place. SQLite, in WAL mode
    history    metrics, readings, sequence numbers, rejections: large, appended. DuckDB, by group commit

A reading's way through the history, and the files that tell of it, in the order to read them:

    batch          the open batch gathers                             in memory, not acknowledged
    writer         one thread commits batches back to back            `readings`, acknowledged
    sealing        a full `readings` is put in order, and counted     `filled` → `sealed`, `minutes`, `hours`, `latest`
    compaction     days and months that are over, in one order        the same tables
    retention      what is over goes, tier by tier
    keeper         the loop that does the last three, and who may write what
    ranges         what is asked of all this together: a theory, and why nothing is counted twice
    queries        what else is asked
    history        the room's door: fills batches, runs queries, hands work to threads
    history_file   the tables, the migrations, and which files are opened

One process owns both files; everything else, the command line included, goes through the hub.
"""
