"""Readings by MQTT, over real sockets, into a real history."""

import asyncio
import json
from pathlib import Path

import pytest

from hub.config import LimitsConfig, MqttConfig
from hub.flow import TURN_BYTES
from hub.model import Presence
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import (
    Disconnect,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Version,
)
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import Rooms, SlowDisk, boiler, rooms
from tests.waiting import until

BODY = b'{"temperature":20.5}'
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


@both
async def test_a_reading_acknowledged_is_on_disk(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version) as client:
        assert await client.publish(BODY, packet_id=7) == Puback(7)
        assert hub.history.pending == 0
        assert await hub.stored("boiler") == [("temperature", 20.5)]
        assert hub.roster.count()[Presence.ONLINE] == 1
    await until(lambda: hub.roster.count()[Presence.OFFLINE] == 1)


@both
async def test_each_quality_of_service_up(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version) as client:
        client.send(Publish(TELEMETRY, b'{"a":1}'))
        assert await client.publish(b'{"a":2}', packet_id=5, qos=2) == Pubrec(5)
        client.send(Pubrel(5))
        assert await client.expect(Pubcomp) == Pubcomp(5)
        assert await client.publish(b'{"a":3}', packet_id=5) == Puback(5)
    assert await hub.stored("boiler") == [("a", 1.0), ("a", 2.0), ("a", 3.0)]


@both
async def test_the_devices_own_name_and_every_shape_of_message(hub: Rooms, version: Version) -> None:
    shapes = [
        b'[{"ts":1795170094504,"values":{"a":1}},{"a":2}]',
        b'{"ts":1795170094505,"values":{"a":3,"b":{"c":4}}}',
    ]
    async with boiler(hub, version) as client:
        for number, shape in enumerate(shapes, 1):
            assert await client.publish(shape, "devices/boiler/telemetry", number) == Puback(number)
    assert sorted(await hub.stored("boiler")) == [("a", 1.0), ("a", 2.0), ("a", 3.0), ("b.c", 4.0)]


@both
async def test_a_repeated_sequence_number_is_acknowledged_and_stored_once(
    hub: Rooms, version: Version
) -> None:
    async with boiler(hub, version) as client:
        for number in (1, 2):
            assert await client.publish(b'{"seq":17,"values":{"a":1}}', packet_id=number) == Puback(number)
    assert await hub.stored("boiler") == [("a", 1.0)]


@both
async def test_acknowledgements_wait_for_the_disk_and_come_in_order(tmp_path: Path, version: Version) -> None:
    async with rooms(tmp_path, slow_disk=True) as hub:
        await hub.add("boiler")
        async with boiler(hub, version) as client:
            client.send(*(Publish(TELEMETRY, BODY, 1, number) for number in range(1, 6)))
            client.send(Publish(TELEMETRY, BODY, 2, 6), Publish(TELEMETRY, BODY, 1, 7), Pingreq())
            assert isinstance(await client.receive(), Pingresp)  # everything before it was read by now
            assert isinstance(hub.ingest, SlowDisk)
            hub.ingest.let_go()
            answers = [await client.receive() for _ in range(7)]
    assert answers == [*(Puback(number) for number in range(1, 6)), Pubrec(6), Puback(7)]


async def test_a_qos_2_message_sent_again_is_not_accepted_twice(hub: Rooms) -> None:
    keep = Properties(session_expiry_interval=60)
    async with boiler(hub, client_id="c", properties=keep) as client:
        assert await client.publish(BODY, packet_id=5, qos=2) == Pubrec(5)
        client.send(Publish(TELEMETRY, BODY, 2, 5, dup=True))
        assert await client.receive() == Pubrec(5)
    async with boiler(hub, client_id="c", clean=False, properties=keep) as client:
        client.send(Publish(TELEMETRY, BODY, 2, 5, dup=True))
        assert await client.receive() == Pubrec(5)
        client.send(Pubrel(5), Pubrel(5))
        assert await client.receive() == Pubcomp(5)
        assert await client.receive() == Pubcomp(5, Reason.PACKET_IDENTIFIER_NOT_FOUND)
    assert await hub.stored("boiler") == [("temperature", 20.5)]


