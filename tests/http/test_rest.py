import io
import time
from typing import Any

import orjson
import pytest

from hub.model import Role
from tests.http.conftest import Hub

DEVICES = "/api/v1/devices"
T0 = 1_700_000_000_000
UNSET = {"critical_low": None, "warning_low": None, "warning_high": None, "critical_high": None}


async def test_a_device_is_added_with_a_key_that_is_shown_once_and_works(hub: Hub) -> None:
    body = {"id": "pump-1", "name": "Pump", "labels": {"hall": "2"}, "expected_interval_s": 5}
    status, made = await hub.call("POST", DEVICES, body)
    assert status == 201
    hub.keys["pump-1"] = made.pop("key")
    assert await hub.send({"t": 1.5}, "pump-1") == (200, {"accepted": 1})
    status, shown = await hub.call("GET", f"{DEVICES}/pump-1")
    assert status == 200
    assert {name: shown[name] for name in body} == body
    assert (shown["presence"], shown["lost"]) == ("online", 0)
    assert shown["created_at"] == made["created_at"]
    assert shown["created_at"].endswith("Z")
    assert shown["last_seen"] >= shown["since"]
    assert shown["metrics"] == [
        {
            "name": "t",
            "type": "number",
            "unit": None,
            "minimum": None,
            "maximum": None,
            "decimals": None,
            "thresholds": UNSET,
        }
    ]
    assert shown["sequence"] == {"highest": None, "repeated": 0, "repeated_since": None, "restarts": 0}
    assert shown["retention"] == {"raw_s": None, "minute_s": None, "hour_s": None}


async def test_many_devices_are_added_all_or_none(hub: Hub) -> None:
    status, made = await hub.call("POST", DEVICES, {"devices": [{"id": "a"}, {"id": "b", "name": "B"}]})
    assert (status, [one["id"] for one in made["devices"]]) == (201, ["a", "b"])
    assert all(one["key"].startswith("hk_") for one in made["devices"])
    assert (await hub.call("POST", DEVICES, {"devices": [{"id": "c"}, {"id": "a"}]}))[0] == 409
    assert (await hub.call("GET", f"{DEVICES}/c"))[0] == 404


async def test_a_list_of_devices_may_be_longer_than_other_bodies(hub: Hub) -> None:
    labels = {f"label-{number}": "x" * 90 for number in range(20)}
    many = [{"id": f"d{number}", "labels": labels} for number in range(600)]
    assert len(str(many)) > hub.rooms.config.http.max_body_bytes
    body = io.BytesIO(orjson.dumps({"devices": many}))
    async with hub.client.post(DEVICES, data=body, headers=hub.bearer()) as response:
        made = await response.json()
    assert (response.status, len({one["key"] for one in made["devices"]})) == (201, 600)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "id"),
        ({"id": "a", "colour": "red"}, "colour"),
        ({"id": "a", "labels": {"k": 1}}, "labels.k"),
        ({"id": "a", "expected_interval_s": 0}, "expected_interval_s"),
        ({"devices": []}, "devices"),
        ({"devices": [{"id": "a"}, {"id": "b c"}]}, "devices.1.id"),
        ([], None),
    ],
)
async def test_a_wrong_device_is_refused_with_the_field(hub: Hub, body: object, where: str | None) -> None:
    status, problem = await hub.call("POST", DEVICES, body)
    assert (status, problem["code"], problem.get("where")) == (422, "invalid", where)
    assert "should" not in problem["detail"]
    assert (problem["type"], problem["title"], problem["status"]) == (
        "about:blank",
        "Unprocessable Entity",
        422,
    )


async def test_a_body_that_is_no_json_is_refused(hub: Hub) -> None:
    async with hub.client.post(DEVICES, data=b"{", headers=hub.bearer()) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["code"] == "unreadable"


async def test_devices_are_listed_in_pages_each_once(hub: Hub) -> None:
    await hub.call("POST", DEVICES, {"devices": [{"id": f"d{number:02}"} for number in range(25)]})
    found, cursor, pages = [], "", 0
    while True:
        _, page = await hub.call("GET", f"{DEVICES}?limit=10&cursor={cursor}")
        found += [one["id"] for one in page["devices"]]
        pages += 1
        if page["next"] is None:
            break
        cursor = page["next"]
    assert (pages, found) == (3, [f"d{number:02}" for number in range(25)])


