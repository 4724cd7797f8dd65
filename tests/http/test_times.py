"""Times in queries: another unit than milliseconds is told apart, not answered with nothing."""

import pytest

from hub.errors import Invalid
from hub.http.rest.times import read_time
from tests.http.conftest import Hub

NOW_S = 1_795_170_094


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (f"{NOW_S}", "looks like seconds"),
        (f"{NOW_S}.5", "looks like seconds"),
        ("1e9", "looks like seconds"),
        (f"{NOW_S * 1_000_000}", "looks like microseconds"),
        (f"{NOW_S * 1_000_000_000}", "looks like nanoseconds"),
        ("5", "milliseconds since 1970"),
        ("-1", "milliseconds since 1970"),
        ("nan", "milliseconds since 1970"),
        ("inf", "milliseconds since 1970"),
    ],
)
@pytest.mark.parametrize("name", ["from", "to"])
async def test_a_time_in_another_unit_is_refused_and_named(hub: Hub, text: str, hint: str, name: str) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    for path in (f"/api/v1/devices/boiler/history?metric=t&{name}={text}", f"/api/v1/export?{name}={text}"):
        status, problem = await hub.call("GET", path)
        assert (status, problem["where"], hint in problem["detail"]) == (422, name, True)


@pytest.mark.parametrize("milliseconds", [0, 100_000_000_000, NOW_S * 1000, NOW_S * 1000 + 0.125])
def test_milliseconds_are_taken(milliseconds: float) -> None:
    assert read_time(str(milliseconds), "from") == round(milliseconds * 1000)


def test_what_is_no_number_is_read_as_a_date() -> None:
    assert read_time("2026-11-25T00:00:00Z", "from") == 1_795_564_800_000_000
    with pytest.raises(Invalid, match="yesterday"):
        read_time("yesterday", "from")