async def test_a_qos_2_message_of_a_lost_connection_is_not_acknowledged_before_it_is_stored(
    tmp_path: Path,
) -> None:
    keep = Properties(session_expiry_interval=60)
    async with rooms(tmp_path, slow_disk=True) as hub:
        await hub.add("boiler")
        assert isinstance(hub.ingest, SlowDisk)
        client = await boiler(hub, client_id="c", properties=keep).__aenter__()
        client.send(Publish(TELEMETRY, BODY, 2, 5), Pingreq())
        await client.expect(Pingresp)
        async with boiler(hub, client_id="c", clean=False, properties=keep) as again:
            again.send(Publish(TELEMETRY, BODY, 2, 5, dup=True), Pingreq())
            await again.expect(Pingresp)
            hub.ingest.let_go()
            assert await again.receive() == Pubrec(5)
        client.close()
        assert hub.ingest.counts.readings == 1


async def test_a_refused_reading_is_told_and_kept_and_the_good_ones_beside_it_are_stored(hub: Rooms) -> None:
    bad, half = b"{not json", b'[{"a":1},{"a":"x","ts":1}]'
    async with boiler(hub) as client:
        client.send(
            Publish(TELEMETRY, BODY, 1, 1), Publish(TELEMETRY, bad, 1, 2), Publish(TELEMETRY, half, 1, 3)
        )
        assert await client.receive() == Puback(1)
        unreadable, partly = await client.expect(Puback), await client.expect(Puback)
    assert (unreadable.packet_id, unreadable.reason) == (2, Reason.PAYLOAD_FORMAT_INVALID)
    assert "JSON" in (unreadable.properties.reason_string or "")
    assert (partly.packet_id, partly.reason) == (3, Reason.IMPLEMENTATION_SPECIFIC_ERROR)
    assert "ts" in (partly.properties.reason_string or "")
    assert await hub.stored("boiler") == [("temperature", 20.5), ("a", 1.0)]
    kept = await hub.rejections("boiler")
    assert sorted((one.source, one.code) for one in kept) == [("mqtt", "time"), ("mqtt", "unreadable")]
    assert bad in [one.raw for one in kept]


async def test_what_the_intake_refuses_is_told_to_the_message_it_was_in(hub: Rooms) -> None:
    async with boiler(hub) as client:
        assert await client.publish(b'{"a":1}') == Puback(1)
        messages = [b'[{"a":2},{"a":3}]', b'[{"a":4},{"a":"five"}]', b'{"a":6}', b'{"a":true}']
        client.send(*(Publish(TELEMETRY, body, 1, number) for number, body in enumerate(messages, 10)))
        answers = [await client.expect(Puback) for _ in messages]
    assert [(one.packet_id, one.reason) for one in answers] == [(10, 0), (11, 0x83), (12, 0), (13, 0x83)]
    assert [value for _, value in await hub.stored("boiler")] == [1.0, 2.0, 3.0, 4.0, 6.0]


async def test_a_refused_qos_2_exchange_ends_with_its_pubrec(hub: Rooms) -> None:
    async with boiler(hub) as client:
        refused = await client.publish(b"{", packet_id=9, qos=2)
        assert isinstance(refused, Pubrec)
        assert refused.reason == Reason.PAYLOAD_FORMAT_INVALID
        assert await client.publish(BODY, packet_id=9, qos=2) == Pubrec(9)


async def test_reason_strings_are_left_out_for_clients_that_want_none_or_have_no_room(hub: Rooms) -> None:
    for properties in (Properties(request_problem_information=0), Properties(maximum_packet_size=20)):
        async with boiler(hub, client_id="c", properties=properties) as client:
            assert await client.publish(b"{") == Puback(1, Reason.PAYLOAD_FORMAT_INVALID)


async def test_3_1_1_has_no_reasons_so_a_refused_reading_is_acknowledged_and_kept(hub: Rooms) -> None:
    async with boiler(hub, Version.V311) as client:
        assert await client.publish(b"{") == Puback(1)
        assert await client.publish(BODY, "devices/pump/telemetry", 2) == Puback(2)
        assert await client.publish(b"{", packet_id=3, qos=2) == Pubrec(3)
    assert [one.code for one in await hub.rejections("boiler")] == ["unreadable", "forbidden", "unreadable"]


