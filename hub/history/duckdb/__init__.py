"""The history in one DuckDB file, which one process owns; everything else goes through the hub.

A reading's way, and the files that tell of it, in the order to read them:

    ..batch        the open batch gathers                             in memory, not acknowledged
    ..journal      one thread appends batches, back to back           on disk, acknowledged
    folding        what is in the journal gathers                     in memory too
    fold           one thread brings that into the file in a minute   `readings`
    sealing        a full `readings` is put in order, and counted     `filled` → `sealed`, `minutes` …
    compaction     days and months that are over, in one order        the same tables
    retention      what is over goes, tier by tier
    conversion     a metric's type was changed: its values go on under the new one
    keeper         the loop that does the last four, and who may write what
    ranges         what is asked of all this together: a theory, and why nothing is counted twice
    queries        what else is asked
    history        the room's door: two group commits in a row, and what is asked
    open_file      the connection, and the threads that work with it
    file           the tables, the migrations, and which files are opened
    transaction    all of a block, or nothing of it

A file's way, out and in:

    export         pages of text, or a Parquet file
    records        a CSV file's lines made plain
    parquet        a Parquet file's rows, if they are not far too many for its size
    staging        what a file holds: read, checked, sorted, in a store of its own
    checking       the statements by which it reads and checks
    refused        the rows that are not taken, each with its reason
    numbers        which texts are numbers that a double holds
    comparing      what of it the history lacks
    copying        a copy of all, while it is written to
"""
