"""The history in one DuckDB file, which one process owns; everything else goes through the hub.

A reading's way, and the files that tell of it, in the order to read them:

    ..batch        the open batch gathers                             in memory, not acknowledged
    writer         one thread commits batches back to back            `readings`, acknowledged
    sealing        a full `readings` is put in order, and counted     `filled` → `sealed`, `minutes`, `hours`, `latest`
    compaction     days and months that are over, in one order        the same tables
    retention      what is over goes, tier by tier
    keeper         the loop that does the last three, and who may write what
    ranges         what is asked of all this together: a theory, and why nothing is counted twice
    queries        what else is asked
    history        the room's door: fills batches, runs queries, hands work to threads
    file           the tables, the migrations, and which files are opened
"""
