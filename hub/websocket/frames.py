"""WebSocket frames as a server reads and writes them (RFC 6455), and their compression (RFC 7692). No I/O."""

import struct
import zlib
from enum import IntEnum
from typing import NamedTuple

FIN, RSV1, RSV = 0x80, 0x40, 0x70
MASKED = 0x80
CONTROL_MAX_BYTES = 125  # of a control frame (5.5)
LENGTH_BITS = 63  # of the longest length: the highest bit of its eight bytes is 0 (5.2)
DEFLATE_FROM_BYTES = 256  # a shorter message gains nothing
DEFLATE_LEVEL = 1  # 240 KiB of readings: 7.4:1 in 0.8 ms; at 6, the usual one, 8.6:1 in 8.5 ms
_TAIL = b"\x00\x00\xff\xff"  # ends each flushed block, and is left out on the wire (RFC 7692, 7.2.1)
# An empty block, marked as the last. The inflater reaches it only if what came before is whole.
_LAST_BLOCK = b"\x03\x00"

# Codes that say why a connection is closed (7.4.1, 11.7; those over 4000 are the hub's own)
OK = 1000
PROTOCOL_ERROR = 1002
UNSUPPORTED = 1003
NOT_TEXT = 1007
REFUSED = 1008
TOO_BIG = 1009
RESTARTING = 1012
TRY_AGAIN_LATER = 1013
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_LATE = 4408
LIMITED = 4429


class Opcode(IntEnum):
    """What a frame is (5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = frozenset(int(opcode) for opcode in Opcode)
_TEXT, _CONTINUATION = Opcode.TEXT, Opcode.CONTINUATION
_WHOLE_TEXT = FIN | Opcode.TEXT.value  # how nearly every frame begins, so it goes the short way


class Message(NamedTuple):
    """A whole message, unmasked, put together and inflated; or a control frame."""

    opcode: Opcode
    content: bytes


class FrameError(Exception):
    """The peer does not keep to the protocol; `code` is the close code that says so (7.4.1)."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class FrameReader:
    """What one peer sends, as messages.

    It holds at most one message of `max_bytes`, and what came with its last bytes.
    """

    __slots__ = ("_deflate", "_max_bytes", "_parts", "_place", "_received", "_whose")

    def __init__(self, max_bytes: int, *, deflate: bool = False) -> None:
        self._max_bytes = max_bytes
        self._deflate = deflate
        self._received: bytes | bytearray = b""  # a bytearray while a frame grows in it
        self._place = 0  # what is before has been read
        self._parts = bytearray()  # of a message in several frames
        self._whose: tuple[Opcode, bool] | None = None  # what that message is, and whether it is compressed

    def feed(self, received: bytes) -> None:
        """More bytes of the peer."""
        if self._place == len(self._received):
            self._received = received
        else:
            # Grows in place, so that a peer that sends byte by byte costs no copy of all at each.
            if self._place or isinstance(self._received, bytes):
                self._received = bytearray(self._received[self._place :])
            self._received += received
        self._place = 0

    def discard(self) -> None:
        """Let go of what came; nothing more will be read."""
        self._received, self._place, self._parts = b"", 0, bytearray()

    def next(self) -> Message | None:
        """The next message, None until more comes. Raises FrameError; nothing can be read after that."""
        while True:
            frame = self._next_frame()
            if frame is None:
                return None
            head, content = frame
            if head == _WHOLE_TEXT and self._whose is None:
                return self._message(_TEXT, False, content)  # noqa: FBT003
            opcode = Opcode(head & 0x0F)
            if opcode >= Opcode.CLOSE:
                return Message(opcode, content)
            whose = self._whose or (opcode, bool(head & RSV1))
            if not head & FIN:
                self._whose = whose
                self._parts += content
                continue
            if self._whose is not None:
                content, self._parts, self._whose = bytes(self._parts + content), bytearray(), None
            return self._message(*whose, content)

    def _next_frame(self) -> tuple[int, bytes] | None:
        received, start = self._received, self._place + 2
        if len(received) < start:
            return None
        head, length = received[start - 2], received[start - 1] & 0x7F
        self._check_head(head, received[start - 1], length)
        if length >= 126:
            width, shortest = (2, 126) if length == 126 else (8, 65_536)
            if len(received) < start + width:
                return None
            length = int.from_bytes(received[start : start + width], "big")
            start += width
            if length < shortest or length >> LENGTH_BITS:
                raise FrameError(PROTOCOL_ERROR, f"the length {length} is not written in {width} bytes")
        # Control frames may come between the frames of a message, and are no part of it (5.4).
        if head & 0x0F < Opcode.CLOSE and len(self._parts) + length > self._max_bytes:
            raise FrameError(TOO_BIG, f"a message is over {self._max_bytes} bytes")
        end = start + 4 + length
        if len(received) < end:
            return None
        content = _unmasked(received[start + 4 : end], received[start : start + 4])
        if end == len(received):
            self._received, self._place = b"", 0
        else:
            self._place = end
        return head, content

    def _check_head(self, head: int, second: int, length: int) -> None:
        """Raises FrameError for what is no frame a client may send now."""
        if head == _WHOLE_TEXT and second & MASKED and self._whose is None:
            return
        opcode = head & 0x0F
        allowed = RSV1 if self._deflate and opcode in (Opcode.TEXT, Opcode.BINARY) else 0
        if opcode not in _OPCODES or head & RSV & ~allowed:
            raise FrameError(PROTOCOL_ERROR, f"a frame begins with {head:#04x}, which nothing was agreed on")
        if not second & MASKED:
            raise FrameError(PROTOCOL_ERROR, "a client's frames are masked; this one is not")
        if opcode >= Opcode.CLOSE:
            if length > CONTROL_MAX_BYTES or not head & FIN:
                raise FrameError(PROTOCOL_ERROR, "a control frame is whole, and at most 125 bytes")
        elif (opcode == _CONTINUATION) != (self._whose is not None):
            raise FrameError(PROTOCOL_ERROR, "the frames of a message come one after the other")

    def _message(self, opcode: Opcode, is_compressed: bool, content: bytes) -> Message:  # noqa: FBT001
        if is_compressed:
            content = self._inflated(content)
        if opcode is _TEXT:
            try:
                content.decode()
            except UnicodeDecodeError as error:
                raise FrameError(NOT_TEXT, f"a text message is not UTF-8: {error.reason}") from error
        return Message(opcode, content)

    def _inflated(self, content: bytes) -> bytes:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            inflated = inflater.decompress(content + _TAIL + _LAST_BLOCK, self._max_bytes + 1)
        except zlib.error as error:
            raise FrameError(NOT_TEXT, f"a message cannot be inflated: {error}") from error
        if len(inflated) > self._max_bytes:
            raise FrameError(TOO_BIG, f"a message is over {self._max_bytes} bytes")
        if not inflater.eof:
            raise FrameError(NOT_TEXT, "a message cannot be inflated: it breaks off")
        return inflated


