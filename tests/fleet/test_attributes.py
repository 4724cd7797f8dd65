"""Facts about devices: kept, sent down, and bounded."""

from pathlib import Path

import pytest

from hub.config import LimitsConfig
from hub.errors import Invalid
from hub.fleet.session import SharedAttributes
from tests.rooms import Clock, Rooms, open_rooms


async def test_attributes_of_operators_are_kept_and_sent_down(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    session = rooms.connect(device)
    await rooms.fleet.attributes.report(device, {"firmware": "1.2"})
    await rooms.fleet.attributes.share(device, {"interval_s": 5, "old": None})
    assert session.delivered == [SharedAttributes({"interval_s": 5, "old": None})]
    assert await rooms.fleet.attributes.of(device) == ({"firmware": "1.2"}, {"interval_s": 5})


async def test_attributes_out_of_bounds_are_refused_and_change_nothing(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock, limits=LimitsConfig(attributes_max=3)) as rooms:
        device, _ = await rooms.add("boiler-1")
        many = {str(number): None for number in range(40_000)}
        for values in ({"": 1}, {"x" * 101: 1}, {"a\nb": 1}, dict.fromkeys("abcd", 1), many):
            with pytest.raises(Invalid):
                await rooms.fleet.attributes.report(device, values)
        assert await rooms.fleet.attributes.of(device) == ({}, {})
