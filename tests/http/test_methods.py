"""Declared commands: what fits them, who declares them; and a command to all devices with a label."""

import asyncio
from typing import Any

import pytest

from hub.fleet.commands import OPEN_MAX
from hub.model import Role
from tests.http.conftest import Hub
from tests.principals import grant

DEVICE = "/api/v1/devices/boiler"
LEVEL = {
    "type": "object",
    "properties": {
        "level": {"type": "integer", "minimum": 0, "maximum": 5, "unit": "bar", "title": "Pressure"},
        "mode": {"enum": ["eco", "full"]},
        "note": {"type": "string", "maxLength": 5},
        "steps": {"type": "array", "items": {"type": "number"}, "maxItems": 2},
        "soft": {"type": "boolean", "default": True},
    },
    "required": ["level"],
}
SET_LEVEL = {"name": "set_level", "label": "Set the level", "dangerous": False, "params": LEVEL}
DRAIN = {"name": "drain", "label": "", "dangerous": True, "params": None}


async def send(hub: Hub, method: str, params: object = None, **more: Any) -> tuple[int, Any]:
    return await hub.call("POST", f"{DEVICE}/commands", {"method": method, "params": params, **more})


async def test_what_is_declared_is_listed_and_goes_with_an_empty_list(hub: Hub) -> None:
    await hub.device()
    assert await hub.call("GET", f"{DEVICE}/methods") == (200, [])
    assert await hub.call("PUT", f"{DEVICE}/methods", [SET_LEVEL, DRAIN]) == (200, [DRAIN, SET_LEVEL])
    assert await hub.call("GET", f"{DEVICE}/methods", headers=hub.bearer(Role.VIEWER)) == (
        200,
        [DRAIN, SET_LEVEL],
    )
    assert await hub.call("PUT", f"{DEVICE}/methods", []) == (200, [])


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"level": 6}, "params.level"),
        ({"level": -1}, "params.level"),
        ({"level": 1.5}, "params.level"),
        ({"level": "3"}, "params.level"),
        ({"level": True}, "params.level"),
        ({}, "params.level"),
        (None, "params.level"),
        ([], "params"),
        ({"level": 1, "mode": "off"}, "params.mode"),
        ({"level": 1, "note": "too long"}, "params.note"),
        ({"level": 1, "steps": [1, "x"]}, "params.steps.1"),
        ({"level": 1, "steps": [1, 2, 3]}, "params.steps"),
        ({"level": 1, "soft": 1}, "params.soft"),
        ({"level": 1, "other": 1}, "params.other"),
    ],
)
async def test_parameters_that_do_not_fit_are_refused_by_the_name_of_the_field(
    hub: Hub, params: object, where: str
) -> None:
    await hub.device()
    await hub.call("PUT", f"{DEVICE}/methods", [SET_LEVEL])
    status, problem = await send(hub, "set_level", params)
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["detail"].startswith(f"{where}:")
    _, found = await hub.call("GET", f"{DEVICE}/commands")
    assert found["commands"] == []


async def test_parameters_that_fit_and_what_nobody_declared_are_sent(hub: Hub) -> None:
    await hub.device()
    await hub.call("PUT", f"{DEVICE}/methods", [SET_LEVEL])
    for params in ({"level": 5}, {"level": 0.0, "mode": "eco", "note": "ü", "steps": [], "soft": False}):
        assert (await send(hub, "set_level", params))[0] == 201
    assert (await send(hub, "something_else", [1, {"a": None}]))[0] == 201


