"""RFC 6455 and RFC 7692 by cases, over real sockets, at an endpoint that sends back what comes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle, islice

import pytest

from hub.websocket.frames import Opcode
from tests.websocket.cases import SECTIONS, TEXTS
from tests.websocket.echo import House, house
from tests.websocket.raw import HANDSHAKE, RawSocket, connected, deflated, inflated, sent
from tests.websocket.talk import outcomes


class AskEcho:
    """Anything is answered."""

    def __init__(self, opcode: Opcode) -> None:
        self.opcode = opcode

    def sized(self, size: int) -> bytes:
        return bytes(islice(cycle(b"0123456789" if self.opcode is Opcode.TEXT else b"\xff\x00\x80"), size))

    def count(self, answer: bytes) -> int:
        del answer
        return 1


@asynccontextmanager
async def echo(one: House, *more: str) -> AsyncIterator[RawSocket]:
    async with connected(one.port) as socket:
        assert (await socket.shake_hands(lines=(*HANDSHAKE, *more))).status == 101
        yield socket


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("section", SECTIONS)
async def test_frames_are_taken_or_refused_as_the_standard_says(section: str, opcode: Opcode) -> None:
    async with house() as one:
        found, wanted = await outcomes(SECTIONS[section], AskEcho(opcode), lambda: echo(one))
    assert found == wanted


async def test_every_text_comes_back_whole_and_cut_anywhere() -> None:
    async with house() as one, echo(one) as socket:
        for text in TEXTS:
            content = text.encode()
            cuts = [(content[:place], content[place:]) for place in range(len(content) + 1)]
            for first, rest in cuts:
                await socket.send(sent(first, head=0) + sent(rest, Opcode.CONTINUATION))
                assert await socket.receive() == (Opcode.TEXT, content, False), (text, first)


OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate",
]
SIZES = [0, 16, 64, 255, 256, 1_024, 4_096, 16_384, 131_072]


@pytest.mark.parametrize("offer", OFFERS)
async def test_compressed_messages_come_back_in_every_size(offer: str) -> None:
    async with house() as one, echo(one, f"Sec-WebSocket-Extensions: {offer}") as socket:
        for size in SIZES:
            content = AskEcho(Opcode.TEXT).sized(size)
            small = deflated(content, 10)
            half = len(small) // 2
            await socket.send(sent(small, head=0xC0))
            await socket.send(sent(small[:half], head=0x40) + sent(small[half:], Opcode.CONTINUATION))
            await socket.send(sent(content))  # a message may be sent as it is all the same (RFC 7692, 6)
            for _ in range(3):
                frame = await socket.receive()
                assert frame is not None
                assert (inflated(frame.content) if frame.is_compressed else frame.content) == content
