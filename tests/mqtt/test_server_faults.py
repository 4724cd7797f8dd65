"""What the MQTT server does when something behind it fails."""

from pathlib import Path

import pytest

from hub.config import MqttConfig
from hub.mqtt.codec.packets import (
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
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import Rooms, SlowDisk, boiler, rooms
from tests.waiting import until

BODY = b'{"temperature":20.5}'
ATTRIBUTES = "v1/devices/me/attributes"
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


@both
async def test_what_cannot_be_stored_is_not_acknowledged(tmp_path: Path, version: Version) -> None:
    async with rooms(tmp_path, slow_disk=True) as hub:
        await hub.add("boiler")
        client = boiler(hub, version)
        await client.connect()
        client.send(Publish(TELEMETRY, BODY, 1, 1), Pingreq())
        await client.expect(Pingresp)
        assert isinstance(hub.ingest, SlowDisk)
        assert hub.ingest.held is not None
        hub.ingest.held.abandon()
        if version is Version.V5:
            assert (await client.expect(Disconnect)).reason == Reason.UNSPECIFIED_ERROR
        assert await client.closed()


@both
@pytest.mark.parametrize("body", [b'{"disk":1}', b'{"fault":1}'])
async def test_a_fault_behind_one_connection_ends_that_one_alone(
    tmp_path: Path, version: Version, body: bytes
) -> None:
    async with rooms(tmp_path, broken_fleet=True) as hub:
        await hub.add("boiler")
        client = boiler(hub, version, will=Will(ATTRIBUTES, b'{"disk":2}'))
        await client.connect()
        async with boiler(hub, version) as other:
            client.send(Publish(ATTRIBUTES, body, 1, 1), Publish(ATTRIBUTES, body, 1, 2))
            if version is Version.V5:
                assert (await client.expect(Disconnect)).reason == Reason.UNSPECIFIED_ERROR
            assert await client.closed()
            assert await other.publish(BODY) == Puback(1)


@both
@pytest.mark.parametrize("body", [b'{"disk":1}', b'{"fault":1}'])
@pytest.mark.parametrize("before", [1, 3])
async def test_what_was_stored_before_something_failed_is_acknowledged(
    tmp_path: Path, version: Version, body: bytes, before: int
) -> None:
    async with rooms(tmp_path, slow_disk=True, broken_fleet=True) as hub:
        await hub.add("boiler")
        client = boiler(hub, version)
        await client.connect()
        client.send(*(Publish(TELEMETRY, BODY, 1, number) for number in range(1, before + 1)))
        client.send(Publish(ATTRIBUTES, body, 1, 90), Publish(TELEMETRY, BODY, 1, 91), Pingreq())
        await client.expect(Pingresp)
        assert isinstance(hub.ingest, SlowDisk)
        hub.ingest.let_go()
        assert [await client.receive() for _ in range(before)] == [
            Puback(number) for number in range(1, before + 1)
        ]
        if version is Version.V5:
            assert (await client.expect(Disconnect)).reason == Reason.UNSPECIFIED_ERROR
        assert await client.closed()


@both
async def test_ending_what_one_connection_waits_for_leaves_the_commit_to_the_others(
    tmp_path: Path, version: Version
) -> None:
    async with rooms(tmp_path, slow_disk=True) as hub:
        await hub.add("boiler")
        client = boiler(hub, version)
        await client.connect()
        client.send(Publish(ATTRIBUTES, b"[", 1, 1))
        await until(lambda: hub.ingest.counts.refused == 1)
        await hub.server.stop(0.1)
        assert isinstance(hub.ingest, SlowDisk)
        assert hub.ingest.held is not None
        assert not hub.ingest.held.done()


async def test_a_qos_2_message_that_was_not_stored_is_accepted_when_it_comes_again(tmp_path: Path) -> None:
    keep = Properties(session_expiry_interval=60)
    async with rooms(tmp_path, slow_disk=True) as hub:
        await hub.add("boiler")
        assert isinstance(hub.ingest, SlowDisk)
        async with boiler(hub, client_id="c", properties=keep) as client:
            client.send(Publish(TELEMETRY, BODY, 2, 5), Publish(TELEMETRY, BODY, 2, 5, dup=True), Pingreq())
            await client.expect(Pingresp)
            assert hub.ingest.counts.readings == 1
            assert hub.ingest.held is not None
            hub.ingest.held.abandon()
            hub.ingest.held = None
            await client.expect(Disconnect)
        async with boiler(hub, client_id="c", clean=False, properties=keep) as client:
            client.send(Publish(TELEMETRY, BODY, 2, 5, dup=True), Pingreq())
            await client.expect(Pingresp)
            assert hub.ingest.counts.readings == 2
            hub.ingest.let_go()


async def test_attributes_of_a_will_that_cannot_be_read_are_a_rejection(hub: Rooms) -> None:
    async with boiler(hub, will=Will(ATTRIBUTES, b"[")):
        pass
    await until(lambda: hub.ingest.counts.refused == 1)
    assert [one.code for one in await hub.rejections("boiler")] == ["unreadable"]


async def test_an_address_in_use_is_said(hub: Rooms, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with pytest.raises(OSError, match="in use"):
        async with rooms(tmp_path / "second", MqttConfig(port=hub.port)):
            pytest.fail("two servers on one port")


async def test_readings_of_a_device_that_is_just_being_removed_end_its_connection(hub: Rooms) -> None:
    client = boiler(hub)
    await client.connect()
    client.send(Publish(TELEMETRY, BODY, 1, 1))
    await hub.fleet.remove(hub.fleet.devices.find("boiler"))
    said = await client.receive()
    while isinstance(said, Puback):  # as it may have been in time
        said = await client.receive()
    assert isinstance(said, Disconnect)
    assert said.reason == Reason.ADMINISTRATIVE_ACTION
    assert await client.closed()
