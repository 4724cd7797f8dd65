"""The registry: devices, keys, attributes, commands, sessions. Small, and changed in place. SQLite, WAL.

registry                                       Registry: opens the file, and offers what is below
devices  keys  attributes  commands
people  tokens  audit
rules  alerts  silences                        values in, values out: a class each
database                                       the file: transactions, one write after another
schema                                         the tables, as the numbered migrations that make them
"""
