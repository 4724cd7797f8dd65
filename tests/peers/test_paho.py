"""paho-mqtt."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import orjson
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.peers.conftest import Peer

ME = "v1/devices/me/"
TELEMETRY = ME + "telemetry"
TIMEOUT_S = 10
versions = pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])


class Device:
    """A paho client whose callbacks end in queues."""

    def __init__(
        self, peer: Peer, version: MQTTProtocolVersion, client_id: str = "", clean: bool = True
    ) -> None:
        v5 = version == MQTTProtocolVersion.MQTTv5
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=version, clean_session=None if v5 else clean
        )
        self.client.username_pw_set(peer.key)
        self.client.max_inflight_messages_set(200)
        self.connected: Queue[tuple[bool, ReasonCode]] = Queue()
        self.ended: Queue[ReasonCode] = Queue()
        self.granted: Queue[list[int]] = Queue()
        self.acknowledged: Queue[tuple[int, ReasonCode, Any]] = Queue()
        self.messages: Queue[MQTTMessage] = Queue()
        self.client.on_connect = lambda _c, _u, flags, reason, _p: self.connected.put(
            (flags.session_present, reason)
        )
        self.client.on_disconnect = lambda _c, _u, _f, reason, _p: self.ended.put(reason)
        self.client.on_subscribe = lambda _c, _u, _m, reasons, _p: self.granted.put(
            [one.value for one in reasons]
        )
        self.client.on_publish = lambda _c, _u, number, reason, told: self.acknowledged.put(
            (number, reason, told)
        )
        self.client.on_message = lambda _c, _u, message: self.messages.put(message)
        options: dict[str, Any] = {}
        if v5:
            options["properties"] = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            options["properties"].SessionExpiryInterval = 60
            options["clean_start"] = clean
        assert (
            self.client.connect("127.0.0.1", peer.hub.mqtt_port, **options) == MQTTErrorCode.MQTT_ERR_SUCCESS
        )
        self.client.loop_start()

    def publish(self, body: bytes, topic: str = TELEMETRY, qos: int = 1) -> tuple[ReasonCode, Any]:
        """Publish, and wait for the hub's word on it."""
        number = self.client.publish(topic, body, qos).mid
        acknowledged, reason, told = self.acknowledged.get(timeout=TIMEOUT_S)
        assert acknowledged == number
        return reason, told


@contextmanager
def device(peer: Peer, version: MQTTProtocolVersion, **options: Any) -> Iterator[Device]:
    """Connected, and let in."""
    opened = Device(peer, version, **options)
    try:
        _, reason = opened.connected.get(timeout=TIMEOUT_S)
        assert reason.value == 0
        yield opened
    finally:
        opened.client.disconnect()
        opened.client.loop_stop()


@versions
def test_paho_with_every_quality_of_service(peer: Peer, version: MQTTProtocolVersion) -> None:
    with device(peer, version) as paho:
        for qos in (0, 1, 2):
            reason, _ = paho.publish(orjson.dumps({"n": qos}), qos=qos)
            assert not reason.is_failure
    assert sorted(peer.history("n", 3)) == [0, 1, 2]


@versions
def test_many_messages_in_flight_are_all_acknowledged(peer: Peer, version: MQTTProtocolVersion) -> None:
    with device(peer, version) as paho:
        infos = [
            paho.client.publish(TELEMETRY, b'{"n":%d}' % number, 1 + number % 2) for number in range(1000)
        ]
        for info in infos:
            info.wait_for_publish(TIMEOUT_S)
            assert info.is_published()
    assert sorted(peer.history("n", 1000)) == list(range(1000))


@versions
def test_paho_answers_a_command_and_asks_for_attributes(peer: Peer, version: MQTTProtocolVersion) -> None:
    peer.hub.call("PUT", f"{peer.path}/attributes", {"shared": {"interval": 5}})
    with device(peer, version) as paho:
        paho.client.subscribe(
            [(ME + "rpc/request/+", 1), (ME + "attributes/response/+", 0), ("devices/#", 1)]
        )
        assert paho.granted.get(timeout=TIMEOUT_S) == [
            1,
            0,
            0x87 if version == MQTTProtocolVersion.MQTTv5 else 0x80,
        ]
        paho.publish(b'{"sharedKeys":"interval"}', ME + "attributes/request/7")
        answer = paho.messages.get(timeout=TIMEOUT_S)
        assert (answer.topic, answer.payload) == (ME + "attributes/response/7", b'{"shared":{"interval":5}}')
        number = peer.send("blink", {"times": 2})
        command = paho.messages.get(timeout=TIMEOUT_S)
        assert orjson.loads(command.payload) == {"method": "blink", "params": {"times": 2}}
        paho.publish(b"[1,2]", command.topic.replace("request", "response"))
    assert peer.answer(number) == [1, 2]


def test_paho_is_told_why_a_publish_is_refused(peer: Peer) -> None:
    with device(peer, MQTTProtocolVersion.MQTTv5) as paho:
        reason, told = paho.publish(b"not JSON")
        assert reason.value == 0x99
        assert "not JSON" in told.ReasonString
        reason, _ = paho.publish(b"{}", "devices/other/telemetry")
        assert reason.value == 0x87


@versions
def test_a_session_of_paho_is_kept_with_its_subscriptions(peer: Peer, version: MQTTProtocolVersion) -> None:
    with device(peer, version, client_id="kept", clean=False) as paho:
        paho.client.subscribe(ME + "rpc/request/+", 1)
        paho.granted.get(timeout=TIMEOUT_S)
    peer.presence("offline")
    peer.send("while away")
    again = Device(peer, version, client_id="kept", clean=False)
    try:
        present, _ = again.connected.get(timeout=TIMEOUT_S)
        assert present
        assert b"while away" in again.messages.get(timeout=TIMEOUT_S).payload
    finally:
        again.client.disconnect()
        again.client.loop_stop()


def test_a_second_paho_with_the_same_id_takes_over(peer: Peer) -> None:
    with device(peer, MQTTProtocolVersion.MQTTv5, client_id="same") as first:
        first.client.reconnect_delay_set(60, 60)
        with device(peer, MQTTProtocolVersion.MQTTv5, client_id="same") as second:
            assert first.ended.get(timeout=TIMEOUT_S).value == 0x8E
            second.publish(b'{"n":1}')


@versions
def test_a_revoked_key_ends_the_connection_of_paho(peer: Peer, version: MQTTProtocolVersion) -> None:
    with device(peer, version) as paho:
        paho.client.reconnect_delay_set(60, 60)
        peer.hub.call("DELETE", f"{peer.path}/keys/{peer.key.split('_')[1]}")
        paho.ended.get(timeout=TIMEOUT_S)
    refused = Device(peer, version)
    _, reason = refused.connected.get(timeout=TIMEOUT_S)
    assert reason == "Not authorized"
    refused.client.disconnect()
    refused.client.loop_stop()
