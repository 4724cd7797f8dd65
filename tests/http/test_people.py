"""Operators and their sessions by REST."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hub.model import Role
from tests.http.conftest import Hub
from tests.logins import use_link

OPERATORS, SESSION, SESSIONS = "/api/v1/operators", "/api/v1/session", "/api/v1/sessions"
WORDS = "correct horse battery"


@pytest.fixture
async def ada(hub: Hub) -> dict[str, object]:
    """An operator of one device, who was nobody before."""
    await hub.call("DELETE", f"{OPERATORS}/ada")
    wanted: dict[str, object] = {
        "name": "ada",
        "password": WORDS,
        "role": "operator",
        "scope": {"devices": ["boiler"]},
    }
    status, made = await hub.call("POST", OPERATORS, wanted)
    assert (status, made["has_password"]) == (201, True)
    return wanted


async def log_in(hub: Hub, name: str = "ada", password: str = WORDS) -> dict[str, str]:
    """The headers of a browser that logs in."""
    body = {"name": name, "password": password}
    async with hub.client.post(SESSION, json=body, headers={"Origin": hub.url}) as response:
        assert response.status == 204
        [cookie] = response.cookies.values()
        assert cookie["httponly"]
    hub.client.cookie_jar.clear()
    return {"Cookie": f"{cookie.key}={cookie.value}", "Origin": hub.url}


async def test_a_person_logs_in_by_name_and_password(hub: Hub, ada: object) -> None:
    await hub.device()
    await hub.device("other")
    shown = await log_in(hub)
    _, session = await hub.call("GET", SESSION, headers=shown)
    assert (session["name"], session["role"], session["origin"]) == ("ada", "operator", "password")
    _, listed = await hub.call("GET", "/api/v1/devices", headers=shown)
    assert [one["id"] for one in listed["devices"]] == ["boiler"]
    status, problem = await hub.call("POST", SESSION, {"name": "ada", "password": "wrong"}, {})
    assert (status, problem["code"]) == (401, "unauthenticated")
    evil = {"Origin": "http://evil.example"}
    assert (await hub.call("POST", SESSION, {"name": "ada", "password": WORDS}, evil))[0] == 403


@asynccontextmanager
async def watching(hub: Hub, shown: dict[str, str]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with hub.client.ws_connect("/api/v1/live", headers=shown) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        yield socket


async def test_a_new_log_in_ends_the_browsers_session_before(hub: Hub, ada: object) -> None:
    first = await log_in(hub)
    body = {"name": "ada", "password": WORDS}
    async with hub.client.post(SESSION, json=body, headers=first) as response:
        assert response.status == 204
    hub.client.cookie_jar.clear()
    assert (await hub.call("GET", SESSION, headers=first))[0] == 401


async def test_sessions_are_listed_and_ended_with_what_they_watch(hub: Hub, ada: object) -> None:
    here, there, everywhere = [await log_in(hub) for _ in range(3)]
    _, listed = await hub.call("GET", SESSIONS, headers=here)
    assert [one["is_this"] for one in listed["sessions"]].count(True) == 1
    assert {one["origin"] for one in listed["sessions"]} == {"password"}
    _, of_there = await hub.call("GET", SESSIONS, headers=there)
    [other] = [one["id"] for one in of_there["sessions"] if one["is_this"]]
    async with watching(hub, there) as socket:
        assert (await hub.call("DELETE", f"{SESSIONS}/{other}", headers=here))[0] == 204
        async with asyncio.timeout(1.0):
            await socket.receive()
        assert socket.close_code == 4401
    assert (await hub.call("DELETE", f"{SESSIONS}/{other}", headers=here))[0] == 404
    assert [(await hub.call("GET", SESSION, headers=one))[0] for one in (here, there)] == [200, 401]
    assert (await hub.call("DELETE", SESSIONS, headers=here))[0] == 204
    assert [(await hub.call("GET", SESSION, headers=one))[0] for one in (here, everywhere)] == [401, 401]


async def test_a_new_password_ends_the_other_sessions(hub: Hub, ada: object) -> None:
    here, there = await log_in(hub), await log_in(hub)
    path = f"{SESSION}/password"
    assert (await hub.call("PUT", path, {"old": "wrong", "new": WORDS * 2}, here))[0] == 403
    assert (await hub.call("PUT", path, {"new": WORDS * 2}, here))[0] == 403
    assert (await hub.call("PUT", path, {"old": WORDS, "new": "short"}, here))[0] == 422
    assert (await hub.call("PUT", path, {"old": WORDS, "new": WORDS * 2}, here))[0] == 204
    assert [(await hub.call("GET", SESSION, headers=one))[0] for one in (here, there)] == [200, 401]
    await log_in(hub, password=WORDS * 2)


async def test_what_a_person_may_changes_at_once(hub: Hub, ada: object) -> None:
    await hub.device()
    shown = await log_in(hub)
    token = {"name": "wall", "role": "operator", "scope": {"devices": ["boiler"]}, "ttl_s": 60}
    _, kept = await hub.call("POST", "/api/v1/tokens", {**token, "role": "viewer"}, shown)
    _, gone = await hub.call("POST", "/api/v1/tokens", token, shown)
    change = {"role": "viewer", "scope": {"devices": ["boiler"]}}
    async with watching(hub, shown) as socket:
        assert (await hub.call("PATCH", f"{OPERATORS}/ada", change))[0] == 200
        async with asyncio.timeout(1.0):
            while not socket.closed:
                await socket.receive()
        assert socket.close_code == 1012
    command = ("POST", "/api/v1/devices/boiler/commands", {"method": "x"})
    assert (await hub.call(*command, shown))[0] == 403
    for made, status in ((kept, 200), (gone, 401)):
        headers = {"Authorization": f"Bearer {made['token']}"}
        assert (await hub.call("GET", "/api/v1/devices", headers=headers))[0] == status


async def test_a_person_makes_tokens_for_no_more_than_they_may(hub: Hub, ada: object) -> None:
    shown = await log_in(hub)
    mine = {"name": "wall", "ttl_s": 60, "role": "operator", "scope": {"devices": ["boiler"]}}
    beyond: list[dict[str, object]] = [
        {"role": "manager"},
        {"scope": None},
        {"scope": {"devices": ["other"]}},
        {"scope": {"labels": ["a=b"]}},
    ]
    for more in beyond:
        assert (await hub.call("POST", "/api/v1/tokens", {**mine, **more}, shown))[0] == 403
    _, made = await hub.call("POST", "/api/v1/tokens", mine, shown)
    _, others = await hub.call("POST", "/api/v1/tokens", {"name": "a", "ttl_s": 60})
    _, listed = await hub.call("GET", "/api/v1/tokens", headers=shown)
    assert [one["owner"] for one in listed["tokens"]] == ["ada"] * len(listed["tokens"])
    assert (await hub.call("DELETE", f"/api/v1/tokens/{others['id']}", headers=shown))[0] == 404
    assert (await hub.call("DELETE", f"/api/v1/tokens/{made['id']}", headers=shown))[0] == 204


async def test_a_removed_person_is_gone_with_all_that_they_came_in_with(hub: Hub, ada: object) -> None:
    shown = await log_in(hub)
    token = {"name": "wall", "role": "viewer", "scope": {"devices": ["boiler"]}, "ttl_s": 60}
    _, made = await hub.call("POST", "/api/v1/tokens", token, shown)
    _, link = await hub.call("POST", f"{OPERATORS}/ada/link")
    async with watching(hub, shown) as socket:
        assert (await hub.call("DELETE", f"{OPERATORS}/ada"))[0] == 204
        async with asyncio.timeout(1.0):
            await socket.receive()
        assert socket.close_code == 4401
    for headers in (shown, {"Authorization": f"Bearer {made['token']}"}):
        assert (await hub.call("GET", SESSION, headers=headers))[0] == 401
    assert (await use_link(hub.client, link["link"])).status == 401


async def test_grants_add_up(hub: Hub, ada: object) -> None:
    for device in ("boiler", "pump", "other"):
        await hub.device(device)
    grants = [
        {"role": "operator", "scope": {"devices": ["boiler"]}},
        {"role": "viewer", "scope": {"devices": ["pump"]}},
    ]
    assert (await hub.call("PATCH", f"{OPERATORS}/ada", {"grants": grants}))[0] == 200
    shown = await log_in(hub)
    answers = [
        (await hub.call("POST", f"/api/v1/devices/{one}/commands", {"method": "x"}, shown))[0]
        for one in ("boiler", "pump", "other")
    ]
    assert answers == [201, 403, 404]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"role": "admin", "scope": {"devices": ["a"]}},
        {"role": "local"},
        {"scope": {"devices": ["a"]}},
        {"grants": []},
        {"role": "viewer", "grants": [{"role": "viewer"}]},
        {"role": "viewer", "password": "short"},
        {"role": "viewer", "name": "local"},
    ],
)
async def test_a_person_that_cannot_be_is_refused(hub: Hub, wrong: dict[str, object]) -> None:
    assert (await hub.call("POST", OPERATORS, {"name": "eve", **wrong}))[0] == 422
    assert (await hub.call("POST", OPERATORS, {"name": "eve", "role": "viewer"}, hub.bearer(Role.MANAGER)))[
        0
    ] == 403


async def test_everybody_may_know_how_to_log_in_and_nothing_else(hub: Hub, ada: object) -> None:
    status, ways = await hub.call("GET", f"{SESSION}/ways", headers={})
    assert (status, ways) == (200, {"password": True, "passkey": False, "providers": []})


@pytest.mark.parametrize("grants", [None, [{"role": "manager", "scope": None}]])
async def test_nobody_removes_or_demotes_the_last_admin(hub: Hub, grants: object) -> None:
    method, body = ("DELETE", None) if grants is None else ("PATCH", {"grants": grants})
    first, last = f"first to {method}", f"last to {method}"
    for name in (first, last):
        await hub.call("POST", OPERATORS, {"name": name, "password": WORDS, "role": "admin"})
    for one in (await hub.call("GET", OPERATORS))[1]["operators"]:
        if one["name"] not in (first, last):
            await hub.call("DELETE", f"{OPERATORS}/{one['name']}")
    shown = await log_in(hub, last)

    assert (await hub.call(method, f"{OPERATORS}/{first}", body, shown))[0] in (200, 204)
    status, problem = await hub.call(method, f"{OPERATORS}/{last}", body, shown)

    assert (status, problem["code"]) == (409, "conflict")
    assert problem["detail"] == f"{last!r} is the last admin; let somebody else be one first"
    assert (await hub.call("GET", SESSION, headers=shown))[1]["role"] == "admin"
    assert (await hub.call("PATCH", f"{OPERATORS}/{last}", {"password": WORDS + "!"}))[0] == 200
    assert (await hub.call(method, f"{OPERATORS}/nobody", body))[0] == 404