@pytest.mark.parametrize(
    ("topic", "reason", "code"),
    [
        ("devices/pump/telemetry", Reason.NOT_AUTHORIZED, "forbidden"),
        ("v1/gateway/telemetry", Reason.NOT_AUTHORIZED, "forbidden"),
        ("devices/boiler", Reason.NOT_AUTHORIZED, "forbidden"),
        ("v1/devices/me/rpc/request/1", Reason.TOPIC_NAME_INVALID, "topic"),
        ("v1/devices/me/rpc/response/x", Reason.TOPIC_NAME_INVALID, "topic"),
        ("v1/devices/me/", Reason.TOPIC_NAME_INVALID, "topic"),
    ],
)
async def test_publishing_to_a_topic_that_is_not_ones_own_is_refused_and_kept(
    hub: Rooms, topic: str, reason: Reason, code: str
) -> None:
    async with boiler(hub) as client:
        answer = await client.publish(BODY, topic)
        assert isinstance(answer, Puback)
        assert answer.reason == reason
        assert await client.publish(BODY, packet_id=2) == Puback(2)
    assert [(one.code, one.raw) for one in await hub.rejections("boiler")] == [(code, BODY)]
    assert await hub.rejections("pump") == []


async def test_a_topic_alias_stands_for_its_topic(hub: Rooms) -> None:
    alias = Properties(topic_alias=3)
    async with boiler(hub) as client:
        client.send(Publish(TELEMETRY, b'{"a":1}', 1, 1, properties=alias))
        client.send(Publish("", b'{"a":2}', 1, 2, properties=alias))
        client.send(Publish("devices/pump/telemetry", b'{"a":3}', 1, 3, properties=alias))
        client.send(Publish("", b'{"a":4}', 1, 4, properties=alias))
        answers = [await client.expect(Puback) for _ in range(4)]
    assert [answer.reason for answer in answers] == [0, 0, 0x87, 0x87]
    assert [value for _, value in await hub.stored("boiler")] == [1.0, 2.0]


@pytest.mark.parametrize(("alias", "reason"), [(17, Reason.TOPIC_ALIAS_INVALID), (4, Reason.PROTOCOL_ERROR)])
async def test_an_alias_over_the_maximum_or_never_set_ends_the_connection(
    hub: Rooms, alias: int, reason: Reason
) -> None:
    async with boiler(hub) as client:
        client.send(Publish("", BODY, 1, 2, properties=Properties(topic_alias=alias)))
        assert (await client.expect(Disconnect)).reason == reason
        assert await client.closed()


async def test_retain_and_user_properties_are_accepted_and_change_nothing(hub: Rooms) -> None:
    async with boiler(hub) as client:
        client.send(
            Publish(
                TELEMETRY,
                BODY,
                1,
                1,
                retain=True,
                properties=Properties(user_property=(("a", "b"), ("a", "c"))),
            )
        )
        assert await client.receive() == Puback(1)


async def test_more_than_the_receive_maximum_at_once_ends_the_connection(tmp_path: Path) -> None:
    async with rooms(tmp_path, MqttConfig(port=0, receive_max=3), slow_disk=True) as hub:
        await hub.add("boiler")
        client = boiler(hub)
        connack = await client.connect()
        assert connack.properties.receive_maximum == 3
        client.send(
            Publish(TELEMETRY, BODY, 2, 1), *(Publish(TELEMETRY, BODY, 1, n) for n in (2, 3)), Pingreq()
        )
        await client.expect(Pingresp)
        client.send(Publish(TELEMETRY, BODY, 1, 4))
        assert (await client.expect(Disconnect)).reason == Reason.RECEIVE_MAXIMUM_EXCEEDED
        client.close()
        assert isinstance(hub.ingest, SlowDisk)
        hub.ingest.let_go()


