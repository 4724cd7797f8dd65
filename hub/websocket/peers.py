"""Everyone who is connected, whichever way: signs of life, and the end of all when the hub stops.

One loop looks after all, because a task or a timer for each costs more than the connection. What goes wrong
with one of them ends that one alone; what goes wrong with the loop itself ends the loop, and with it the hub.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from hub.logs import Logger
from hub.websocket.tcp import ask_often

STEPS_PER_INTERVAL = 2
# Of half an interval each: one that vanishes just after it was heard is noticed within two intervals.
QUIET_STEPS_MAX = 3
ASKED_PER_STEP = 3  # by TCP: that a probe or two get lost does not make a peer gone
# A stopping hub's patience: for the last commits and their answers, and then for the peer's close.
GONE_TIMEOUT_S = 4.0

_log = Logger("websocket")


class Droppable(Protocol):
    """Anything with a connection."""

    def abort(self) -> None:
        """Drop it without a word."""


class Peer(Droppable, Protocol):
    """One connection."""

    quiet_steps: int  # half intervals in which nothing was heard

    @property
    def transport(self) -> asyncio.Transport | None:
        """Its connection; None once it is gone."""

    def is_heard(self, within_s: float) -> bool:
        """Whether there was a sign of life since this was asked last, that long ago."""

    def ping(self) -> None:
        """Ask for one."""

    def stop(self) -> None:
        """The hub stops: say so, and close when what it has taken is answered."""


class Peers:
    """All who are connected. A quiet one is pinged, and dropped if it gives no answer in two intervals."""

    def __init__(self, interval_s: float) -> None:
        self._step_s = interval_s / STEPS_PER_INTERVAL
        self._peers: set[Peer] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()

    def __len__(self) -> int:
        return len(self._peers)

    def add(self, peer: Peer) -> None:
        """One more came."""
        self._peers.add(peer)
        self._none_left.clear()
        if peer.transport is not None:
            ask_often(peer.transport, self._step_s / ASKED_PER_STEP)

    def remove(self, peer: Peer) -> None:
        """It is gone."""
        self._peers.discard(peer)
        if not self._peers:
            self._none_left.set()

    async def run(self) -> None:
        """Loops until cancelled."""
        while True:
            await asyncio.sleep(self._step_s)
            for peer in list(self._peers):
                with dropped_if_it_fails(peer):
                    self._look_after(peer)

    def _look_after(self, peer: Peer) -> None:
        peer.quiet_steps = 0 if peer.is_heard(self._step_s) else peer.quiet_steps + 1
        if peer.quiet_steps >= QUIET_STEPS_MAX:
            peer.abort()
        elif peer.quiet_steps:
            peer.ping()

    async def stop(self) -> None:
        """The hub stops: tell all, and see that they go."""
        for peer in list(self._peers):
            with dropped_if_it_fails(peer):
                peer.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_TIMEOUT_S):
                await self._none_left.wait()
        for peer in list(self._peers):
            with dropped_if_it_fails(peer):
                peer.abort()


@contextmanager
def dropped_if_it_fails(peer: Droppable) -> Iterator[None]:
    """For loops that serve many: whatever goes wrong with one of them ends that one alone."""
    try:
        yield
    except Exception:  # noqa: BLE001  # the others must not suffer
        drop(peer)


def drop(peer: Droppable) -> None:
    """End the connection that the exception at hand is about, and log that."""
    _log.exception("a connection failed and is dropped; the others go on")
    try:
        peer.abort()
    except Exception:  # noqa: BLE001  # as above
        _log.exception("the connection could not even be dropped")
