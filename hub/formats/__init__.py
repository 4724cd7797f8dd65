"""Bytes to readings: one file a format, all pure.

A format never raises for what a device sent; it refuses with a reason.
"""
