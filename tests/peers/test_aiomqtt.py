"""aiomqtt."""

import asyncio
import socket

import aiomqtt
import orjson
import pytest

from tests.peers.conftest import Peer

ME = "v1/devices/me/"
TELEMETRY = ME + "telemetry"
versions = pytest.mark.parametrize("version", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5])


def client(
    peer: Peer, version: aiomqtt.ProtocolVersion, key: str | None = None, **options: object
) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        peer.hub.mqtt_port,
        username=key or peer.key,
        protocol=version,
        **options,  # type: ignore[arg-type]
    )


@versions
async def test_aiomqtt_with_every_quality_of_service(peer: Peer, version: aiomqtt.ProtocolVersion) -> None:
    async with client(peer, version) as device:
        for qos in (0, 1, 2):
            await device.publish(TELEMETRY, orjson.dumps({"n": qos}), qos=qos)
    assert sorted(peer.history("n", 3)) == [0, 1, 2]


@versions
async def test_aiomqtt_answers_a_command(peer: Peer, version: aiomqtt.ProtocolVersion) -> None:
    async with client(peer, version) as device:
        await device.subscribe(ME + "rpc/request/+", qos=1)
        number = await asyncio.to_thread(peer.send, "blink")
        async with asyncio.timeout(10):
            command = await anext(aiter(device.messages))
        assert command.topic.matches(ME + "rpc/request/+")
        await device.publish(f"{ME}rpc/response/{number}", b'"done"', qos=1)
    assert await asyncio.to_thread(peer.answer, number) == "done"


@versions
async def test_aiomqtt_with_a_wrong_key_is_refused(peer: Peer, version: aiomqtt.ProtocolVersion) -> None:
    with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
        await client(peer, version, key="wrong").__aenter__()


async def lose_the_network(peer: Peer, version: aiomqtt.ProtocolVersion, will: aiomqtt.Will) -> None:
    async with client(peer, version, will=will) as device:
        connection = device._client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        await anext(aiter(device.messages))


@versions
async def test_the_will_of_aiomqtt_is_a_reading(peer: Peer, version: aiomqtt.ProtocolVersion) -> None:
    with pytest.raises(aiomqtt.MqttError):
        await lose_the_network(peer, version, aiomqtt.Will(TELEMETRY, b'{"up":false}', qos=1))
    assert await asyncio.to_thread(peer.history, "up", 1) == [False]
