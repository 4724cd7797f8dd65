"""A WebSocket as the hub's sockets use it: heartbeat, limits, and an end that always comes."""

import asyncio
import socket
from collections.abc import Coroutine
from typing import Literal

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.http_websocket import WebSocketError

UNAUTHENTICATED = 4401
RESTARTING = WSCloseCode.SERVICE_RESTART
RETRY_AFTER_S = 1.0  # what a stopping hub tells those who will come back; they add jitter of their own
CLOSE_TIMEOUT_S = 2.0  # how long a peer may take to answer a close
LINGER_S = 5.0  # how long the rest of a message that is too big is read and thrown away
LINGER_STEP_S = 0.05
UNSENT_MAX_BYTES = 65_536  # in the system's buffer
REASON_MAX_BYTES = 123  # RFC 6455, 5.5

_log = structlog.get_logger("http")


class Socket(web.WebSocketResponse[Literal[False]]):
    """One WebSocket. Messages come as bytes, whether they were text or binary.

    The heartbeat is the hub's own: a socket the hub itself does not read from at present must not count as silent.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        ping_interval_s: float,
        protocols: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            timeout=CLOSE_TIMEOUT_S,
            autoping=False,
            compress=False,
            max_msg_size=max_bytes,
            protocols=protocols,
            decode_text=False,
        )
        self.held = False  # nothing is read at present, so nothing can be heard
        self.was_too_big = False
        self.last_was_text = False
        self._max_bytes = max_bytes
        self._ping_interval_s = ping_interval_s
        self.heard = True  # anything, since somebody last set it to False
        self._transport: asyncio.Transport | None = None

    async def open(self, request: web.Request) -> None:
        """Shake hands. Raises HTTPBadRequest for a request that is no proper handshake."""
        await self.prepare(request)
        self._transport = request.transport
        if request.transport is not None:
            keep_fresh(request.transport)

    async def read(self) -> bytes | None:
        """The next message; None when there is none any more. A message over the limit closes the socket (1009)."""
        while True:
            message = await self.receive()
            self.heard = True
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.last_was_text = message.type is WSMsgType.TEXT
                content: bytes = message.data
                return content
            if message.type is WSMsgType.PING:
                await self.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                error = message.data
                self.was_too_big = (
                    isinstance(error, WebSocketError) and error.code == WSCloseCode.MESSAGE_TOO_BIG
                )
                return None

    async def say(self, message: bytes) -> None:
        """Send a text message."""
        await self.send_frame(message, WSMsgType.TEXT)

    async def heartbeat(self) -> None:
        """Ping; return when the connection is gone: lost, or nothing was heard of the peer for two intervals.

        A peer that is slow to read answers late, for the ping waits behind what it has not read. So what it takes
        of that counts as a sign of life too.
        """
        silent = 0
        while silent < 2:
            self.heard = False
            unsent = self._unsent_bytes()
            try:
                async with asyncio.timeout(self._ping_interval_s):
                    await self.ping()
            except ConnectionError:
                break
            except TimeoutError:
                pass  # it waits behind the rest
            else:
                await asyncio.sleep(self._ping_interval_s)
            is_alive = self.heard or self.held or self._unsent_bytes() < unsent
            silent = 0 if is_alive else silent + 1
        self.abort()

    def _unsent_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """Close, in bounded time. For a message that is too big: with a reason, and so that the peer gets to read it."""
        if code == WSCloseCode.MESSAGE_TOO_BIG and not self.closed:
            message = f"a message is over {self._max_bytes} bytes".encode()
            await self._linger(code, message)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                return await super().close(code=code, message=message[:REASON_MAX_BYTES], drain=drain)
        except TimeoutError:
            self.abort()
            return True

    async def _linger(self, code: int, message: bytes) -> None:
        """Say why, then wait for the peer to hang up.

        Closing with unread input makes the system send a reset, which overtakes the reason. What still comes
        is thrown away by aiohttp as it comes. It tells nobody of a connection's end, so this has to look.
        """
        try:
            await self.send_frame(code.to_bytes(2, "big") + message, WSMsgType.CLOSE)
        except ConnectionError:
            return
        deadline = asyncio.get_running_loop().time() + LINGER_S
        while self._transport is not None and not self._transport.is_closing():
            if asyncio.get_running_loop().time() >= deadline:
                return
            await asyncio.sleep(LINGER_STEP_S)


def keep_fresh(transport: asyncio.Transport) -> None:
    """Let the system hold back little that is not sent: what waits here can still be replaced by something newer.

    Otherwise it takes megabytes, which a slow viewer gets when they are old, and which hide whether it takes anything.
    """
    connection = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # not every system has it
    if (
        option is not None
        and connection is not None
        and connection.family in (socket.AF_INET, socket.AF_INET6)
    ):
        connection.setsockopt(socket.IPPROTO_TCP, option, UNSENT_MAX_BYTES)


async def first(*works: Coroutine[None, None, object]) -> None:
    """Run them side by side until one ends, then cancel the others; a lost connection is such an end."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_until_lost(work)) for work in works]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def _until_lost(work: Coroutine[None, None, object]) -> None:
    try:
        await work
    except ConnectionError as error:
        _log.debug("connection lost", why=str(error))
