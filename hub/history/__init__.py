"""The history: metrics, readings, sequence numbers, rejections. Large, and appended by group commit.

batch      the open batch gathers: what one commit writes
duckdb     the history in a DuckDB file
"""
