"""A device that connects, sends and is gone until its next reading, by every transport that there is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hub.config import Config, MqttConfig
from hub.http.rooms import MQTT_PORT
from hub.model import Presence
from hub.mqtt.codec.packets import Disconnect, Puback, Reason, Will
from tests.http.conftest import Hub, running_hub
from tests.mqtt.client import TELEMETRY, Client
from tests.waiting import until

BODY = b'{"t":1.5}'


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path, Config(mqtt=MqttConfig(port=0)), mqtt=True) as running:
        yield running


async def by_http(hub: Hub, *, says_goodbye: bool) -> None:
    del says_goodbye
    assert (await hub.send({"t": 1.5}))[0] == 200


async def by_websocket(hub: Hub, *, says_goodbye: bool) -> None:
    async with hub.device_socket() as socket:
        await socket.send_bytes(BODY)
        await socket.receive()
        assert (await socket.receive_json())["type"] == "ack"
        if not says_goodbye:
            assert socket._response.connection is not None
            socket._response.connection.transport.abort()


async def by_mqtt(hub: Hub, *, says_goodbye: bool, will: Will | None = None) -> None:
    port = hub.app[MQTT_PORT]()
    assert port is not None
    async with Client(port, key=hub.keys["boiler"], will=will) as client:
        assert await client.publish(BODY) == Puback(1)
        if says_goodbye:
            client.send(Disconnect(Reason.SUCCESS))
            await client.drain()
        else:
            client.transport.abort()


Send = Callable[..., Awaitable[None]]
transports = pytest.mark.parametrize("send", [by_http, by_websocket, by_mqtt])


def shown(hub: Hub) -> Presence:
    hub.rooms.roster.tick()
    return hub.rooms.feed.device("boiler").presence


async def gone(hub: Hub) -> None:
    await until(lambda: not list(hub.rooms.roster.all_sessions()))


@transports
@pytest.mark.parametrize("says_goodbye", [True, False])
async def test_with_an_interval_it_is_online_until_it_is_overdue(
    hub: Hub, send: Send, says_goodbye: bool
) -> None:
    await hub.device(expected_interval_s=600.0)
    for _ in range(2):
        await send(hub, says_goodbye=says_goodbye)
        await gone(hub)
        assert shown(hub) is Presence.ONLINE
        hub.clock.ahead_s += 595
        assert shown(hub) is Presence.ONLINE
    hub.clock.ahead_s += 1210
    assert shown(hub) is Presence.STALE
    hub.clock.ahead_s += 6000
    assert shown(hub) is Presence.OFFLINE


@pytest.mark.parametrize("send", [by_websocket, by_mqtt])
@pytest.mark.parametrize("says_goodbye", [True, False])
async def test_without_one_it_is_offline_when_it_leaves(hub: Hub, send: Send, says_goodbye: bool) -> None:
    await hub.device()
    await send(hub, says_goodbye=says_goodbye)
    await gone(hub)
    assert shown(hub) is Presence.OFFLINE


async def test_a_will_that_is_published_says_that_it_is_gone(hub: Hub) -> None:
    await hub.device(expected_interval_s=600.0)
    will = Will(TELEMETRY, b'{"alive":false}')
    await by_mqtt(hub, says_goodbye=True, will=will)
    await gone(hub)
    assert shown(hub) is Presence.ONLINE
    await by_mqtt(hub, says_goodbye=False, will=will)
    await gone(hub)
    assert shown(hub) is Presence.OFFLINE


async def test_one_whose_key_is_revoked_is_offline_at_once(hub: Hub) -> None:
    await hub.device(expected_interval_s=600.0)
    async with hub.device_socket() as socket:
        await socket.receive()
        device = hub.rooms.fleet.devices.find("boiler")
        (key,) = hub.rooms.fleet.keys.of(device)
        await hub.rooms.fleet.keys.revoke(device, key.id)
        assert shown(hub) is Presence.OFFLINE
