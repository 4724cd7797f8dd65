"""JSON that is deep or long, and figures without end: refused where they are written, so that they can be
read again.
"""

import asyncio
import json
from typing import Any

import pytest

from hub.fleet.checks import ATTRIBUTE_MAX_BYTES, ATTRIBUTES_MAX_BYTES, DEPTH_MAX
from hub.fleet.commands import PARAMS_MAX_BYTES, RESPONSE_MAX_BYTES
from hub.http.rest.commands import LISTED_MAX_BYTES
from tests.http.conftest import Hub

ONE = "/api/v1/devices/boiler"


def deep(levels: int) -> Any:
    """So many arrays and objects in each other."""
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def long(size: int) -> str:
    """A text that is so many bytes of JSON."""
    return "x" * (size - 2)


FIT = [deep(DEPTH_MAX), {"a": long(1_000)}]
REFUSED = ("invalid", "unreadable")  # the devices' reader stops at a depth of its own
UNFIT = [deep(DEPTH_MAX + 1), deep(400), deep(900)]


@pytest.mark.parametrize("value", UNFIT, ids=["too deep", "400", "900"])
async def test_what_cannot_be_read_again_is_never_kept(hub: Hub, value: Any) -> None:
    await hub.device()
    writes = (
        ("PUT", "attributes", {"shared": {"a": value}}),
        ("POST", "commands", {"method": "m", "params": value}),
    )
    for method, path, body in writes:
        status, problem = await hub.call(method, f"{ONE}/{path}", body)
        assert (status, problem["code"]) == (422, "invalid")
        assert (await hub.call("GET", f"{ONE}/{path}"))[0] == 200
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        await socket.send_json({"type": "attributes", "id": 1, "values": {"a": value}})
        said = await socket.receive_json()
        assert said["type"] == "error"
        assert said["code"] in REFUSED
        _, command = await hub.call("POST", f"{ONE}/commands", {"method": "m"})
        assert (await socket.receive_json())["type"] == "command"
        await socket.send_json({"type": "response", "id": command["id"], "response": value})
        said = await socket.receive_json()
        assert said["code"] in REFUSED
    assert await hub.call("GET", f"{ONE}/attributes") == (200, {"device": {}, "shared": {}, "pending": []})


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-9223372036854775809", "1e999", "NaN"])
async def test_a_number_that_would_be_changed_is_refused_wherever_it_stands(hub: Hub, number: str) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        for value in (number, f'{{"a":[{number}]}}'):
            await socket.send_str(f'{{"type":"attributes","id":1,"values":{{"serial":{value}}}}}')
            said = await socket.receive_json()
            assert (said["type"], said["code"], said["id"]) == ("error", "invalid", 1)
    assert await hub.call("GET", f"{ONE}/attributes") == (200, {"device": {}, "shared": {}, "pending": []})


async def test_what_fits_is_kept(hub: Hub) -> None:
    await hub.device()
    for value in FIT:
        assert (await hub.call("PUT", f"{ONE}/attributes", {"shared": {"a": value}}))[0] == 200
        assert (await hub.call("GET", f"{ONE}/attributes"))[1]["shared"] == {"a": value}
        assert (await hub.call("POST", f"{ONE}/commands", {"method": "m", "params": value}))[0] == 201


async def test_an_attribute_that_is_too_long_is_refused(hub: Hub) -> None:
    await hub.device()
    for value, status in ((long(ATTRIBUTE_MAX_BYTES), 200), (long(ATTRIBUTE_MAX_BYTES + 1), 422)):
        assert (await hub.call("PUT", f"{ONE}/attributes", {"shared": {"a": value}}))[0] == status


