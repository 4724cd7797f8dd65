"""Who is dropped for being silent, and how a stopping hub sees its peers go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.websocket.peers import QUIET_STEPS_MAX, Peers
from tests.waiting import until

INTERVAL_S = 0.02


class Peer:
    """Says something when it is pinged, if it `answers`; goes when it is dropped."""

    def __init__(self, peers: Peers, *, answers: bool) -> None:
        self.quiet_steps = 0
        self.transport = None
        self.pings = 0
        self.is_dropped = self.is_told = False
        self.answers = answers
        self._heard = True
        self._peers = peers
        peers.add(self)

    def is_heard(self, _within_s: float) -> bool:
        heard, self._heard = self._heard, False
        return heard

    def ping(self) -> None:
        self.pings += 1
        self._heard = self.answers

    def stop(self) -> None:
        self.is_told = True

    def abort(self) -> None:
        self.is_dropped = True
        self._peers.remove(self)


@asynccontextmanager
async def running() -> AsyncIterator[Peers]:
    peers = Peers(INTERVAL_S)
    task = asyncio.create_task(peers.run())
    try:
        yield peers
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_peer_that_answers_no_ping_is_dropped_and_one_that_does_is_not() -> None:
    async with running() as peers:
        silent, alive = Peer(peers, answers=False), Peer(peers, answers=True)
        await until(lambda: silent.is_dropped and alive.pings > 2 * QUIET_STEPS_MAX)
        assert silent.pings == QUIET_STEPS_MAX - 1
        assert not alive.is_dropped


async def test_a_stopping_hub_tells_all_and_waits_until_they_have_gone() -> None:
    peers = Peers(INTERVAL_S)
    peer = Peer(peers, answers=True)
    stopping = asyncio.create_task(peers.stop())
    await asyncio.sleep(0)
    assert peer.is_told
    assert not stopping.done()
    peers.remove(peer)
    await stopping
    assert not peer.is_dropped
    await peers.stop()  # with nobody there it does not wait
