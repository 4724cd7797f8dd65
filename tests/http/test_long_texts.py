"""Answers full of long texts: cut into pages, or refused, before they take the hub's memory."""

import pytest

from hub.http.rest.texts import TEXTS_MAX, fit
from hub.model import Reading, Value
from tests.feed.runs import run_of
from tests.http.conftest import Hub

LONG = "x" * 4_096
FITTING = TEXTS_MAX // len(LONG)
T0 = 1_795_170_094_504
PATH = "/api/v1/devices/boiler/history"


async def test_pages_of_long_texts_are_shorter_and_hold_each_reading_once(hub: Hub) -> None:
    await hub.device()
    count = FITTING + 500
    device = hub.rooms.fleet.devices.find("boiler")
    readings = [Reading((T0 + number) * 1000, {"s": f"{number:04}{LONG[4:]}"}) for number in range(count)]
    await hub.rooms.ingest.accept(device, readings, "http").stored
    found: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        query = f"metric=s&tier=raw&from={T0}&to={T0 + count}&limit=10000&cursor={cursor}"
        status, page = await hub.call("GET", f"{PATH}?{query}")
        assert status == 200
        found += page["value"]
        cursor, pages = page["next"], pages + 1
    assert [int(one[:4]) for one in found] == list(range(count))
    assert pages == 2
    for points, status in ((count, 422), (100, 200)):
        query = f"metric=s&from={T0}&to={T0 + count}&points={points}"
        assert (await hub.call("GET", f"{PATH}?{query}"))[0] == status


async def test_of_several_metrics_the_texts_are_counted_together_and_no_more_are_asked_than_fit(
    hub: Hub,
) -> None:
    await hub.device("worded")
    device = hub.rooms.fleet.devices.find("worded")
    count = FITTING // 5
    values: dict[str, Value] = {"n": 1.0, **{f"s{number}": LONG for number in range(4)}}
    readings = [Reading((T0 + number) * 1000, values) for number in range(count)]
    await hub.rooms.ingest.accept(device, readings, "http").stored
    for names, status in (("n", 200), ("s1 n", 200), ("n s0 s1", 422), ("s0 s1 s2 s3 n", 422)):
        asked = "&".join(f"metric={name}" for name in names.split())
        url = f"/api/v1/devices/worded/history?{asked}&from={T0}&to={T0 + count}&points={count}"
        found, answer = await hub.call("GET", url)
        assert found == status, names
        if status == 422:  # the third and the fourth were not asked for
            assert f"are {2 * 3 * count * len(LONG)} or more" in answer["detail"]


async def test_latest_values_that_are_long_texts_come_on_shorter_pages(hub: Hub) -> None:
    names = [f"d{number:02}" for number in range(24)]
    for name in names:
        await hub.device(name)
        values: dict[str, Value] = {f"m{number}": LONG for number in range(200)}
        hub.rooms.feed.device(name).publish(run_of(Reading(T0 * 1000, values)))
    found: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        status, page = await hub.call("GET", f"/api/v1/latest?cursor={cursor}")
        assert status == 200
        found += page["devices"]
        cursor, pages = page["next"], pages + 1
    assert found == names
    assert pages == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], 1), ([1.0] * 9, 9), ([LONG] * FITTING, FITTING), ([LONG] * (FITTING + 1), FITTING)],
)
def test_one_at_least_fits(values: list[object], expected: int) -> None:
    assert fit(values) == expected
    assert fit(["x" * (TEXTS_MAX + 1), "y"]) == 1
