"""Every route and channel × role × scope: who may, who is refused, and that what is hidden is not there.

The devices: `mine` in the scope, `hidden` outside, `absent` not there. The last two names are equally
long, so that answers about them are the same bytes, once the one is put for the other.
"""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from hub.http import endpoint
from hub.http.live.viewers import VIEWERS
from hub.model import Grant, Right, Role
from tests.http.conftest import Hub
from tests.http.rights import DEVICE, LIVE, MAY, OF_DEVICES, OPEN, ROWS, RULE, SHOWN, Row
from tests.principals import grant
from tests.waiting import until

NORTH = {"site": "north"}
SCOPES: dict[str, dict[str, Any]] = {"all": {}, "named": {"devices": ["mine"]}, "labelled": {"labels": NORTH}}
GRANTS = {
    f"{role} {scope}": grant(Role(role), **SCOPES[scope])
    for role in MAY
    for scope in SCOPES
    if role != "admin" or scope == "all"
}
Shown = tuple[int, dict[str, str], bytes]


def headers_of(hub: Hub, held: Grant, rights: list[Right] | None = None) -> dict[str, str]:
    token = hub.rooms.tokens.sign("tester", held, 600, rights)
    return {"Authorization": f"Bearer {token}"}


NAMED: dict[str, object] = {  # in paths, besides the device and its key
    "metric": "t",
    "token_id": "none",
    "session_id": "none",
    "operator": "none",
    "passkey_id": "none",
    "command_id": 10**15,
    "rule_id": 10**15,
    "alert_id": 10**15,
    "silence_id": 10**15,
    "note_id": 10**15,
    "batch_id": 10**15,
    "target_id": 10**15,
    "route_id": 10**15,
}
# Those of devices: a scope hides them with the device that they are of.
OF_A_DEVICE = {"key_id", "command_id", "rule_id", "alert_id", "silence_id", "note_id", "batch_id"}
OF_NO_DEVICE = {"metric", "token_id", "session_id", "operator", "passkey_id", "target_id", "route_id"}


async def ask(
    hub: Hub,
    row: Row,
    shown: dict[str, str],
    device: str,
    key_of: str = "hidden",
    named: Mapping[str, object] = NAMED,
) -> Shown:
    """Status, headers and body of an answer about a device; of a stream that does not end, only the first."""
    names = {"device_id": device, "key_id": hub.keys[key_of].split("_")[1], **NAMED, **named}
    path = row.path.format(**names) + row.query.format(device=device)
    sent: dict[str, Any] = {"data": row.body} if isinstance(row.body, bytes) else {"json": row.body}
    async with hub.client.request(row.method, path, headers=shown, **sent) as response:
        is_endless = response.content_type == "text/event-stream"
        body = b"" if is_endless else await response.read()
        kept = {name: value for name, value in response.headers.items() if name != "Date"}
        return response.status, kept, body


def without_name(answer: Shown) -> Shown:
    """Those who ask gave the name: an answer may repeat it."""
    status, headers, body = answer
    return status, headers, body.replace(b"hidden", b"absent")


async def lay_out(hub: Hub) -> None:
    """The devices, with a reading each."""
    await hub.device("mine", labels=NORTH)
    await hub.device("hidden", labels={"site": "south"})
    for device in ("mine", "hidden"):
        assert (await hub.send({"t": 1.0}, device))[0] == 200


async def renew(hub: Hub) -> None:
    """Put back what a request may have taken or made."""
    devices = hub.rooms.fleet.devices
    made, found = devices.known("made"), devices.known("mine")
    if made is not None:
        await hub.rooms.fleet.remove(made)
    if found is None:
        await hub.device("mine", labels=NORTH)
        await hub.send({"t": 1.0}, "mine")
    elif all(key.revoked_at for key in hub.rooms.fleet.keys.of(found)):
        hub.keys["mine"] = str(await hub.rooms.fleet.keys.add(found))


def may(row: Row, role: str, scope: str) -> bool:
    if row.right == SHOWN:
        return True
    if row.path.endswith("/devices") and row.method == "POST" and scope == "named":
        return False  # of the devices that the scope names there is none to be made
    return row.right in MAY[role] and not (row.whole_hub and scope != "all")


