"""Keys for a part of what devices do, over MQTT."""

from itertools import combinations

import pytest

from hub.fleet.session import SharedAttributes
from hub.model import ALL_KEY_RIGHTS, Command, CommandState, KeyRight
from hub.mqtt.codec.packets import (
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Publish,
    Reason,
    Subscribe,
    TopicFilter,
    Version,
    Will,
)
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import Rooms
from tests.rooms import T0

ME = "v1/devices/me/"
UP = {
    TELEMETRY: (b'{"t":1}', KeyRight.TELEMETRY),
    f"{ME}attributes": (b'{"a":1}', KeyRight.ATTRIBUTES),
    f"{ME}attributes/request/1": (b"", KeyRight.ATTRIBUTES),
    f"{ME}rpc/response/7": (b"{}", KeyRight.COMMANDS),
}
SOME = [frozenset(some) for count in (1, 2, 3) for some in combinations(sorted(KeyRight), count)]
COMMAND = Command(7, 1, "open", None, CommandState.QUEUED, T0, T0 + 60_000_000)


@pytest.mark.parametrize("rights", SOME, ids=lambda rights: "+".join(sorted(rights)))
@pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])
async def test_what_a_key_is_not_for_is_refused_with_a_reason_and_kept(
    hub: Rooms, rights: frozenset[KeyRight], version: Version
) -> None:
    device = hub.fleet.devices.find("boiler")
    key = await hub.fleet.keys.add(device, rights)
    async with hub.client(key=str(key), version=version) as client:
        client.send(Subscribe(1, [TopicFilter(f"{ME}#", 0)]))
        forbidden = 0
        for number, (topic, (body, right)) in enumerate(UP.items(), 2):
            for packet_id in (number, number + 10):  # again, as what is alike goes another way
                client.send(Publish(topic, body, 1, packet_id))
                while not isinstance(answer := await client.receive(), Puback):
                    assert answer is not None  # SUBACK, and what was asked for
                if right not in rights:
                    forbidden += 1
                    told = Reason.NOT_AUTHORIZED if version is Version.V5 else Reason.SUCCESS
                    assert (topic, answer.reason) == (topic, told)
                elif right is not KeyRight.COMMANDS:
                    assert (topic, answer.reason) == (topic, Reason.SUCCESS)
        kept = await hub.history.rejections(device, 100)
        assert [one.code for one in kept].count("forbidden") == forbidden
        [session] = hub.roster.sessions(device)
        assert bool(session.deliver(COMMAND)) == (KeyRight.COMMANDS in rights)
        assert bool(session.deliver(SharedAttributes({"a": 1}))) == (KeyRight.ATTRIBUTES in rights)


async def test_a_will_that_the_key_is_not_for_is_declined(hub: Rooms) -> None:
    key = await hub.fleet.keys.add(hub.fleet.devices.find("boiler"), frozenset({KeyRight.COMMANDS}))
    connack = await hub.client(key=str(key), will=Will(TELEMETRY, b'{"t":1}')).connect()
    assert connack.reason == Reason.NOT_AUTHORIZED


async def test_a_connection_ends_with_its_key(new_hub: Rooms) -> None:
    device = new_hub.fleet.devices.find("boiler")
    key = await new_hub.fleet.keys.add(device, ALL_KEY_RIGHTS, ttl_s=60)
    properties = Properties(session_expiry_interval=3600)
    async with new_hub.client(key=str(key), properties=properties):
        new_hub.fleet.keys.end_expired()
        assert len(new_hub.roster.sessions(device)) == 1
        new_hub.clock.ahead_s = 60
        new_hub.fleet.keys.end_expired()
        assert new_hub.roster.sessions(device) == []


@pytest.mark.parametrize("narrow", SOME, ids=lambda rights: "+".join(sorted(rights)))
async def test_what_waits_for_one_key_is_not_sent_to_a_later_one_with_fewer_rights(
    hub: Rooms, narrow: frozenset[KeyRight]
) -> None:
    """Neither what was sent and not acknowledged, nor what waited behind it."""
    device = hub.fleet.devices.find("boiler")
    wide_key, narrow_key = [str(await hub.fleet.keys.add(device, one)) for one in (ALL_KEY_RIGHTS, narrow)]
    slow = Properties(session_expiry_interval=60, receive_maximum=1)
    async with hub.client(key=wide_key, client_id="c", properties=slow) as client:
        client.send(Subscribe(1, [TopicFilter(f"{ME}#", 1)]))
        await client.receive()
        command = await hub.commands.send(device, "open", None, 60)
        assert isinstance(await client.receive(), Publish)
        [session] = hub.roster.sessions(device)
        assert session.deliver(SharedAttributes({"a": 1}))  # waits behind the command
    kept = Properties(session_expiry_interval=60)
    async with hub.client(key=narrow_key, client_id="c", clean=False, properties=kept) as again:
        expected = [
            topic
            for topic, right in (
                (f"{ME}rpc/request/{command.id}", KeyRight.COMMANDS),
                (f"{ME}attributes", KeyRight.ATTRIBUTES),
            )
            if right in narrow
        ]
        again.send(Pingreq())
        got = []
        while not isinstance(packet := await again.receive(), Pingresp):
            assert isinstance(packet, Publish)
            got.append(packet.topic)
        assert got == expected
        if KeyRight.COMMANDS not in narrow:
            [listed] = [one for one in await hub.commands.list(device, 10) if one.id == command.id]
            assert listed.state is CommandState.QUEUED
    async with hub.client(key=wide_key) as other:  # which may have it now
        other.send(Subscribe(1, [TopicFilter(f"{ME}rpc/request/+", 1)]))
        await other.receive()
        if KeyRight.COMMANDS not in narrow:
            sent = await other.receive()
            assert isinstance(sent, Publish)
            assert sent.topic.endswith(f"/{command.id}")
