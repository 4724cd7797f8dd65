"""Keys for a part of what devices do, by HTTP and the device's WebSocket; made and replaced by REST."""

from typing import Any

import pytest

from hub.model import KeyRight
from tests.http.conftest import Hub

KEYS = "/api/v1/devices/boiler/keys"
SAYS = {
    KeyRight.TELEMETRY: {"id": 1, "t": 1.0},
    KeyRight.ATTRIBUTES: {"type": "attributes", "id": 1, "values": {"a": 1}},
    KeyRight.COMMANDS: {"type": "response", "id": 1, "response": None},
}


async def add_key(hub: Hub, **wanted: object) -> dict[str, Any]:
    await hub.device()
    status, made = await hub.call("POST", KEYS, wanted)
    assert status == 201
    hub.keys["boiler"] = made["key"]
    found: dict[str, Any] = made
    return found


@pytest.mark.parametrize("right", list(KeyRight))
async def test_what_a_key_is_not_for_is_refused_and_kept(hub: Hub, right: KeyRight) -> None:
    made = await add_key(hub, rights=[right])
    assert made["rights"] == [right]
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        for asked, said in SAYS.items():
            await socket.send_json(said)
            answer = await socket.receive_json()
            assert (answer.get("code") == "forbidden") == (asked is not right), answer
        for path, body, needed in (
            ("commands", {"method": "open"}, KeyRight.COMMANDS),
            ("attributes", {"shared": {"b": 1}}, KeyRight.ATTRIBUTES),
        ):
            method = "POST" if path == "commands" else "PUT"
            _, answered = await hub.call(method, f"/api/v1/devices/boiler/{path}", body)
            if path == "commands":
                assert answered["state"] == ("sent" if needed is right else "queued")
    status, _ = await hub.send({"t": 2.0})
    assert status == (200 if right is KeyRight.TELEMETRY else 403)
    _, kept = await hub.call("GET", "/api/v1/devices/boiler/rejections")
    assert [one["code"] for one in kept["rejections"]].count("forbidden") == 2


async def test_a_key_in_place_of_another(hub: Hub) -> None:
    old = await add_key(hub, rights=["telemetry"])
    assert old["expires_at"] is None
    replaced = {"replaces": old["id"], "overlap_s": 3600}
    status, new = await hub.call("POST", KEYS, replaced)
    assert (status, new["rights"], new["expires_at"]) == (201, ["telemetry"], None)
    _, listed = await hub.call("GET", KEYS)
    ends = {one["id"]: one["expires_at"] for one in listed["keys"]}
    assert ends[old["id"]] is not None
    assert ends[new["id"]] is None
    assert (await hub.send({"t": 1.0}))[0] == 200
    assert (await hub.call("POST", KEYS, {"replaces": "none"}))[0] == 404
    assert (await hub.call("POST", KEYS, {**replaced, "rights": ["commands"]}))[0] == 422
    await hub.call("DELETE", f"{KEYS}/{old['id']}")
    assert (await hub.call("POST", KEYS, replaced))[0] == 409


@pytest.mark.parametrize("wrong", [{"rights": []}, {"rights": ["all"]}, {"ttl_s": 0}, {"overlap_s": -1}])
async def test_a_key_that_cannot_be_is_refused(hub: Hub, wrong: dict[str, object]) -> None:
    await hub.device()
    assert (await hub.call("POST", KEYS, wrong))[0] == 422