async def test_a_qos_2_message_sent_again_and_again_costs_bounded_memory(tmp_path: Path) -> None:
    keep = Properties(session_expiry_interval=60)
    async with rooms(tmp_path, MqttConfig(port=0, receive_max=10), slow_disk=True) as hub:
        await hub.add("boiler")
        async with boiler(hub, client_id="c", properties=keep) as client:
            client.send(Publish(TELEMETRY, BODY, 2, 5), Pingreq())
            await client.expect(Pingresp)
        async with boiler(hub, client_id="c", clean=False, properties=keep) as client:
            client.send(*[Publish(TELEMETRY, BODY, 2, 5, dup=True)] * 20, Pingreq())
            await client.expect(Pingresp)
            assert isinstance(hub.ingest, SlowDisk)
            hub.ingest.let_go()
            client.send(Pingreq())
            assert [await client.receive() for _ in range(2)] == [Pubrec(5), Pingresp()]
            assert hub.ingest.counts.readings == 1


async def test_a_client_of_3_1_1_with_too_much_unacknowledged_is_read_again_when_it_is_stored(
    tmp_path: Path,
) -> None:
    async with rooms(tmp_path, MqttConfig(port=0, receive_max=3), slow_disk=True) as hub:
        await hub.add("boiler")
        assert isinstance(hub.ingest, SlowDisk)
        async with boiler(hub, Version.V311) as client:
            client.send(*(Publish(TELEMETRY, BODY, 1, n) for n in range(1, 5)))
            await until(lambda: hub.ingest.counts.readings == 4)
            client.send(Publish(TELEMETRY, BODY, 1, 5), Pingreq())
            hub.ingest.let_go()
            assert [await client.receive() for _ in range(4)] == [Puback(n) for n in range(1, 5)]
            assert isinstance(await client.receive(), Pingresp)
            hub.ingest.let_go()
            assert await client.receive() == Puback(5)


@both
async def test_a_device_over_its_rate_is_read_more_slowly_and_loses_nothing(
    tmp_path: Path, version: Version
) -> None:
    async with rooms(tmp_path, limits=LimitsConfig(readings_per_s=200, readings_burst=20)) as hub:
        await hub.add("boiler")
        async with boiler(hub, version, keep_alive_s=1) as client:
            for number in range(1, 101):
                client.send(Publish(TELEMETRY, json.dumps({"a": number}).encode(), 1, number))
            told = [await client.expect(Puback) for _ in range(100)]
            assert [(puback.packet_id, puback.reason) for puback in told] == [
                (number, Reason.SUCCESS) for number in range(1, 101)
            ]
            said = [puback.properties.reason_string or "" for puback in told]
            named = ["over its rate (limits.readings_per_s)" in reason for reason in said if reason]
            assert named == ([] if version is Version.V311 else [True] * max(1, len(named)))
        assert sorted(await hub.stored("boiler")) == [("a", float(number)) for number in range(1, 101)]


@both
async def test_a_large_piece_of_the_stream_is_taken_in_turns_and_in_order(
    hub: Rooms, version: Version
) -> None:
    """A burst after a reconnect: others are served in between, and nothing is dropped."""
    count = 4 * TURN_BYTES // 60
    async with boiler(hub, version) as client:
        client.send(
            *(Publish(TELEMETRY, f'{{"a":{number}}}'.encode(), 1, number) for number in range(1, count))
        )
        told = [(await client.expect(Puback)).packet_id for _ in range(1, count)]
    assert told == list(range(1, count))
    assert sorted(await hub.stored("boiler")) == [("a", float(number)) for number in range(1, count)]


async def test_when_too_much_waits_for_the_disk_nothing_is_read_until_there_is_room(tmp_path: Path) -> None:
    async with rooms(tmp_path, limits=LimitsConfig(pending_readings=1)) as hub:
        await hub.add("boiler")
        async with boiler(hub) as client:
            for number in range(1, 201):
                client.send(Publish(TELEMETRY, BODY, 1, number))
                await asyncio.sleep(0)
            assert [await client.receive() for _ in range(200)] == [
                Puback(number) for number in range(1, 201)
            ]


async def test_a_large_message_in_small_pieces_is_one_message(hub: Rooms) -> None:
    async with boiler(hub) as client:
        body = b'{"note":"' + b"x" * 4000 + b'"}'
        raw = encode(Publish(TELEMETRY, body, 1, 1), Version.V5)
        for at in range(0, len(raw), 500):
            client.write(raw[at : at + 500])
            await client.drain()
        assert await client.receive() == Puback(1)
    assert await hub.stored("boiler") == [("note", "x" * 4000)]
