"""What goes down to a device, and what of it outlives a connection."""

from typing import Any

import orjson
import pytest

from hub.model import CommandState
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
    Suback,
    Subscribe,
    TopicFilter,
    Unsuback,
    Unsubscribe,
    Version,
)
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import Rooms, boiler
from tests.waiting import until

ME = "v1/devices/me/"
RPC = ME + "rpc/request/+"
ATTRIBUTES = ME + "attributes"
KEEP = Properties(session_expiry_interval=60)
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


async def send(hub: Rooms, method: str, params: object = None, timeout_s: float = 60) -> int:
    """Send boiler a command; its id."""
    return (await hub.commands.send(hub.fleet.devices.find("boiler"), method, params, timeout_s)).id


async def command(hub: Rooms, command_id: int) -> Any:
    listed = await hub.commands.list(hub.fleet.devices.find("boiler"), 100)
    return next(one for one in listed if one.id == command_id)


@both
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_command_goes_down_and_its_answer_comes_up(hub: Rooms, version: Version, qos: int) -> None:
    async with boiler(hub, version) as client:
        assert await client.subscribe(RPC, qos=qos) == (min(qos, 1),)
        number = await send(hub, "open", {"valve": 3})
        sent = await client.expect(Publish)
        assert (sent.topic, sent.qos) == (f"{ME}rpc/request/{number}", min(qos, 1))
        assert orjson.loads(sent.payload) == {"method": "open", "params": {"valve": 3}}
        if version is Version.V5:
            assert sent.properties.message_expiry_interval in {59, 60}
        if sent.qos:
            client.send(Puback(sent.packet_id))
        assert await client.publish(b'{"done":true}', f"{ME}rpc/response/{number}") == Puback(1)
    answered = await command(hub, number)
    assert (answered.state, answered.response) == (CommandState.DONE, {"done": True})


async def test_a_command_waits_until_the_device_asks_for_commands(hub: Rooms) -> None:
    number = await send(hub, "blink")
    async with boiler(hub) as client:
        client.send(Pingreq())
        await client.expect(Pingresp)
        assert (await command(hub, number)).state is CommandState.QUEUED
        await client.subscribe(RPC)
        assert (await client.expect(Publish)).topic == f"{ME}rpc/request/{number}"
        assert (await command(hub, number)).state is CommandState.SENT


async def test_commands_go_to_the_name_the_device_asked_by_with_its_identifiers(hub: Rooms) -> None:
    async with boiler(hub) as client:
        await client.subscribe("devices/boiler/#", identifier=42)
        number = await send(hub, "blink")
        sent = await client.expect(Publish)
        assert sent.topic == f"devices/boiler/rpc/request/{number}"
        assert sent.properties.subscription_identifier == (42,)


async def test_an_answer_to_no_command_is_refused_and_kept(hub: Rooms) -> None:
    async with boiler(hub) as client:
        answer = await client.publish(b"1", ME + "rpc/response/99")
        assert isinstance(answer, Puback)
        assert answer.reason == Reason.IMPLEMENTATION_SPECIFIC_ERROR
        answer = await client.publish(b"{", ME + "rpc/response/99", 2, qos=2)
        assert isinstance(answer, Pubrec)
        assert answer.reason == Reason.PAYLOAD_FORMAT_INVALID
    async with boiler(hub, Version.V311) as older:
        assert await older.publish(b"1", ME + "rpc/response/99") == Puback(1)
    assert [one.code for one in await hub.rejections("boiler")] == ["not_found", "unreadable", "not_found"]


async def test_one_device_cannot_answer_the_command_of_another(hub: Rooms) -> None:
    number = await send(hub, "blink")
    async with hub.client(key=hub.keys["pump"]) as client:
        answer = await client.publish(b"1", f"{ME}rpc/response/{number}")
        assert isinstance(answer, Puback)
        assert answer.reason != 0
    assert (await command(hub, number)).state is CommandState.QUEUED