@pytest.mark.parametrize(
    ("declared", "where"),
    [
        ([{"name": ""}], "0.name"),
        ([{"name": "a"}, {"name": "a"}], "1.name"),
        ([{"name": "a", "params": {}}], "0.params.type"),
        ([{"name": "a", "params": {"type": "float"}}], "0.params.type"),
        ([{"name": "a", "params": {"type": ["string", "null"]}}], "0.params.type"),
        ([{"name": "a", "params": {"type": "string", "pattern": "(a+)+"}}], "0.params.pattern"),
        ([{"name": "a", "params": {"type": "number", "minimum": 2, "maximum": 1}}], "0.params.minimum"),
        ([{"name": "a", "params": {"type": "number", "minimum": "2"}}], "0.params.minimum"),
        ([{"name": "a", "params": {"type": "string", "maximum": 2}}], "0.params.maximum"),
        ([{"name": "a", "params": {"type": "number", "maxLength": 2}}], "0.params.maxLength"),
        ([{"name": "a", "params": {"type": "number", "default": "x"}}], "0.params.default"),
        ([{"name": "a", "params": {"type": "number", "properties": {}}}], "0.params.properties"),
        ([{"name": "a", "params": {"type": "object", "required": ["b"]}}], "0.params.required"),
        ([{"name": "a", "params": {"enum": []}}], "0.params.enum"),
        (
            [{"name": "a", "params": {"type": "object", "properties": {"b": {"type": "x"}}}}],
            "0.params.properties.b.type",
        ),
    ],
)
async def test_a_declaration_is_checked_when_it_is_made(hub: Hub, declared: object, where: str) -> None:
    await hub.device()
    status, problem = await hub.call("PUT", f"{DEVICE}/methods", declared)
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["detail"].startswith(f"{where}:"), problem
    async with hub.device_socket() as socket:  # the same of a device that declares its own
        assert (await socket.receive_json())["type"] == "welcome"
        await socket.send_json({"type": "attributes", "id": 1, "values": {"methods": declared}})
        said = await socket.receive_json()
        assert (said["type"], said["message"].startswith(f"methods.{where}:")) == ("error", True), said


async def test_the_declaration_for_the_device_stands_over_that_of_a_label_and_its_own(hub: Hub) -> None:
    await hub.device(labels={"kind": "pump"})
    by = {who: {**DRAIN, "name": who} for who in ("own", "label", "device")}
    same = {who: {**DRAIN, "label": who} for who in by}
    status, _ = await hub.call(
        "POST", "/api/v1/device/attributes", {"methods": [by["own"], same["own"]]}, hub.key()
    )
    assert status == 204
    label = "/api/v1/methods?label=kind=pump"
    assert (await hub.call("GET", f"{DEVICE}/methods"))[1] == [same["own"], by["own"]]
    await hub.call("PUT", label, [by["label"], same["label"]])
    assert (await hub.call("GET", label))[1] == [same["label"], by["label"]]
    assert (await hub.call("GET", f"{DEVICE}/methods"))[1] == [same["label"], by["label"], by["own"]]
    _, found = await hub.call("PUT", f"{DEVICE}/methods", [by["device"], same["device"]])
    assert found == [by["device"], same["device"], by["label"], by["own"]]
    await hub.call("PUT", label, [])
    assert (await hub.call("GET", f"{DEVICE}/methods"))[1] == [by["device"], same["device"], by["own"]]


async def test_a_dangerous_method_is_sent_where_that_is_confirmed(hub: Hub) -> None:
    await hub.device()
    await hub.call("PUT", f"{DEVICE}/methods", [DRAIN])
    status, problem = await send(hub, "drain")
    assert (status, problem["code"]) == (422, "confirm")
    assert (await send(hub, "drain", confirm=True))[0] == 201


# To all devices with a label


async def plant(hub: Hub, count: int = 3) -> list[str]:
    names = [f"pump-{number}" for number in range(count)]
    for number, name in enumerate(names):
        await hub.device(name, labels={"kind": "pump", "site": "north" if number else "south"})
    return names


