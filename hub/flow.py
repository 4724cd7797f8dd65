"""How a transport keeps pace with the disk: holding a connection back, and acknowledging in order. No I/O.

Theory. What a device sends is acknowledged once it is on disk, in the order it came (MQTT 5, 4.6). Between
the two lies a queue, `Acknowledgements`. To bound it and everything else a connection can pile up, the
connection is not read from while there is a reason not to. `Holds` is the set of these reasons: the first
one pauses the reading, and when the last one goes, it is resumed. TCP then tells the device to wait, so
nothing is dropped.

                 ┌── Holds: nothing is read while there is a reason ──┐
    bytes ──> packets ──> intake ──> commit ──> Acknowledgements ──> bytes

What an answer is, the transport says: bytes for the hub's own sockets, messages for a broker's client.
"""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from hub.history.commit import Commit

Answer = TypeVar("Answer")


class Hold(Enum):
    """Why a connection is not read from at present."""

    OPENING = "its key is being checked"
    RATE = "it is over its rate"
    TURN = "others have their turn"
    STORE = "too much waits for the disk"
    WORK = "what it asked for is being done"
    UNACKNOWLEDGED = "too many of its messages wait for their acknowledgement"
    WRITING = "it does not read what it is sent"
    STOPPING = "the hub is stopping"


# Of one connection, taken in one turn of the loop; then others have theirs. Of readings with many values this
# is a few milliseconds of work.
TURN_BYTES = 65_536

_NONE: frozenset[Hold] = frozenset()  # one for all: a set of its own is 216 bytes in every connection


class Holds:
    """The reasons not to read one connection.

    `pause` is called with the first, `resume` when the last is gone.
    """

    __slots__ = ("_pause", "_reasons", "_resume", "_timer")

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._reasons: frozenset[Hold] = _NONE
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        """Whether there is any reason."""
        return bool(self._reasons)

    def __contains__(self, why: Hold) -> bool:
        return why in self._reasons

    def besides(self, why: Hold) -> bool:
        """Whether there is any reason but this one."""
        return bool(self._reasons - {why})

    def hold(self, why: Hold) -> None:
        """Read no more until this is released."""
        first = not self._reasons
        self._reasons |= {why}
        if first:
            self._pause()

    def wait_out(self, rate_wait_s: float) -> None:
        """Read no more for so long: the device is over its rate. 0 and less is no wait."""
        if rate_wait_s > 0:
            self.hold(Hold.RATE)
            self.end()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(rate_wait_s, self.release, Hold.RATE)

    def release(self, why: Hold) -> None:
        """This is no reason any more."""
        if why in self._reasons:
            self._reasons = self._reasons - {why} or _NONE
            if not self._reasons:
                self._resume()

    def end(self) -> None:
        """The connection is gone: stop its timer."""
        if self._timer is not None:
            self._timer.cancel()


class _Due(NamedTuple, Generic[Answer]):
    when: Future[None] | Future[Answer] | None  # None: there is nothing to wait for
    answer: Answer | None  # None: it is what `when` gives
    messages: int


class Acknowledgements(Generic[Answer]):
    """What a peer is told once what it sent is on disk, in the order in which it sent it.

    `write` is given all answers that may be said at one moment. `fail` is called once, when what is to be
    acknowledged next never will be: what came before it was written, and nothing after it is. `moved` is
    called when fewer wait. The caller bounds the queue: it reads no more while `messages` are too many.
    """

    __slots__ = ("_due", "_fail", "_failed", "_moved", "_write", "messages")

    def __init__(
        self, write: Callable[[list[Answer]], None], fail: Callable[[], None], moved: Callable[[], None]
    ) -> None:
        self._write = write
        self._fail = fail
        self._moved = moved
        # A list, though the first ones are taken: an empty deque is 760 bytes in every connection.
        self._due: list[_Due[Answer]] = []
        self._failed = False
        self.messages = 0  # that wait for their acknowledgement

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._due)

    def add(
        self, when: Future[None] | Future[Answer] | None, answer: Answer | None = None, messages: int = 1
    ) -> None:
        """Say `answer` when `when` is done: it acknowledges so many messages.

        Without an answer say what `when` gives. An empty one is not said.
        """
        if self._failed:
            return
        alone = not self._due
        # Many answers wait for one commit, and one call tells of it.
        watched = not alone and self._due[-1].when is when
        self._due.append(_Due(when, answer, messages))
        self.messages += messages
        if when is None:
            if alone:
                self._next()
        elif not watched:
            watch = when.tell if isinstance(when, Commit) else when.add_done_callback
            watch(self._next)

    def _next(self, _when: Future[None] | Future[Answer] | None = None) -> None:
        """Say all that is due by now."""
        told: list[Answer] = []
        done = 0
        lost = False
        for when, answer, messages in self._due:
            if when is not None and not when.done():
                break
            if when is not None and (when.cancelled() or when.exception() is not None):
                lost = True
                break
            self.messages -= messages
            done += 1
            said = when.result() if answer is None and when is not None else answer
            if said:
                told.append(said)
        del self._due[:done]
        if told:
            self._write(told)
        if lost:
            self._give_up()
        self._moved()

    def _give_up(self) -> None:
        self._failed = True
        self._due.clear()
        self.messages = 0
        self._fail()


class StoreWait:
    """Holds connections back while the store is full, until `room` returns.

    They share one wait, which `spawn` runs while there are any.
    """

    __slots__ = ("_room", "_spawn", "_waiting")

    def __init__(
        self, room: Callable[[], Awaitable[None]], spawn: Callable[[Coroutine[None, None, None]], None]
    ) -> None:
        self._room = room
        self._spawn = spawn
        self._waiting: set[Holds] = set()

    def hold(self, holds: Holds) -> None:
        """Read nothing more of this connection until there is room."""
        holds.hold(Hold.STORE)
        if not self._waiting:
            self._spawn(self._wait())
        self._waiting.add(holds)

    async def _wait(self) -> None:
        await self._room()
        waiting, self._waiting = self._waiting, set()
        for holds in waiting:
            holds.release(Hold.STORE)
