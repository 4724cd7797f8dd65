"""The intake: the one way in for readings.

accept     Ingest: readings checked, published at once, stored, acknowledged
checks     the checks of readings, and what became of each
values     how one value is read
sequence   the sequence numbers of one device: what is repeated, and what is lost
known      what the intake knows of one device
rate       how fast one device may send
receipts   what the intake answers, and how to wait until it is on disk
imports    values from a file, beside what devices send
"""
