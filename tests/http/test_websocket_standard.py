"""RFC 6455 by cases, at each of the hub's own WebSockets. For an echo stands what each one answers to."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from hub.config import Config, MqttConfig
from hub.websocket.frames import Opcode
from tests.http.conftest import Hub, running_hub
from tests.http.test_mqtt_socket import connect_packet
from tests.rooms import UNLIMITED
from tests.websocket.cases import SECTIONS
from tests.websocket.handshakes import CASES
from tests.websocket.raw import HANDSHAKE, RawSocket, connected, sent
from tests.websocket.talk import outcomes

# The rate does not matter here, and every case connects again.
CONFIG = Config(
    mqtt=MqttConfig(port=0, max_packet_bytes=1_048_576),
    limits=UNLIMITED,
)


_numbers = itertools.count()


def _length(size: int) -> bytes:
    """As MQTT writes it (1.5.5)."""
    return bytes([size]) if size < 128 else bytes([size % 128 | 128]) + _length(size // 128)


@dataclass(frozen=True)
class Endpoint:
    """One of the hub's WebSockets: how to come in, and what it answers once."""

    path: str
    lines: tuple[str, ...]  # of the handshake, beside what all have
    opcode: Opcode
    asked: bytes
    key: str | None = None  # of MQTT, to be said first
    greetings: int = 1  # that come before anything is asked

    def sized(self, size: int) -> bytes:
        """JSON may have spaces behind it. In MQTT a publish of QoS 0 stands before the ping (3.3.1.2)."""
        if self.opcode is Opcode.TEXT:
            return self.asked.ljust(size)
        body = b"\x00\x01x" + bytes(max(0, size - len(self.asked) - 7))
        return b"\x30" + _length(len(body)) + body + self.asked

    def count(self, answer: bytes) -> int:
        """What waits together comes together: JSON as an array, packets of MQTT one behind the other."""
        if self.opcode is Opcode.BINARY:
            return answer.count(b"\xd0\x00")
        said = orjson.loads(answer)
        return len(said) if isinstance(said, list) else 1

    @asynccontextmanager
    async def connect(self, port: int) -> AsyncIterator[RawSocket]:
        """A client that was let in."""
        async with connected(port) as socket:
            assert (await socket.shake_hands(self.path, (*HANDSHAKE, *self.lines))).status == 101
            if self.key is not None:
                await socket.send(sent(connect_packet(self.key, f"c{next(_numbers)}"), Opcode.BINARY))
            for _ in range(self.greetings):
                assert await socket.receive() is not None
            yield socket


@asynccontextmanager
async def endpoints(folder: Path) -> AsyncIterator[tuple[Hub, dict[str, Endpoint]]]:
    async with running_hub(folder, CONFIG, mqtt=True) as hub:
        key = await hub.device()
        yield (
            hub,
            {
                "device": Endpoint(
                    "/api/v1/device/socket",
                    (f"Authorization: Bearer {key}",),
                    Opcode.TEXT,
                    b'{"id":1,"n":1}',
                ),
                "live": Endpoint(
                    "/api/v1/live", (f"Authorization: Bearer {hub.token()}",), Opcode.TEXT, b'{"type":"ping"}'
                ),
                "mqtt": Endpoint(
                    "/mqtt",
                    ("Sec-WebSocket-Protocol: mqtt",),
                    Opcode.BINARY,
                    b"\xc0\x00",
                    key,
                ),
            },
        )


NAMES = ("device", "live", "mqtt")


@pytest.mark.parametrize("name", NAMES)
async def test_frames_are_taken_or_refused_as_the_standard_says(tmp_path: Path, name: str) -> None:
    async with endpoints(tmp_path) as (hub, found):
        endpoint, port = found[name], int(hub.url.rsplit(":", 1)[1])
        for cases in SECTIONS.values():
            came, wanted = await outcomes(cases, endpoint, lambda: endpoint.connect(port), answers_late=True)
            assert came == wanted, {name: got for name, got in came.items() if got != wanted[name]}
        assert (await hub.call("GET", "/api/v1/devices"))[0] == 200


async def test_handshakes_are_answered_as_the_standard_says(tmp_path: Path) -> None:
    async with endpoints(tmp_path) as (hub, found):
        port = int(hub.url.rsplit(":", 1)[1])
        for endpoint in found.values():
            for case in CASES:
                async with connected(port) as socket:
                    lines = (*case.lines, *endpoint.lines)
                    answer = await socket.shake_hands(endpoint.path, lines, http=case.http)
                    assert (answer.status, case.what) == (case.status, case.what)
                    assert answer.headers.items() >= set(case.answered)
                    if case.status != 101:
                        assert answer.headers["content-type"] == "application/problem+json"
