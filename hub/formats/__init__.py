"""Bytes to readings: one file a format, all pure.

A format never raises for what a device sent; it refuses with a reason.

parsing     JSON with no number changed, for what is no reading too
"""
