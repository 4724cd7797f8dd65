"""Wills: what is published for a client that is gone, and when (MQTT 5, 3.1.2.5 and 3.1.3.2)."""

from collections.abc import Callable

import pytest

from hub.errors import NotFound
from hub.fleet.session import EndReason
from hub.model import Presence
from hub.mqtt.codec.fields import PropertyPlace
from hub.mqtt.codec.packets import Auth, CodecError, Connect, Disconnect, Properties, Reason, Version, Will
from hub.mqtt.codec.reasons import of_clients
from tests.mqtt.client import TELEMETRY
from tests.mqtt.line import Line, World, connected
from tests.mqtt.rooms import Rooms, boiler
from tests.waiting import until

ME = "v1/devices/me/"
ATTRIBUTES = ME + "attributes"
KEEP = Properties(session_expiry_interval=60)
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


def last_words(topic: str = TELEMETRY, body: bytes = b'{"up":false}', delay_s: int | None = None) -> Will:
    return Will(topic, body, 1, properties=Properties(will_delay_interval=delay_s))


@both
async def test_a_will_is_a_reading_when_the_connection_is_lost(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version, will=last_words()):
        pass
    await until(lambda: hub.ingest.counts.readings == 1)
    assert await hub.stored("boiler") == [("up", 0.0)]
    assert hub.roster.count()[Presence.OFFLINE] == 1  # a will is no sign of life


@both
async def test_no_will_after_a_disconnect(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version, will=last_words()) as client:
        client.send(Disconnect())
        assert await client.closed()
    async with boiler(hub, will=last_words(body=b'{"up":true}')) as client:
        client.send(Disconnect(Reason.DISCONNECT_WITH_WILL))
        assert await client.closed()
    await until(lambda: hub.ingest.counts.readings > 0)
    assert await hub.stored("boiler") == [("up", 1.0)]


async def test_a_will_may_be_attributes_and_one_for_others_is_a_rejection(hub: Rooms) -> None:
    for will in (
        last_words(ATTRIBUTES),
        last_words("devices/pump/telemetry"),
        last_words(ME + "rpc/response/1"),
    ):
        async with boiler(hub, will=will):
            pass

    async def kept() -> bool:
        attributes = await hub.fleet.attributes.of(hub.fleet.devices.find("boiler"))
        return attributes.device == {"up": False} and len(await hub.rejections("boiler")) == 2

    await until(kept)
    assert {one.code for one in await hub.rejections("boiler")} == {"forbidden", "topic"}


async def test_a_delayed_will_is_not_published_when_the_client_returns_in_time(hub: Rooms) -> None:
    for pause_s, count in ((5, 0), (20, 1)):
        async with boiler(hub, client_id="c", clean=False, will=last_words(delay_s=10), properties=KEEP):
            pass
        await until(lambda: hub.server.connections == 0)
        hub.clock.ahead_s += pause_s
        if count:
            await until(lambda: hub.ingest.counts.readings == 1)
        async with boiler(hub, client_id="c", clean=False, properties=KEEP) as client:
            client.send(Disconnect())
            assert await client.closed()
        assert hub.ingest.counts.readings == count
        assert hub.roster.count()[Presence.OFFLINE] == 1


async def test_nothing_is_left_of_a_device_that_is_removed_while_away(hub: Rooms) -> None:
    for device_id in ("boiler", "pump"):
        delayed = last_words(delay_s=10)
        async with hub.client(key=hub.keys[device_id], client_id="c", will=delayed, properties=KEEP):
            pass
        await until(lambda: hub.server.connections == 0)
    await hub.fleet.remove(hub.fleet.devices.find("boiler"))
    await hub.add("boiler")
    hub.clock.ahead_s += 10
    await until(lambda: hub.ingest.counts.readings == 1)  # the pump's; the boiler's was due before it
    assert await hub.stored("boiler") == []


async def test_a_taken_over_connections_will_is_published_and_a_revoked_ones_is_not(hub: Rooms) -> None:
    first = boiler(hub, client_id="c", will=last_words())
    await first.connect()
    second = boiler(hub, client_id="c", will=last_words())
    await second.connect()
    await until(lambda: hub.ingest.counts.readings == 1)
    await hub.fleet.keys.revoke(hub.fleet.devices.find("boiler"), hub.keys["boiler"].split("_")[1])
    await until(lambda: hub.server.connections == 0)
    assert hub.ingest.counts.readings == 1


# With no connection anywhere: 3.1.2-8, 3.14.4-3


CODES = sorted(of_clients(PropertyPlace.DISCONNECT))


@pytest.mark.parametrize("reason", CODES, ids=lambda reason: f"0x{reason:02X}")
async def test_a_will_is_discarded_by_disconnect_0x00_alone(reason: int) -> None:
    assert len(CODES) == 14
    world = World()
    line = connected(world, will=b"will").say(Disconnect(reason))
    assert line.closed
    assert world.wills == ([] if reason == 0 else [b"will"])


BROKEN = CodecError(Reason.MALFORMED_PACKET, "no")
ENDINGS: dict[str, tuple[Callable[[Line], object], bool]] = {
    "the connection is lost": (lambda line: line.protocol.lost(), True),
    "nothing is heard any more": (lambda line: line.protocol.silent(), True),
    "it breaks the protocol": (lambda line: line.protocol.broken(BROKEN), True),
    "it says what it may not": (lambda line: line.say(Auth(Reason.REAUTHENTICATE)), True),
    "its readings cannot be stored": (lambda line: line.protocol._not_stored(), True),
    "another connection takes over": (lambda line: line.protocol.end(EndReason.TAKEN_OVER), True),
    "the hub stops": (lambda line: line.protocol.stop(), True),
    "it says goodbye": (lambda line: line.say(Disconnect()), False),
    "its key is revoked": (lambda line: line.protocol.end(EndReason.REVOKED), False),
    "it is removed": (lambda line: line.protocol.end(EndReason.REMOVED), False),
    "it was removed": (lambda line: line.protocol.removed(NotFound("no")), False),
}


@both
@pytest.mark.parametrize("ending", list(ENDINGS))
async def test_a_will_is_published_once_by_every_other_end(ending: str, version: Version) -> None:
    do, published = ENDINGS[ending]
    world = World()
    line = connected(world, version, will=b"will")
    do(line)
    line.protocol.lost()
    line.protocol.stop()
    assert line.closed
    assert world.wills == ([b"will"] if published else [])


async def test_no_will_outlives_the_hub() -> None:
    """3.1.3.2.2: due at the end of the session, which is in memory, however long it was to wait."""
    world = World()
    for number in range(3):
        line = Line(world)
        will = Properties(will_delay_interval=3600)
        line.say(
            Connect(
                Version.V5,
                str(number),
                username="key",
                will=Will(TELEMETRY, b"%d" % number, properties=will),
                properties=Properties(session_expiry_interval=7200),
            )
        ).admit()
        line.protocol.lost() if number else line.protocol.stop()
    assert world.wills == []
    world.clients.end()
    assert sorted(world.wills) == [b"0", b"1", b"2"]
    world.clients.end()
    assert len(world.wills) == 3
