"""The hub as REST and the live socket show it."""

import pytest

from hub.model import Reading, Role
from hub.system import OWN
from tests.http.conftest import Hub

PATH = f"/api/v1/devices/{OWN.id}"


async def publish(hub: Hub, **values: float) -> None:
    await hub.rooms.ingest.accept(OWN, [Reading(None, dict(values))], "hub").stored


async def test_the_hub_says_what_it_is_and_what_it_allows(hub: Hub) -> None:
    await hub.device()
    status, shown = await hub.call("GET", "/api/v1/system", headers=hub.bearer(Role.VIEWER))
    assert (status, shown["device"], shown["failure"], shown["behind"]) == (200, OWN.id, None, None)
    assert shown["journal"]["bytes_max"] == hub.rooms.config.limits.journal_max_mb * 1_048_576
    assert 0 <= shown["journal"]["bytes"] < shown["journal"]["bytes_max"]
    assert shown["devices"] == {"online": 0, "stale": 0, "offline": 0, "never_seen": 1}
    assert shown["limits"]["limits.readings_per_s"] == hub.rooms.config.limits.readings_per_s
    assert shown["limits"]["live.viewers_max"] == hub.rooms.config.live.viewers_max
    scoped = hub.bearer(Role.MANAGER, ["boiler"])
    assert (await hub.call("GET", "/api/v1/system", headers=scoped))[0] == 403


async def test_the_hubs_figures_are_read_as_those_of_a_device(hub: Hub) -> None:
    await hub.device()
    await publish(hub, rss_mib=80.5)
    status, shown = await hub.call("GET", PATH)
    assert (status, shown["id"], shown["name"], shown["presence"]) == (200, "_hub", "This hub", "online")
    assert [one["name"] for one in shown["metrics"]] == ["rss_mib"]
    assert (await hub.call("GET", f"{PATH}/latest"))[1]["snapshot"]["rss_mib"][1] == 80.5
    assert (await hub.call("GET", f"{PATH}/history?metric=rss_mib"))[1]["avg"] == [80.5]
    assert (await hub.call("GET", "/api/v1/system"))[1]["figures"] == {"rss_mib": 80.5}
    assert list((await hub.call("GET", "/api/v1/latest?device=_hub"))[1]["devices"]) == ["_hub"]
    async with hub.client.get("/api/v1/export?device=_hub", headers=hub.bearer()) as response:
        assert (await response.text()).count("rss_mib") == 1
    async with hub.live_socket() as viewer:
        await viewer.send_json({"type": "subscribe", "channel": "device/_hub"})
        assert (await viewer.receive_json())["type"] == "hello"
        assert (await viewer.receive_json())["snapshot"]["rss_mib"][1] == 80.5
        assert hub.rooms.feed.counts.viewers == 1


async def test_who_may_see_some_devices_does_not_see_the_hub(hub: Hub) -> None:
    await hub.device()
    scoped = hub.bearer(Role.VIEWER, ["boiler"])
    assert (await hub.call("GET", PATH, headers=scoped))[0] == 404
    async with hub.live_socket(scoped) as viewer:
        await viewer.send_json({"type": "subscribe", "channel": "device/_hub"})
        await viewer.receive_json()
        assert (await viewer.receive_json())["code"] == "not_found"


async def test_the_hub_is_in_no_list(hub: Hub) -> None:
    await publish(hub, rss_mib=80.5)
    assert (await hub.call("GET", "/api/v1/devices"))[1]["devices"] == []
    assert (await hub.call("GET", "/api/v1/latest"))[1]["devices"] == {}
    async with hub.client.get("/api/v1/export", headers=hub.bearer()) as response:
        assert "_hub" not in await response.text()
    async with hub.client.get("/metrics", headers=hub.bearer()) as response:
        assert 'hub_devices{presence="online"} 0.0' in await response.text()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", PATH, {"name": "Mine"}),
        ("DELETE", PATH, None),
        ("POST", f"{PATH}/keys", None),
        ("PUT", f"{PATH}/attributes", {"shared": {"a": 1}}),
        ("PUT", f"{PATH}/metrics/rss_mib", {"unit": "x"}),
        ("POST", f"{PATH}/commands", {"method": "reboot"}),
    ],
)
async def test_nobody_changes_the_hub_by_rest(hub: Hub, method: str, path: str, body: object) -> None:
    await publish(hub, rss_mib=80.5)
    assert (await hub.call(method, path, body))[0] == 404
    assert (await hub.call("POST", "/api/v1/devices", {"id": OWN.id}))[0] == 422


@pytest.mark.parametrize("by_s", [90.0, -3600.0])
async def test_a_step_of_the_clock_is_shown(hub: Hub, by_s: float) -> None:
    calm = (await hub.call("GET", "/api/v1/system"))[1]["clock"]
    assert (calm["is_set"], calm["steps"], calm["stepped_at"], calm["may_forget"]) == (True, 0, None, True)
    hub.clock.set_by_s = by_s
    assert hub.rooms.hub_clock.tick() is not None
    shown = (await hub.call("GET", "/api/v1/system"))[1]["clock"]
    assert (shown["steps"], shown["may_forget"]) == (1, False)
    assert shown["stepped_by_s"] == pytest.approx(by_s, abs=1)
    assert shown["time"] - calm["time"] == pytest.approx(by_s * 1000, abs=10_000)
