"""A metric is renamed, gets another type, or is removed: over REST, with its history."""

from pathlib import Path
from typing import Any

from hub.config import Config
from hub.history.duckdb.keeper import Keeper
from hub.model import MetricType, Role
from tests.history.rows import database, folded
from tests.http.conftest import Hub, running_hub

DEVICE = "/api/v1/devices/boiler"
T0 = 1_795_170_094_504
RANGE = f"from={T0 - 1000}&to={T0 + 100_000}"


async def keep(hub: Hub) -> None:
    """What the keeper has to do."""
    history = hub.rooms.history
    await folded(history)
    keeper = Keeper(database(history), dict, hub.clock)
    while await keeper.step():
        pass


async def values(hub: Hub, metric: str) -> list[Any]:
    status, found = await hub.call("GET", f"{DEVICE}/history?metric={metric}&{RANGE}")
    assert status == 200, found
    answer: list[Any] = found["avg"]
    return answer


async def send(hub: Hub, *temperatures: object) -> None:
    start = T0 + 1000 * await sent(hub)
    rows = [{"ts": start + 1000 * n, "values": {"t": one, "h": 50}} for n, one in enumerate(temperatures)]
    await hub.send(rows)


async def sent(hub: Hub) -> int:
    _, found = await hub.call("GET", f"{DEVICE}/history?metric=h&{RANGE}")
    return len(found.get("avg", []))


async def test_a_metric_that_began_as_text_becomes_a_number_with_its_history(hub: Hub) -> None:
    await hub.device()
    await send(hub, "off", "21.5", "22", "off", "n/a")
    await hub.call("PUT", f"{DEVICE}/metrics/t", {"unit": "°C"})
    status, preview = await hub.call("PATCH", f"{DEVICE}/metrics/t?preview=true", {"type": "number"})
    assert (status, preview["preview"], preview["metric"]["type"]) == (200, True, "number")
    assert (preview["values"], preview["lost"]) == (5, 3)
    assert preview["examples"] == [{"value": "off", "count": 2}, {"value": "n/a", "count": 1}]
    assert await values(hub, "t") == ["off", "21.5", "22", "off", "n/a"]  # nothing was changed
    status, edited = await hub.call("PATCH", f"{DEVICE}/metrics/t", {"type": "number"})
    assert (status, edited) == (200, {**preview, "preview": False})
    assert edited["metric"]["unit"] == "°C"
    await send(hub, 23.5, "off")
    await keep(hub)
    assert await values(hub, "t") == [21.5, 22.0, 23.5]
    assert await values(hub, "h") == [50.0] * 7
    _, latest = await hub.call("GET", f"{DEVICE}/latest")
    assert latest["snapshot"]["t"] == [T0 + 5000, 23.5]


async def test_a_renamed_metric_keeps_its_history_its_place_and_what_is_said_of_it(hub: Hub) -> None:
    await hub.device()
    await send(hub, 20, 21)
    await hub.call("PUT", f"{DEVICE}/metrics/t", {"unit": "K", "thresholds": {"warning_high": 30}})
    status, edited = await hub.call("PATCH", f"{DEVICE}/metrics/t", {"name": "temp °C/1"})
    assert (status, edited["metric"]["name"], edited["lost"]) == (200, "temp °C/1", 0)
    assert await values(hub, "temp%20%C2%B0C%2F1") == [20.0, 21.0]
    _, device = await hub.call("GET", DEVICE)
    assert [(one["name"], one["unit"]) for one in device["metrics"]] == [("temp °C/1", "K"), ("h", None)]
    assert device["metrics"][0]["thresholds"]["warning_high"] == 30
    _, latest = await hub.call("GET", f"{DEVICE}/latest")
    assert list(latest["snapshot"]) == ["h", "temp °C/1"]
    await send(hub, 5)
    assert await values(hub, "t") == [5.0]  # sent under the old name it is a new metric
    assert (await hub.call("PATCH", f"{DEVICE}/metrics/t", {"name": "h"}))[0] == 409


async def test_a_removed_metric_is_gone_and_comes_anew(hub: Hub) -> None:
    await hub.device()
    await send(hub, "x", "y")
    path = f"{DEVICE}/metrics/t"
    assert await hub.call("DELETE", f"{path}?preview=true") == (200, {"preview": True, "values": 2})
    assert await values(hub, "t") == ["x", "y"]
    assert await hub.call("DELETE", path) == (200, {"preview": False, "values": 2})
    assert (await hub.call("DELETE", path))[0] == 404
    assert (await hub.call("GET", f"{DEVICE}/history?metric=t&{RANGE}"))[0] == 404
    _, latest = await hub.call("GET", f"{DEVICE}/latest")
    assert list(latest["snapshot"]) == ["h"]
    await send(hub, 20.5)
    await keep(hub)
    assert await values(hub, "t") == [20.5]


