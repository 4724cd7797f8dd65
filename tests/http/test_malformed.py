"""What is no HTTP gets an answer like any other, or a clean close; and the hub's log stays readable."""

import asyncio
import json
import socket
from collections.abc import Callable

import pytest

from tests.conftest import Certificate
from tests.http.conftest import Hub
from tests.http.malformed import MALFORMED
from tests.http.raw import exchange
from tests.hub_process import HubProcess

ROUNDS = 3
NO_KEY = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"  # CONNECT of 3.1.1 that shows no key


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_request_gets_an_answer_like_any_other(hub: Hub, name: str) -> None:
    sent, status, _clause = MALFORMED[name]
    answers = await exchange(hub.url, sent)
    if status is not None:
        [answer] = answers
        assert (answer.status, bool(answer.problem()["detail"])) == (status, True)
    for answer in answers:
        # Of which versions it is made is nobody's concern.
        assert answer.headers["server"] == "sensor-hub"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert b"aiohttp" not in answer.content
        assert b"install" not in answer.content
        assert b"aaaaa" not in answer.content  # what was sent is not sent back


async def test_the_next_request_of_someone_else_is_served(hub: Hub) -> None:
    for malformed in MALFORMED.values():
        await exchange(hub.url, malformed.sent)
    async with hub.client.get("/healthz") as answer:
        assert answer.status == 200


async def test_strangers_write_one_line_and_no_traceback_into_the_log(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    hub = await asyncio.to_thread(lambda: start_hub_process(HUB__LOG__FORMAT="json"))
    for _ in range(ROUNDS):
        for malformed in MALFORMED.values():
            await exchange(hub.url, malformed.sent)
            await asyncio.to_thread(_reset, hub.url, malformed.sent)
            await exchange(f"http://127.0.0.1:{hub.mqtt_port}", malformed.sent[:200])
        await exchange(f"http://127.0.0.1:{hub.mqtt_port}", NO_KEY)
    assert await asyncio.to_thread(hub.stop) == 0
    text = hub.log_path.read_text()
    assert "Traceback" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    said = ("a request was not HTTP", "a connection broke the protocol", "a client was refused")
    for event in said:
        told = [line for line in lines if line["event"].startswith(event)]
        assert {line["address"] for line in told} == {"127.0.0.1"}, event
        # Said once of each reason, and then how many more there were, seconds later.
        moments = {(line["timestamp"][:19], line.get("reason")) for line in told}
        assert len(told) == len(moments)
    assert {line["level"] for line in lines} <= {"info", "warning"}


async def test_what_is_no_tls_writes_no_traceback_either(
    start_hub_process: Callable[..., HubProcess], certificate: Certificate
) -> None:
    hub = await asyncio.to_thread(
        lambda: start_hub_process(
            HUB__LOG__FORMAT="json",
            HUB__HTTP__TLS_CERT=str(certificate.path),
            HUB__HTTP__TLS_KEY=str(certificate.key),
        )
    )
    url = hub.url.replace("https:", "http:")
    for malformed in MALFORMED.values():
        await asyncio.to_thread(_reset, url, malformed.sent)
        assert await exchange(url, malformed.sent[:5] + b"\r\n\r\n" * 3000) == []
    assert await asyncio.to_thread(hub.stop) == 0
    lines = [json.loads(line) for line in hub.log_path.read_text().splitlines()]
    assert [line["event"] for line in lines if line["level"] not in ("info", "warning")] == []
    assert [line for line in lines if "exception" in line] == []


def _reset(url: str, sent: bytes) -> None:
    """Send it and drop the connection without reading the answer."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10.0) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        one.sendall(sent)
