"""The tests of a file share rooms."""

from tests.kept_rooms import clock, file_clock, kept_rooms, new_rooms, rooms

__all__ = ["clock", "file_clock", "kept_rooms", "new_rooms", "rooms"]
