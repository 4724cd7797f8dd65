"""A WebSocket of the hub's own, from the end of the handshake on: a protocol without a task, and without a timer until it ends."""

import asyncio
from typing import cast

from hub.http.frames import FrameError, FrameReader, Message, Opcode, close_frame, frame
from hub.http.live_writer import WRITE_BUFFER_MAX_BYTES, answers
from hub.http.socket import CLOSE_TIMEOUT_S, LINGER_S, keep_fresh

PING = frame(Opcode.PING, b"")
NO_CODE = 1000


class Connection(asyncio.Protocol):
    """Frames in and out, the closing handshake, back-pressure both ways, signs of life.

    What is a message's meaning is for the class made from it: `take`, `may_take`, `has_room`, `leave`, `lost`.
    """

    __slots__ = (
        "_is_ended",
        "_is_held",
        "_reader",
        "_timer",
        "deflates",
        "heard",
        "is_backed_up",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, max_bytes: int, *, deflates: bool) -> None:
        self.deflates = deflates
        # None once what comes cannot be read any more; it is thrown away then.
        self._reader: FrameReader | None = FrameReader(max_bytes, deflate=deflates)
        self._timer: asyncio.TimerHandle | None = None  # for the peer's close
        self._is_held = False  # nothing is read until `take` may be called again
        self._is_ended = False  # a close frame was sent, or it would reach nobody
        self.is_backed_up = False  # the transport holds as much as it should
        self.heard = True  # anything, since `is_heard` asked last

    def take(self, content: bytes) -> None:
        """A text or binary message came."""
        raise NotImplementedError

    def may_take(self) -> bool:
        """Whether another message may come now. Where this turns true again, call `read`."""
        raise NotImplementedError

    def has_room(self) -> None:
        """The transport can take more again."""
        raise NotImplementedError

    def leave(self) -> None:
        """No message will come or go any more. May be called twice."""
        raise NotImplementedError

    def lost(self) -> None:
        """The connection is over; called once."""
        raise NotImplementedError

    # How it begins and ends

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_BUFFER_MAX_BYTES)
        keep_fresh(self.transport)

    @property
    def is_open(self) -> bool:
        """Whether a message could still reach the peer."""
        return not (self._is_ended or self.transport.is_closing())

    def close(self, code: int, reason: str) -> None:
        """Close, saying why. A peer that does not answer is dropped."""
        if self.is_open:
            self._say_close(code, reason, CLOSE_TIMEOUT_S)
            self.read()  # the peer's own close may be behind what was held

    def _say_close(self, code: int, reason: str, timeout_s: float) -> None:
        self._is_ended = True
        self.leave()
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
        self.leave()
        self.lost()

    # Signs of life

    def is_heard(self) -> bool:
        """Whether the peer said something, or is only slow to read: then its system still answers for it."""
        heard, self.heard = self.heard, False
        return heard or (self.is_backed_up and answers(self.transport))

    def ping(self) -> None:
        """Ask for a sign of life; not of a peer to which nothing gets through, it would only add to that."""
        if self.is_open and not self.is_backed_up:
            self.transport.write(PING)

    # Back-pressure

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
            while self._reader is not None and (self._is_ended or self.may_take()):
                message = self._reader.next()
                if message is None:
                    break
                self._take(message)
        except FrameError as error:
            self._fail(error)
        is_held = not self._is_ended and not self.may_take()
        if is_held is not self._is_held and not self.transport.is_closing():
            self._is_held = is_held
            if is_held:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _take(self, message: Message) -> None:
        if message.opcode is Opcode.CLOSE:
            if not self._is_ended:
                code = int.from_bytes(message.content[:2], "big") if message.content else NO_CODE
                self._say_close(code, "", CLOSE_TIMEOUT_S)
            self.transport.close()
        elif self._is_ended or message.opcode is Opcode.PONG:
            pass
        elif message.opcode is Opcode.PING:
            if not self.is_backed_up:
                self.transport.write(frame(Opcode.PONG, message.content))
        else:
            self.take(message.content)

    def _fail(self, error: FrameError) -> None:
        """The peer broke the protocol. What it still sends is thrown away until it hangs up.

        To close at once with unread input would make the system send a reset, which overtakes the reason.
        """
        self._reader = None
        if not self._is_ended:
            self._say_close(error.code, str(error), LINGER_S)