async def test_all_attributes_of_a_device_together_are_bounded(hub: Hub) -> None:
    await hub.device()
    value, kept = long(ATTRIBUTE_MAX_BYTES), 0
    for number in range(2 * ATTRIBUTES_MAX_BYTES // ATTRIBUTE_MAX_BYTES):
        status, _ = await hub.call("PUT", f"{ONE}/attributes", {"shared": {f"a{number}": value}})
        kept += status == 200
    assert kept == ATTRIBUTES_MAX_BYTES // ATTRIBUTE_MAX_BYTES - 1
    status, answer = await hub.call("GET", f"{ONE}/attributes")
    assert (status, len(answer["shared"])) == (200, kept)
    assert len(json.dumps(answer)) < 1.1 * ATTRIBUTES_MAX_BYTES
    assert (await hub.call("PUT", f"{ONE}/attributes", {"shared": {"a0": None, "b": value}}))[0] == 200


async def until_done(hub: Hub, number: int) -> None:
    """A good answer to a command is told to no device: only its state shows that it came."""
    async with asyncio.timeout(10):
        while True:
            listed = (await hub.call("GET", f"{ONE}/commands"))[1]["commands"]
            if {one["id"]: one["state"] for one in listed}[number] == "done":
                return
            await asyncio.sleep(0.01)


async def test_what_is_in_a_command_is_bounded(hub: Hub) -> None:
    await hub.device(labels={"kind": "pump"})
    for path, more in ((f"{ONE}/commands", {}), ("/api/v1/commands", {"label": "kind=pump"})):
        for params, status in ((long(PARAMS_MAX_BYTES), 201), (long(PARAMS_MAX_BYTES + 1), 422)):
            sent = await hub.call("POST", path, {"method": "m", "params": params, **more})
            assert sent[0] == status, path
    async with hub.device_socket() as socket:
        while (said := await socket.receive_json())["type"] != "command":
            pass
        answer = {"type": "response", "id": said["id"]}
        await socket.send_json(answer | {"response": long(RESPONSE_MAX_BYTES + 1)})
        while (told := await socket.receive_json())["type"] == "command":
            pass
        assert told["type"] == "response_refused"
        await socket.send_json(answer | {"response": long(RESPONSE_MAX_BYTES)})
        await until_done(hub, said["id"])


async def test_one_list_of_commands_is_bounded_and_the_pages_have_them_all(hub: Hub) -> None:
    await hub.device()
    device = hub.rooms.fleet.devices.find("boiler")
    commands = hub.rooms.commands
    sent = []
    for _ in range(3 * LISTED_MAX_BYTES // PARAMS_MAX_BYTES // 2):
        made = await commands.send(device, "m", long(PARAMS_MAX_BYTES), 60)
        await commands.cancel(device, made.id)
        sent.append(made.id)
    found: list[int] = []
    before: int | None = 2**62
    pages = 0
    while before is not None:
        status, page = await hub.call("GET", f"{ONE}/commands?limit=1000&before={before}")
        assert status == 200
        assert len(json.dumps(page)) < 1.3 * LISTED_MAX_BYTES
        found += [one["id"] for one in page["commands"]]
        before, pages = page["next"], pages + 1
    assert (found, pages) == (sent[::-1], 2)
    for limit in (1, 10, 50, 51, 100):
        _, page = await hub.call("GET", f"{ONE}/commands?limit={limit}")
        assert ([one["id"] for one in page["commands"]], page["next"]) == (sent[::-1][:limit], sent[-limit])


@pytest.mark.parametrize(
    "cursor", ["1." + "9" * 5_000, "9" * 5_000 + ".1", "1.9" * 100, "1.-1", "٣.٣", ".", "1", "1.²"]
)
@pytest.mark.parametrize(
    "path", [f"{ONE}/history?metric=t&tier=raw", "/api/v1/devices?limit=1", "/api/v1/latest?limit=1"]
)
async def test_a_cursor_that_no_list_gave_is_refused(hub: Hub, cursor: str, path: str) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    status, problem = await hub.call("GET", f"{path}&cursor={cursor}")
    if "history" in path or status != 200:
        assert (status, problem["where"]) == (422, "cursor")