async def test_every_route_is_in_the_table(hub: Hub) -> None:
    routed = {
        (route.method, route.resource.canonical)
        for route in hub.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    known = {(row.method, row.path) for row in ROWS} | OPEN | OF_DEVICES | LIVE
    assert routed - known == set(), "add a Row with its right and a good request to tests/http/rights.py"
    assert known - routed == set(), "take out of tests/http/rights.py what is no route any more"
    assert {row.right for row in ROWS} - {SHOWN} <= {right.value for right in Right}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.method} {row.path}{row.query}" for row in ROWS])
async def test_a_route_is_for_those_with_its_right_and_shows_nothing_of_what_is_hidden(
    hub: Hub, row: Row
) -> None:
    await lay_out(hub)
    for name, held in GRANTS.items():
        role, scope = name.split()
        shown = headers_of(hub, held)
        status, _, body = await ask(hub, row, shown, "mine", "mine")
        if may(row, role, scope):
            assert status in row.good, (name, status, body)
        else:
            assert status == 403, (name, status, body)
        if scope != "all":
            assert b"hidden" not in body, name
            if row.is_of_devices:
                hidden = await ask(hub, row, shown, "hidden")
                assert hidden[0] == (404 if row.right in MAY[role] else 403), (name, hidden)
                assert without_name(hidden) == await ask(hub, row, shown, "absent"), name
        await renew(hub)
    assert (await ask(hub, row, {}, "mine"))[0] == 401


# What there is of a device, told by a number


async def made_of_hidden(hub: Hub) -> dict[str, object]:
    """One of each kind that a path can name, of the hidden device."""
    about = {"device": "hidden"}
    _, rule = await hub.call("POST", "/api/v1/rules", {**RULE, "on": about, "when": {"above": 0}})
    _, silence = await hub.call("POST", "/api/v1/silences", {**about, "until": 4e12})
    _, command = await hub.call("POST", f"{DEVICE.format(**about)}/commands", {"method": "x"})
    _, batch = await hub.call("POST", "/api/v1/commands", {"label": "site=south", "method": "x"})
    _, note = await hub.call("POST", f"{DEVICE.format(**about)}/notes", {"text": "x"})
    await hub.send({"t": 1.0}, "hidden")
    found: list[dict[str, object]] = []

    async def fires() -> bool:
        found[:] = (await hub.call("GET", f"/api/v1/alerts?rule={rule['id']}"))[1]["alerts"]
        return bool(found)

    await until(fires)
    return {
        "key_id": hub.keys["hidden"].split("_")[1],
        "command_id": command["id"],
        "rule_id": rule["id"],
        "alert_id": found[0]["id"],
        "silence_id": silence["id"],
        "note_id": note["id"],
        "batch_id": batch["batch"],
    }


def without_number(answer: Shown, number: object) -> Shown:
    status, headers, body = answer
    kept = {name: value for name, value in headers.items() if name != "Content-Length"}
    return status, kept, re.sub(rb"\b%b\b" % str(number).encode(), b"N", body)


def test_each_kind_of_thing_in_a_path_is_known_to_be_of_a_device_or_of_none() -> None:
    named = {name for row in ROWS for name in re.findall(r"{(\w+)}", row.path)}
    assert named - {"device_id"} == OF_A_DEVICE | OF_NO_DEVICE