def _unmasked(content: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    """The content, XORed with the mask over and over (5.3): as one large number, which is done in C."""
    size = len(content)
    key = int.from_bytes(bytes(mask) * (size // 4 + 1), "little") & ((1 << 8 * size) - 1)
    return (int.from_bytes(content, "little") ^ key).to_bytes(size, "little")


def frame(opcode: Opcode, content: bytes, *, is_compressed: bool = False) -> bytes:
    """A server's frame: whole, and not masked (5.1), so the same bytes for everybody."""
    head, length = FIN | opcode | (RSV1 if is_compressed else 0), len(content)
    if length < 126:
        return struct.pack("!BB", head, length) + content
    if length < 65_536:
        return struct.pack("!BBH", head, 126, length) + content
    return struct.pack("!BBQ", head, 127, length) + content


def read_close(content: bytes) -> tuple[int, str]:
    """Code and reason of a peer's close frame; 1000 where it says none. Raises FrameError (5.5.1, 7.4)."""
    if not content:
        return OK, ""
    if len(content) == 1:
        raise FrameError(PROTOCOL_ERROR, "a close frame holds a code of two bytes, or nothing")
    code = int.from_bytes(content[:2], "big")
    if not _may_be_sent(code):
        raise FrameError(PROTOCOL_ERROR, f"{code} is no code that a close frame may hold")
    try:
        return code, content[2:].decode()
    except UnicodeDecodeError as error:
        raise FrameError(NOT_TEXT, f"the reason of a close is not UTF-8: {error.reason}") from error


def _may_be_sent(code: int) -> bool:
    """The codes of the RFC and its registry, and those of libraries and applications (7.4.1, 7.4.2, 11.7)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; the reason is cut to what fits (5.5.1)."""
    said = reason.encode()[: CONTROL_MAX_BYTES - 2].decode(errors="ignore").encode()
    return frame(Opcode.CLOSE, code.to_bytes(2, "big") + said)


def text_frame(message: bytes, *, deflate: bool) -> bytes:
    """A text message as one frame, compressed if that was agreed on and is worth it.

    No context is carried from one message to the next, so that a compressed frame too is the same for all who
    negotiated it: compressed once, and no compressor's memory for each.
    """
    if not deflate or len(message) < DEFLATE_FROM_BYTES:
        return frame(Opcode.TEXT, message)
    deflater = zlib.compressobj(DEFLATE_LEVEL, wbits=-zlib.MAX_WBITS)
    content = deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return frame(Opcode.TEXT, content.removesuffix(_TAIL), is_compressed=True)
