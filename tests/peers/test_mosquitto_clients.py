"""mosquitto_pub and mosquitto_sub."""

import json
import subprocess

import pytest

from tests.peers.conftest import Peer

TELEMETRY = "v1/devices/me/telemetry"
TIMEOUT_S = 20
versions = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])


def publish(peer: Peer, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [
        "mosquitto_pub",
        "-h",
        "127.0.0.1",
        "-p",
        str(peer.hub.mqtt_port),
        "-u",
        key or peer.key,
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@versions
def test_mosquitto_pub_with_every_quality_of_service(peer: Peer, version: str) -> None:
    for qos in ("0", "1", "2"):
        body = json.dumps({"temperature": float(qos)})
        done = publish(peer, "-V", version, "-q", qos, "-r", "-t", TELEMETRY, "-m", body)
        assert (done.returncode, done.stderr) == (0, "")
    assert sorted(peer.history("temperature", 3)) == [0, 1, 2]


def test_the_command_of_the_readme_stores_a_reading(peer: Peer) -> None:
    assert publish(peer, "-t", TELEMETRY, "-m", '{"temperature":20.5}').returncode == 0
    assert peer.history("temperature", 1) == [20.5]


@versions
def test_many_lines_by_one_mosquitto_pub(peer: Peer, version: str) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(peer.hub.mqtt_port), "-u", peer.key]
    command += ["-V", version, "-q", "1", "-l", "-t", f"devices/{peer.id}/telemetry"]
    lines = "".join(f'{{"seq":{number},"values":{{"n":{number}}}}}\n' for number in range(500))
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(peer.history("n", 500)) == list(range(500))


@versions
def test_mosquitto_pub_with_a_wrong_key_says_that_it_is_not_authorised(peer: Peer, version: str) -> None:
    done = publish(peer, "-V", version, "-t", TELEMETRY, "-m", "{}", key="wrong")
    assert done.returncode != 0
    assert "not authori" in (done.stderr + done.stdout).lower()


def test_a_client_of_mqtt_3_1_is_told_that_its_version_is_not_spoken(peer: Peer) -> None:
    done = publish(peer, "-V", "mqttv31", "-t", TELEMETRY, "-m", "{}")
    assert done.returncode != 0
    assert "protocol version" in (done.stderr + done.stdout).lower()


@versions
def test_ten_megabytes_are_refused_and_nothing_else_suffers(peer: Peer, version: str) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(peer.hub.mqtt_port), "-u", peer.key]
    command += ["-V", version, "-q", "1", "-t", TELEMETRY, "-s"]
    subprocess.run(command, input=b"x" * 10_000_000, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert publish(peer, "-V", version, "-t", TELEMETRY, "-m", '{"after":1}').returncode == 0
    assert peer.history("after", 1) == [1]


@versions
def test_mosquitto_sub_receives_a_command_and_a_foreign_topic_is_refused(peer: Peer, version: str) -> None:
    command = [
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        str(peer.hub.mqtt_port),
        "-u",
        peer.key,
        "-V",
        version,
    ]
    number = peer.send("blink", [1, 2])
    heard = subprocess.run(
        [*command, "-q", "1", "-C", "1", "-F", "%t %p", "-t", "v1/devices/me/rpc/request/+"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert heard.stdout == f'v1/devices/me/rpc/request/{number} {{"method":"blink","params":[1,2]}}\n'
    refused = subprocess.run(
        [*command, "-W", "5", "-t", "devices/#"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert "denied" in (refused.stdout + refused.stderr).lower() or refused.returncode != 0
    assert [one["code"] for one in peer.rejections(1)] == ["forbidden"]


@versions
def test_the_will_of_a_killed_mosquitto_sub_is_a_reading(peer: Peer, version: str) -> None:
    command = [
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        str(peer.hub.mqtt_port),
        "-u",
        peer.key,
        "-V",
        version,
    ]
    command += ["-t", "v1/devices/me/attributes", "--will-topic", TELEMETRY, "--will-payload", '{"up":false}']
    process = subprocess.Popen(command)
    try:
        peer.presence("online")
    finally:
        process.kill()
        process.wait()
    assert peer.history("up", 1) == [False]
    peer.presence("offline")
