"""What a server has to do by the standard and no other test here says: each with its clause, without a
connection.
"""

import pytest

from hub.errors import Invalid
from hub.model import Command, CommandState
from hub.mqtt.admission import Declined
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import (
    NONE,
    Connack,
    Connect,
    Disconnect,
    Packet,
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
from hub.mqtt.protocol import ConnectionState
from tests.mqtt.line import DEVICE, Line, World, connected

ME = "v1/devices/me/"
TELEMETRY = ME + "telemetry"
ATTRIBUTES = ME + "attributes"
RPC = ME + "rpc/request/+"


def command(world: World, number: int) -> Command:
    now = world.now_us()
    return Command(number, DEVICE.number, "x" * 40, None, CommandState.QUEUED, now, now + 60_000_000)


async def a_bit_of_everything(world: World, line: Line) -> list[Packet]:
    """A conversation in which the hub has much to explain; all that it says."""
    bad = b"{" + b"x" * 300
    line.say(
        Subscribe(1, [TopicFilter(RPC, 2), TopicFilter("others/#"), TopicFilter(TELEMETRY)]),
        Publish(TELEMETRY, bad, 1, 2),
        Publish(TELEMETRY, bad, 2, 3),
        Publish("others/telemetry", b"{}", 1, 4),
        Publish(ATTRIBUTES, b"[]", 1, 5),
        Publish(TELEMETRY, b'{"a":1}', 2, 6),
        Unsubscribe(7, ["never/asked"]),
        Pubrel(77),
        Pubrec(78),
        Pingreq(),
    )
    if line.asked:
        line.protocol.publishing.refused(line.request(), Invalid("an object is wanted: " + "x" * 300))
    await world.commit()
    await world.commit()
    line.protocol.deliver(command(world, 1))
    line.say(Pubrel(6))
    heard = line.heard()
    line.say(
        Subscribe(9, [TopicFilter(RPC, 1)]), Publish("", b"", 1, 9, properties=Properties(topic_alias=999))
    )
    return heard + line.heard()


def opened(world: World, properties: Properties) -> Line:
    return Line(world).say(Connect(Version.V5, "c", username="key", properties=properties)).admit()


@pytest.mark.parametrize("size", [*range(1, 40), 60, 100, 200, 400])
async def test_no_packet_is_longer_than_the_client_takes(size: int) -> None:
    """3.1.2-24, 3.2.2-19, 3.4.2-2, 3.9.2-1, 3.11.2-1, 3.14.2-3."""
    world = World()
    line = opened(world, Properties(maximum_packet_size=size))
    said = line.heard()
    if line.protocol.state is ConnectionState.OPEN:
        said += await a_bit_of_everything(world, line)
    else:
        assert line.closed
    assert all(len(encode(packet, Version.V5)) <= size for packet in said)


async def test_a_message_too_long_for_the_client_is_as_good_as_delivered() -> None:
    """3.1.2-25: it takes no place among those in flight."""
    world = World()
    line = opened(world, Properties(maximum_packet_size=100, receive_maximum=1))
    line.say(Subscribe(1, [TopicFilter(RPC, 1)]))
    assert not line.protocol.deliver(command(world, 1))  # so the command waits, as for a device that is away
    line.heard()
    short = Command(2, DEVICE.number, "m", None, CommandState.QUEUED, world.now_us(), world.now_us() + 10**7)
    assert line.protocol.deliver(short)
    assert [type(packet) for packet in line.heard()] == [Publish]


async def test_explanations_are_for_those_who_want_them() -> None:
    """3.1.2-29: without problem information reason strings stand in CONNACK and DISCONNECT alone."""
    for wanted in (0, 1):
        world = World()
        line = opened(world, Properties(request_problem_information=wanted))
        said = line.heard() + await a_bit_of_everything(world, line)
        explained = {
            type(packet)
            for packet in said
            if getattr(packet, "properties", NONE).reason_string is not None
            or getattr(packet, "properties", NONE).user_property
        }
        assert explained == ({Disconnect} if wanted == 0 else {Puback, Pubrec, Suback, Disconnect})


async def test_every_packet_that_asks_for_an_answer_gets_one_with_its_packet_id() -> None:
    """3.8.4-2, 3.9.3-1, 3.10.4-4, 3.11.3-1, 3.12.4-1, 4.3.2-4, 4.3.3-8."""
    world = World()
    line = opened(world, NONE)
    line.heard()
    said = await a_bit_of_everything(world, line)
    ids = [
        (type(one), one.packet_id)
        for one in said
        if hasattr(one, "packet_id") and not isinstance(one, Publish)
    ]
    assert set(ids) >= {
        (Suback, 1), (Puback, 2), (Pubrec, 3), (Puback, 4), (Puback, 5), (Pubrec, 6), (Unsuback, 7),
        (Pubcomp, 77), (Pubrel, 78), (Pubcomp, 6), (Suback, 9),
    }  # fmt: skip
    assert Pingresp() in said
    [first, *_] = [one for one in said if isinstance(one, Suback)]
    assert first.reasons == (1, Reason.NOT_AUTHORIZED, Reason.NOT_AUTHORIZED)


@pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])
async def test_a_subscription_to_the_same_filter_takes_the_place_of_the_one_before(version: Version) -> None:
    """3.8.4-3; and 3.10.4-2: nothing more comes after UNSUBSCRIBE."""
    world = World()
    line = connected(world, version)
    for qos in (1, 0):
        line.say(Subscribe(1, [TopicFilter(RPC, qos)]))
        line.protocol.deliver(command(world, qos))
        suback, sent = line.heard()
        assert isinstance(suback, Suback)
        assert isinstance(sent, Publish)
        assert (suback.reasons, sent.qos, sent.retain, sent.dup) == ((qos,), qos, False, False)
    line.say(Unsubscribe(2, [RPC]))
    assert not line.protocol.deliver(command(world, 3))
    assert [type(packet) for packet in line.heard()] == [Unsuback]


@pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])
@pytest.mark.parametrize(
    "reason", [Reason.NOT_AUTHORIZED, Reason.SERVER_UNAVAILABLE, Reason.CONNECTION_RATE_EXCEEDED]
)
async def test_a_refusal_says_that_no_session_is_present_and_ends_the_connection(
    version: Version, reason: Reason
) -> None:
    """3.2.2-6, 3.2.2-7; 3.1.1: 3.2.2-4, 3.2.2-5."""
    world = World()
    connected(world, version, clean=False, expiry_s=60).protocol.lost()
    line = Line(world).say(Connect(version, "c", clean_start=False, username="key"))
    line.protocol.decline(Declined(reason, "no"))
    [connack] = line.heard()
    assert isinstance(connack, Connack)
    assert (connack.session_present, connack.reason != 0, line.closed) == (False, True, True)


async def test_what_was_agreed_on_is_forgotten_with_the_connection() -> None:
    """3.3.2-7: topic aliases are the connection's own; 3.1.2-4: a clean start finds nothing."""
    world = World()
    alias = Properties(topic_alias=1)
    first = connected(world, expiry_s=60).say(Publish(TELEMETRY, b'{"a":1}', properties=alias))
    assert len(world.accepted) == 1
    first.protocol.lost()
    second = connected(world, clean=False, expiry_s=60).say(Publish("", b'{"a":1}', properties=alias))
    [said] = second.heard()
    assert isinstance(said, Disconnect)
    assert (said.reason, len(world.accepted)) == (Reason.PROTOCOL_ERROR, 1)