@both
async def test_attributes_go_up_are_asked_for_and_come_down(hub: Rooms, version: Version) -> None:
    device = hub.fleet.devices.find("boiler")
    async with boiler(hub, version) as client:
        await client.subscribe(ATTRIBUTES, ME + "attributes/response/+", qos=0)
        marked = b'\xef\xbb\xbf{"firmware":"1.2","floor":3}'  # a byte order mark is passed over
        assert await client.publish(marked, ATTRIBUTES) == Puback(1)
        await hub.fleet.attributes.share(device, {"interval": 10})
        shared = await client.expect(Publish)
        assert (shared.topic, orjson.loads(shared.payload)) == (ATTRIBUTES, {"interval": 10})
        asked: list[tuple[bytes, object]] = [
            (
                b'{"clientKeys":"floor,none","sharedKeys":"interval"}',
                {"client": {"floor": 3}, "shared": {"interval": 10}},
            ),
            (b'{"clientKeys":"firmware"}', {"client": {"firmware": "1.2"}}),
            (b"{}", {"client": {"firmware": "1.2", "floor": 3}, "shared": {"interval": 10}}),
            (b"", {"client": {"firmware": "1.2", "floor": 3}, "shared": {"interval": 10}}),
        ]
        for number, (body, expected) in enumerate(asked, 1):
            client.send(Publish(f"{ATTRIBUTES}/request/{number}", body))
            answer = await client.expect(Publish)
            assert answer.topic == f"{ATTRIBUTES}/response/{number}"
            assert orjson.loads(answer.payload) == expected
    assert (await hub.fleet.attributes.of(device)).device == {"firmware": "1.2", "floor": 3}


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        (ATTRIBUTES, b"[1]", Reason.PAYLOAD_FORMAT_INVALID),
        (ATTRIBUTES, b"\xff", Reason.PAYLOAD_FORMAT_INVALID),
        (ATTRIBUTES, b'{"":1}', Reason.IMPLEMENTATION_SPECIFIC_ERROR),
        (ATTRIBUTES, b'{"serial":123456789012345678901234567890}', Reason.IMPLEMENTATION_SPECIFIC_ERROR),
        (ATTRIBUTES, b'{"a":[1e999]}', Reason.IMPLEMENTATION_SPECIFIC_ERROR),
        (ATTRIBUTES + "/request/1", b'{"clientKeys":1}', Reason.PAYLOAD_FORMAT_INVALID),
    ],
)
async def test_attributes_that_cannot_be_read_or_kept_are_refused(
    hub: Rooms, topic: str, body: bytes, reason: Reason
) -> None:
    async with boiler(hub) as client:
        answer = await client.publish(body, topic)
        assert isinstance(answer, Puback)
        assert (answer.reason, bool(answer.properties.reason_string)) == (reason, True)
    assert len(await hub.rejections("boiler")) == 1


async def test_acknowledgements_keep_their_order_across_readings_and_attributes(hub: Rooms) -> None:
    async with boiler(hub) as client:
        for number in range(1, 31):
            body, topic = (b'{"a":1}', TELEMETRY) if number % 3 else (b'{"n":%d}' % number, ATTRIBUTES)
            client.send(Publish(topic, body, 1, number))
        assert [await client.receive() for _ in range(30)] == [Puback(number) for number in range(1, 31)]
    assert (await hub.fleet.attributes.of(hub.fleet.devices.find("boiler"))).device == {"n": 30}


@both
async def test_more_jobs_than_may_wait_are_all_done_in_order(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version) as client:
        client.send(*(Publish(ATTRIBUTES, b'{"n":%d}' % number, 1, number) for number in range(1, 301)))
        client.send(Publish(ATTRIBUTES, b'{"n":301}', 2, 301))
        answers = [await client.receive() for _ in range(301)]
        assert answers == [*(Puback(number) for number in range(1, 301)), Pubrec(301)]
        client.send(Pubrel(301))
        assert await client.receive() == Pubcomp(301)
    assert (await hub.fleet.attributes.of(hub.fleet.devices.find("boiler"))).device == {"n": 301}


