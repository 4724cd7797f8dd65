"""The protocol's states and each QoS 2 exchange, with no connection anywhere."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Invalid, NotFound
from hub.fleet.keys import Login
from hub.fleet.session import EndReason
from hub.model import Command, CommandState
from hub.mqtt.admission import Declined
from hub.mqtt.codec.packets import (
    Auth,
    CodecError,
    Connack,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Reason,
    Version,
)
from hub.mqtt.protocol import ConnectionState
from tests.mqtt.line import ATTRIBUTES, CONNECT, DEVICE, Line, World, both, connected, publish
from tests.mqtt.strategies import from_client, versions
from tests.rounds import rounds

# The states

EXPECTING, CHECKING, OPEN, CLOSED = ConnectionState


def at(state: ConnectionState, world: World) -> Line:
    """A line in that state."""
    line = Line(world)
    if state is not EXPECTING:
        line.say(CONNECT)
    if state in (OPEN, CLOSED):
        line.admit()
    if state is CLOSED:
        line.say(Disconnect())
    line.heard()
    return line


Input = Callable[[Line], object]
BROKEN = CodecError(Reason.MALFORMED_PACKET, "no")
DECLINED = Declined(Reason.NOT_AUTHORIZED, "no")

INPUTS: dict[str, Input] = {
    "connect": lambda line: line.say(CONNECT),
    "admit": lambda line: line.protocol.admit(Login(DEVICE, "key")),
    "decline": lambda line: line.protocol.decline(DECLINED),
    "ping": lambda line: line.say(Pingreq()),
    "disconnect": lambda line: line.say(Disconnect()),
    "broken": lambda line: line.protocol.broken(BROKEN),
    "lost": lambda line: line.protocol.lost(),
    "silent": lambda line: line.protocol.silent(),
    "stop": lambda line: line.protocol.stop(),
    "removed": lambda line: line.protocol.removed(NotFound("no")),
    "end": lambda line: line.protocol.end(EndReason.REVOKED),
    "pause": lambda line: line.protocol.pause_delivery(),
    "resume": lambda line: line.protocol.resume_delivery(),
    "deliver": lambda line: line.protocol.deliver(Command(1, 1, "m", None, CommandState.QUEUED, 0, 1)),
}
SAID = {  # what is sent in that state for that input; anything else stays and sends nothing
    (EXPECTING, "connect"): (CHECKING, []),
    (EXPECTING, "broken"): (CLOSED, []),
    (EXPECTING, "lost"): (CLOSED, []),
    (EXPECTING, "stop"): (CLOSED, []),
    (CHECKING, "admit"): (OPEN, [Connack]),
    (CHECKING, "decline"): (CLOSED, [Connack]),
    (CHECKING, "broken"): (CLOSED, []),
    (CHECKING, "lost"): (CLOSED, []),
    (CHECKING, "stop"): (CLOSED, []),
    (OPEN, "ping"): (OPEN, [Pingresp]),
    (OPEN, "disconnect"): (CLOSED, []),
    (OPEN, "lost"): (CLOSED, []),
    **{(OPEN, ending): (CLOSED, [Disconnect]) for ending in ("broken", "silent", "stop", "removed", "end")},
}
# The decoder never lets these through.
BY_THE_DECODER = {
    (EXPECTING, "ping"),
    (EXPECTING, "disconnect"),
    (OPEN, "connect"),
}


@pytest.mark.parametrize("state", list(ConnectionState), ids=lambda state: state.name)
async def test_what_each_state_makes_of_each_input(state: ConnectionState) -> None:
    for name, do in INPUTS.items():
        if (state, name) in BY_THE_DECODER:
            continue
        line = at(state, World())
        after, packets = SAID.get((state, name), (state, []))
        do(line)
        assert line.protocol.state is after, name
        assert [type(packet) for packet in line.heard()] == packets, name
        assert line.closed == (after is CLOSED), name


async def test_there_is_no_other_way_between_the_states() -> None:
    ways = {(state, after) for (state, _), (after, _) in SAID.items() if state is not after}
    for state in ConnectionState:
        for after in ConnectionState:
            line = at(state, World())
            if (state, after) in ways:
                line.protocol._enter(after)
            else:
                with pytest.raises(RuntimeError, match="no way"):
                    line.protocol._enter(after)


@settings(deadline=None, max_examples=rounds(150))
@given(st.data(), versions)
def test_whatever_a_client_says_is_answered_or_ends_its_connection_and_nothing_is_said_after(
    data: st.DataObject, version: Version
) -> None:
    async def check() -> None:
        world = World()
        line = connected(world, version)
        for packets in data.draw(st.lists(st.lists(from_client(version), max_size=4), max_size=5)):
            line.say(*packets)
            if data.draw(st.booleans()):
                await world.commit()
            while line.asked:
                line.protocol.carried_out(line.request(), None)
        await world.commit()
        await world.commit()
        told = line.heard()
        assert not line.protocol.acks or line.closed
        line.protocol.lost()
        assert line.closed
        assert all(not isinstance(packet, Disconnect) for packet in told[:-1])

    asyncio.run(check())


@pytest.mark.parametrize("last", [[], [Disconnect()], [Auth(Reason.REAUTHENTICATE)], [Pubrel(7)]], ids=str)
async def test_a_device_that_was_removed_is_told_so_whatever_it_says_last(last: list[Packet]) -> None:
    world = World()
    line = connected(world)
    world.removed = True
    line.say(publish(1), *last)
    [said] = line.heard()
    assert isinstance(said, Disconnect)
    assert (said.reason, line.closed) == (Reason.ADMINISTRATIVE_ACTION, True)


# QoS 2, by its packet id: unknown, taken, stored


@both
async def test_a_qos_2_message_is_received_once_stored_and_complete_once_released(version: Version) -> None:
    world = World()
    line = connected(world, version).say(publish(5, 2))
    assert line.heard() == []  # taken, and not on disk
    line.say(publish(5, 2, dup=True))
    assert len(world.accepted) == 1
    await world.commit()
    assert line.heard() == [Pubrec(5), Pubrec(5)]
    line.say(publish(5, 2, dup=True))
    await world.commit()
    assert (line.heard(), len(world.accepted)) == ([Pubrec(5)], 1)  # 4.3.3-10
    line.say(Pubrel(5))
    assert line.heard() == [Pubcomp(5)]  # 4.3.3-11
    line.say(publish(5, 2))
    await world.commit()
    assert (line.heard(), len(world.accepted)) == ([Pubrec(5)], 2)  # 4.3.3-12: a new message


async def test_a_release_of_what_is_not_on_disk_is_complete_when_it_is() -> None:
    world = World()
    line = connected(world).say(publish(5, 2), Pubrel(5), publish(6))
    assert line.heard() == []
    await world.commit()
    assert line.heard() == [Pubrec(5), Pubcomp(5), Puback(6)]


@both
async def test_a_release_of_nothing_is_told_so(version: Version) -> None:
    line = connected(World(), version).say(Pubrel(9))
    nothing = Reason.PACKET_IDENTIFIER_NOT_FOUND if version is Version.V5 else 0
    assert line.heard() == [Pubcomp(9, nothing)]


async def test_a_qos_2_message_that_was_never_stored_is_new_when_it_comes_again() -> None:
    world = World()
    line = connected(world, expiry_s=60).say(publish(5, 2))
    world.commits[0].abandon()
    await world.commit()
    assert [type(packet) for packet in line.heard()] == [Disconnect]
    again = connected(world, clean=False, expiry_s=60)
    again.say(Pubrel(5))
    assert again.heard() == [Pubcomp(5, Reason.PACKET_IDENTIFIER_NOT_FOUND)]
    again.say(publish(5, 2, dup=True))
    await world.commit()
    assert (again.heard(), len(world.accepted)) == ([Pubrec(5)], 2)


async def test_a_qos_2_exchange_goes_on_over_connections() -> None:
    """4.3.3 and 4.4: by session state, whichever step the connection was lost at."""
    world = World()
    connected(world, expiry_s=60).say(publish(5, 2)).protocol.lost()
    second = connected(world, clean=False, expiry_s=60).say(publish(5, 2, dup=True))
    assert second.heard() == []
    await world.commit()
    assert second.heard() == [Pubrec(5)]
    second.protocol.lost()
    third = connected(world, clean=False, expiry_s=60).say(Pubrel(5))
    assert third.heard() == [Pubcomp(5)]
    third.say(Pubrel(5))  # 4.4: sent again, for its PUBCOMP may have been lost
    assert third.heard() == [Pubcomp(5, Reason.PACKET_IDENTIFIER_NOT_FOUND)]
    assert len(world.accepted) == 1


async def test_a_refused_qos_2_message_ends_its_exchange_in_mqtt_5() -> None:
    """4.3.3-9: after a PUBREC of 0x80 or more the id is free; 3.1.1 has no such PUBREC."""
    for version, again in ((Version.V5, 2), (Version.V311, 1)):
        world = World()
        line = connected(world, version).say(publish(5, 2, body=b"{"))
        await world.commit()
        [refused] = line.heard()
        assert isinstance(refused, Pubrec)
        assert (refused.reason >= 0x80) == (version is Version.V5)
        line.say(publish(5, 2))
        await world.commit()
        assert len(world.accepted) == again


async def test_acknowledgements_leave_in_the_order_of_what_they_acknowledge() -> None:
    """4.6.0-2 and -3, whatever is on disk first."""
    world = World()
    line = connected(world).say(publish(1))
    line.say(publish(2, topic=ATTRIBUTES), publish(3, 2))
    line.say(publish(4))
    line.protocol.carried_out(line.request(), None)
    await world.commit(2)
    await world.commit(1)
    assert line.heard() == []
    await world.commit(0)
    assert line.heard() == [Puback(1), Puback(2), Pubrec(3), Puback(4)]


async def test_a_request_that_is_refused_is_acknowledged_once_its_rejection_is_on_disk() -> None:
    for qos, kind in ((1, Puback), (2, Pubrec)):
        world = World()
        line = connected(world).say(publish(7, qos, ATTRIBUTES, b"[]"))
        line.protocol.publishing.refused(line.request(), Invalid("an object is wanted"))
        assert line.heard() == []
        await world.commit()
        await asyncio.sleep(0)
        [told] = line.heard()
        assert isinstance(told, kind)
        assert told.reason == Reason.IMPLEMENTATION_SPECIFIC_ERROR
        assert told.properties.reason_string == "an object is wanted"


async def test_a_request_that_fails_ends_the_connection_unacknowledged() -> None:
    world = World()
    line = connected(world).say(publish(1), publish(7, topic=ATTRIBUTES))
    line.protocol.publishing.failed(line.request())
    await world.commit()
    await asyncio.sleep(0)
    first, last = line.heard()
    assert first == Puback(1)
    assert isinstance(last, Disconnect)
    assert last.reason == Reason.UNSPECIFIED_ERROR
