"""MQTT.js, over TCP and over WebSocket."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.conftest import Peer

HERE = Path(__file__).parent
TIMEOUT_S = 30


class Device:
    """The Node process, step by step."""

    def __init__(self, url: str, version: int, key: str) -> None:
        self._process = subprocess.Popen(
            ["node", "mqttjs.mjs", url, str(version), key],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def steps(self) -> Iterator[tuple[str, Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            yield said["step"], said["value"]

    def end(self) -> int:
        """Its exit code; killed if it does not end."""
        try:
            return self._process.wait(TIMEOUT_S)
        finally:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()


def address(peer: Peer, transport: str) -> str:
    return (
        f"mqtt://127.0.0.1:{peer.hub.mqtt_port}"
        if transport == "tcp"
        else f"{peer.hub.url.replace('http', 'ws')}/mqtt"
    )


@pytest.mark.parametrize("transport", ["tcp", "websocket"])
@pytest.mark.parametrize("version", [4, 5])
def test_a_device_by_mqttjs_does_all_that_a_device_does(peer: Peer, version: int, transport: str) -> None:
    device = Device(address(peer, transport), version, peer.key)
    said: dict[str, Any] = {}
    for step, value in device.steps():
        said[step] = value
        if step == "attributes":
            number = peer.send("blink", {"times": 3})
    assert device.end() == 0
    expected: dict[str, Any] = {
        "connected": False,
        "granted": [1, 1],
        "attributes": {"client": {"firmware": "js"}},
        "command": {"method": "blink", "params": {"times": 3}},
        "ended": True,
    }
    if version == 5:
        expected["bad publish"] = 0x99
        assert [one["code"] for one in peer.rejections(1)] == ["unreadable"]
    assert said == expected
    assert sorted(peer.history("js", 3)) == [0, 1, 2]
    assert peer.answer(number) == {"answered": True}
    peer.presence("offline")


@pytest.mark.parametrize(("version", "code"), [(4, 5), (5, 0x87)])
def test_mqttjs_with_a_wrong_key_is_told_so(peer: Peer, version: int, code: int) -> None:
    device = Device(address(peer, "tcp"), version, "wrong")
    assert list(device.steps()) == [("refused", code)]
    assert device.end() == 0
