"""Attributes that operators wish for: pending until the device reports them back, whatever it speaks."""

from typing import Any

import aiomqtt
import orjson
import pytest

from hub.config import Config, MqttConfig
from tests.http.conftest import Hub

PATH = "/api/v1/devices/boiler/attributes"
OF_DEVICE = "/api/v1/device/attributes"
ME = "v1/devices/me/"


@pytest.fixture
def config() -> Config:
    return Config(mqtt=MqttConfig(port=0))


async def wish(hub: Hub, **values: object) -> list[str]:
    status, found = await hub.call("PUT", PATH, {"shared": values})
    assert status == 200
    pending: list[str] = found["pending"]
    return pending


async def report(hub: Hub, **values: object) -> None:
    assert (await hub.call("POST", OF_DEVICE, values, hub.key()))[0] == 204


def mqtt(hub: Hub, **options: Any) -> aiomqtt.Client:
    from hub.http.rooms import MQTT_PORT

    port = hub.app[MQTT_PORT]()
    assert port is not None
    return aiomqtt.Client("127.0.0.1", port, username=hub.keys["boiler"], **options)


async def test_a_wish_is_pending_until_the_device_has_it_so(hub: Hub) -> None:
    await hub.device()
    assert await wish(hub, interval_s=5, mode="eco", on=True) == ["interval_s", "mode", "on"]
    await report(hub, interval_s=5.0, mode="full", on=1)  # 1 is not true
    _, found = await hub.call("GET", PATH)
    assert found["pending"] == ["mode", "on"]
    await report(hub, mode="eco", on=True)
    assert (await hub.call("GET", PATH))[1]["pending"] == []
    assert await wish(hub, mode=None, interval_s=6) == ["interval_s"]


async def test_what_is_pending_comes_when_the_device_connects_by_websocket(hub: Hub) -> None:
    await hub.device()
    await wish(hub, interval_s=5, mode="eco")
    await report(hub, mode="eco")
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        assert await socket.receive_json() == {"type": "attributes", "values": {"interval_s": 5}}
        await socket.send_json({"type": "attributes", "id": 1, "values": {"interval_s": 5}})
        assert (await socket.receive_json())["type"] == "ack"
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        await wish(hub, later=1)
        assert await socket.receive_json() == {"type": "attributes", "values": {"later": 1}}


async def test_what_is_pending_comes_when_the_device_asks_for_attributes_by_mqtt(hub: Hub) -> None:
    await hub.device()
    await wish(hub, interval_s=5, mode="eco")
    await report(hub, mode="eco")
    async with mqtt(hub) as device:
        await device.subscribe(ME + "rpc/request/+", 1)
        await device.subscribe([(ME + "attributes/response/+", 1), (ME + "attributes", 1)])
        messages = aiter(device.messages)
        pushed = await anext(messages)
        assert (str(pushed.topic), pushed.payload) == (ME + "attributes", b'{"interval_s":5}')
        asked = b'{"clientKeys":"mode","sharedKeys":"interval_s,none"}'
        await device.publish(ME + "attributes/request/3", asked, 1)
        answer = await anext(messages)
        assert str(answer.topic) == ME + "attributes/response/3"
        assert isinstance(answer.payload, bytes)
        assert orjson.loads(answer.payload) == {"client": {"mode": "eco"}, "shared": {"interval_s": 5}}
        await device.publish(ME + "attributes", b'{"interval_s":5}', 1)
    assert (await hub.call("GET", PATH))[1]["pending"] == []


async def test_in_a_session_that_is_taken_up_again_what_is_pending_comes_unasked(hub: Hub) -> None:
    await hub.device()
    kept: dict[str, Any] = {"identifier": "kept", "clean_session": False}
    async with mqtt(hub, **kept) as device:
        await device.subscribe(ME + "attributes", 1)
    await wish(hub, interval_s=5)
    async with mqtt(hub, **kept) as device:
        assert (await anext(aiter(device.messages))).payload == b'{"interval_s":5}'


async def test_by_http_a_device_asks_as_in_thingsboard_or_for_what_is_pending(hub: Hub) -> None:
    await hub.device()
    await wish(hub, interval_s=5, mode="eco")
    await report(hub, mode="eco", firmware="1.2")
    asked: list[tuple[str, object]] = [
        ("", {"client": {"firmware": "1.2", "mode": "eco"}, "shared": {"interval_s": 5, "mode": "eco"}}),
        ("?clientKeys=firmware,none", {"client": {"firmware": "1.2"}}),
        ("?sharedKeys=mode&clientKeys=mode", {"client": {"mode": "eco"}, "shared": {"mode": "eco"}}),
        ("?sharedKeys=interval_s,mode&pending=true", {"shared": {"interval_s": 5}}),
    ]
    for query, wanted in asked:
        assert await hub.call("GET", OF_DEVICE + query, headers=hub.key()) == (200, wanted)
    for headers, status in (({}, 401), (hub.bearer(), 401)):
        assert (await hub.call("GET", OF_DEVICE, headers=headers))[0] == status
        assert (await hub.call("POST", OF_DEVICE, {"a": 1}, headers))[0] == status
    assert (await hub.call("POST", OF_DEVICE, {"": 1}, hub.key()))[0] == 422
    assert (await hub.call("POST", OF_DEVICE, [1], hub.key()))[0] == 422


async def test_who_watches_is_told_that_attributes_changed(hub: Hub) -> None:
    await hub.device()
    async with hub.live_socket() as socket:
        await socket.send_json({"type": "subscribe", "channel": "device/boiler"})
        for change in (wish(hub, a=1), report(hub, a=1)):
            await change
            while True:
                found = await socket.receive_json()
                said = found if isinstance(found, list) else [found]
                if {"type": "attributes", "channel": "device/boiler"} in said:
                    break
