"""What is noted of what people and programs do."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.model import Grant, Role
from tests.http.conftest import Hub
from tests.http.rights import CSV, DEVICE
from tests.logins import use_link

AUDIT, OPERATORS = "/api/v1/audit", "/api/v1/operators"
WORDS = "correct horse battery"


async def entries(hub: Hub, query: str = "") -> list[dict[str, Any]]:
    status, found = await hub.call("GET", f"{AUDIT}?{query}")
    assert status == 200
    listed: list[dict[str, Any]] = found["entries"]
    return listed


async def newest(hub: Hub) -> int:
    return max([one["id"] for one in await entries(hub)], default=0)


async def test_an_entry_says_who_with_what_from_where_what_and_when(hub: Hub) -> None:
    before = await newest(hub)
    token, text = await hub.rooms.tokens.make("wall", Grant(Role.MANAGER), 60, owner="local")
    shown = {"Authorization": f"Bearer {text}"}
    await hub.call("POST", "/api/v1/devices", {"id": "boiler"}, shown)
    await hub.call("DELETE", DEVICE.format(device="boiler"), None, shown)
    await hub.call("GET", "/api/v1/devices", headers=shown)
    await hub.call("DELETE", DEVICE.format(device="absent"), None, shown)
    found = [one for one in await entries(hub) if one["id"] > before and one["result"] == "done"]
    assert [(one["what"], one["device"]) for one in found] == [
        ("DELETE /api/v1/devices/boiler", "boiler"),
        ("POST /api/v1/devices", "boiler"),
    ]
    for one in found:
        assert (one["who"], one["credential"], one["address"]) == ("wall", f"token {token.id}", "127.0.0.1")
        assert one["at"].endswith("Z")


async def test_every_kind_of_write_is_noted_and_no_secret(hub: Hub, tmp_path: Path) -> None:
    before = await newest(hub)
    await hub.call("POST", OPERATORS, {"name": "eve", "role": "viewer", "password": WORDS})
    _, link = await hub.call("POST", f"{OPERATORS}/eve/link")
    code = link["link"].rpartition("=")[2]
    by_link = (await use_link(hub.client, link["link"])).cookies["hub"].value
    _, token = await hub.call("POST", "/api/v1/tokens", {"name": "a", "ttl_s": 60})
    key = await hub.device()
    _, more = await hub.call("POST", f"{DEVICE.format(device='boiler')}/keys")
    log_in = {"name": "eve", "password": WORDS}
    async with hub.client.post("/api/v1/session", json=log_in) as response:
        secret = response.cookies["hub"].value
    hub.client.cookie_jar.clear()
    shown = {"Cookie": f"hub={secret}", "Origin": hub.url}
    await hub.call("PUT", "/api/v1/session/password", {"old": WORDS, "new": WORDS * 2}, shown)
    await hub.call("DELETE", "/api/v1/session", None, shown)
    path = "/api/v1/import?device=boiler&metric=t"
    async with hub.client.post(path, data=CSV, headers=hub.bearer()) as response:
        await response.read()
    socket = str(tmp_path / "hub.sock")
    await hub.server.listen_locally(Path(socket))
    async with aiohttp.ClientSession("http://hub", connector=aiohttp.UnixConnector(socket)) as owner:
        await (await owner.delete(f"{OPERATORS}/eve")).read()
    noted = [one for one in await entries(hub, "limit=1000") if one["id"] > before]
    found = [one for one in noted if one["result"] == "done"]  # a test before may have been refused something
    assert [(one["who"], one["credential"].split()[0], one["what"]) for one in reversed(found)] == [
        ("tester", "token", "POST /api/v1/operators"),
        ("tester", "token", "POST /api/v1/operators/eve/link"),
        ("eve", "session", "POST /login"),
        ("tester", "token", "POST /api/v1/tokens"),
        ("tester", "token", "POST /api/v1/devices/boiler/keys"),
        ("eve", "session", "POST /api/v1/session"),
        ("eve", "session", "PUT /api/v1/session/password"),
        ("eve", "session", "DELETE /api/v1/session"),
        ("tester", "token", "POST /api/v1/import"),
        ("local", "local", "DELETE /api/v1/operators/eve"),
    ]
    for one in (code, by_link, secret, token["token"], key, more["key"], WORDS):
        assert one.rpartition("_")[2] not in str(noted)


async def test_entries_are_found_by_who_what_device_and_time_and_page_by_page(hub: Hub) -> None:
    await hub.device()
    path = DEVICE.format(device="boiler")
    for number in range(5):
        await hub.call("PUT", f"{path}/attributes", {"shared": {"a": number}})
    assert len(await entries(hub, "device=boiler&what=/attributes&who=tester")) == 5
    assert await entries(hub, "device=boiler&who=nobody") == []
    assert await entries(hub, "what=DELETE&device=boiler&to=2020-01-01T00:00:00Z") == []
    assert len(await entries(hub, "device=boiler&what=PUT&from=2020-01-01T00:00:00Z")) == 5
    query, ids = "device=boiler&what=PUT&limit=2", []
    _, page = await hub.call("GET", f"{AUDIT}?{query}")
    while page["next"] is not None:
        ids += [one["id"] for one in page["entries"]]
        _, page = await hub.call("GET", f"{AUDIT}?{query}&before={page['next']}")
    ids += [one["id"] for one in page["entries"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_changes_an_entry(hub: Hub, method: str) -> None:
    assert (await hub.call(method, AUDIT))[0] == 405
    writes = [name for name in vars(type(hub.rooms.registry.audit)) if not name.startswith("_")]
    assert writes == ["add", "find", "trim"]
