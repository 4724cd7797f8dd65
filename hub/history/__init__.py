"""The history: metrics, readings, sequence numbers, rejections. Large, and appended by group commit.

contract   what a history is for those who use one, and the values that go in and come out
batch      the open batch gathers: what one commit writes
commit     what waits for one
group      group commit: what comes while one batch is being stored gathers in the next
writer     the thread behind it
journal    what was accepted, on disk in a millisecond
duckdb     the embedded history: a journal, and a DuckDB file
policy     how long values are kept
backup     a copy of both stores
"""