async def test_what_there_is_of_a_hidden_device_answers_like_what_is_not_there(hub: Hub) -> None:
    await lay_out(hub)
    hidden = await made_of_hidden(hub)
    spies = {
        "rules": {**RULE, "when": {"differs": {"metric": "t", "device": "hidden", "by": 1}}},
        "rules/test": {"rule": RULE, "from": 1e12, "to": 1.1e12, "devices": ["hidden"]},
        "silences": {"device": "hidden", "until": 4e12},
    }
    for held in [held for name, held in GRANTS.items() if not name.endswith("all")]:
        shown = headers_of(hub, held)
        for row in ROWS:
            for name in OF_A_DEVICE & set(re.findall(r"{(\w+)}", row.path)):
                there = await ask(hub, row, shown, "mine", named={name: hidden[name]})
                absent = await ask(hub, row, shown, "mine", named={name: 10**15})
                assert there[0] in (403, 404), (row, held, there)
                assert without_number(there, hidden[name]) == without_number(absent, 10**15), (row, held)
        for path, body in spies.items():
            row = Row("POST", f"/api/v1/{path}", "", body=body)
            absent = await ask(hub, row._replace(body=renamed(body)), shown, "mine")
            assert without_name(await ask(hub, row, shown, "mine")) == absent, (path, held)
        for path, name in (("silences", "rule_id"), ("alerts/acknowledge", "alert_id")):
            told = []
            for number in (hidden[name], 10**15):
                body = {"ids": [number]} if name == "alert_id" else {"until": 4e12, "rule": number}
                row = Row("POST", f"/api/v1/{path}", "", body=body)
                told.append(without_number(await ask(hub, row, shown, "mine"), number))
            assert told[0] == told[1], (path, held)
        _, listed = await hub.call("GET", f"/api/v1/alerts?rule={hidden['rule_id']}", headers=shown)
        assert listed == {"alerts": [], "next": None}


NAMING_ANOTHER = (
    {"when": {"differs": {"metric": "t", "device": "hidden", "by": 1}}},
    {"depends_on": {"device": "hidden"}},
)


@pytest.mark.parametrize("named", NAMING_ANOTHER, ids=str)
async def test_a_rule_that_names_a_hidden_device_is_hidden_with_it(
    hub: Hub, named: dict[str, object]
) -> None:
    """What it is about may be in sight all the same."""
    await lay_out(hub)
    _, rule = await hub.call("POST", "/api/v1/rules", {**RULE, **named})
    number = rule["id"]
    for held in [held for name, held in GRANTS.items() if not name.endswith("all")]:
        shown = headers_of(hub, held)
        _, listed = await hub.call("GET", "/api/v1/rules", headers=shown)
        assert number not in [one["id"] for one in listed["rules"]]
        for row in [row for row in ROWS if "{rule_id}" in row.path]:
            there = await ask(hub, row, shown, "mine", named={"rule_id": number})
            absent = await ask(hub, row, shown, "mine", named={"rule_id": 10**15})
            assert without_number(there, number) == without_number(absent, 10**15), row
        silences = [
            without_number(
                await ask(
                    hub, Row("POST", "/api/v1/silences", "", body={"rule": one, "until": 4e12}), shown, ""
                ),
                one,
            )
            for one in (number, 10**15)
        ]
        assert silences[0] == silences[1]


def renamed(body: object) -> object:
    return orjson.loads(orjson.dumps(body).replace(b"hidden", b"absent"))


@pytest.mark.parametrize("right", list(Right))
async def test_a_token_may_only_what_its_rights_say(hub: Hub, right: Right) -> None:
    await lay_out(hub)
    shown = headers_of(hub, Grant(Role.ADMIN), [right])
    for row in ROWS:
        status, _, body = await ask(hub, row, shown, "mine", "mine")
        good = row.good if row.right in (right, SHOWN) else (403,)
        assert status in good, (row, status, body)
        await renew(hub)


# The live socket


async def told(socket: aiohttp.ClientWebSocketResponse, channel: str) -> bytes:
    """The answer to a subscription, and all that was said before it but the greeting."""
    await socket.send_json({"type": "subscribe", "channel": channel})
    return await next_text(socket)


async def next_text(socket: aiohttp.ClientWebSocketResponse) -> bytes:
    text = str(await socket.receive_str()).encode()
    return await next_text(socket) if b'"hello"' in text else text


@pytest.mark.parametrize("name", [name for name in GRANTS if not name.endswith("all")])
async def test_no_channel_shows_what_is_hidden(hub: Hub, name: str) -> None:
    await lay_out(hub)
    async with hub.live_socket(headers_of(hub, GRANTS[name])) as socket:
        hidden, absent = [await told(socket, f"device/{one}") for one in ("hidden", "absent")]
        assert b"not_found" in hidden
        assert hidden.replace(b"hidden", b"absent") == absent
        for channel in ("overview", "alerts", "label/site=south", "label/site=north", "device/mine"):
            assert b"hidden" not in await told(socket, channel), channel
        hub.rooms.feed.alerts.publish("hidden", {"id": 1, "state": "firing", "name": "hot"})
        await hub.send({"t": 2.0}, "hidden")
        hub.rooms.feed.tick()
        await hub.send({"t": 3.0}, "mine")
        said = b""
        while b"3.0" not in said:
            said += await next_text(socket)
        assert b"hidden" not in said
        assert b"hot" not in said


