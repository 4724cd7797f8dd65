"""A hub's rooms with two devices, boiler and pump."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mqtt.rooms import Rooms, rooms


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with rooms(tmp_path) as opened:
        await opened.add("boiler", "pump")
        yield opened
