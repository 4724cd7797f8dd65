"""Whatever the order in which readings come, and in what batches: in the end the alerts are those of the
readings by time, which the oracle tells.
"""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.model import Reading, Value
from hub.model.alert import Alert
from hub.model.condition import Condition, write_condition
from tests.alerts.conditions import of_numbers, readings
from tests.alerts.house import House
from tests.alerts.oracle import spans
from tests.rooms import T0, UNLIMITED, Clock, open_rooms

S = 1_000_000
EVERY_S = 101  # so that nothing flaps: openings are too far apart
BEGIN = T0 - 10_000 * S
NAMES: Iterator[int] = count()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_rooms(tmp_path_factory.mktemp("any"), Clock(), UNLIMITED) as rooms:
        yield House(rooms)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    when=of_numbers([150, 250, 500]),
    some=readings(EVERY_S, 40),
    chance=st.randoms(use_true_random=False),
    sizes=st.lists(st.integers(1, 9), max_size=8),
    looks=st.lists(st.booleans(), min_size=8, max_size=8),
)
async def test_alerts_are_those_of_the_readings_by_time(
    house: House,
    when: Condition,
    some: list[tuple[int, Value]],
    chance: object,
    sizes: list[int],
    looks: list[bool],
) -> None:
    device, _ = await house.rooms.add(f"device-{next(NAMES)}")
    rule = await house.rule(write_condition(when), on={"device": device.id})
    left = list(some)
    chance.shuffle(left)  # type: ignore[attr-defined]
    for size, look in zip([*sizes, len(left) or 1], [*looks, True], strict=False):
        batch, left = left[:size], left[size:]
        if batch:
            sent = [Reading(BEGIN + at, {"t": value}) for at, value in batch]
            house.rooms.ingest.accept(device, sent, "test")
        if look:
            await house.settle()
    if left:
        house.rooms.ingest.accept(device, [Reading(BEGIN + at, {"t": value}) for at, value in left], "test")
    found = [one for one in await house.found(device=device.id) if one.resolved != one.opened]
    newest = max((at for at, _ in some), default=0)
    expected = spans(when, some, newest)
    assert sorted(_span(one) for one in found) == sorted(
        (at, 2**62 if end is None else end) for at, end in expected
    )
    await house.alerts.rules.remove(rule.id)
    await house.rooms.fleet.remove(device)


def _span(alert: Alert) -> tuple[int, int]:
    return alert.opened - BEGIN, 2**62 if alert.resolved is None else alert.resolved - BEGIN
