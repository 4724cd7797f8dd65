"""How far ahead a client may go and the hub, and who is connected: with no connection anywhere."""

import pytest

from hub.config import MqttConfig
from hub.fleet.keys import Login
from hub.fleet.session import SharedAttributes
from hub.model import Command, CommandState, Device, Presence
from hub.mqtt.admission import Declined
from hub.mqtt.codec.packets import (
    Connack,
    Connect,
    Disconnect,
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
from hub.mqtt.kept_sessions import PER_DEVICE_MAX
from tests.mqtt.line import CONNECT, DEVICE, RPC, Line, World, both, connected, publish
from tests.rooms import T0

ATTRIBUTES = "v1/devices/me/attributes"
DECLINED = Declined(Reason.NOT_AUTHORIZED, "no")


# How far ahead a client may go, and the hub (4.9)


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("together", [True, False])
async def test_a_client_of_mqtt_5_over_the_receive_maximum_is_sent_away(qos: int, together: bool) -> None:
    world = World(MqttConfig(receive_max=3))
    line = connected(world)
    packets = [publish(number, qos) for number in (1, 2, 3, 4)]
    for chunk in [packets] if together else [[one] for one in packets]:
        line.say(*chunk)
    [last] = line.heard()
    assert isinstance(last, Disconnect)
    assert last.reason == Reason.RECEIVE_MAXIMUM_EXCEEDED  # 3.3.4-9
    assert line.closed


@both
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_what_is_acknowledged_counts_no_more(version: Version, qos: int) -> None:
    world = World(MqttConfig(receive_max=3))
    line = connected(world, version)
    for number in range(1, 20):
        line.say(publish(number, qos))
        await world.commit()
        if qos == 2:
            line.say(Pubrel(number))
    assert not line.closed
    assert len(line.heard()) == 19 * qos


@pytest.mark.parametrize("stored", [True, False])
async def test_a_client_may_send_all_again_that_it_may_have_in_flight(stored: bool) -> None:
    """4.4.0-1 and 3.3.4: what comes again counts once, whether it is on disk or not."""
    world = World(MqttConfig(receive_max=5))
    first = connected(world, expiry_s=60)
    first.say(*(publish(number, 2) for number in range(1, 6)))
    if stored:
        await world.commit()
    first.protocol.lost()
    line = connected(world, clean=False, expiry_s=60)
    for _ in range(3):
        line.say(*(publish(number, 2, dup=True) for number in range(1, 6)))
    assert not line.closed
    await world.commit()
    assert set(line.heard()) >= {Pubrec(number) for number in range(1, 6)}
    line.say(publish(6, 2))
    [said] = line.heard()
    assert isinstance(said, Disconnect)
    assert said.reason == Reason.RECEIVE_MAXIMUM_EXCEEDED


async def test_a_client_of_3_1_1_knows_no_receive_maximum() -> None:
    line = connected(World(MqttConfig(receive_max=3)), Version.V311)
    line.say(*(publish(number) for number in range(1, 9)))
    assert not line.closed
    assert line.protocol.acks.messages == 8


def command(world: World, number: int) -> Command:
    now = world.now_us()
    return Command(number, DEVICE.number, "blink", None, CommandState.QUEUED, now, now + 60_000_000)


def publishes(line: Line) -> list[Publish]:
    return [packet for packet in line.heard() if isinstance(packet, Publish)]


def subscribed(world: World, receive_maximum: int | None = None) -> Line:
    line = connected(world, clean=False, expiry_s=60, receive_maximum=receive_maximum)
    line.say(Subscribe(1, [TopicFilter(RPC, 1), TopicFilter(ATTRIBUTES, 1)]))
    assert line.heard() == [Suback(1, (1, 1))]
    return line


@pytest.mark.parametrize("receive_maximum", [1, 2, 5])
async def test_no_more_goes_down_unacknowledged_than_the_client_allows(receive_maximum: int) -> None:
    world = World()
    line = subscribed(world, receive_maximum)
    for number in range(6):
        assert line.protocol.deliver(SharedAttributes({"n": number}))
    sent = publishes(line)
    assert len(sent) == receive_maximum  # 3.3.4-7
    for expected in range(receive_maximum, 6):
        line.say(Puback(sent.pop(0).packet_id))
        [more] = publishes(line)
        assert more.payload == b'{"n":%d}' % expected
        sent.append(more)


@pytest.mark.parametrize("receive_maximum", [1, 2, 5])
async def test_a_command_is_sent_at_once_or_asked_for_when_there_is_room(receive_maximum: int) -> None:
    """So that none is called sent which waits in the hub, and could still be taken back."""
    world = World()
    line = subscribed(world, receive_maximum)
    taken = [bool(line.protocol.deliver(command(world, number))) for number in range(6)]
    assert taken == [number < receive_maximum for number in range(6)]
    [first, *_] = sent = publishes(line)
    assert len(sent) == receive_maximum
    asked = len(world.commands.made_ready)
    line.say(Puback(first.packet_id))
    assert world.commands.arrived == [0]
    assert len(world.commands.made_ready) == asked + 1


@both
async def test_a_command_arrives_with_its_puback_and_fails_where_the_device_refuses_it(
    version: Version,
) -> None:
    """3.4.2.1: from 0x80 on the client makes nothing of the message."""
    world = World()
    line = connected(world, version)
    line.say(Subscribe(1, [TopicFilter(RPC, 1)]))
    for number in (7, 8):
        line.protocol.deliver(command(world, number))
    first, second = publishes(line)
    line.say(Puback(first.packet_id), Puback(99))
    assert (world.commands.arrived, world.commands.given_back) == ([7], [])
    if version is Version.V5:
        line.say(Puback(second.packet_id, Reason.NOT_AUTHORIZED))
        [(refused, why)] = world.commands.turned_down
        assert refused == 8
        assert "0x87" in why


@both
@pytest.mark.parametrize("ends", ["at once", "later", "by a clean start", "by a newer one"])
async def test_a_session_that_ends_gives_back_the_commands_that_were_not_acknowledged(
    version: Version, ends: str
) -> None:
    world = World()
    expiry_s = 0 if ends == "at once" else 60
    line = connected(world, version, clean=not expiry_s, expiry_s=expiry_s)
    line.say(Subscribe(1, [TopicFilter(RPC, 1)]))
    for number in (1, 2, 3):
        line.protocol.deliver(command(world, number))
    line.say(Puback(publishes(line)[0].packet_id))
    line.protocol.lost()
    assert world.commands.given_back == ([2, 3] if ends == "at once" else [])  # kept for the same client
    if ends == "later":
        world.now_s += world.config.session_expiry_max_s + 1
        world.clients.tidy()
    elif ends == "by a clean start":
        connected(world, version, clean=True)
    elif ends == "by a newer one":
        for client_id in map(str, range(PER_DEVICE_MAX)):
            connected(world, version, clean=False, expiry_s=60, client_id=client_id).protocol.lost()
    assert (world.commands.arrived, world.commands.given_back) == ([1], [2, 3])


@pytest.mark.parametrize("receive_maximum", [1, 2, 3])
@pytest.mark.parametrize("late", [(), (1,), (2,), (3,), (1, 3), (3, 2, 1), (9,)])
async def test_what_was_not_acknowledged_comes_again_and_late_acknowledgements_are_taken(
    receive_maximum: int, late: tuple[int, ...]
) -> None:
    """4.4.0-1: in order, with DUP, and within the receive maximum of the new connection."""
    world = World()
    first = subscribed(world)
    for number in (1, 2, 3):
        first.protocol.deliver(command(world, number))
    first.protocol.lost()
    assert world.commands.given_back == []
    line = connected(world, clean=False, expiry_s=60, receive_maximum=receive_maximum)
    came = publishes(line)
    assert [one.packet_id for one in came] == [1, 2, 3][:receive_maximum]
    line.say(*(Puback(packet_id) for packet_id in late))
    due = [one for one in came if one.packet_id not in late]
    while due or (due := publishes(line)):
        if due[0] not in came:
            came.append(due[0])
        line.say(Puback(due.pop(0).packet_id))
        due += publishes(line)
    assert all(one.dup for one in came)
    again = [one.packet_id for one in came]
    assert again == sorted(set(again))
    assert set(again) >= {1, 2, 3} - set(late)
    assert line.protocol.deliver(command(world, 4))
    assert [one.dup for one in publishes(line)] == [False]


@pytest.mark.parametrize("kind", [Pubrec, Pubcomp])
@both
async def test_a_qos_1_message_is_acknowledged_by_puback_alone(
    kind: type[Pubrec | Pubcomp], version: Version
) -> None:
    """4.3.2."""
    world = World()
    line = connected(world, version)
    line.say(Subscribe(1, [TopicFilter(RPC, 1)]))
    line.protocol.deliver(command(world, 1))
    line.heard()
    line.say(kind(1))
    assert line.closed
    assert [one.reason for one in line.heard() if isinstance(one, Disconnect)] == (
        [Reason.PROTOCOL_ERROR] if version is Version.V5 else []
    )


async def test_pubrec_and_pubcomp_for_nothing_end_there() -> None:
    """3.6.2.1: the id is not found; 3.5.2.1: a PUBREC of 0x80 and more has ended the exchange itself."""
    line = connected(World()).say(Pubrec(7), Pubrec(8, Reason.UNSPECIFIED_ERROR), Pubcomp(9))
    assert line.heard() == [Pubrel(7, Reason.PACKET_IDENTIFIER_NOT_FOUND)]


async def test_a_client_that_does_not_read_is_sent_nothing_until_it_does() -> None:
    world = World()
    line = subscribed(world)
    line.protocol.pause_delivery()
    assert line.protocol.deliver(SharedAttributes({"n": 1}))
    assert not line.protocol.deliver(command(world, 1))
    assert line.heard() == []
    asked = len(world.commands.made_ready)
    line.protocol.resume_delivery()
    assert len(line.heard()) == 1
    assert len(world.commands.made_ready) == asked + 1


# Who is connected


async def test_a_second_connection_takes_over_the_first_and_its_session() -> None:
    """3.1.4-3: the first is told 0x8E, its will is published, and the second goes on where it was."""
    world = World()
    first = connected(world, will=b"1", expiry_s=60)
    first.say(Subscribe(1, [TopicFilter(RPC, 1)]))
    first.heard()
    first.protocol.deliver(command(world, 1))
    first.heard()
    second = Line(world)
    second.say(Connect(Version.V5, "c", clean_start=False, username="key"))
    assert not first.closed  # the key is not checked yet
    second.admit()
    [goodbye] = first.heard()
    assert isinstance(goodbye, Disconnect)
    assert goodbye.reason == Reason.SESSION_TAKEN_OVER
    assert (first.closed, world.wills) == (True, [b"1"])
    connack, again = second.heard()
    assert isinstance(connack, Connack)
    assert connack.session_present
    assert isinstance(again, Publish)
    assert again.dup
    assert (len(world.roster.sessions(DEVICE)), world.roster.count()[Presence.ONLINE]) == (1, 1)


async def test_a_take_over_is_within_one_device_and_has_a_place_where_all_are_taken() -> None:
    world = World(connections_max=2)
    pump = Device(2, "pump", "Pump", {}, 0)
    world.feed.add(pump.id)
    world.roster.add(pump)
    first = connected(world)
    other = Line(world).say(CONNECT).admit(pump)
    assert not first.closed
    third = Line(world).say(Connect(Version.V5, "third", username="key")).admit()
    [said] = third.heard()
    assert isinstance(said, Connack)
    assert said.reason == Reason.QUOTA_EXCEEDED
    assert not connected(world).closed
    assert (first.closed, other.closed) == (True, False)


async def test_a_client_that_goes_while_its_key_is_checked_takes_nothing_over() -> None:
    world = World()
    first = connected(world)
    second = Line(world).say(CONNECT)
    second.protocol.lost()
    second.protocol.admit(Login(DEVICE, "key"))
    second.protocol.decline(DECLINED)
    assert (first.closed, second.heard()) == (False, [])


@pytest.mark.parametrize("by_s", [86_400.0, -86_400.0])
async def test_what_is_queued_lasts_as_long_as_it_would_have_when_the_clock_is_set(by_s: float) -> None:
    world = World(now_s=T0 / 1e6)
    first = subscribed(world)
    for number in (1, 2, 3):
        assert first.protocol.deliver(command(world, number))
    first.protocol.lost()
    world.set_by_s = by_s
    assert world.clock.tick() is not None
    world.now_s += 40
    line = connected(world, clean=False, expiry_s=60, receive_maximum=1)
    (again,) = publishes(line)
    assert (again.dup, again.properties.message_expiry_interval) == (True, 20)
    world.now_s += 21
    assert line.say(Puback(1)).heard() == []  # the others are over, and nobody wants them done now
