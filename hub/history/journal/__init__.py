"""The journal: what was accepted, on disk in a millisecond, until the history has taken it over.

record    one batch as bytes, and back
segment   one file as it is written: records one after the other, each with its length and checksums
reading   the same as it is read: what checks, what a crash has left, what is damaged
journal   the files: where batches go in, and what is found there at a start
damage    all that does not check, for people
repair    saving the rest
"""