async def test_devices_are_found_by_text_and_labels(hub: Hub) -> None:
    await hub.device("oven", name="Großer Ofen", labels={"hall": "1", "line": "a"})
    await hub.device("pump", name="Pump", labels={"hall": "1"})

    async def found(query: str) -> list[str]:
        status, page = await hub.call("GET", f"{DEVICES}?{query}")
        assert status == 200
        return [one["id"] for one in page["devices"]]

    assert await found("q=GROSSER") == ["oven"]
    assert await found("q=um") == ["pump"]
    assert await found("label=hall=1") == ["oven", "pump"]
    assert await found("label=hall=1&label=line=a") == ["oven"]
    assert await found("label=hall=2") == []


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("label=x", "label"),
        ("cursor=%00", "cursor"),
        ("colour=red", "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(hub: Hub, query: str, where: str) -> None:
    status, problem = await hub.call("GET", f"{DEVICES}?{query}")
    assert (status, problem["where"]) == (422, where)
    assert where in problem["detail"]


async def test_a_device_is_changed_only_where_asked(hub: Hub) -> None:
    await hub.device(name="Boiler", labels={"hall": "1"}, expected_interval_s=5.0)
    path = f"{DEVICES}/boiler"
    assert (await hub.call("PATCH", path, {"name": "New"}))[1]["name"] == "New"
    status, changed = await hub.call("PATCH", path, {"expected_interval_s": None, "labels": {}})
    assert (status, changed["name"]) == (200, "New")
    assert (changed["labels"], changed["expected_interval_s"]) == ({}, None)
    assert (await hub.call("GET", path))[1] == changed


async def test_a_device_and_its_metrics_are_changed_at_once_and_only_where_asked(hub: Hub) -> None:
    await hub.device()
    await hub.send({"t": 20.5, "mode": "eco"})
    path = f"{DEVICES}/boiler"
    wanted = {"name": "t", "unit": "°C", "decimals": 1, "thresholds": {"warning_low": 5, "critical_high": 32}}
    status, changed = await hub.call("PATCH", path, {"retention": {"raw_s": 0}, "metrics": [wanted]})
    assert (status, changed["retention"]) == (200, {"raw_s": 0, "minute_s": None, "hour_s": None})
    metrics = {one["name"]: one for one in changed["metrics"]}
    assert (metrics["t"]["unit"], metrics["t"]["decimals"], metrics["t"]["maximum"]) == ("°C", 1, None)
    assert metrics["t"]["thresholds"] == {**UNSET, "warning_low": 5, "critical_high": 32}
    assert metrics["mode"]["thresholds"] == UNSET
    status, again = await hub.call("PATCH", path, {"metrics": [{"name": "t", "decimals": 3, "maximum": 90}]})
    assert again["retention"] == changed["retention"]
    assert again["metrics"][0] == {**metrics["t"], "decimals": 3, "maximum": 90}
    unset = {"retention": None, "metrics": [{"name": "t", "thresholds": None, "decimals": None}]}
    _, last = await hub.call("PATCH", path, unset)
    assert set(last["retention"].values()) == {None}
    assert (last["metrics"][0]["thresholds"], last["metrics"][0]["decimals"]) == (UNSET, None)
    assert (await hub.call("GET", path))[1] == last


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"retention": {"raw_s": -1}}, "retention.raw_s"),
        ({"retention": {"raw_s": 60, "minute_s": 30}}, "retention.minute_s"),
        ({"retention": {"raw_s": 0, "hour_s": 30}}, "retention.hour_s"),
        ({"retention": {"day_s": 1}}, "retention.day_s"),
        ({"metrics": [{"name": "t", "decimals": 7}]}, "metrics.0.decimals"),
        ({"metrics": [{"name": "t", "decimals": 1.5}]}, "metrics.0.decimals"),
        ({"metrics": [{"name": "mode", "decimals": 1}]}, "metrics.0.decimals"),
        ({"metrics": [{"name": "t", "minimum": 2, "maximum": 1}]}, "metrics.0.minimum"),
        (
            {
                "metrics": [
                    {"name": "mode"},
                    {"name": "t", "thresholds": {"warning_low": 9, "warning_high": 8}},
                ]
            },
            "metrics.1.thresholds.warning_high",
        ),
        ({"metrics": [{"name": "t", "thresholds": {"high": 8}}]}, "metrics.0.thresholds.high"),
    ],
)
async def test_a_wrong_change_is_refused_with_the_field_and_changes_nothing(
    hub: Hub, body: dict[str, Any], where: str
) -> None:
    await hub.device()
    await hub.send({"t": 20.5, "mode": "eco"})
    _, before = await hub.call("GET", f"{DEVICES}/boiler")
    status, problem = await hub.call("PATCH", f"{DEVICES}/boiler", {"name": "New", **body})
    assert (status, problem["code"], problem["where"]) == (422, "invalid", where)
    assert (await hub.call("GET", f"{DEVICES}/boiler"))[1] == before
    assert (await hub.call("PATCH", f"{DEVICES}/boiler", {"metrics": [{"name": "none"}]}))[0] == 404


