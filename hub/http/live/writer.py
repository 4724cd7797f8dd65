"""What writes to the live sockets: one writer for all, because most of what it writes is the same bytes.

A writer task a socket cost 2 KiB each, and waking it took longer than writing. Here a viewer with something
pending takes a place in the round; the writer goes round and hands each transport its frame. One whose
transport is backed up takes its place again when that has drained, so that a slow viewer delays nobody.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from hub.feed.feed import FeedCounts
from hub.websocket.frames import text_frame
from hub.websocket.peers import Droppable, drop

# Viewers written to before the loop may do something else: about 1 ms.
WRITES_PER_TURN = 64
# The writer rests so many times as long as a round took, so that sending takes a tenth of a saturated hub's
# time. But it does not rest for longer than REST_MAX_S.
REST = 9
REST_MAX_S = 0.1
# A loop with this much other work in one turn is busy. A turn has 0.2 ms of it at 2,000 readings/s, and 15 ms
# at saturation.
BUSY_S = 0.002


class Writable(Droppable, Protocol):
    """One viewer's connection, as the writer sees it."""

    def write(self) -> None:
        """Hand on one frame of all that is pending. Without room for it, queue again when there is."""


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
    """Writes what is pending to many connections. `run` it as long as there are any.

    `clock` gives the processor time that the loop's thread has used, in seconds: by a clock on the wall, a
    machine that others use too would look like a loop with much to do.
    """

    def __init__(self, framer: Framer, clock: Callable[[], float], counts: FeedCounts) -> None:
        self.framer = framer
        self._clock = clock
        self._counts = counts
        self._due: list[Writable] = []  # at most one place a connection
        self._ready = asyncio.Event()

    def queue(self, connection: Writable) -> None:
        """Something is pending: write to it in the next round."""
        self._due.append(connection)
        self._ready.set()

    async def run(self) -> None:
        """Loops until cancelled."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            due, self._due = self._due, []
            self._counts.frames += len(due)
            writing_s = 0.0
            for start in range(0, len(due), WRITES_PER_TURN):
                began_s = self._clock()
                for connection in due[start : start + WRITES_PER_TURN]:
                    _write(connection)
                writing_s += self._clock() - began_s
                await asyncio.sleep(0)
            await self._rest(min(writing_s * REST, REST_MAX_S))

    async def _rest(self, rest_s: float) -> None:
        """Leave the loop to its other work for so long; where it has little of that, go on at once.

        A saturated hub would otherwise spend a third of its time on sending each viewer a few readings in
        many frames. Meanwhile they gather: the frames get larger, and nothing is left out that would not have
        been.
        """
        turn_s = self._clock()
        end_s = turn_s + rest_s
        while turn_s < end_s:
            await asyncio.sleep(0)
            before_s, turn_s = turn_s, self._clock()
            if turn_s - before_s < BUSY_S:
                return


def _write(connection: Writable) -> None:
    try:
        connection.write()
    except Exception:  # noqa: BLE001  # the other viewers must not suffer
        drop(connection)
