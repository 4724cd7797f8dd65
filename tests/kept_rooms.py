"""Rooms kept for the tests of a file. The tests of a folder whose conftest.py imports this share them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.config import Config
from tests.kept import KeptHubs, empty
from tests.rooms import T0, Clock, Rooms, open_rooms

__all__ = ["clock", "file_clock", "kept_rooms", "new_rooms", "rooms"]


@pytest.fixture(scope="module")
def file_clock() -> Clock:
    return Clock()


@pytest.fixture
def clock(file_clock: Clock) -> Clock:
    """That of `rooms`, at T0."""
    file_clock.now, file_clock.set_by = T0, 0
    return file_clock


@pytest.fixture(scope="module")
async def kept_rooms(
    tmp_path_factory: pytest.TempPathFactory, file_clock: Clock
) -> AsyncIterator[KeptHubs[Rooms]]:
    kept = KeptHubs(lambda _: open_rooms(tmp_path_factory.mktemp("rooms"), file_clock), cleared)
    yield kept
    await kept.close()


@pytest.fixture
async def rooms(
    kept_rooms: KeptHubs[Rooms], clock: Clock, request: pytest.FixtureRequest
) -> AsyncIterator[Rooms]:
    """Rooms without devices, which may have served other tests of the file."""
    failed = request.session.testsfailed
    opened = await kept_rooms.take(Config())
    yield opened
    await kept_rooms.give_back(opened, failed=request.session.testsfailed > failed)


@pytest.fixture
async def new_rooms(tmp_path: Path, clock: Clock) -> AsyncIterator[Rooms]:
    """Rooms that nobody has used before."""
    async with open_rooms(tmp_path, clock) as opened:
        yield opened


async def cleared(rooms: Rooms) -> bool:
    """Take away what a test made; whether the rooms are as good as new."""
    if (rooms.clock.now, rooms.clock.set_by) != (T0, 0):
        return False
    await empty(rooms.fleet, rooms.history, rooms.ingest)
    return True
