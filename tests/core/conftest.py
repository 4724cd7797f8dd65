from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.core.rooms import Clock, Rooms, open_rooms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def rooms(tmp_path: Path, clock: Clock) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path, clock) as rooms:
        yield rooms