async def test_a_removed_device_is_gone_with_its_key(hub: Hub) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    assert (await hub.call("DELETE", f"{DEVICES}/boiler"))[0] == 204
    assert (await hub.call("GET", f"{DEVICES}/boiler"))[0] == 404
    assert (await hub.send({"t": 1.0}))[0] == 401


async def test_the_latest_values_are_shown_with_their_times(hub: Hub) -> None:
    await hub.device()
    await hub.send({"ts": T0, "values": {"t": 1.0, "on": False, "mode": "eco"}})
    await hub.send({"ts": T0 + 0.5, "values": {"t": 2.0}})
    _, latest = await hub.call("GET", f"{DEVICES}/boiler/latest")
    assert latest["snapshot"] == {"t": [T0 + 0.5, 2.0], "on": [T0, False], "mode": [T0, "eco"]}
    assert latest["presence"] == "online"


async def test_keys_are_listed_without_their_secrets(hub: Hub) -> None:
    await hub.device()
    status, made = await hub.call("POST", f"{DEVICES}/boiler/keys")
    assert status == 201
    hub.keys["boiler"] = made["key"]
    await hub.send({"t": 1.0})
    await hub.call("DELETE", f"{DEVICES}/boiler/keys/{made['id']}")
    _, listed = await hub.call("GET", f"{DEVICES}/boiler/keys")
    [first, second] = sorted(listed["keys"], key=lambda key: key["revoked_at"] is not None)
    assert (first["last_used_at"], first["revoked_at"]) == (None, None)
    assert (second["id"], second["last_used_from"]) == (made["id"], "127.0.0.1")
    assert second["revoked_at"] >= second["last_used_at"] >= second["created_at"] == made["created_at"]
    assert made["key"].rsplit("_", 1)[1] not in str(listed)
    assert (await hub.call("DELETE", f"{DEVICES}/boiler/keys/{made['id']}"))[0] == 409
    assert (await hub.call("DELETE", f"{DEVICES}/boiler/keys/none"))[0] == 404


async def test_a_metrics_unit_and_range_are_set_and_hold(hub: Hub) -> None:
    await hub.device()
    await hub.send({"a/b °": 1.0})
    path = f"{DEVICES}/boiler/metrics/a%2Fb%20%C2%B0"
    status, metric = await hub.call("PUT", path, {"unit": "°C", "minimum": -10, "maximum": 100})
    assert (status, metric["name"], metric["unit"], metric["maximum"]) == (200, "a/b °", "°C", 100)
    status, problem = await hub.send({"a/b °": 101.0})
    assert (status, problem["code"]) == (422, "range")
    status, problem = await hub.call("PUT", path, {"minimum": 2, "maximum": 1})
    assert (status, problem["where"]) == (422, "minimum")
    await hub.call("PUT", path, {"decimals": 2})
    _, shown = await hub.call("GET", f"{DEVICES}/boiler")
    assert (shown["metrics"][0]["unit"], shown["metrics"][0]["decimals"]) == (None, 2)
    assert (await hub.call("PUT", f"{DEVICES}/boiler/metrics/none", {}))[0] == 404


async def test_a_command_to_an_absent_device_waits_in_the_queue(hub: Hub) -> None:
    await hub.device()
    path = f"{DEVICES}/boiler/commands"
    status, sent = await hub.call("POST", path, {"method": "restart", "params": {"in": 5}, "timeout_s": 30})
    assert (status, sent["state"], sent["sent_at"], sent["response"]) == (201, "queued", None, None)
    assert sent["expires_at"] - sent["created_at"] == 30_000
    assert (await hub.call("GET", path))[1] == {"commands": [sent], "next": None}
    assert (await hub.call("POST", path, {"method": ""}))[0] == 422
    assert (await hub.call("POST", path, {"method": "x", "timeout_s": 0}))[0] == 422


async def test_commands_come_in_pages_each_once_newest_first(hub: Hub) -> None:
    await hub.device()
    path = f"{DEVICES}/boiler/commands"
    sent = [(await hub.call("POST", path, {"method": f"m{number}"}))[1]["id"] for number in range(7)]
    found, pages, query = [], 0, "limit=3"
    while True:
        _, page = await hub.call("GET", f"{path}?{query}")
        found += [one["id"] for one in page["commands"]]
        pages += 1
        if page["next"] is None:
            break
        query = f"limit=3&before={page['next']}"
    assert (pages, found) == (3, sent[::-1])


async def test_too_many_open_commands_are_refused_for_now(hub: Hub) -> None:
    await hub.device()
    path = f"{DEVICES}/boiler/commands"
    statuses = [(await hub.call("POST", path, {"method": "x"}))[0] for _ in range(101)]
    assert statuses == [201] * 100 + [429]