@pytest.mark.parametrize("right", list(Right))
async def test_the_live_socket_is_for_those_who_may_watch(hub: Hub, right: Right) -> None:
    token = headers_of(hub, Grant(Role.ADMIN), [right])["Authorization"].split()[1]
    async with hub.live_socket({}) as socket:
        await socket.send_json({"type": "auth", "token": token})
        first = await socket.receive_json()
        if right is Right.LIVE_READ:
            assert first["type"] == "hello"
        else:
            assert first["code"] == "forbidden"
            await socket.receive()
            assert socket.close_code == 4403


async def test_a_device_that_is_relabelled_enters_or_leaves_a_scope_at_once(hub: Hub) -> None:
    await lay_out(hub)
    async with hub.live_socket(headers_of(hub, grant(Role.VIEWER, labels=NORTH))) as socket:
        for channel in ("device/mine", "label/kind=pump", "overview"):
            await told(socket, channel)
        for labels in ({"site": "south", "kind": "pump"}, {"site": "north", "kind": "pump"}):
            await hub.call("PATCH", "/api/v1/devices/mine", {"labels": labels})
            hub.rooms.feed.tick()
            seen: list[Any] = []
            while not any(one.get("channel") == "overview" for one in seen):
                found = await asyncio.wait_for(socket.receive_json(), 5)
                seen += found if isinstance(found, list) else [found]
            is_in = labels["site"] == "north"
            overview = [one for one in seen if one.get("channel") == "overview"][-1]
            assert (overview["devices"]["mine"] is not None) == is_in
            gone = [one for one in seen if one.get("channel") == "device/mine" and one["type"] == "error"]
            assert [one["message"] for one in gone] == ([] if is_in else ["there is no device 'mine'"])
            of_label = [one for one in seen if one.get("channel") == "label/kind=pump"]
            assert ["mine" in one["devices"] for one in of_label] == [is_in]
    assert len(hub.app[VIEWERS]) <= 1


async def test_relabelling_takes_the_right_before_and_after(hub: Hub) -> None:
    await lay_out(hub)
    shown = headers_of(hub, grant(Role.MANAGER, labels=NORTH))
    path = "/api/v1/devices/mine"
    assert (await hub.call("PATCH", path, {"labels": {"site": "south"}}, shown))[0] == 403
    assert (await hub.call("PATCH", path, {"labels": {**NORTH, "kind": "pump"}}, shown))[0] == 200
    taken = {"labels": NORTH}
    assert (await hub.call("PATCH", "/api/v1/devices/hidden", taken, shown))[0] == 404
    status, _ = await hub.call("POST", "/api/v1/devices", {"id": "made", "labels": {"site": "south"}}, shown)
    assert status == 403


async def test_what_is_in_a_command_is_for_those_who_may_read_it(hub: Hub) -> None:
    await lay_out(hub)
    await hub.call("POST", "/api/v1/devices/mine/commands", {"method": "open", "params": {"pin": 1234}})
    for role, params in ((Role.VIEWER, None), (Role.OPERATOR, {"pin": 1234})):
        _, listed = await hub.call("GET", "/api/v1/devices/mine/commands", headers=hub.bearer(role))
        assert [(one["method"], one["params"]) for one in listed["commands"]] == [("open", params)]


WAYS_TO_A_DEVICE = re.compile(r"devices\.(find|known|all|numbered|with_readings)\(")
HANDLERS = Path(endpoint.__file__).parent


def test_handlers_come_to_a_device_through_the_rule_alone() -> None:
    """By `Call.device`, `look_up` and `devices`, which ask it. A backup is of the whole hub."""
    files = [*(HANDLERS / "rest").glob("*.py"), *(HANDLERS / "live").glob("*.py")]
    assert len(files) > 20
    found = {path.name for path in files if WAYS_TO_A_DEVICE.search(path.read_text(encoding="utf-8"))}
    assert found == {"backup.py"}
