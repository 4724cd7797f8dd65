"""Whatever a device may call a metric, it is found by that name everywhere."""

import asyncio
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hub.config import Config
from hub.model import is_name
from tests.http.conftest import running_hub
from tests.rounds import rounds

ODD = st.sampled_from(list("\"',;={}/%\\?#&+ .:°温é🙂\u200b"))
NAMES = st.text(ODD | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(is_name)


@settings(max_examples=rounds(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=20, max_size=40, unique=True))
@example(
    ["temp °C", "温度", "{x}", "a/b", "%2F", "100 %", "a?b#c", "=1", 'say "a", b', "a+b", "a..", "ts", "_"]
)
def test_a_metric_is_described_asked_for_and_shown_by_its_name(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    async def check() -> None:
        async with running_hub(tmp_path_factory.mktemp("data"), Config()) as hub:
            await hub.device()
            assert await hub.send({"values": dict.fromkeys(names, 1.5)}) == (200, {"accepted": 1})
            device = "/api/v1/devices/boiler"
            for name in names:
                named = quote(name, safe="")
                status, shown = await hub.call("PUT", f"{device}/metrics/{named}", {"unit": "u"})
                assert (status, shown["name"]) == (200, name)
                _, found = await hub.call("GET", f"{device}/history?metric={named}")
                assert (found["metric"], found["avg"]) == (name, [1.5])
            body = {"metrics": [{"name": name, "decimals": 2} for name in names]}
            _, shown = await hub.call("PATCH", device, body)
            assert [(one["name"], one["unit"], one["decimals"]) for one in shown["metrics"]] == [
                (name, "u", 2) for name in names
            ]
            _, latest = await hub.call("GET", f"{device}/latest")
            assert list(latest["snapshot"]) == names

    asyncio.run(check())