class TestHistory:
    async def fill(self, hub: Hub) -> None:
        await hub.device()
        body = [{"ts": T0 + second * 1000, "values": {"n": float(second)}} for second in range(600)]
        assert (await hub.send(body))[0] == 200

    async def ask(self, hub: Hub, query: str) -> tuple[int, Any]:
        return await hub.call("GET", f"{DEVICES}/boiler/history?{query}")

    async def test_a_range_takes_milliseconds_or_rfc_3339(self, hub: Hub) -> None:
        await self.fill(hub)
        status, by_ms = await self.ask(hub, f"metric=n&from={T0 + 10_000}&to={T0 + 13_000}")
        assert status == 200
        assert by_ms["time"] == [T0 + 10_000, T0 + 11_000, T0 + 12_000]
        assert (by_ms["tier"], by_ms["avg"], by_ms["unit"]) == ("raw", [10.0, 11.0, 12.0], None)
        _, by_text = await self.ask(hub, "metric=n&from=2023-11-14T22:13:30Z&to=2023-11-14T23:13:33%2B01:00")
        assert by_text == by_ms

    async def test_a_wide_range_comes_in_as_many_points_as_asked(self, hub: Hub) -> None:
        await self.fill(hub)
        _, found = await self.ask(hub, f"metric=n&from={T0}&to={T0 + 600_000}&points=10")
        assert found["time"] == [T0 + 60_000 * number for number in range(10)]
        assert (found["min"][1], found["avg"][1], found["max"][1]) == (60.0, 89.5, 119.0)

    async def test_the_last_hour_is_meant_where_nothing_is_said(self, hub: Hub) -> None:
        await self.fill(hub)
        await hub.send({"n": -1.0})
        assert (await self.ask(hub, "metric=n"))[1]["avg"] == [-1.0]

    @pytest.mark.parametrize(
        ("query", "status", "where"),
        [
            ("", 422, "metric"),
            ("metric=none", 404, None),
            ("metric=n&from=yesterday", 422, "from"),
            ("metric=n&to=2023-11-14T22:13:30", 422, "to"),
            ("metric=n&from=-1", 422, "from"),
            ("metric=n&from=nan", 422, "from"),
            ("metric=n&from=200000000020&to=200000000010", 422, "from"),
            ("metric=n&points=0", 422, "points"),
            ("metric=n&points=10001", 422, "points"),
        ],
    )
    async def test_a_wrong_parameter_is_named(
        self, hub: Hub, query: str, status: int, where: str | None
    ) -> None:
        await self.fill(hub)
        answered, problem = await self.ask(hub, query)
        assert (answered, problem.get("where")) == (status, where)
        if where:
            assert where in problem["detail"]


async def test_health_metrics_and_unknown_paths(new_hub: Hub) -> None:
    await new_hub.device()
    await new_hub.send([{"t": 1.0}, {"t": "warm"}])
    assert await new_hub.call("GET", "/healthz", headers={}) == (200, {"status": "ok"})
    assert await new_hub.call("GET", "/readyz", headers={}) == (200, {"status": "ready"})
    async with new_hub.client.get("/metrics", headers=new_hub.bearer()) as response:
        figures = dict(
            line.rsplit(" ", 1) for line in (await response.text()).splitlines() if not line.startswith("#")
        )
    assert (figures["hub_readings_total"], figures["hub_refused_total"]) == ("1.0", "1.0")
    assert figures['hub_devices{presence="online"}'] == "1.0"
    assert "boiler" not in str(figures)
    status, problem = await new_hub.call("GET", "/api/v1/nothing")
    assert (status, problem["detail"]) == (404, "there is nothing at /api/v1/nothing")
    async with new_hub.client.put(DEVICES, headers=new_hub.bearer()) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD,POST")
        assert response.content_type == "application/problem+json"


async def test_an_operator_sees_that_a_device_repeats_itself_and_resets_its_sequence(hub: Hub) -> None:
    await hub.device()
    assert (await hub.send({"seq": 9, "values": {"t": 1}}))[0] == 200
    for seq in (0, 1):
        assert await hub.send({"seq": seq, "values": {"t": 1}}) == (200, {"accepted": 1})
    shown = (await hub.call("GET", f"{DEVICES}/boiler"))[1]["sequence"]
    assert shown.pop("repeated_since") <= time.time() * 1000
    assert shown == {"highest": 9, "repeated": 2, "restarts": 0}
    viewer = hub.bearer(Role.VIEWER)
    assert (await hub.call("DELETE", f"{DEVICES}/boiler/sequence", headers=viewer))[0] == 403
    assert (await hub.call("DELETE", f"{DEVICES}/nothere/sequence"))[0] == 404
    assert (await hub.call("DELETE", f"{DEVICES}/boiler/sequence"))[0] == 204
    assert (await hub.call("GET", f"{DEVICES}/boiler"))[1]["sequence"]["highest"] is None
