"""Wills: what is published for a client that is gone, and when (MQTT 5, 3.1.2.5 and 3.1.3.2; 3.1.1, 3.1.2.5)."""

import pytest

from hub.model import Presence
from hub.mqtt.codec.packets import Disconnect, Properties, Reason, Version, Will
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import Rooms, boiler, until

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
        await until(lambda: hub.endpoint.connections == 0)
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
        await until(lambda: hub.endpoint.connections == 0)
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
    await until(lambda: hub.endpoint.connections == 0)
    assert hub.ingest.counts.readings == 1
