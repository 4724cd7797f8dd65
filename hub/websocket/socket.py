"""A WebSocket of the hub's own, from the end of the handshake on.

A protocol without a task, and without a timer until it ends: 5,000 that are silent cost the hub nothing but their memory.
Here are frames in and out, the closing handshake, back-pressure both ways, and signs of life; what is said is for the
classes made from it.
"""

import asyncio
from typing import cast

from aiohttp import WSCloseCode

from hub.errors import HubError, Unauthenticated
from hub.websocket.frames import (
    OK,
    FrameError,
    FrameReader,
    Message,
    Opcode,
    close_frame,
    frame,
    read_close,
    text_frame,
)
from hub.websocket.tcp import answers, keep_fresh

UNAUTHENTICATED = 4401
RESTARTING = int(WSCloseCode.SERVICE_RESTART)
TRY_AGAIN_LATER = int(WSCloseCode.TRY_AGAIN_LATER)
RETRY_AFTER_S = 1.0  # what a stopping hub tells those who will come back; they add jitter of their own
CLOSE_TIMEOUT_S = 2.0  # how long a peer may take to answer a close
LINGER_S = 5.0  # how long the rest of a message that cannot be read is thrown away
WRITE_BUFFER_MAX_BYTES = 65_536  # in the hub's own buffer of one connection, before it counts as backed up
PING = frame(Opcode.PING, b"")