async def test_a_command_to_a_label_is_one_for_each_device_with_a_result_for_each(hub: Hub) -> None:
    names = await plant(hub)
    await hub.device("fan", labels={"kind": "fan"})
    asked = {"label": "kind=pump", "method": "prime", "params": {"s": 1}}
    headers = {**hub.bearer(), "Idempotency-Key": "k"}
    status, made = await hub.call("POST", "/api/v1/commands", asked, headers)
    assert (status, made) == (
        201,
        {"batch": made["batch"], "label": "kind=pump", "method": "prime", "count": 3},
    )
    assert (await hub.call("POST", "/api/v1/commands", asked, headers))[1] == made
    async with hub.device_socket(names[1]) as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        command = await socket.receive_json()
        await socket.send_json({"type": "response", "id": command["id"], "response": {"error": "dry"}})
        path = f"/api/v1/commands/batches/{made['batch']}"
        found: dict[str, Any] = {"ended": 0}
        while not found["ended"]:
            _, found = await hub.call("GET", path)
    assert (found["count"], found["states"]) == (3, {"queued": 2, "failed": 1})
    told = [(one["device"], one["state"], one["response"]) for one in found["results"]]
    assert told == [
        (names[0], "queued", None),
        (names[1], "failed", {"error": "dry"}),
        (names[2], "queued", None),
    ]
    _, listed = await hub.call("GET", f"/api/v1/devices/{names[0]}/commands")
    assert [one["batch"] for one in listed["commands"]] == [made["batch"]]
    first = (await hub.call("GET", f"{path}?limit=2"))[1]
    rest = (await hub.call("GET", f"{path}?limit=2&after={first['next']}"))[1]
    assert [one["device"] for one in first["results"] + rest["results"]] == names
    assert rest["next"] is None


async def test_a_batch_is_within_the_scope_of_who_sends_and_of_who_looks(hub: Hub) -> None:
    await plant(hub)
    north = {
        "Authorization": "Bearer "
        + hub.rooms.tokens.sign("north", grant(Role.OPERATOR, labels={"site": "north"}), 600)
    }
    asked = {"label": "kind=pump", "method": "prime", "params": 7}
    _, mine = await hub.call("POST", "/api/v1/commands", asked, north)
    assert mine["count"] == 2
    _, every = await hub.call("POST", "/api/v1/commands", asked)
    _, seen = await hub.call("GET", f"/api/v1/commands/batches/{every['batch']}", headers=north)
    assert ([one["device"] for one in seen["results"]], seen["count"]) == (["pump-1", "pump-2"], 2)
    viewer = hub.bearer(Role.VIEWER, ["pump-0"])
    assert (await hub.call("GET", f"/api/v1/commands/batches/{mine['batch']}", headers=viewer))[0] == 404
    _, seen = await hub.call("GET", f"/api/v1/commands/batches/{every['batch']}", headers=viewer)
    assert [one["params"] for one in seen["results"]] == [None]
    south = {**asked, "label": "site=south"}
    assert (await hub.call("POST", "/api/v1/commands", south, north))[0] == 404
    for wrong in ("999", "x"):
        assert (await hub.call("GET", f"/api/v1/commands/batches/{wrong}"))[0] == 404


async def test_where_a_command_does_not_fit_one_of_the_devices_nothing_is_sent(hub: Hub) -> None:
    names = await plant(hub)
    await hub.call("PUT", f"/api/v1/devices/{names[1]}/methods", [SET_LEVEL])
    asked = {"label": "kind=pump", "method": "set_level", "params": {"level": 9}}
    status, problem = await hub.call("POST", "/api/v1/commands", asked)
    assert status == 422
    assert problem["detail"].startswith("params.level:")
    assert names[1] in problem["detail"]
    for name in names:
        assert (await hub.call("GET", f"/api/v1/devices/{name}/commands"))[1]["commands"] == []


async def test_of_a_batch_it_fails_where_too_many_are_open(hub: Hub) -> None:
    names = await plant(hub, 2)
    full = hub.rooms.fleet.devices.find(names[0])
    await asyncio.gather(*(hub.rooms.commands.send(full, "m", None, 60) for _ in range(OPEN_MAX)))
    _, made = await hub.call("POST", "/api/v1/commands", {"label": "kind=pump", "method": "m"})
    _, found = await hub.call("GET", f"/api/v1/commands/batches/{made['batch']}")
    assert [one["state"] for one in found["results"]] == ["failed", "queued"]
    assert str(OPEN_MAX) in found["results"][0]["response"]["error"]
