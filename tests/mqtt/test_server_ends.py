"""How a connection ends: by silence, and by the hub's stop."""

import asyncio
from pathlib import Path

import pytest

from hub.config import MqttConfig
from hub.model import Presence
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import (
    Connect,
    Disconnect,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Publish,
    Reason,
    Version,
    Will,
)
from tests.mqtt.client import TELEMETRY, Client
from tests.mqtt.rooms import Rooms, SlowDisk, boiler, rooms
from tests.waiting import until

BODY = b'{"temperature":20.5}'
ATTRIBUTES = "v1/devices/me/attributes"
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


@both
async def test_a_client_silent_for_one_and_a_half_keep_alives_is_gone(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version, keep_alive_s=1) as client:
        if version is Version.V5:
            assert (await client.expect(Disconnect)).reason == Reason.KEEP_ALIVE_TIMEOUT
        assert await client.closed()
    assert hub.roster.count()[Presence.OFFLINE] == 1


async def test_a_connection_the_hub_itself_does_not_read_outlives_its_keep_alive(tmp_path: Path) -> None:
    async with rooms(tmp_path, MqttConfig(port=0, receive_max=1), slow_disk=True) as hub:
        await hub.add("boiler")
        assert isinstance(hub.ingest, SlowDisk)
        async with boiler(hub, Version.V311, keep_alive_s=1) as held, boiler(hub, keep_alive_s=1) as heard:
            held.send(*(Publish(TELEMETRY, BODY, 1, number) for number in (1, 2)))
            assert (
                await heard.expect(Disconnect)
            ).reason == Reason.KEEP_ALIVE_TIMEOUT  # so much time has passed
            hub.ingest.let_go()
            assert [await held.receive() for _ in range(2)] == [Puback(1), Puback(2)]


async def trickle(client: Client, raw: bytes) -> None:
    """Send a packet byte by byte, for as long as anyone takes it."""
    for byte in raw:
        client.write(bytes((byte,)))
        await asyncio.sleep(0.1)


@both
async def test_bytes_that_make_no_packet_keep_nothing_alive(hub: Rooms, version: Version) -> None:
    """3.1.2-22: a packet has to come, not a part of one."""
    async with boiler(hub, version, keep_alive_s=1) as client:
        long = encode(Publish(TELEMETRY, b'{"note":"' + b"x" * 200 + b'"}', 1, 1), version)
        trickling = asyncio.ensure_future(trickle(client, long))
        if version is Version.V5:
            assert (await client.expect(Disconnect)).reason == Reason.KEEP_ALIVE_TIMEOUT
        assert await client.closed()
        assert not trickling.done()
        trickling.cancel()


@both
async def test_any_packet_keeps_a_connection_alive(hub: Rooms, version: Version) -> None:
    async with boiler(hub, version, keep_alive_s=1) as client, boiler(hub, keep_alive_s=1) as silent:
        number = 0
        ends = asyncio.ensure_future(silent.expect(Disconnect))  # so much time has passed
        while not ends.done():
            number += 1
            assert await client.publish(BODY, packet_id=number) == Puback(number)
            await asyncio.sleep(0.1)
        assert ends.result().reason == Reason.KEEP_ALIVE_TIMEOUT
        assert await client.publish(BODY) == Puback(1)


async def test_a_stop_acknowledges_what_is_being_stored_and_says_goodbye(tmp_path: Path) -> None:
    async with rooms(tmp_path, slow_disk=True) as hub:
        await hub.add("boiler")
        client, older = boiler(hub), boiler(hub, Version.V311)
        for each in (client, older):
            await each.connect()
            each.send(Publish(TELEMETRY, BODY, 1, 1), Pingreq())
            await each.expect(Pingresp)
        port, stopping = hub.port, asyncio.ensure_future(hub.server.stop(4))
        await until(lambda: hub.server.port is None)
        with pytest.raises(ConnectionRefusedError):
            await hub.client(port).open()
        assert isinstance(hub.ingest, SlowDisk)
        hub.ingest.let_go()
        assert await client.receive() == Puback(1)
        assert (await client.expect(Disconnect)).reason == Reason.SERVER_SHUTTING_DOWN
        assert await client.closed()
        assert await older.receive() == Puback(1)
        assert await older.closed()
        await stopping
        assert hub.roster.count()[Presence.OFFLINE] == 1


@both
async def test_a_stop_publishes_the_wills_of_all_clients_those_that_wait_included(
    new_hub: Rooms, version: Version
) -> None:
    """3.1.2-8: none of them said goodbye, and no session outlives the new_hub."""
    reading = boiler(new_hub, version, will=Will(TELEMETRY, b'{"up":false}'))
    attributes = boiler(new_hub, version, will=Will(ATTRIBUTES, b'{"up":false}'))
    delayed = Will(TELEMETRY, b'{"later":1}', properties=Properties(will_delay_interval=60))
    away = boiler(new_hub, client_id="c", will=delayed, properties=Properties(session_expiry_interval=60))
    polite = boiler(new_hub, version, will=Will(TELEMETRY, b'{"polite":1}'))
    for each in (reading, attributes, away, polite):
        await each.connect()
    polite.send(Disconnect())
    away.close()
    await until(lambda: new_hub.server.connections == 2)
    await new_hub.server.stop(4)
    assert sorted(await new_hub.stored("boiler")) == [("later", 1.0), ("up", 0.0)]
    assert (await new_hub.fleet.attributes.of(new_hub.fleet.devices.find("boiler"))).device == {"up": False}
    assert new_hub.roster.count()[Presence.OFFLINE] == 1


async def test_a_connection_that_is_still_opening_is_closed_by_a_stop(new_hub: Rooms) -> None:
    silent = await new_hub.client().open()
    halting = await new_hub.client().open()
    halting.write(encode(Connect(Version.V5, "c"), Version.V5)[:9])
    await until(lambda: new_hub.server.connections == 1)
    await new_hub.server.stop(4)
    assert await silent.closed()
    assert await halting.closed()
