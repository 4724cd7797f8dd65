"""Who may connect, what is agreed on, and how a connection ends."""

import asyncio
import random
import ssl
from pathlib import Path
from typing import Any

import pytest

from hub.config import LimitsConfig, MqttConfig
from hub.flow import Hold
from hub.model import Presence
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Publish,
    Reason,
    Subscribe,
    TopicFilter,
    Version,
)
from tests.conftest import Certificate
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import Rooms, boiler, rooms
from tests.waiting import until

BODY = b'{"temperature":20.5}'
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


@both
async def test_the_two_ways_to_show_a_key(hub: Rooms, version: Version) -> None:
    key = hub.keys["boiler"]
    ways: list[dict[str, Any]] = [
        {"username": key},
        {"username": key, "password": b""},
        {"username": "boiler", "password": key.encode()},
    ]
    for way in ways:
        assert (await hub.client(version=version, **way).connect()).reason == 0


@both
async def test_a_key_that_does_not_open_is_refused(hub: Rooms, version: Version) -> None:
    key, wrong = hub.keys["boiler"], 5 if version is Version.V311 else Reason.NOT_AUTHORIZED
    ways: list[dict[str, Any]] = [
        {"username": key[:-1] + ("a" if key[-1] != "a" else "b")},
        {"username": "nonsense"},
        {"username": "pump", "password": key.encode()},
        {"username": "boiler", "password": b"guess"},
        {},
    ]
    for way in ways:
        client = hub.client(version=version, **way)
        assert (await client.connect()).reason == wrong
        assert await client.closed()
    garbled = hub.client(version=version, username="boiler", password=b"\xff")
    assert (await garbled.connect()).reason == (
        4 if version is Version.V311 else Reason.BAD_USER_NAME_OR_PASSWORD
    )


@both
async def test_a_revoked_key_ends_its_connection_and_does_not_open_again(
    hub: Rooms, version: Version
) -> None:
    client = boiler(hub, version)
    await client.connect()
    await hub.fleet.keys.revoke(hub.fleet.devices.find("boiler"), hub.keys["boiler"].split("_")[1])
    if version is Version.V5:
        assert (await client.expect(Disconnect)).reason == Reason.NOT_AUTHORIZED
    assert await client.closed()
    assert (await boiler(hub, version).connect()).reason != 0


async def test_a_removed_device_is_sent_away(hub: Rooms) -> None:
    client = boiler(hub, client_id="c", properties=Properties(session_expiry_interval=60))
    await client.connect()
    await hub.fleet.remove(hub.fleet.devices.find("boiler"))
    assert (await client.expect(Disconnect)).reason == Reason.ADMINISTRATIVE_ACTION
    assert await client.closed()


async def test_what_is_agreed_on_in_mqtt_5(tmp_path: Path) -> None:
    config = MqttConfig(
        port=0, max_packet_bytes=5000, receive_max=77, topic_alias_max=3, session_expiry_max_s=100
    )
    async with rooms(tmp_path, config) as hub:
        await hub.add("boiler")
        connack = await boiler(hub, properties=Properties(session_expiry_interval=2**32 - 1)).connect()
        agreed = connack.properties
        assert (agreed.maximum_packet_size, agreed.receive_maximum, agreed.topic_alias_maximum) == (
            5000,
            77,
            3,
        )
        assert agreed.session_expiry_interval == 100
        assert agreed.shared_subscription_available == 0
        assert agreed.retain_available is None  # so that clients may still set the flag
        assert agreed.assigned_client_identifier
        named = await boiler(
            hub, client_id="mine", properties=Properties(session_expiry_interval=50)
        ).connect()
        assert named.properties.assigned_client_identifier is None
        assert named.properties.session_expiry_interval is None


async def test_a_client_id_is_needed_for_a_session_to_be_kept_in_3_1_1(hub: Rooms) -> None:
    assert (await boiler(hub, Version.V311, clean=False).connect()).reason == 2
    assert (await boiler(hub, Version.V311).connect()).reason == 0
    assert (await boiler(hub, Version.V5, clean=False).connect()).reason == 0


@both
async def test_a_client_id_over_the_limit_is_refused(hub: Rooms, version: Version) -> None:
    connack = await boiler(hub, version, client_id="x" * 257).connect()
    assert connack.reason == (2 if version is Version.V311 else Reason.CLIENT_IDENTIFIER_NOT_VALID)