async def test_what_came_before_a_disconnect_is_done(hub: Rooms) -> None:
    async with boiler(hub) as client:
        client.send(*(Publish(ATTRIBUTES, b'{"n":%d}' % number) for number in range(1, 31)))
        client.send(Publish(TELEMETRY, b'{"a":1}'), Disconnect())
        assert await client.closed()
    assert await hub.stored("boiler") == [("a", 1.0)]

    async def reported() -> bool:
        return (await hub.fleet.attributes.of(hub.fleet.devices.find("boiler"))).device == {"n": 30}

    await until(reported)


async def test_a_device_subscribes_to_its_own_topics_alone(hub: Rooms) -> None:
    asked = {
        RPC: 1,
        ATTRIBUTES: 1,
        ME + "#": 1,
        ME + "+": 1,
        ME + "+/response/+": 1,
        ME + "rpc/request/7": 1,
        "devices/boiler/+/request/#": 1,
        TELEMETRY: 0x87,  # nothing is sent there, and a grant would promise it
        "devices/boiler/telemetry": 0x87,
        ME + "telemetry/#": 0x87,
        ME + "rpc/response/+": 0x87,
        ME + "attributes/request/+": 0x87,
        "#": 0x87,
        "devices/+/telemetry": 0x87,
        "devices/pump/#": 0x87,
        "$share/hub/" + RPC: 0x9E,
        ME + "x" * 256: 0x8F,
    }
    async with boiler(hub) as client:
        assert await client.subscribe(*asked) == tuple(asked.values())
        client.send(Unsubscribe(2, [RPC, "never/asked"]))
        assert (await client.expect(Unsuback)).reasons == (0, Reason.NO_SUBSCRIPTION_EXISTED)
    async with boiler(hub, Version.V311) as older:
        assert await older.subscribe(*asked) == tuple(min(reason, 0x80) for reason in asked.values())
        older.send(Unsubscribe(2, [RPC]))
        assert await older.expect(Unsuback) == Unsuback(2)
    kept = await hub.rejections("boiler")
    assert [one.code for one in kept] == ["forbidden", "forbidden"]
    assert b"devices/pump/#" in kept[0].raw


async def test_more_subscriptions_than_may_be_are_refused(hub: Rooms) -> None:
    async with boiler(hub) as client:
        client.send(Subscribe(1, [TopicFilter(f"{ME}rpc/request/{number}", 0) for number in range(40)]))
        reasons = (await client.expect(Suback)).reasons
    assert reasons == (0,) * 32 + (Reason.QUOTA_EXCEEDED,) * 8


async def test_the_clients_receive_maximum_is_respected(hub: Rooms) -> None:
    async with boiler(hub, properties=Properties(receive_maximum=2)) as client:
        await client.subscribe(RPC)
        for _ in range(4):
            await send(hub, "blink")
        first, second = await client.expect(Publish), await client.expect(Publish)
        client.send(Pingreq())
        await client.expect(Pingresp)  # and not a third message
        client.send(Puback(second.packet_id))
        third = await client.expect(Publish)
        client.send(Puback(first.packet_id), Puback(third.packet_id))
        assert not (await client.expect(Publish)).dup


async def test_a_full_queue_leaves_commands_waiting_and_takes_them_when_it_drains(hub: Rooms) -> None:
    async with boiler(hub, properties=Properties(receive_maximum=1), client_id="c") as client:
        await client.subscribe(RPC, ATTRIBUTES)
        for number in range(99):
            await hub.fleet.attributes.share(hub.fleet.devices.find("boiler"), {"n": number})
        numbers = [await send(hub, "blink") for _ in range(3)]
        assert [(await command(hub, one)).state.value for one in numbers] == ["queued"] * 3
        topics = []
        for _ in range(102):
            sent = await client.expect(Publish)
            topics.append(sent.topic)
            client.send(Puback(sent.packet_id))
        assert topics[99:] == [f"{ME}rpc/request/{one}" for one in numbers]


