"""A client of WebSockets that sends any bytes at all, and reads what a server says frame by frame."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from hub.websocket.frames import Opcode

DEADLINE_S = 15.0
MASK = b"\x37\xfa\x21\x3d"  # that of the example in RFC 6455, 5.7
HANDSHAKE = (
    "Host: hub",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of that key: RFC 6455, 1.3


def sent(
    content: bytes, opcode: int = Opcode.TEXT, *, head: int = 0x80, mask: bytes = MASK, width: int = 0
) -> bytes:
    """A client's frame; `width` writes the length in so many bytes, whether it needs them or not."""
    size = len(content)
    width = width or (1 if size < 126 else 2 if size < 65_536 else 8)
    short, length = (size, b"") if width == 1 else (126 if width == 2 else 127, size.to_bytes(width, "big"))
    key = int.from_bytes(mask * (size // 4 + 1), "little") & ((1 << 8 * size) - 1)
    masked = (int.from_bytes(content, "little") ^ key).to_bytes(size, "little")
    return bytes([head | opcode, 0x80 | short]) + length + mask + masked


def deflated(content: bytes, window: int = 15) -> bytes:
    """Compressed as one message is (RFC 7692, 7.2.1)."""
    deflater = zlib.compressobj(wbits=-window)
    return (deflater.compress(content) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def inflated(content: bytes) -> bytes:
    """The message that is compressed in there."""
    return zlib.decompressobj(-15).decompress(content + b"\x00\x00\xff\xff")


class Answer(NamedTuple):
    """What a server answers to a handshake. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]


class Frame(NamedTuple):
    """What a server sent."""

    opcode: Opcode
    content: bytes
    is_compressed: bool = False

    @property
    def code(self) -> int:
        """Of a close frame."""
        return int.from_bytes(self.content[:2], "big")


class RawSocket:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def shake_hands(
        self, path: str = "/", lines: tuple[str, ...] = HANDSHAKE, more: bytes = b"", http: str = "HTTP/1.1"
    ) -> Answer:
        """Ask for a WebSocket, with `more` in the same segment."""
        self._writer.write("\r\n".join([f"GET {path} {http}", *lines, "", ""]).encode() + more)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        return Answer(int(first.split()[1]), headers)

    async def read_body(self, answer: Answer) -> bytes:
        """What stands behind an answer that is no 101."""
        return await self._reader.readexactly(int(answer.headers["content-length"]))

    async def send(self, stream: bytes) -> None:
        """Send it as it is."""
        self._writer.write(stream)
        await self._writer.drain()

    async def send_byte_by_byte(self, stream: bytes) -> None:
        """Send it, with the loop's other work between any two bytes."""
        for byte in stream:
            self._writer.write(bytes([byte]))
            await asyncio.sleep(0)

    async def receive(self) -> Frame | None:
        """The next frame; None once the server has hung up."""
        try:
            head, length = await self._reader.readexactly(2)
            if length >= 126:
                length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
            content = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Frame(Opcode(head & 0x0F), content, bool(head & 0x40))


@asynccontextmanager
async def connected(port: int, source: str = "127.0.0.1") -> AsyncIterator[RawSocket]:
    """A connection from the address `source`, of this machine, that hangs up at the end."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22, local_addr=(source, 0))
        try:
            yield RawSocket(reader, writer)
        finally:
            writer.transport.abort()
