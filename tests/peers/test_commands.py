"""Commands to clients no one here wrote, over a hub that is killed in between."""

import subprocess
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.hub_process import HubProcess
from tests.peers.conftest import Peer
from tests.peers.test_paho import ME, TIMEOUT_S, Device, device, versions

RPC = ME + "rpc/request/+"


def subscribed(paho: Device, qos: int = 1) -> None:
    paho.client.subscribe(RPC, qos)
    paho.granted.get(timeout=TIMEOUT_S)


def heard(paho: Device, count: int) -> list[tuple[str, bool]]:
    """The methods of the next commands, and whether each came again."""
    found = [paho.messages.get(timeout=TIMEOUT_S) for _ in range(count)]
    return [(orjson.loads(one.payload)["method"], one.dup) for one in found]


def states(peer: Peer, wanted: list[str]) -> None:
    """Wait until the device's commands, oldest first, are in these states."""

    def are(found: Any) -> bool:
        return [one["state"] for one in reversed(found["commands"])] == wanted

    peer.hub.wait_for(f"{peer.path}/commands", are)


@versions
@pytest.mark.parametrize("clean", [True, False])
def test_commands_for_a_device_that_is_away_come_in_order_and_are_delivered_by_puback(
    peer: Peer, version: MQTTProtocolVersion, *, clean: bool
) -> None:
    for method in "abc":
        peer.send(method)
    states(peer, ["queued"] * 3)
    with device(peer, version, client_id="c", clean=clean) as paho:
        subscribed(paho)
        assert heard(paho, 3) == [("a", False), ("b", False), ("c", False)]
        states(peer, ["delivered"] * 3)
        number = peer.send("d")
        assert heard(paho, 1) == [("d", False)]
        paho.publish(b'{"error":"stuck"}', f"{ME}rpc/response/{number}")
        states(peer, ["delivered"] * 3 + ["failed"])


@versions
@pytest.mark.parametrize("clean", [True, False])
def test_a_command_without_its_puback_is_sent_until_the_device_returns_and_gets_it_again(
    peer: Peer, version: MQTTProtocolVersion, *, clean: bool
) -> None:
    """paho acknowledges when its callback returns, so one that is cut off there has not."""
    with device(peer, version, client_id="c", clean=clean) as paho:
        paho.client.manual_ack_set(True)
        subscribed(paho)
        peer.send("once")
        assert heard(paho, 1) == [("once", False)]
        states(peer, ["sent"])
    # What is kept for the client is sent still. By MQTT 5 these ask for that, until a clean start.
    states(peer, ["queued" if clean and version == MQTTProtocolVersion.MQTTv311 else "sent"])
    with device(peer, version, client_id="c", clean=clean) as paho:
        subscribed(paho)
        assert heard(paho, 1) == [("once", not clean)]
        states(peer, ["delivered"])


@versions
def test_at_qos_0_a_command_is_sent_once_and_never_called_delivered(
    peer: Peer, version: MQTTProtocolVersion
) -> None:
    with device(peer, version) as paho:
        subscribed(paho, 0)
        number = peer.send("reboot")
        assert heard(paho, 1) == [("reboot", False)]
    with device(peer, version) as paho:
        subscribed(paho, 0)
        peer.send("next")
        assert heard(paho, 1) == [("next", False)]
        states(peer, ["sent", "sent"])
        paho.publish(b"{}", f"{ME}rpc/response/{number}")
        states(peer, ["done", "sent"])


def test_after_kill_9_what_was_queued_comes_in_order_and_what_arrived_does_not_come_again(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    hub = start_hub_process(HUB__LOG__LEVEL="error")
    peer = Peer(hub, "boiler", hub.add_device("boiler"))
    v5 = MQTTProtocolVersion.MQTTv5
    with device(peer, v5) as paho:
        subscribed(paho)
        arrived = peer.send("arrived")
        assert heard(paho, 1) == [("arrived", False)]
        states(peer, ["delivered"])
    for method in "abc":
        peer.send(method)
    peer.hub.call("DELETE", f"{peer.path}/commands/{arrived + 1}")
    states(peer, ["delivered", "cancelled", "queued", "queued"])
    hub.kill()
    hub.start()
    states(peer, ["delivered", "cancelled", "queued", "queued"])
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(hub.mqtt_port), "-u", peer.key, "-V", "mqttv311"]
    command += ["-q", "1", "-C", "2", "-W", "10", "-F", "%p", "-t", RPC]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert [orjson.loads(line)["method"] for line in done.stdout.splitlines()] == ["b", "c"]
    with device(peer, v5) as paho:
        paho.publish(b'{"ok":true}', f"{ME}rpc/response/{arrived}")
        states(peer, ["done", "cancelled", "delivered", "delivered"])
