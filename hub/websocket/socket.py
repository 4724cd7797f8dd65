"""A WebSocket of the hub's own, from the end of the handshake on.

A protocol without a task, and without a timer until it ends: 5,000 that are silent cost the hub nothing but
their memory. Here are frames in and out, the closing handshake, back-pressure both ways, and signs of life;
what is said is for the classes made from it.

                first_message
        WAITING ────────────> ASKED          nothing but that one message is taken
           │  <──────────────────┘           it came
           │ begin
           v
         OPEN                                messages are taken, while `may_take`
           │
           │ close, or the peer's close frame          the peer broke the protocol
           ├──────────────────────> CLOSING            ├──────────────────────> BROKEN
           │                           │                                           │
           v                           v                                           v
         GONE                        the connection is over, from any of them

WAITING and ASKED end in the same ways as OPEN. In each state but GONE bytes may come; only the first three
are `is_open`.
"""

import asyncio
from enum import IntEnum
from typing import cast

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
from hub.websocket.peers import Peers, drop
from hub.websocket.tcp import answers, keep_fresh

CLOSE_TIMEOUT_S = 2.0  # how long a peer may take to answer a close
LINGER_S = 5.0  # how long the rest of a message that cannot be read is thrown away
WRITE_BUFFER_MAX_BYTES = 65_536  # in the hub's own buffer of one connection, before it counts as backed up
PING = frame(Opcode.PING, b"")


class SocketState(IntEnum):
    """Where a connection is in its life; drawn above. In this order: what is before CLOSING is open."""

    WAITING = 0  # nothing is taken
    ASKED = 1  # one message is
    OPEN = 2  # messages are, while `may_take`
    CLOSING = 3  # a close frame was sent: what comes is passed over, up to the peer's own
    BROKEN = 4  # the peer broke the protocol and was told: what comes is thrown away until it hangs up
    GONE = 5


# On the path of every message: to look a member up in its enum takes as long as to compare it.
_OPEN, _CLOSING, _BROKEN = SocketState.OPEN, SocketState.CLOSING, SocketState.BROKEN
_CLOSE, _PING, _PONG = Opcode.CLOSE, Opcode.PING, Opcode.PONG


class Socket(asyncio.Protocol):
    """One connection, one of `peers` as long as it lasts.

    A class made from it has `take`, `may_take` and `stop`, and where it needs them `turned`, `has_room`,
    `broken`, `leave` and `lost`.
    """

    __slots__ = (
        "_first",
        "_peers",
        "_reader",
        "_timer",
        "deflates",
        "has_sent",
        "heard",
        "is_backed_up",
        "is_held",
        "quiet_steps",
        "state",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, peers: Peers, max_bytes: int, *, deflates: bool = False) -> None:
        self.state = SocketState.WAITING
        self.deflates = deflates
        self._peers = peers
        self._reader = FrameReader(max_bytes, deflate=deflates)
        self._first: asyncio.Future[bytes | None] | None = None  # of ASKED
        self._timer: asyncio.TimerHandle | None = None  # of CLOSING and BROKEN: for the peer to hang up
        # Back-pressure, as the transport knows it: whether it is not read from, and whether it holds as much
        # as it should.
        self.is_held = False
        self.is_backed_up = False
        # Signs of life since `is_heard` asked last: anything that came, and anything that went, behind which
        # a ping may wait at the peer.
        self.heard = True
        self.has_sent = False
        self.quiet_steps = 0

    # What the classes made from it say

    def take(self, message: Message) -> None:
        """A text or binary message came."""
        raise NotImplementedError

    def may_take(self) -> bool:
        """Whether another message may come now. Where this turns true again, call `read`."""
        raise NotImplementedError

    def stop(self) -> None:
        """The hub stops: say so, and close when what was taken is answered."""
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
        self._peers.add(self)

    async def first_message(self) -> bytes | None:
        """The first message; None if the connection ends before it."""
        if not self.is_open:
            return None
        self._first = asyncio.get_running_loop().create_future()
        self.state = SocketState.ASKED
        self.read()
        return await self._first

    def begin(self) -> None:
        """From the next `read` on, take what comes."""
        if self.is_open:
            self.state = SocketState.OPEN

    @property
    def is_open(self) -> bool:
        """Whether a message could still reach the peer."""
        return self.state < _CLOSING and not self.transport.is_closing()

    # How it ends

    def close(self, code: int = OK, reason: str = "") -> None:
        """Close, saying why. A peer that does not answer is dropped."""
        if self.is_open:
            self._say_close(SocketState.CLOSING, code, reason, CLOSE_TIMEOUT_S)
            self.read()  # the peer's own close may be behind what was held

    def _say_close(self, state: SocketState, code: int, reason: str, timeout_s: float) -> None:
        self._end(state)
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
        try:
            self._end(SocketState.GONE)
        finally:
            self._peers.remove(self)
            self.lost()

    def _end(self, state: SocketState) -> None:
        before, self.state = self.state, state
        if before is SocketState.OPEN:
            self.leave()
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    # Signs of life

    def is_heard(self, within_s: float) -> bool:
        """Whether the peer said something since this was asked last, that long ago.

        One that is slow to read cannot answer a ping that waits behind what it has not read, here or in its
        own system: that answers for it. And one that the hub itself does not read from is not silent.
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
        if self.state < _BROKEN:
            self._reader.feed(data)
            self.read()

    def read(self) -> None:
        """Take what came. What may not be taken now waits, in the system's buffers too."""
        try:
            self._take_all()
            self.turned()
        except Exception:  # noqa: BLE001  # this may be called from a loop that serves many
            drop(self)
        self.pace()

    def _take_all(self) -> None:
        try:
            while self.state < _BROKEN and self._may_read():
                message = self._reader.next()
                if message is None:
                    break
                self._take(message)
        except FrameError as error:
            self._fail(error)

    def pace(self) -> None:
        """Read from the transport, or do not."""
        is_held = not self._may_read()
        if is_held is not self.is_held and not self.transport.is_closing():
            self.is_held = is_held
            if is_held:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _may_read(self) -> bool:
        if self.state is _OPEN:
            return self.may_take()
        return self.state is not SocketState.WAITING

    def _take(self, message: Message) -> None:
        opcode = message.opcode
        if opcode is _CLOSE:
            if self.state < _CLOSING:
                self._answer_close(message.content)
            self.transport.close()
        elif self.state is _CLOSING or opcode is _PONG:
            pass
        elif opcode is _PING:
            if not self.is_backed_up:
                self.transport.write(frame(_PONG, message.content))
        elif self.state is _OPEN:
            self.take(message)
        elif self._first is not None:
            self.state = SocketState.WAITING
            self._first.set_result(message.content)

    def _answer_close(self, content: bytes) -> None:
        """With the peer's own code (5.5.1), or with what is wrong with it."""
        try:
            code, reason = read_close(content)[0], ""
        except FrameError as error:
            self.broken(error)
            code, reason = error.code, str(error)
        self._say_close(SocketState.CLOSING, code, reason, CLOSE_TIMEOUT_S)

    def _fail(self, error: FrameError) -> None:
        """What the peer still sends is thrown away until it hangs up (7.1.1).

        To close at once with unread input would make the system send a reset, which overtakes the reason.
        """
        self._reader.discard()
        if self.state is SocketState.CLOSING:
            self.state = SocketState.BROKEN
            return
        self.broken(error)
        self._say_close(SocketState.BROKEN, error.code, str(error), LINGER_S)
        if self.transport.can_write_eof():  # not with TLS
            self.transport.write_eof()
