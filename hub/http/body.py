"""Reading a request's body, after its sender is known: bounded in size and time, and unpacked in small steps.

aiohttp's own unpacking is off: it comes before anyone has asked who sends, and a megabyte of gzip can become
a gigabyte.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator

from aiohttp import HttpVersion11, web

from hub.errors import Unreadable
from hub.http.problems import ENCODINGS, TooLarge, Unsupported
from hub.model import RAW_MAX

TIMEOUT_S = 30.0
STEP_BYTES = 65_536  # unpacked at once
TURN_BYTES = 4 * STEP_BYTES  # unpacked before others have their turn of the loop: about 1 ms
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The whole body, unpacked.

    Raises TooLarge, Unsupported, Unreadable, also when it does not come in time.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async for piece in unpacked(request):
                pieces.append(piece)
                size += len(piece)
                if size > max_bytes:
                    raise TooLarge(
                        f"the body is over {max_bytes} bytes (http.max_body_bytes)",
                        b"".join(pieces)[:RAW_MAX],
                    )
    except TimeoutError as error:
        raise Unreadable(f"the body did not come within {TIMEOUT_S:.0f} s") from error
    return b"".join(pieces)


async def unpacked(request: web.Request) -> AsyncIterator[bytes]:
    """The body piece by piece, as it comes, unpacked as its Content-Encoding says.

    The caller bounds the sum: a piece is small, but nothing says how many there will be. Raises Unsupported,
    Unreadable.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", *_WINDOWS):
        raise Unsupported(
            f"a body may be packed by {ENCODINGS}, or not at all; this one is {encoding[:40]!r}"
        )
    await _ask_for_it(request)
    chunks: AsyncIterator[bytes] = request.content.iter_any()
    if encoding in _WINDOWS:
        chunks = _inflated(chunks, _WINDOWS[encoding])
    async for chunk in chunks:
        yield chunk


async def _ask_for_it(request: web.Request) -> None:
    """Say 100 Continue to a client that waits for it (RFC 9110, 10.1.1): by now the body is wanted."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


async def _inflated(chunks: AsyncIterator[bytes], window: int) -> AsyncIterator[bytes]:
    inflater = zlib.decompressobj(window)
    turn = 0
    try:
        async for packed in chunks:
            while packed:
                if inflater.eof:  # gzip may hold one after another (RFC 1952, 2.2)
                    inflater = zlib.decompressobj(window)
                piece = inflater.decompress(packed, STEP_BYTES)
                packed = inflater.unconsumed_tail or inflater.unused_data
                if piece:
                    yield piece
                turn += len(piece)
                if turn >= TURN_BYTES:
                    turn = 0
                    await asyncio.sleep(0)
    except zlib.error as error:
        raise Unreadable(f"the body cannot be unpacked: {error}") from error
    if not inflater.eof:
        raise Unreadable("the body cannot be unpacked: it ends too early")
