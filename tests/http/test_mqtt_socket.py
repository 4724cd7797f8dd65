"""MQTT over WebSocket, with a client no one here wrote and with bytes cut as no client would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import aiohttp
import aiomqtt
import pytest
from aiohttp import web

from hub import compose
from hub.config import Config, LimitsConfig, MqttConfig
from hub.http.rooms import MQTT
from tests.http.conftest import Hub, running_hub
from tests.waiting import until

TELEMETRY = "v1/devices/me/telemetry"
CONFIG = Config(mqtt=MqttConfig(port=0, max_packet_bytes=10_000))


@asynccontextmanager
async def hub_with_mqtt(folder: Path) -> AsyncIterator[Hub]:
    async with running_hub(folder, CONFIG, mqtt=True) as hub:
        yield hub


def client(hub: Hub, key: str, version: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
    port = int(hub.url.rsplit(":", 1)[1])
    return aiomqtt.Client(
        "127.0.0.1", port, username=key, protocol=version, transport="websockets", websocket_path="/mqtt"
    )


def connect_packet(key: str, client_id: str = "c") -> bytes:
    """CONNECT of MQTT 3.1.1: a clean session, the key as user name."""
    texts = [text.encode() for text in (client_id, key)]
    body = b"\x00\x04MQTT\x04\x82\x00\x3c" + b"".join(len(text).to_bytes(2, "big") + text for text in texts)
    return bytes([0x10, len(body)]) + body


@pytest.mark.parametrize("version", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5])
async def test_a_device_publishes_and_takes_commands(
    tmp_path: Path, version: aiomqtt.ProtocolVersion
) -> None:
    async with hub_with_mqtt(tmp_path) as hub, client(hub, await hub.device(), version) as device:
        for number in range(20):
            await device.publish(TELEMETRY, f'{{"n": {number}}}', qos=1)
        _, found = await hub.call("GET", "/api/v1/devices/boiler/history?metric=n")
        assert sorted(found["avg"]) == [float(number) for number in range(20)]
        await device.subscribe("v1/devices/me/rpc/request/+")
        _, sent = await hub.call("POST", "/api/v1/devices/boiler/commands", {"method": "blink"})
        message = await anext(device.messages)
        assert str(message.topic) == f"v1/devices/me/rpc/request/{sent['id']}"
        keys = (await hub.call("GET", "/api/v1/devices/boiler/keys"))[1]["keys"]
        assert keys[0]["last_used_from"] == "127.0.0.1"


async def test_the_session_tells_where_devices_find_mqtt(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        status, session = await hub.call("GET", "/api/v1/session", headers=hub.bearer())
        assert status == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", session["mqtt_port"])
        writer.write(connect_packet(await hub.device()))
        assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        writer.close()


async def test_a_packet_may_be_cut_anywhere_and_several_may_come_together(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        packet = connect_packet(await hub.device())
        async with hub.client.ws_connect("/mqtt", protocols=("mqtt",)) as socket:
            for byte in packet:
                await socket.send_bytes(bytes([byte]))
            assert await socket.receive_bytes() == b"\x20\x02\x00\x00"
            await socket.send_bytes(b"\xc0\x00" * 3)
            answered = b""
            while len(answered) < 6:
                answered += await socket.receive_bytes()
            assert answered == b"\xd0\x00" * 3


async def test_a_wrong_key_is_refused_as_mqtt_does_and_others_go_on(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        key = await hub.device()
        async with client(hub, key, aiomqtt.ProtocolVersion.V5) as neighbour:
            async with hub.client.ws_connect("/mqtt", protocols=("mqtt",)) as socket:
                await socket.send_bytes(connect_packet("hk_wrong"))
                assert await socket.receive_bytes() == b"\x20\x02\x00\x05"
                assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            await neighbour.publish(TELEMETRY, '{"n": 1}', qos=1)


async def test_a_text_message_closes_the_socket(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        async with hub.client.ws_connect("/mqtt", protocols=("mqtt",)) as socket:
            await socket.send_str("hello")
            closed = await socket.receive()
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1003)


async def test_a_message_over_the_limit_closes_the_socket_with_a_reason(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        async with hub.client.ws_connect("/mqtt", protocols=("mqtt",)) as socket:
            await socket.send_bytes(bytes(100_000))
            closed = await socket.receive()
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1009)
        assert closed.extra


async def test_a_device_that_hangs_up_is_offline(tmp_path: Path) -> None:
    async with hub_with_mqtt(tmp_path) as hub:
        key = await hub.device()
        async with client(hub, key, aiomqtt.ProtocolVersion.V311):
            assert hub.rooms.feed.device("boiler").presence == "online"
        await until(lambda: hub.rooms.feed.device("boiler").presence == "offline")


async def test_without_the_subprotocol_or_without_mqtt_there_is_no_socket(hub: Hub, tmp_path: Path) -> None:
    async with hub.client.get("/mqtt") as response:
        assert response.status == 404
    (tmp_path / "other").mkdir()
    async with hub_with_mqtt(tmp_path / "other") as other:
        status, problem = await other.call("GET", "/mqtt", headers={})
        assert (status, problem["detail"]) == (400, "a WebSocket with the subprotocol mqtt is wanted here")


class Mirror(asyncio.Protocol):
    """Answers every piece with PIECES times as much, minding both flow controls as a protocol should."""

    PIECES = 800

    def __init__(self) -> None:
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.pauses = 0
        self.taken = 0
        self.lost = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.taken += 1
        self.transport.pause_reading()
        self.task = asyncio.get_running_loop().create_task(self.answer(data))

    async def answer(self, data: bytes) -> None:
        for _ in range(self.PIECES):
            await self.may_write.wait()
            self.transport.write(data)
        self.transport.resume_reading()

    def pause_writing(self) -> None:
        self.pauses += 1
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def test_both_ends_slow_each_other_down_and_lose_nothing(hub: Hub) -> None:
    mirror = Mirror()
    app = compose.http(hub.rooms, lambda: hub.url)
    app[MQTT] = lambda _place: mirror
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/mqtt"
        async with hub.client.ws_connect(url, protocols=("mqtt",), max_msg_size=0) as socket:
            await socket.send_bytes(b"a" * 10_000)
            await socket.send_bytes(b"b" * 10_000)  # waits until the first is answered
            await until(lambda: mirror.pauses)
            assert mirror.taken == 1
            half = Mirror.PIECES * 10_000
            received = bytearray()
            while len(received) < 2 * half:
                received += await socket.receive_bytes()
            assert received == b"a" * half + b"b" * half
            mirror.transport.abort()
            await asyncio.wait_for(mirror.lost.wait(), 15)
    finally:
        await runner.cleanup()


async def test_devices_share_the_places_whatever_way_they_come(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"limits": LimitsConfig(connections_max=2)})
    async with running_hub(tmp_path, config, mqtt=True) as hub:
        key = await hub.device()
        boiler = hub.rooms.fleet.devices.find("boiler")
        async with client(hub, key, aiomqtt.ProtocolVersion.V5):
            async with hub.device_socket() as socket:
                assert (await socket.receive_json())["type"] == "welcome"
                with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                    await hub.device_socket()
                with pytest.raises(aiomqtt.MqttError, match="Quota exceeded"):
                    await client(hub, key, aiomqtt.ProtocolVersion.V5).__aenter__()
            await until(lambda: hub.rooms.roster.has_place(boiler))
            async with client(hub, key, aiomqtt.ProtocolVersion.V5):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                    await hub.device_socket()