async def test_a_message_longer_than_the_client_takes_is_not_sent(hub: Rooms) -> None:
    async with boiler(hub, client_id="c", properties=Properties(maximum_packet_size=100)) as client:
        await client.subscribe(RPC)
        large = await send(hub, "x" * 100)
        await send(hub, "small")
        assert b"small" in (await client.expect(Publish)).payload
        assert (await command(hub, large)).state is CommandState.QUEUED


async def test_an_unacknowledged_command_comes_again_in_the_kept_session(hub: Rooms) -> None:
    async with boiler(hub, client_id="c", properties=KEEP) as client:
        await client.subscribe(RPC)
        await send(hub, "blink")
        first = await client.expect(Publish)
    again = boiler(hub, client_id="c", clean=False, properties=KEEP)
    assert (await again.connect()).session_present
    resent = await again.expect(Publish)
    assert (resent.packet_id, resent.payload, resent.dup) == (first.packet_id, first.payload, True)
    number = await send(hub, "later")
    assert (await again.expect(Publish)).topic.endswith(f"/{number}")  # the subscription was kept too


@pytest.mark.parametrize("late", [[1], [2], [3], [3, 2, 1], [2, 2, 9]])
async def test_an_acknowledgement_that_comes_on_the_next_connection_is_taken(
    hub: Rooms, late: list[int]
) -> None:
    async with boiler(hub, client_id="c", properties=KEEP) as client:
        await client.subscribe(RPC)
        for method in ("one", "two", "three"):
            await send(hub, method)
        assert [(await client.expect(Publish)).packet_id for _ in range(3)] == [1, 2, 3]
    narrow = Properties(session_expiry_interval=60, receive_maximum=1)
    async with boiler(hub, client_id="c", clean=False, properties=narrow) as again:
        again.send(*(Puback(packet_id) for packet_id in late))  # sent before, or at the moment of, the loss
        assert (await again.expect(Publish)).packet_id == 1  # what the hub had sent by then
        expected = [packet_id for packet_id in (2, 3) if packet_id not in late]
        if 1 not in late:
            again.send(Puback(1))
        for packet_id in expected:
            sent = await again.expect(Publish)
            assert (sent.packet_id, sent.dup) == (packet_id, True)
            again.send(Puback(packet_id))
        last = await send(hub, "four")
        assert (await again.expect(Publish)).topic.endswith(f"/{last}")


async def test_commands_that_waited_go_out_when_a_kept_session_returns(hub: Rooms) -> None:
    async with boiler(hub, Version.V311, client_id="c", clean=False) as client:
        await client.subscribe(RPC)
        client.send(Disconnect())
        assert await client.closed()
    number = await send(hub, "blink")
    async with boiler(hub, Version.V311, client_id="c", clean=False) as client:
        assert (await client.expect(Publish)).topic.endswith(f"/{number}")


@both
async def test_a_clean_start_finds_nothing(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version, client_id="c", clean=False, properties=KEEP) as client:
        await client.subscribe(RPC)
    again = boiler(hub, version, client_id="c", clean=True, properties=KEEP)
    assert not (await again.connect()).session_present
    await send(hub, "blink")
    again.send(Pingreq())
    await again.expect(Pingresp)


async def test_a_kept_session_ends_in_its_time_and_at_disconnect_if_that_says_so(hub: Rooms) -> None:
    async with boiler(hub, client_id="c", properties=KEEP):
        pass
    await until(lambda: hub.server.connections == 0)
    hub.clock.ahead_s += 61
    again = boiler(hub, client_id="c", clean=False, properties=KEEP)
    assert not (await again.connect()).session_present
    again.send(Disconnect(properties=Properties(session_expiry_interval=0)))
    assert await again.closed()
    assert not (await boiler(hub, client_id="c", clean=False).connect()).session_present


async def test_a_session_without_expiry_cannot_get_one_at_disconnect(hub: Rooms) -> None:
    async with boiler(hub) as client:
        client.send(Disconnect(properties=Properties(session_expiry_interval=10)))
        assert (await client.expect(Disconnect)).reason == Reason.PROTOCOL_ERROR
