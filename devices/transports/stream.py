"""An asyncio connection in the shape paho wants its socket in."""

import asyncio
from contextlib import suppress
from typing import cast

from paho.mqtt.client import Client

_CLOSE_TIMEOUT_S = 2.0


class Stream(asyncio.Protocol):
    """Bytes that arrive are held until paho has read them, which it does before `data_received` returns.

    So what is held is at most part of one packet. What paho sends goes to asyncio's buffer, which is bounded
    by the client: a few batches, none sent before an earlier one was acknowledged.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._over = False
        self._closed = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._paho: Client | None = None

    def attach(self, paho: Client) -> None:
        """From now on `paho` reads what arrives."""
        self._paho = paho

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected, TLS included."""
        self._transport = cast("asyncio.Transport", transport)  # create_connection makes no other

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes."""
        self._held += data
        # `loop_read` takes a few packets a call; each call takes some of what is held, or the rest of it is a
        # part.
        while self._held and self._paho is not None and self._paho.socket() is not None:
            self._paho.loop_read()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: over. paho learns by reading the end of the stream."""
        del exc
        self._over = True
        self._closed.set()
        if self._paho is not None and self._paho.socket() is not None:
            self._paho.loop_read()

    def recv(self, buffer_size: int) -> bytes:
        """paho: up to `buffer_size` bytes; b"" at the end. Raises BlockingIOError when there are none yet."""
        if self._held:
            part = bytes(self._held[:buffer_size])
            del self._held[:buffer_size]
            return part
        if self._over:
            return b""
        raise BlockingIOError

    def send(self, buffer: bytes | bytearray) -> int:
        """paho: all of it is taken."""
        if self._over or self._transport is None:
            raise ConnectionResetError("the connection closed")
        self._transport.write(bytes(buffer))
        return len(buffer)

    def close(self) -> None:
        """paho: close once what was sent has left."""
        if self._transport is not None:
            self._transport.close()

    def fileno(self) -> int:
        """Of use to paho's own loop only, which does not run."""
        return -1

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  # the socket module's own signature
        """It never blocks."""

    async def shut(self) -> None:
        """Close, wait briefly for what was sent to leave, then close without."""
        self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._closed.wait()
        if self._transport is not None:
            self._transport.abort()
