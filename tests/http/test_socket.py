"""The heartbeat of a socket, with a peer that never answers a ping."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from hub.http.socket import Socket, first

INTERVAL_S = 0.05
FRAME = bytes(16_000_000)  # far more than the system's buffers between two ends take
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@asynccontextmanager
async def peer_of_a_socket() -> AsyncIterator[tuple[socket.socket, asyncio.Event]]:
    """The far end of a Socket that sends one long frame; the event is set when the Socket has ended."""
    ended = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        near = Socket(max_bytes=1_000, ping_interval_s=INTERVAL_S)
        await near.open(request)
        try:
            await first(near.say(FRAME + FRAME[:1]), near.read(), near.heartbeat())
        finally:
            ended.set()
        return near

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    far = socket.socket()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    far.setblocking(False)
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await asyncio.get_running_loop().sock_connect(far, runner.addresses[0])
        await asyncio.get_running_loop().sock_sendall(far, HANDSHAKE)
        yield far, ended
    finally:
        far.close()
        await runner.cleanup()


async def test_a_peer_that_takes_nothing_and_answers_nothing_is_gone() -> None:
    async with peer_of_a_socket() as (_, ended), asyncio.timeout(15):
        await ended.wait()


async def test_a_peer_that_is_slow_to_take_what_it_is_sent_is_not_gone() -> None:
    loop = asyncio.get_running_loop()
    async with peer_of_a_socket() as (far, ended), asyncio.timeout(15):
        started_s = loop.time()
        while loop.time() - started_s < 20 * INTERVAL_S:
            assert await loop.sock_recv(far, 32_768)
            await asyncio.sleep(0.005)  # this is the slowness
        assert not ended.is_set()
