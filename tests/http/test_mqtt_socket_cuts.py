"""MQTT over WebSocket: where the stream is cut into messages changes nothing (MQTT 5, 6.0.0-2)."""

from pathlib import Path

import aiohttp
import pytest

from hub.config import Config, MqttConfig
from hub.mqtt.codec.decoder import Decoder, Side
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Suback,
    Subscribe,
    TopicFilter,
    Version,
)
from tests.http.conftest import Hub, running_hub
from tests.rounds import tried

TELEMETRY = "v1/devices/me/telemetry"
CONFIG = Config(mqtt=MqttConfig(port=0))
versions = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


def stream(key: str, version: Version) -> bytes:
    """A bit of everything, each packet with an answer of its own."""
    packets: list[Packet] = [
        Connect(version, "c", username=key),
        Subscribe(1, [TopicFilter("v1/devices/me/rpc/request/+", 1)]),
        Publish(TELEMETRY, b'{"a":1}', 1, 2),
        Publish(TELEMETRY, b'{"a":2}', 2, 3),
        Pubrel(3),
        Publish("v1/devices/me/attributes", b'{"b":"' + b"x" * 130 + b'"}', 1, 4),
        Pingreq(),
    ]
    return b"".join(encode(packet, version) for packet in packets)


ANSWERS = {Connack: 1, Suback: 1, Puback: 2, Pubrec: 1, Pubcomp: 1, Pingresp: 1}


async def answers(hub: Hub, version: Version, pieces: list[bytes], count: int) -> list[Packet]:
    """What the hub says to a stream that comes in these messages."""
    decoder = Decoder(Side.SERVER, 65_536, version)
    heard: list[Packet] = []
    async with hub.client.ws_connect("/mqtt", protocols=("mqtt",)) as socket:
        for piece in pieces:
            await socket.send_bytes(piece)
        while len(heard) < count:
            message = await socket.receive(timeout=10)
            assert message.type is aiohttp.WSMsgType.BINARY, (message, heard)
            decoder.feed(message.data)
            while (packet := decoder.packet()) is not None:
                heard.append(packet)
    return heard


def judge(heard: list[Packet]) -> None:
    assert {kind: sum(isinstance(one, kind) for one in heard) for kind in ANSWERS} == ANSWERS
    acknowledged = [one.packet_id for one in heard if isinstance(one, Puback | Pubrec | Pubcomp)]
    assert acknowledged == [2, 3, 3, 4]


@versions
async def test_a_stream_cut_in_two_anywhere_is_the_same_stream(tmp_path: Path, version: Version) -> None:
    async with running_hub(tmp_path, CONFIG, mqtt=True) as hub:
        raw = stream(await hub.device(), version)
        for at in tried(len(raw) + 1):
            judge(await answers(hub, version, [raw[:at], raw[at:]], sum(ANSWERS.values())))


@versions
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_a_stream_in_small_pieces_is_the_same_stream(
    tmp_path: Path, version: Version, size: int
) -> None:
    async with running_hub(tmp_path, CONFIG, mqtt=True) as hub:
        raw = stream(await hub.device(), version)
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        judge(await answers(hub, version, pieces, sum(ANSWERS.values())))


async def test_what_breaks_mqtt_is_told_in_mqtt_wherever_it_is_cut(tmp_path: Path) -> None:
    async with running_hub(tmp_path, CONFIG, mqtt=True) as hub:
        good = encode(Connect(Version.V5, "c", username=await hub.device()), Version.V5)
        bad = b"\x82\x07\x00\x01\x00\x00\x01t\x03"  # there is no QoS 3
        for at in tried(len(bad) + 1):
            connack, said = await answers(hub, Version.V5, [good + bad[:at], bad[at:]], 2)
            assert isinstance(connack, Connack)
            assert isinstance(said, Disconnect)
            assert said.reason == Reason.MALFORMED_PACKET
