"""Everyone who is connected, whichever way: signs of life, and the wait for their end.

One loop looks after all, because a task or a timer for each costs more than the connection.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

from aiohttp import web

from hub.websocket.tcp import ask_often

STEPS_PER_INTERVAL = 2
QUIET_STEPS_MAX = (
    3  # of half an interval each: whoever was heard a moment before one is gone within two intervals
)
ASKED_PER_STEP = 3  # by TCP: that a probe or two get lost does not make a peer gone
GONE_TIMEOUT_S = (
    4.0  # a stopping hub's patience: for the last commits and their answers, and then for the peer's close
)


class Peer(Protocol):
    """One connection."""

    quiet_steps: int  # half intervals in which nothing was heard

    @property
    def transport(self) -> asyncio.Transport | None:
        """Its connection; None once it is gone."""

    def is_heard(self, within_s: float) -> bool:
        """Whether there was a sign of life since this was asked last, that long ago."""

    def ping(self) -> None:
        """Ask for one."""

    def abort(self) -> None:
        """Drop it without a word."""


class Peers:
    """Those that are connected now. Who is quiet is pinged, who does not answer within two intervals is dropped."""

    def __init__(self, interval_s: float) -> None:
        self._step_s = interval_s / STEPS_PER_INTERVAL
        self._peers: set[Peer] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()

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
                peer.quiet_steps = 0 if peer.is_heard(self._step_s) else peer.quiet_steps + 1
                if peer.quiet_steps >= QUIET_STEPS_MAX:
                    peer.abort()
                elif peer.quiet_steps:
                    peer.ping()

    async def close(self, _app: web.Application) -> None:
        """The hub stops, and all were told to go: see that they do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_TIMEOUT_S):
                await self._none_left.wait()
        for peer in list(self._peers):
            peer.abort()


PEERS = web.AppKey("peers", Peers)
