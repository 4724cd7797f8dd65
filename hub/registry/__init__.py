"""The registry: devices, keys, attributes, commands, sessions. Small, and changed in place. SQLite, in WAL mode.

schema     the tables, and the numbered migrations that make them
registry   rows in, values out
"""
