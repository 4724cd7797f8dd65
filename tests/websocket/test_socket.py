"""A WebSocket after the handshake, with aiohttp's client and with peers that keep to nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hub.websocket.frames import Opcode
from tests.conftest import Certificate
from tests.waiting import until
from tests.websocket.echo import House, house
from tests.websocket.raw import ACCEPT, HANDSHAKE, sent

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def by_hand(house: House, more: bytes = b"") -> AsyncIterator[Peer]:
    """A peer that shakes hands, and sends `more` in the same segment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        writer.write("\r\n".join(["GET / HTTP/1.1", *HANDSHAKE, "", ""]).encode() + more)
        assert ACCEPT.encode() in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.close()


SIZES = [0, 125, 126, 255, 256, 65_535, 65_536, 90_000]


@pytest.mark.parametrize("compress", [0, 15])
async def test_messages_of_every_size_come_back(compress: int) -> None:
    async with house() as one, aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{one.port}/"
        async with client.ws_connect(url, protocols=("echo",), compress=compress) as socket:
            assert (socket.protocol, socket.compress) == ("echo", compress)
            for size in SIZES:
                await socket.send_str("[1]" * size)
                assert await socket.receive_str() == "[1]" * size
            await socket.ping(b"there?")
            await socket.close(code=4000)
            assert socket.close_code == 4000
        await until(lambda: one.echoes[0].is_lost)
        assert one.echoes[0].left


async def test_over_tls_too(certificate: Certificate) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate.path, certificate.key)
    trusting = ssl.create_default_context(cafile=certificate.path)
    async with (
        house(tls) as one,
        aiohttp.ClientSession() as client,
        client.ws_connect(f"https://127.0.0.1:{one.port}/", ssl=trusting) as socket,
    ):
        await socket.send_str("x" * 200_000)
        assert await socket.receive_str() == "x" * 200_000


async def test_what_comes_with_the_handshake_is_read() -> None:
    async with house() as one, by_hand(one, sent(b"early") + sent(b"cut")[:-1]) as (reader, writer):
        assert await reader.readexactly(7) == b"\x81\x05early"
        writer.write(sent(b"cut", mask=b"\0\0\0\0")[-1:])
        writer.write(sent(b"last"))
        assert (await reader.readexactly(11))[-4:] == b"last"


async def test_a_peer_that_breaks_the_protocol_reads_why() -> None:
    async with house() as one, by_hand(one) as (reader, writer):
        writer.write(b"\x81\x01x" + bytes(200_000))
        head = await reader.readexactly(4)
        assert head[0] == 0x88
        assert int.from_bytes(head[2:], "big") == 1002
        assert b"masked" in await reader.readexactly(head[1] - 2)
        assert not one.echoes[0].is_open


async def test_a_peer_that_answers_no_close_is_dropped() -> None:
    async with house() as one, by_hand(one, sent(b"x")) as (reader, _):
        await reader.readexactly(3)
        one.echoes[0].close(1001, "time to go")
        assert await reader.read() == b"\x88\x0c\x03\xe9time to go"
        await until(lambda: one.echoes[0].is_lost)


async def test_what_may_not_be_taken_waits_and_nothing_is_lost() -> None:
    async with house() as one, by_hand(one, sent(b"0")) as (reader, writer):
        await reader.readexactly(3)
        echo = one.echoes[0]
        echo.may = False
        messages = [b"%05d" % number for number in range(2000)]
        for message in messages:
            writer.write(sent(message))
        writer.write(sent(b"", Opcode.PING))
        await writer.drain()
        await until(lambda: not echo.transport.is_reading())
        assert echo.taken == 1
        echo.may = True
        echo.read()
        answers = await reader.readexactly(len(messages) * 7 + 2)
        assert answers == b"".join(b"\x81\x05" + message for message in messages) + b"\x8a\x00"


async def test_a_peer_that_reads_nothing_backs_up_and_gets_no_pings() -> None:
    async with house() as one, by_hand(one, sent(b"x")) as (reader, _):
        await reader.readexactly(3)
        echo = one.echoes[0]
        sizes = 0
        while not echo.is_backed_up:
            echo.transport.write(bytes(65_536))
            sizes += 65_536
            await asyncio.sleep(0)
        echo.ping()
        await reader.readexactly(sizes)
        await until(lambda: echo.had_room)
        echo.ping()
        assert await reader.readexactly(2) == b"\x89\x00"
