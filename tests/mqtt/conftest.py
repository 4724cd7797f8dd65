"""A hub's rooms with two devices, boiler and pump."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.config import Config
from tests.kept import KeptHubs, empty
from tests.mqtt.rooms import Rooms, rooms


@pytest.fixture(scope="module")
async def kept_hubs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KeptHubs[Rooms]]:
    kept = KeptHubs(lambda _: rooms(tmp_path_factory.mktemp("hub")), cleared)
    yield kept
    await kept.close()


@pytest.fixture
async def hub(kept_hubs: KeptHubs[Rooms], request: pytest.FixtureRequest) -> AsyncIterator[Rooms]:
    """It may have served other tests of the file."""
    failed = request.session.testsfailed
    opened = await kept_hubs.take(Config())
    await opened.add("boiler", "pump")
    yield opened
    await kept_hubs.give_back(opened, failed=request.session.testsfailed > failed)


@pytest.fixture
async def new_hub(tmp_path: Path) -> AsyncIterator[Rooms]:
    """One that nobody has used before."""
    async with rooms(tmp_path) as opened:
        await opened.add("boiler", "pump")
        yield opened


async def cleared(hub: Rooms) -> bool:
    """Take away what a test made; whether the hub is as good as new."""
    for client in hub.clients:
        client.close()
    hub.clients.clear()
    if hub.clock.ahead_s:
        return False
    await empty(hub.fleet, hub.history, hub.ingest)
    hub.keys.clear()
    return True
