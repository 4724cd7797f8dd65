"""What writes to the live sockets: one writer for all, because most of what it writes is the same bytes.

A writer task a socket cost 2 KiB each, and waking it took longer than writing. Here a viewer with something pending
takes a place in the round; the writer goes round and hands each transport its frame. A transport that is backed up
gets a task of its own until it has drained, so that a slow viewer delays nobody and a quick one needs no task.
"""

import asyncio
import socket
import struct
from typing import Protocol

import structlog

TEXT = 0x81  # FIN, text (RFC 6455, 5.2)
BREATH = 64  # viewers written to before the loop may do something else: about 1 ms
WRITE_BUFFER_MAX_BYTES = 65_536  # in the hub's own buffer of one connection, before it counts as backed up

# struct tcp_info (linux/tcp.h): state, ca_state, retransmits, probes; the last two count what has not been answered.
_TCP_INFO = struct.Struct("BBBB")
UNANSWERED_MAX = 2

_log = structlog.get_logger("http")


class Outlet(Protocol):
    """One viewer's connection, as the writer sees it."""

    def write(self) -> bool:
        """Hand on one frame of all that is pending. False: it cannot be taken now, `drain` tells when."""

    async def drain(self) -> None:
        """Return when it can take more. Raises ConnectionError when it never will."""

    def abort(self) -> None:
        """Drop it without a word."""


class Framer:
    """Makes WebSocket frames, each once for all viewers that get the same message one after the other.

    A server's frames are not masked (RFC 6455, 5.1), so they are the same bytes for everybody.
    """

    def __init__(self) -> None:
        self._message = b""
        self._frame = b""

    def frame(self, message: bytes) -> bytes:
        """A text message as one frame."""
        if message is not self._message:
            self._message, self._frame = message, _header(len(message)) + message
        return self._frame


def _header(length: int) -> bytes:
    if length < 126:
        return struct.pack("!BB", TEXT, length)
    if length < 65_536:
        return struct.pack("!BBH", TEXT, 126, length)
    return struct.pack("!BBQ", TEXT, 127, length)


class SharedWriter:
    """Writes what is pending to many connections. `run` it as long as there are any."""

    def __init__(self, framer: Framer) -> None:
        self.framer = framer
        self._due: list[Outlet] = []  # at most one place a connection
        self._ready = asyncio.Event()

    def queue(self, outlet: Outlet) -> None:
        """Something is pending: write to it in the next round."""
        self._due.append(outlet)
        self._ready.set()

    async def run(self) -> None:
        """Loops until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._ready.wait()
                self._ready.clear()
                due, self._due = self._due, []
                for place, outlet in enumerate(due, 1):
                    if not self._write(outlet):
                        group.create_task(self._wait_for(outlet))
                    if place % BREATH == 0:
                        await asyncio.sleep(0)

    def _write(self, outlet: Outlet) -> bool:
        try:
            return outlet.write()
        except Exception:  # noqa: BLE001  # whatever it is, the other viewers must not suffer
            _log.exception("a viewer could not be written to; its connection is dropped, the others go on")
            outlet.abort()
            return True

    async def _wait_for(self, outlet: Outlet) -> None:
        try:
            await outlet.drain()
        except ConnectionError:
            return  # its reader notices too, and ends the session
        self.queue(outlet)


class Place:
    """A viewer's place in the round: what its `Viewer` sets when something is pending."""

    __slots__ = ("_outlet", "_pending", "_queued", "_writer")

    def __init__(self, writer: SharedWriter, outlet: Outlet) -> None:
        self._writer = writer
        self._outlet = outlet
        self._pending = False
        self._queued = False

    def set(self) -> None:
        """Something is pending."""
        self._pending = True
        if not self._queued:
            self._queued = True
            self._writer.queue(self._outlet)

    def clear(self) -> None:
        """It was taken."""
        self._pending = False

    def is_set(self) -> bool:
        """Whether something is pending."""
        return self._pending

    def leave(self) -> None:
        """Its turn has come; what is set from now on takes a place again."""
        self._queued = False


def answers(transport: asyncio.Transport) -> bool:
    """Whether the peer's system still answers for it, by the word of TCP.

    A viewer that does not read answers no ping either, for it does not come to it; but its system acknowledges what
    comes, or answers the probes of a closed window. That of a peer that is gone does neither.
    Where the system does not tell (TCP_INFO is Linux's), it does not.
    """
    connection = transport.get_extra_info("socket")
    if connection is None or not hasattr(socket, "TCP_INFO") or connection.family == socket.AF_UNIX:
        return False
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return False
    _, _, retransmits, probes = _TCP_INFO.unpack(told)
    return bool(retransmits + probes <= UNANSWERED_MAX)