async def test_who_may_not_change_devices_may_not_change_metrics(hub: Hub) -> None:
    await hub.device()
    await send(hub, 1)
    viewer = hub.bearer(Role.VIEWER)
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await hub.call(method, f"{DEVICE}/metrics/t", body, viewer))[0] == 403
        assert (await hub.call(method, f"{DEVICE}/metrics/none", body))[0] == 404
    for wrong in ({}, {"name": " x"}, {"type": "int"}, {"unit": "K"}):
        assert (await hub.call("PATCH", f"{DEVICE}/metrics/t", wrong))[0] == 422


async def test_a_change_of_type_is_finished_after_a_restart(tmp_path: Path) -> None:
    async with running_hub(tmp_path, Config()) as hub:
        await hub.device()
        await send(hub, "1.5", "off")
        assert (await hub.call("PATCH", f"{DEVICE}/metrics/t", {"type": "number", "name": "u"}))[0] == 200
    async with running_hub(tmp_path, Config()) as hub:
        await keep(hub)
        assert await values(hub, "u") == [1.5]
    async with running_hub(tmp_path, Config()) as hub:
        device = hub.rooms.fleet.devices.find("boiler")
        assert hub.rooms.ingest.metric(device, "u").type is MetricType.NUMBER
        assert hub.rooms.feed.device("boiler").snapshot()["u"] == [T0, 1.5]


async def test_who_watches_all_devices_is_told_anew_of_one_whose_metrics_were_edited(hub: Hub) -> None:
    await hub.device()
    await send(hub, "1")
    async with hub.live_socket() as socket:
        await socket.send_json({"type": "subscribe", "channel": "overview"})
        for method, body in (("PATCH", {"name": "u"}), ("PATCH", {"type": "number"}), ("DELETE", None)):
            name = "t" if body == {"name": "u"} else "u"
            assert (await hub.call(method, f"{DEVICE}/metrics/{name}", body))[0] == 200
            hub.rooms.feed.tick()
            told = await overview(socket)
            assert told["renewed"]
            assert sorted(told["snapshot"]) == (["h"] if method == "DELETE" else ["h", "u"])


async def test_who_watches_one_device_is_told_that_its_metrics_were_edited(hub: Hub) -> None:
    await hub.device()
    await send(hub, "1")
    async with hub.live_socket() as socket:
        await socket.send_json({"type": "subscribe", "channel": "device/boiler"})
        while (begun := await socket.receive_json(timeout=10))["type"] != "subscribed":
            pass
        epochs = [begun["epoch"]]
        for method, body in (("PATCH", {"name": "u"}), ("PATCH", {"type": "number"}), ("DELETE", None)):
            name = "t" if body == {"name": "u"} else "u"
            assert (await hub.call(method, f"{DEVICE}/metrics/{name}", body))[0] == 200
            while (told := await socket.receive_json(timeout=10))["type"] != "subscribed":
                pass
            assert (told["renewed"], told["recovered"]) == (True, False)
            assert sorted(told["snapshot"]) == (["h"] if method == "DELETE" else ["h", "u"])
            epochs.append(told["epoch"])
        assert len(set(epochs)) == 4


async def overview(socket: Any) -> dict[str, Any]:
    """What the next overview says of the boiler."""
    while True:
        said = await socket.receive_json(timeout=10)
        for message in said if isinstance(said, list) else [said]:
            if message["type"] == "overview" and message["devices"].get("boiler", {}).get("renewed"):
                found: dict[str, Any] = message["devices"]["boiler"]
                return found


async def test_a_flood_of_metric_names_is_undone_by_names_or_a_pattern(hub: Hub) -> None:
    await hub.device()
    flood = {f"v{number}": 1.0 for number in range(150)}
    await hub.send([{"values": {"t": 1.0, "kept": 2.0, "[x]": 3.0}}, {"values": flood}])
    many = f"{DEVICE}/metrics"
    assert (await hub.call("DELETE", many))[0] == 422  # of all of them nobody should say nothing
    assert (await hub.call("DELETE", f"{many}?metric=none"))[0] == 404
    for preview in (True, False):
        status, found = await hub.call("DELETE", f"{many}?match=v*&metric=t&preview={str(preview).lower()}")
        assert (status, found["values"], found["preview"]) == (200, 151, preview)
        assert sorted(found["metrics"]) == sorted([*flood, "t"])
    _, shown = await hub.call("GET", DEVICE)
    assert {one["name"] for one in shown["metrics"]} == {"kept", "[x]"}
    assert (await hub.send({"v1": 5.0, "new": 1.0}))[0] == 200
    assert (await hub.call("DELETE", f"{many}?match=none*"))[1]["metrics"] == []
    assert (await hub.call("DELETE", f"{many}?match=*", headers=hub.bearer(Role.VIEWER)))[0] == 403
    assert (await hub.call("DELETE", f"{many}?match=*"))[1]["values"] == 4