@pytest.mark.parametrize(
    ("name", "level", "answer"),
    [
        (b"\0\6MQIsdp", 3, b"\x20\x02\x00\x01"),
        (b"\0\4MQTT", 3, b"\x20\x02\x00\x01"),
        (b"\0\4MQTT", 6, b"\x20"),
        (b"\0\4HTTP", 4, b""),
    ],
)
async def test_another_protocol_is_refused_in_a_form_it_may_know(
    hub: Rooms, name: bytes, level: int, answer: bytes
) -> None:
    client = await hub.client().open()
    body = name + bytes((level, 2)) + b"\0\0\0\0"
    client.write(b"\x10" + bytes((len(body),)) + body)
    said = await client.reader.read()
    assert said.startswith(answer)
    assert answer or not said
    if level == 6:
        assert said[3] == Reason.UNSUPPORTED_PROTOCOL_VERSION


async def test_enhanced_authentication_is_refused(hub: Rooms) -> None:
    client = boiler(hub, properties=Properties(authentication_method="SCRAM-SHA-1"))
    assert (await client.connect()).reason == Reason.BAD_AUTHENTICATION_METHOD
    async with boiler(hub) as later:
        later.send(Auth(Reason.REAUTHENTICATE))
        assert (await later.expect(Disconnect)).reason == Reason.PROTOCOL_ERROR


async def test_a_connect_that_does_not_come_in_time_ends_the_connection(tmp_path: Path) -> None:
    async with rooms(tmp_path, limits=LimitsConfig(connect_timeout_s=0.05)) as hub:
        await hub.add("boiler")
        silent, halting = await hub.client().open(), await hub.client().open()
        halting.write(b"\x10\x20\x00\x04MQTT")
        assert await silent.closed()
        assert await halting.closed()
        async with boiler(hub) as client:
            assert await client.publish(BODY) == Puback(1)


async def test_packets_sent_along_with_connect_are_read_once_the_key_is_checked(hub: Rooms) -> None:
    client = await hub.client().open()
    client.send(
        Connect(Version.V5, "c", username=hub.keys["boiler"]), Publish(TELEMETRY, BODY, 1, 1), Pingreq()
    )
    assert (await client.expect(Connack)).reason == 0
    assert {type(await client.receive()) for _ in range(2)} == {Puback, Pingresp}


@both
async def test_packets_sent_along_with_a_refused_connect_are_not_read(hub: Rooms, version: Version) -> None:
    """3.1.4-6."""
    client = await hub.client(version=version).open()
    client.send(Connect(version, "c", username="guess"), Publish(TELEMETRY, BODY, 1, 1), Pingreq())
    assert (await client.expect(Connack)).reason != 0
    assert await client.closed()
    assert (hub.ingest.counts.readings, hub.ingest.counts.refused) == (0, 0)


async def test_more_connections_than_are_allowed_are_refused(tmp_path: Path) -> None:
    async with rooms(tmp_path, limits=LimitsConfig(connections_max=1)) as hub:
        await hub.add("boiler")
        first = boiler(hub, client_id="one")
        await first.connect()
        assert (await boiler(hub, client_id="two").connect()).reason == Reason.QUOTA_EXCEEDED
        assert (await boiler(hub, Version.V311, client_id="two").connect()).reason == 3
        assert (await boiler(hub, client_id="one").connect()).reason == 0  # takes over


@both
async def test_a_client_id_is_taken_over_within_its_device_alone(hub: Rooms, version: Version) -> None:
    first = boiler(hub, version, client_id="same")
    await first.connect()
    async with (
        hub.client(key=hub.keys["pump"], version=version, client_id="same") as other,
        boiler(hub, version, client_id="same") as second,
    ):
        if version is Version.V5:
            assert (await first.expect(Disconnect)).reason == Reason.SESSION_TAKEN_OVER
        assert await first.closed()
        assert await other.publish(BODY) == Puback(1)
        assert await second.publish(BODY) == Puback(1)
        assert hub.roster.count()[Presence.ONLINE] == 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (encode(Connect(Version.V5, "c"), Version.V5), Reason.PROTOCOL_ERROR),
        (b"\x00\x00", Reason.MALFORMED_PACKET),
        (b"\x32\x02\xff\xff", Reason.MALFORMED_PACKET),
        (b"\x32\x08\x00\x01t\x00\x00\x00{}", Reason.PROTOCOL_ERROR),
        (b"\x30\x80\x80\x80\x10", Reason.PACKET_TOO_LARGE),
        (b"\x30\xff\xff\xff\xff", Reason.MALFORMED_PACKET),
    ],
)
async def test_what_breaks_the_protocol_ends_that_connection_alone(
    hub: Rooms, raw: bytes, reason: Reason
) -> None:
    async with boiler(hub) as client, boiler(hub) as other, boiler(hub, Version.V311) as older:
        client.send(Publish(TELEMETRY, BODY))
        client.write(raw)
        said = await client.expect(Disconnect)
        assert said.reason == reason
        assert said.properties.reason_string
        assert await client.closed()
        older.write(raw)
        assert await older.closed()
        assert await other.publish(BODY) == Puback(1)
    assert len(await hub.stored("boiler")) == 2  # what came before it was heard


