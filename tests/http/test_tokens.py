"""Tokens by REST: made, shown once, listed, revoked with all that they opened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hub.model import Role
from tests.http.conftest import Hub

TOKENS = "/api/v1/tokens"
GONE_S = 1.0
WANTED = {"name": "wall", "role": "viewer", "ttl_s": 60}


async def make(hub: Hub, **wanted: object) -> tuple[str, dict[str, str]]:
    status, made = await hub.call("POST", TOKENS, {**WANTED, **wanted})
    assert status == 201
    return made["id"], {"Authorization": f"Bearer {made['token']}"}


async def test_a_token_is_shown_once_and_listed_without_its_secret(hub: Hub) -> None:
    scope = {"devices": ["boiler"], "labels": ["site=north"]}
    token_id, shown = await make(hub, rights=["devices:read"], scope=scope)
    assert (await hub.call("GET", "/api/v1/devices", headers=shown))[0] == 200
    _, listed = await hub.call("GET", TOKENS)
    [one] = [token for token in listed["tokens"] if token["id"] == token_id]
    assert (one["name"], one["role"], one["rights"], one["scope"]) == (
        "wall",
        "viewer",
        ["devices:read"],
        scope,
    )
    assert (one["owner"], one["last_used_from"], one["revoked_at"]) == ("tester", "127.0.0.1", None)
    assert one["last_used_at"] is not None
    assert shown["Authorization"].rpartition("_")[2] not in str(listed)


@asynccontextmanager
async def watching(hub: Hub, way: str, shown: dict[str, str]) -> AsyncIterator[asyncio.Task[Any]]:
    """Watch the overview with a token; what is done when the hub ends it."""
    async with AsyncExitStack() as stack:
        if way == "sse":
            path = "/api/v1/live/sse?channel=overview"
            response = await stack.enter_async_context(hub.client.get(path, headers=shown))
            assert response.status == 200
            over: asyncio.Task[Any] = asyncio.create_task(response.content.read())
        else:
            headers = shown if way == "header" else {}
            socket = await stack.enter_async_context(hub.client.ws_connect("/api/v1/live", headers=headers))
            if way == "message":
                await socket.send_json({"type": "auth", "token": shown["Authorization"].split()[1]})
            assert (await socket.receive_json())["type"] == "hello"
            over = asyncio.create_task(ended(socket))
        yield over
        over.cancel()
        await asyncio.wait([over])


async def ended(socket: aiohttp.ClientWebSocketResponse) -> None:
    while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    assert socket.close_code == 4401


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
@pytest.mark.parametrize("way", ["header", "message", "sse"])
async def test_a_revoked_token_works_no_more_and_what_it_opened_ends_within_a_second(
    hub: Hub, kind: str, way: str
) -> None:
    token_id, shown = await make(hub, kind=kind)
    _, other = await make(hub, kind=kind)
    async with watching(hub, way, shown) as ends, watching(hub, way, other) as stays:
        assert (await hub.call("DELETE", f"{TOKENS}/{token_id}"))[0] == 204
        await asyncio.wait_for(ends, GONE_S)
        assert (await hub.call("GET", "/api/v1/devices", headers=shown))[0] == 401
        assert (await hub.call("GET", "/api/v1/devices", headers=other))[0] == 200
        assert not stays.done()
    assert (await hub.call("DELETE", f"{TOKENS}/{token_id}"))[0] == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "local"},
        {"role": "admin", "scope": {"devices": ["a"]}},
        {"scope": {}},
        {"scope": {"labels": ["north"]}},
        {"rights": ["keys:write"]},
        {"rights": ["recovery"]},
        {"rights": []},
        {"rights": ["everything"]},
        {"ttl_s": 3601, "kind": "jwt"},
        {"ttl_s": 1e12},
        {"devices": ["a"], "scope": {"devices": ["b"]}},
    ],
)
async def test_a_token_that_cannot_be_is_refused(hub: Hub, wrong: dict[str, object]) -> None:
    assert (await hub.call("POST", TOKENS, {**WANTED, **wrong}))[0] == 422


async def test_a_token_makes_tokens_only_with_the_right_to_those_of_others(hub: Hub) -> None:
    for role in (Role.VIEWER, Role.MANAGER):
        for method, path in (("GET", TOKENS), ("POST", TOKENS), ("DELETE", f"{TOKENS}/none")):
            body = WANTED if method == "POST" else None
            assert (await hub.call(method, path, body, hub.bearer(role)))[0] == 403
