"""What writes to the live sockets: one writer for all, because most of what it writes is the same bytes.

A writer task a socket cost 2 KiB each, and waking it took longer than writing. Here a viewer with something pending
takes a place in the round; the writer goes round and hands each transport its frame. One whose transport is backed up
takes its place again when that has drained, so that a slow viewer delays nobody.
"""

import asyncio
import socket
import struct
from typing import Protocol

import structlog

from hub.http.frames import text_frame

BREATH = 64  # viewers written to before the loop may do something else: about 1 ms
WRITE_BUFFER_MAX_BYTES = 65_536  # in the hub's own buffer of one connection, before it counts as backed up

# struct tcp_info (linux/tcp.h): state, ca_state, retransmits, probes; the last two count what has not been answered.
_TCP_INFO = struct.Struct("BBBB")
UNANSWERED_MAX = 2

_log = structlog.get_logger("http")


class Outlet(Protocol):
    """One viewer's connection, as the writer sees it."""

    def write(self) -> None:
        """Hand on one frame of all that is pending. Without room for it, it queues itself again when there is."""

    def abort(self) -> None:
        """Drop it without a word."""


class Framer:
    """Makes frames, each once for all viewers that get the same message one after the other."""

    def __init__(self) -> None:
        self._message = b""
        self._plain = b""
        self._deflated = b""

    def frame(self, message: bytes, *, deflate: bool) -> bytes:
        """A text message as one frame, for viewers that agreed to compression or did not."""
        if message is not self._message:
            self._message, self._plain, self._deflated = message, b"", b""
        if deflate:
            self._deflated = self._deflated or text_frame(message, deflate=True)
            return self._deflated
        self._plain = self._plain or text_frame(message, deflate=False)
        return self._plain


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
        while True:
            await self._ready.wait()
            self._ready.clear()
            due, self._due = self._due, []
            for place, outlet in enumerate(due, 1):
                _write(outlet)
                if place % BREATH == 0:
                    await asyncio.sleep(0)


def _write(outlet: Outlet) -> None:
    try:
        outlet.write()
    except Exception:  # noqa: BLE001  # whatever it is, the other viewers must not suffer
        _log.exception("a viewer could not be written to; its connection is dropped, the others go on")
        outlet.abort()


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
