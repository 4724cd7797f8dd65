"""The journal: what was accepted, on disk in a millisecond, until the history has taken it over.

record    one batch as bytes, and back
segment   one file: records one after the other, each with its length and a checksum
journal   the files: where batches go in, and what is found there at a start
damage    what does not check: looking at it, and saving the rest
"""