class Socket(asyncio.Protocol):
    """One connection. Before `begin` nothing is taken of it but, if asked for, a first message.

    A class made from it has `take` and `may_take`, and where it needs them `turned`, `has_room`, `broken`, `leave`
    and `lost`.
    """

    __slots__ = (
        "_first",
        "_has_begun",
        "_is_ended",
        "_reader",
        "_timer",
        "deflates",
        "has_sent",
        "heard",
        "is_backed_up",
        "is_held",
        "quiet_steps",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, max_bytes: int, *, deflates: bool = False) -> None:
        self.deflates = deflates
        # None once what comes cannot be read any more; it is thrown away then.
        self._reader: FrameReader | None = FrameReader(max_bytes, deflate=deflates)
        self._first: asyncio.Future[bytes | None] | None = None
        self._timer: asyncio.TimerHandle | None = None  # for the peer's close
        self._has_begun = False
        self.is_held = False  # nothing is read until `take` may be called again
        self._is_ended = False  # a close frame was sent, or would reach nobody
        self.is_backed_up = False  # the transport holds as much as it should
        self.heard = True  # anything, since `is_heard` asked last
        self.has_sent = False  # anything that a ping may wait behind at the peer, since then
        self.quiet_steps = 0  # for the heartbeat

    # What the classes made from it say

    def take(self, message: Message) -> None:
        """A text or binary message came."""
        raise NotImplementedError

    def may_take(self) -> bool:
        """Whether another message may come now. Where this turns true again, call `read`."""
        raise NotImplementedError

    def turned(self) -> None:
        """All that came was taken, or as much of it as may be."""

    def has_room(self) -> None:
        """The transport can take more again."""

    def broken(self, error: FrameError) -> None:
        """The peer broke the protocol, and is about to be told so."""

    def leave(self) -> None:
        """No message will come or go any more. Called once, if it had begun."""

    def lost(self) -> None:
        """The connection is over. Called once."""

    # How it begins

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_BUFFER_MAX_BYTES)
        keep_fresh(self.transport)

    async def first_message(self) -> bytes | None:
        """The first message; None if the connection ends before it."""
        self._first = asyncio.get_running_loop().create_future()
        self.read()
        return await self._first

    def begin(self) -> None:
        """Take what comes from now on."""
        self._has_begun = True
        self.read()

    @property
    def is_open(self) -> bool:
        """Whether a message could still reach the peer."""
        return not (self._is_ended or self.transport.is_closing())

    # How it ends

    def close(self, code: int = OK, reason: str = "") -> None:
        """Close, saying why. A peer that does not answer is dropped."""
        if self.is_open:
            self._say_close(code, reason, CLOSE_TIMEOUT_S)
            self.read()  # the peer's own close may be behind what was held

    def _say_close(self, code: int, reason: str, timeout_s: float) -> None:
        self._is_ended = True
        self._leave()
        self.transport.write(close_frame(code, reason))
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self.abort)

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        del exc
        if self._timer is not None:
            self._timer.cancel()
        self._is_ended = True
        self._leave()
        self.lost()

    def _leave(self) -> None:
        if self._has_begun:
            self._has_begun = False
            self.leave()
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    # Signs of life

    def is_heard(self, within_s: float) -> bool:
        """Whether the peer said something since this was asked last, that long ago.

        One that is slow to read cannot answer a ping that waits behind what it has not read, here or in its own
        system: that answers for it. And one that the hub itself does not read from is not silent.
        """
        heard, self.heard = self.heard, False
        has_sent, self.has_sent = self.has_sent, False
        return heard or (answers(self.transport, within_s) if self.is_backed_up or has_sent else self.is_held)

    def ping(self) -> None:
        """Ask for a sign of life; not of a peer to which nothing gets through, it would only add to that."""
        if self.is_open and not self.is_backed_up:
            self.transport.write(PING)

    # Writing

    def say(self, message: bytes) -> None:
        """Send a text message."""
        if self.is_open:
            self.transport.write(text_frame(message, deflate=self.deflates))

    def pause_writing(self) -> None:
        """The transport holds enough."""
        self.is_backed_up = True

    def resume_writing(self) -> None:
        """The transport has room again."""
        self.is_backed_up = False
        self.has_room()

    # Reading

    def data_received(self, data: bytes) -> None:
        """More of the peer's bytes."""
        self.heard = True
        if self._reader is not None:
            self._reader.feed(data)
            self.read()

    def read(self) -> None:
        """Take what came. What may not be taken now waits, in the system's buffers too."""
        try:
            while self._reader is not None and self._may_read():
                message = self._reader.next()
                if message is None:
                    break
                self._take(message)
        except FrameError as error:
            self._fail(error)
        self.turned()
        is_held = not self._may_read()
        if is_held is not self.is_held and not self.transport.is_closing():
            self.is_held = is_held
            if is_held:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _may_read(self) -> bool:
        if self._is_ended:
            return True  # for the peer's close
        if self._has_begun:
            return self.may_take()
        return self._first is not None and not self._first.done()

    def _take(self, message: Message) -> None:
        if message.opcode is Opcode.CLOSE:
            if not self._is_ended:
                self._answer_close(message.content)
            self.transport.close()
        elif self._is_ended or message.opcode is Opcode.PONG:
            pass
        elif message.opcode is Opcode.PING:
            if not self.is_backed_up:
                self.transport.write(frame(Opcode.PONG, message.content))
        elif self._has_begun:
            self.take(message)
        elif self._first is not None:
            self._first.set_result(message.content)

    def _answer_close(self, content: bytes) -> None:
        """With the peer's own code (5.5.1), or with what is wrong with it."""
        try:
            code, reason = read_close(content)[0], ""
        except FrameError as error:
            self.broken(error)
            code, reason = error.code, str(error)
        self._say_close(code, reason, CLOSE_TIMEOUT_S)

    def _fail(self, error: FrameError) -> None:
        """What the peer still sends is thrown away until it hangs up (7.1.1).

        To close at once with unread input would make the system send a reset, which overtakes the reason.
        """
        self._reader = None
        if not self._is_ended:
            self.broken(error)
            self._say_close(error.code, str(error), LINGER_S)
            if self.transport.can_write_eof():  # not with TLS
                self.transport.write_eof()


def closing_code(error: HubError) -> int:
    """The close code for one who is not let in."""
    return UNAUTHENTICATED if isinstance(error, Unauthenticated) else TRY_AGAIN_LATER
