"""The history: metrics, readings, sequence numbers, rejections. Large, and appended by group commit.

contract   what a history is for those who use one, and the values that go in and come out
batch      the open batch gathers: what one commit writes
commit     what waits for one
duckdb     the history in a DuckDB file
"""