@pytest.mark.parametrize("seed", range(5))
async def test_nonsense_of_any_kind_reaches_no_other_session(hub: Rooms, seed: int) -> None:
    rng = random.Random(seed)
    async with boiler(hub, client_id="steady") as steady:
        for number in range(1, 41):
            version = rng.choice(list(Version))
            packets: list[Packet] = [
                Connect(version, "c", username=hub.keys["pump"]),
                Publish(TELEMETRY, b'{"a":1}', rng.randrange(1, 3), 7),
                Subscribe(3, [TopicFilter("v1/devices/me/#", 1)]),
                Pingreq(),
                Publish("devices/boiler/telemetry", BODY, 1, 8),
            ]
            stream = bytearray(b"".join(encode(packet, version) for packet in packets))
            for _ in range(rng.randrange(1, 6)):
                stream[rng.randrange(len(stream))] = rng.randrange(256)
            stream += rng.randbytes(rng.randrange(200))
            client = await hub.client().open()
            client.write(bytes(stream[: rng.randrange(len(stream))]))
            client.close()
            assert await steady.publish(b'{"n":%d}' % number, packet_id=number) == Puback(number)
    await until(lambda: hub.server.connections == 0)
    assert sorted(await hub.stored("boiler")) == [("n", float(number)) for number in range(1, 41)]


async def test_ten_megabytes_are_refused_without_being_kept(hub: Rooms) -> None:
    async with boiler(hub) as client:
        client.write(b"\x32\x80\xad\xe2\x04" + bytes(100_000))
        assert (await client.expect(Disconnect)).reason == Reason.PACKET_TOO_LARGE


async def test_a_peer_that_does_not_read_is_not_read_either_until_it_does(hub: Rooms) -> None:
    tiles = {f"tile_{number}": "x" * 14_000 for number in range(8)}
    await hub.fleet.attributes.share(hub.fleet.devices.find("boiler"), tiles)
    async with boiler(hub, receive_buffer=4096) as greedy, boiler(hub) as other:
        await greedy.subscribe("v1/devices/me/attributes/response/+", qos=0)
        greedy.transport.pause_reading()
        greedy.send(*[Publish("v1/devices/me/attributes/request/1", b"")] * 500)
        greedy.send(Publish(TELEMETRY, BODY, 1, 1))
        await until(lambda: any(Hold.WRITING in one.held for one in hub.server._open))
        assert await other.publish(BODY) == Puback(1)
        assert hub.ingest.counts.readings == 1
        greedy.transport.resume_reading()
        while isinstance(packet := await greedy.receive(), Publish):
            assert len(packet.payload) > 100_000
        assert packet == Puback(1)


@both
async def test_devices_connect_by_tls(
    tmp_path: Path, certificate: Certificate, version: Version, unused_tcp_port: int
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(*certificate)
    async with rooms(tmp_path, MqttConfig(port=0, tls_port=unused_tcp_port), tls=server) as hub:
        await hub.add("boiler")
        assert hub.server.tls_port == unused_tcp_port
        trusting = ssl.create_default_context(cafile=str(certificate.path))
        async with hub.client(
            unused_tcp_port, key=hub.keys["boiler"], version=version, tls=trusting
        ) as client:
            assert await client.publish(BODY) == Puback(1)


class Pipe(asyncio.Transport):
    """What a WebSocket would offer a connection; keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading = True
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.7", 1) if name == "peername" else default

    def close(self) -> None:
        self.closed.set()

    abort = close


async def test_a_connection_works_over_whatever_behaves_like_a_transport(hub: Rooms) -> None:
    pipe, connection = Pipe(), hub.server.connection()
    connection.connection_made(pipe)
    packets: list[Packet] = [
        Connect(Version.V311, "c", username=hub.keys["boiler"]),
        Publish(TELEMETRY, BODY, 1, 1),
        Disconnect(),
    ]
    stream = b"".join(encode(packet, Version.V311) for packet in packets)
    for at in range(0, len(stream), 7):
        connection.data_received(stream[at : at + 7])
    await asyncio.wait_for(pipe.closed.wait(), 5)
    connection.connection_lost(None)
    assert bytes(pipe.written[:4]) == b"\x20\x02\x00\x00"
    assert await hub.stored("boiler") == [("temperature", 20.5)]
