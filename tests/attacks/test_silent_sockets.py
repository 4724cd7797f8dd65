"""Strangers who open connections and say nothing, or never finish what they say. They have no key."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.attacks.healthy import healthy_pair
from tests.conftest import Certificate
from tests.hub_process import HubProcess

FILES_MAX = 220
CROWD = 500
STRANGER = "127.0.0.2"  # the whole of 127/8 is this machine; the healthy pair is 127.0.0.1
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: hub\r\n"


@asynccontextmanager
async def crowd(port: int, said: bytes = b"") -> AsyncIterator[list[socket.socket]]:
    """Many connections that say this and then nothing."""
    opened: list[socket.socket] = []
    try:
        for number in range(CROWD):
            one = socket.socket()
            opened.append(one)
            one.settimeout(0)
            one.bind((STRANGER, 0))
            one.connect_ex(("127.0.0.1", port))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        for one in opened:
            if said:
                _send(one, said)
        yield opened
    finally:
        for one in opened:
            one.close()


def _send(one: socket.socket, said: bytes) -> bool:
    try:
        one.send(said)
    except OSError:
        return False
    return True


def is_open(one: socket.socket) -> bool:
    """Whether the hub has left this connection open."""
    try:
        return one.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


async def until_closed(sockets: list[socket.socket], deadline_s: float = 20.0) -> None:
    async with asyncio.timeout(deadline_s):
        while any(is_open(one) for one in sockets):
            await asyncio.sleep(0.05)


def connect_by_mqtt(port: int, key: str) -> None:
    """CONNECT and its answer; fails where that is not "accepted"."""
    shown = len(key).to_bytes(2, "big") + key.encode()
    body = b"\x00\x04MQTT\x04\x82\x00\x00\x00\x00" + shown  # 3.1.1, a clean session, no id, a user name
    with socket.create_connection(("127.0.0.1", port), timeout=10.0) as one:
        one.sendall(bytes([0x10, len(body)]) + body)
        assert one.recv(4) == b"\x20\x02\x00\x00"


async def own_figures(hub: HubProcess) -> int:
    """How many readings of its own the hub has published, as its history tells."""
    path = "/api/v1/devices/_hub/history?metric=viewers&tier=raw&limit=1000"
    status, answer = await asyncio.to_thread(hub.ask, "GET", path)
    return len(answer["time"]) if status == 200 else 0


@pytest.fixture
def tight_hub(
    start_hub_process: Callable[..., HubProcess], certificate: Certificate
) -> Callable[..., HubProcess]:
    """Starts a hub that may open few files."""

    def start(**more: Any) -> HubProcess:
        return start_hub_process(
            files_max=FILES_MAX,
            HUB__LIMITS__CONNECT_TIMEOUT_S="1.0",
            HUB__SYSTEM__INTERVAL_S="0.2",
            HUB__HTTP__CONNECTIONS_PER_ADDRESS_MAX=str(10 * CROWD),
            **more,
        )

    return start


@pytest.mark.parametrize(
    ("door", "said"), [("http", b""), ("http", HALF_A_HEAD), ("mqtt", b""), ("mqtt", b"\x10")]
)
async def test_more_silent_connections_than_files_harm_nobody(
    tight_hub: Callable[..., HubProcess], door: str, said: bytes
) -> None:
    hub = await asyncio.to_thread(tight_hub)
    key = await asyncio.to_thread(hub.add_device, "newcomer")
    port = int(hub.url.rsplit(":", 1)[1]) if door == "http" else hub.mqtt_port
    async with healthy_pair(hub), crowd(port, said) as strangers:
        for _ in range(5):  # newcomers get in at once, by every door
            async with aiohttp.ClientSession() as session, session.get(f"{hub.url}/readyz") as answer:
                assert answer.status == 200
            assert (await asyncio.to_thread(hub.ask, "GET", "/api/v1/devices"))[0] == 200
            await asyncio.to_thread(connect_by_mqtt, hub.mqtt_port, key)
        published = await own_figures(hub)
        await until_closed(strangers)
        async with asyncio.timeout(20.0):
            while await own_figures(hub) <= published:
                await asyncio.sleep(0.1)
    assert await asyncio.to_thread(hub.stop) == 0


async def test_connections_that_do_not_shake_hands_for_tls_harm_nobody(
    tight_hub: Callable[..., HubProcess], certificate: Certificate
) -> None:
    hub = await asyncio.to_thread(
        lambda: tight_hub(HUB__HTTP__TLS_CERT=str(certificate.path), HUB__HTTP__TLS_KEY=str(certificate.key))
    )
    trusted = ssl.create_default_context(cafile=str(certificate.path))
    async with crowd(int(hub.url.rsplit(":", 1)[1])) as strangers:
        for _ in range(5):
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as session,
                session.get(f"{hub.url}/readyz") as answer,
            ):
                assert answer.status == 200
        await until_closed(strangers)
    assert await asyncio.to_thread(hub.stop) == 0


async def test_one_address_takes_no_more_places_than_it_may(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    hub = await asyncio.to_thread(lambda: start_hub_process(HUB__HTTP__CONNECTIONS_PER_ADDRESS_MAX="20"))
    async with crowd(int(hub.url.rsplit(":", 1)[1])) as strangers:
        async with asyncio.timeout(10.0):
            while sum(is_open(one) for one in strangers) > 20:
                await asyncio.sleep(0.02)
        async with aiohttp.ClientSession() as session, session.get(f"{hub.url}/readyz") as answer:
            assert answer.status == 200
