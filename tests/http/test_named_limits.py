"""Every limit says its name where it bites, and when to come back."""

import ast
from pathlib import Path
from typing import Any

import pytest

from hub.config import Config, LimitsConfig, LiveConfig
from tests.http.conftest import Hub

# What is raised without a limit, by its first words: the hub cannot, whoever asks however often.
NO_LIMIT = ("the connection is gone", "nothing can be stored", "the readings were not on disk")


@pytest.fixture
def config() -> Config:
    return Config(
        limits=LimitsConfig(connections_max=1, readings_per_s=1, readings_burst=5),
        live=LiveConfig(viewers_max=2, viewers_per_address_max=1),
    )


async def refused(hub: Hub, path: str, headers: dict[str, str]) -> Any:
    """The answer to a handshake that the hub does not complete."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with hub.client.get(path, headers={**headers, **upgrade}) as answer:
        return await answer.json(content_type=None)


async def test_a_handshake_that_finds_no_place_is_told_which_limit(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as device, hub.live_socket() as viewer:
        assert (await device.receive_json())["type"] == "welcome"
        assert (await viewer.receive_json())["type"] == "hello"
        for path, headers, limit in (
            ("/api/v1/device/socket", hub.key(), "limits.connections_max"),
            ("/api/v1/live", hub.bearer(), "live.viewers_per_address_max"),
        ):
            problem = await refused(hub, path, headers)
            assert (problem["limit"], problem["retry_after_s"] > 0) == (limit, True)


async def test_a_first_message_that_finds_no_place_is_told_which_limit(hub: Hub) -> None:
    key = await hub.device()
    async with hub.device_socket(None) as second, hub.device_socket() as first:
        assert (await first.receive_json())["type"] == "welcome"
        await second.send_json({"type": "auth", "key": key})
        said = await second.receive_json()
        assert (said["type"], said["limit"]) == ("error", "limits.connections_max")
        assert said["retry_after_s"] > 0
    async with hub.live_socket({}) as second, hub.live_socket() as first:
        assert (await first.receive_json())["type"] == "hello"
        await second.send_json({"type": "auth", "token": hub.token()})
        said = await second.receive_json()
        assert (said["type"], said["limit"]) == ("error", "live.viewers_per_address_max")


async def test_who_is_held_back_is_seen_by_operators_and_in_the_figures(hub: Hub) -> None:
    await hub.device()
    assert (await hub.send([{"t": 1.0}] * 8))[0] == 200
    _, shown = await hub.call("GET", "/api/v1/devices/boiler")
    assert shown["limited"] == {"limits.readings_per_s": {"since": shown["last_seen"], "waited_s": 3.0}}
    async with hub.client.get("/metrics", headers=hub.bearer()) as answer:
        assert 'hub_limited_seconds_total{limit="limits.readings_per_s"} 3.0' in await answer.text()


def test_whoever_is_told_to_come_back_later_is_told_the_limit() -> None:
    bare = []
    for path in sorted(Path("hub").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(call := node.exc, ast.Call):
                is_busy = isinstance(call.func, ast.Name) and call.func.id in {
                    "Busy",
                    "OverRate",
                    "Overloaded",
                }
                if is_busy and len(call.args) + len(call.keywords) < 3:
                    bare.append((path.as_posix(), ast.unparse(call.args[0])))
    assert [one for one in bare if not any(words in one[1] for words in NO_LIMIT)] == []
    assert len(bare) == len(NO_LIMIT)
