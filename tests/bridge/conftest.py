"""A Mosquitto and the rooms of a hub, for each test its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bridge.house import House
from tests.bridge.mosquitto import Mosquitto


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    async with Mosquitto.running(folder) as mosquitto:
        yield mosquitto


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House.open(tmp_path) as house:
        yield house
