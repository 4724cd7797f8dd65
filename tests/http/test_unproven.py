"""Who has not shown who they are takes no place of those who have; and one key does not take all places."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.config import Config, LimitsConfig, LiveConfig, MqttConfig
from hub.http.sockets import UNPROVEN
from tests.http.conftest import Hub, running_hub
from tests.http.test_mqtt_socket import connect_packet
from tests.waiting import until
from tests.websocket.raw import HANDSHAKE, RawSocket, connected

MOST, PER_ADDRESS = 6, 4
CONFIG = Config(
    mqtt=MqttConfig(port=0),
    limits=LimitsConfig(
        connections_max=3,
        connections_per_device_max=2,
        unproven_max=MOST,
        unproven_per_address_max=PER_ADDRESS,
        connect_timeout_s=300.0,
    ),
    live=LiveConfig(viewers_max=3, viewers_per_address_max=2),
)
PATHS = {"device": "/api/v1/device/socket", "live": "/api/v1/live", "mqtt": "/mqtt"}


@asynccontextmanager
async def hub_with_mqtt(folder: Path) -> AsyncIterator[Hub]:
    async with running_hub(folder, CONFIG, mqtt=True) as hub:
        yield hub


def port(hub: Hub) -> int:
    return int(hub.url.rsplit(":", 1)[1])


@asynccontextmanager
async def silent(hub: Hub, path: str, count: int) -> AsyncIterator[list[RawSocket]]:
    """Strangers that shake hands, and say no more."""
    async with AsyncExitStack() as stack:
        sockets = []
        for _ in range(count):
            socket = await stack.enter_async_context(connected(port(hub)))
            answer = await socket.shake_hands(path, (*HANDSHAKE, "Sec-WebSocket-Protocol: mqtt"))
            assert answer.status == 101
            sockets.append(socket)
        yield sockets


async def device_says_its_key(hub: Hub, stack: AsyncExitStack) -> None:
    socket = await stack.enter_async_context(hub.device_socket(None))
    await socket.send_json({"type": "auth", "key": hub.keys["boiler"]})
    assert (await socket.receive_json())["type"] == "welcome"


async def device_has_a_header(hub: Hub, stack: AsyncExitStack) -> None:
    socket = await stack.enter_async_context(hub.device_socket())
    assert (await socket.receive_json())["type"] == "welcome"


async def viewer_says_its_token(hub: Hub, stack: AsyncExitStack) -> None:
    socket = await stack.enter_async_context(hub.live_socket({}))
    await socket.send_json({"type": "auth", "token": hub.token()})
    assert (await socket.receive_json())["type"] == "hello"


async def viewer_has_a_session(hub: Hub, stack: AsyncExitStack) -> None:
    headers = {**await hub.session(), "Origin": hub.url}
    socket = await stack.enter_async_context(hub.live_socket(headers))
    assert (await socket.receive_json())["type"] == "hello"


async def client_connects(hub: Hub, stack: AsyncExitStack) -> None:
    socket = await stack.enter_async_context(hub.client.ws_connect("/mqtt", protocols=("mqtt",)))
    await socket.send_bytes(connect_packet(hub.keys["boiler"]))
    assert await socket.receive_bytes() == b"\x20\x02\x00\x00"


Comer = Callable[[Hub, AsyncExitStack], Any]
COMERS: list[Comer] = [
    device_says_its_key,
    device_has_a_header,
    viewer_says_its_token,
    viewer_has_a_session,
    client_connects,
]


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_strangers_push_out_each_other_and_nobody_else(tmp_path: Path, path: str) -> None:
    async with hub_with_mqtt(tmp_path) as hub, AsyncExitStack() as stack:
        await hub.device()
        unproven = hub.app[UNPROVEN]
        async with silent(hub, path, 40) as strangers:
            assert len(unproven) == PER_ADDRESS
            for come in COMERS:
                await come(hub, stack)
            for stranger in strangers[: -2 * PER_ADDRESS]:
                assert await stranger.receive() is None
            assert len(unproven) < PER_ADDRESS  # each who came with no proof at first took the place of one
        await until(lambda: not len(unproven))
        assert (await hub.send({"n": 1.0}))[0] == 200


async def test_a_place_is_free_again_however_it_was_left(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        await hub.device()
        for path in PATHS.values():
            async with silent(hub, path, 1):
                assert len(hub.app[UNPROVEN]) == 1
            await until(lambda: not len(hub.app[UNPROVEN]))
            headers = {"Sec-WebSocket-Protocol": "mqtt"}
            async with hub.client.get(path, headers=headers) as response:  # no handshake at all
                assert response.status == 400
            assert not len(hub.app[UNPROVEN])
        async with hub.device_socket(None) as socket:
            await socket.send_json({"type": "auth", "key": "hk_wrong"})
            assert (await socket.receive_json())["code"] == "unauthenticated"
        await until(lambda: not len(hub.app[UNPROVEN]))


async def test_strangers_from_many_addresses_push_out_the_oldest(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub, AsyncExitStack() as stack:
        strangers = []
        for number in range(4 * PER_ADDRESS):
            source = f"127.0.0.{2 + number // PER_ADDRESS}"
            stranger = await stack.enter_async_context(connected(port(hub), source))
            assert (await stranger.shake_hands(PATHS["live"])).status == 101
            strangers.append(stranger)
        assert len(hub.app[UNPROVEN]) == MOST
        for stranger in strangers[:-MOST]:
            assert await stranger.receive() is None
        await hub.device()
        await device_says_its_key(hub, stack)


async def test_a_device_that_comes_when_all_places_are_taken_is_told_so(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub, AsyncExitStack() as stack:
        for name in ("a", "b", "c", "boiler"):
            await hub.device(name)
        for name in ("a", "b", "c"):
            await stack.enter_async_context(hub.device_socket(name))
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await stack.enter_async_context(hub.device_socket("boiler"))
        assert caught.value.status == 503
        slow = await stack.enter_async_context(hub.device_socket(None))
        await slow.send_json({"type": "auth", "key": hub.keys["boiler"]})
        assert (await slow.receive_json())["code"] == "overloaded"
        assert (await slow.receive()).data == 4429


async def test_a_viewer_that_comes_when_its_addresss_places_are_taken_is_told_so(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub, AsyncExitStack() as stack:
        for _ in range(2):
            await viewer_has_a_session(hub, stack)
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await stack.enter_async_context(hub.live_socket())
        assert caught.value.status == 429
        late = await stack.enter_async_context(hub.live_socket({**await hub.session(), "Origin": hub.url}))
        said = await late.receive_json()
        assert (said["code"], "viewers_per_address_max" in said["message"]) == ("busy", True)
        assert (await late.receive()).data == 4429


WAYS = {
    "with a header": device_has_a_header,
    "saying its key": device_says_its_key,
    "by MQTT": client_connects,
}


@pytest.mark.parametrize("come", WAYS.values(), ids=WAYS)
async def test_one_device_too_often_ends_its_oldest_connection_and_no_other(
    tmp_path: Path, come: Comer
) -> None:
    """Though no place is left in the hub: what is left of its own connections does not keep it out."""
    async with hub_with_mqtt(tmp_path) as hub, AsyncExitStack() as stack:
        await hub.device()
        await hub.device("neighbour")
        neighbour = await stack.enter_async_context(hub.device_socket("neighbour"))
        sockets = [await stack.enter_async_context(hub.device_socket()) for _ in range(2)]
        for socket in (*sockets, neighbour):
            assert (await socket.receive_json())["type"] == "welcome"
        await come(hub, stack)
        closed = await sockets[0].receive()
        assert (closed.data, "(limits.connections_per_device_max)" in closed.extra) == (4429, True)
        for socket in (sockets[1], neighbour):
            await socket.send_json({"n": 1.0})
            assert (await socket.receive_json())["type"] == "ack"
