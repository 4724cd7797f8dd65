"""All who watch, whichever way they are connected: how many may, and what all are told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import orjson
from aiohttp import web

from hub.config import LiveConfig
from hub.errors import Busy, NotFound, StoreError, Unauthenticated
from hub.feed import Feed, Resume, Viewer
from hub.feed.channel import wire_ms
from hub.feed.feed import DEVICE_PREFIX, FeedCounts
from hub.history.contract import History
from hub.http.access import Access, Proof, permit
from hub.http.problems import Overloaded
from hub.http.sockets import RETRY_AFTER_S
from hub.http.storage import StorageState, Storing, storage_state
from hub.logs import Logger
from hub.model import Right
from hub.timers import aligned_sleep
from hub.websocket.frames import RESTARTING, UNAUTHENTICATED
from hub.websocket.peers import Peer, Peers, dropped_if_it_fails

STORAGE_INTERVAL_S = 1.0
ENDS_INTERVAL_S = 0.5  # so that what has ended is closed within a second
UNWATCHED_INTERVAL_S = 1.0
COME_BACK_PER_S = 200.0  # viewers that a hub just started takes in easily: a handshake is about 1 ms of work

_log = Logger("http")


class ViewerConnection(Peer, Protocol):
    """One viewer's connection."""

    viewer: Viewer
    proof: Proof

    def end(self, code: int, reason: str, retry_after_s: float | None = None) -> None:
        """Close it, saying why and when to come back."""


class Viewers:
    """The open connections. `clock` gives µs UTC, `uniform(a, b)` draws a number between."""

    def __init__(
        self,
        live: LiveConfig,
        feed: Feed,
        history: History,
        clock: Callable[[], int],
        access: Access,
        peers: Peers,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._live = live
        self._feed = feed
        self._history = history
        self._clock = clock
        self._access = access
        self._peers = peers
        self._uniform = uniform
        self._open: dict[ViewerConnection, str] = {}  # with their addresses
        self._addresses: Counter[str] = Counter()
        self._sent_home: int | None = None  # how many there were when the hub began to stop

    @property
    def counts(self) -> FeedCounts:
        """What was sent to all of them."""
        return self._feed.counts

    def __len__(self) -> int:
        return len(self._open)

    # Coming and going

    def refuse_when_full(self, address: str) -> None:
        """Raises Overloaded when all places are taken, Busy when those of this address are."""
        live = self._live
        if len(self._open) >= live.viewers_max:
            raise Overloaded(
                "too many viewers are connected (live.viewers_max)", RETRY_AFTER_S, "live.viewers_max"
            )
        if self._addresses[address] >= live.viewers_per_address_max:
            raise Busy(
                "too many viewers are connected from this address (live.viewers_per_address_max)",
                RETRY_AFTER_S,
                "live.viewers_per_address_max",
            )

    def enter(self, connection: ViewerConnection, address: str) -> None:
        """Count the connection in, and greet it. Raises as `refuse_when_full`."""
        self.refuse_when_full(address)
        self._open[connection] = address
        self._addresses[address] += 1
        self._feed.counts.viewers += 1
        self._feed.persons.enter(connection.viewer)
        connection.viewer.say(orjson.dumps(self._hello()))
        state = storage_state(self._history)
        if state.storing is not Storing.WELL:
            connection.viewer.say(_storage_message(state))

    def leave(self, connection: ViewerConnection) -> None:
        """It does not watch any more."""
        address = self._open.pop(connection, None)
        if address is not None:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
            self._feed.counts.viewers -= 1
            self._feed.persons.leave(connection.viewer)
        connection.viewer.close()

    @contextmanager
    def watching(self, connection: ViewerConnection, address: str) -> Iterator[None]:
        """`enter` it and, at the end of the block, `leave`; in between it is pinged with the others."""
        self._peers.add(connection)
        try:
            self.enter(connection, address)
            yield
        finally:
            self.leave(connection)
            self._peers.remove(connection)

    def subscribe(self, viewer: Viewer, channel: str, resume: Resume | None) -> None:
        """Subscribe, if the viewer may. Raises NotFound, Forbidden, Conflict, Invalid."""
        if channel.startswith(DEVICE_PREFIX):
            device_id = channel.removeprefix(DEVICE_PREFIX)
            if not permit(viewer.principal, Right.LIVE_READ, self._feed.known(device_id)):
                raise NotFound(f"there is no device {device_id!r}")
        viewer.subscribe(self._feed.channel(channel), resume)

    def _hello(self) -> dict[str, object]:
        live = self._live
        return {
            "type": "hello",
            "time": wire_ms(self._clock()),
            "limits": {
                "subscriptions_max": live.subscriptions_max,
                "max_message_bytes": live.max_message_bytes,
                "pending_max": live.pending_max,
                "resume_window_s": live.resume_window_s,
                "overview_interval_s": live.overview_interval_s,
                "ping_interval_s": live.ping_interval_s,
            },
        }

    def log_out(self, proof: Proof) -> None:
        """Who holds this proof has logged out: end what it was shown for."""
        for connection in list(self._open):
            if connection.proof == proof:
                with dropped_if_it_fails(connection):
                    connection.end(UNAUTHENTICATED, "logged out")

    def end_with(self, credential: str, why: str) -> None:
        """What this was shown for is over: end what it watches."""
        for connection in list(self._open):
            if connection.viewer.principal.credential == credential:
                with dropped_if_it_fails(connection):
                    connection.end(UNAUTHENTICATED, why)

    def begin_again(self, name: str) -> None:
        """What a person may has changed: who watches by a session of theirs comes back, judged anew."""
        for connection in list(self._open):
            principal = connection.viewer.principal
            if principal.name == name and principal.is_person:
                with dropped_if_it_fails(connection):
                    connection.end(RESTARTING, "what you may do has changed", 0.0)

    def say_all(self, message: bytes) -> None:
        """Tell everybody."""
        for connection in list(self._open):
            with dropped_if_it_fails(connection):
                connection.viewer.say(message)

    def come_back_s(self) -> float:
        """When a viewer may come back to a hub that stops: each at another time, not all at once."""
        if self._sent_home is None:
            self._sent_home = len(self._open)
        spread_s = max(RETRY_AFTER_S, self._sent_home / COME_BACK_PER_S)
        return round(RETRY_AFTER_S + self._uniform(0.0, spread_s), 3)

    # Loops beside the connections: one for all, because a task for each costs more than the connection

    async def watch_storage(self) -> None:
        """Tell every viewer when storing fails or the history falls behind, and when all is well again; loops
        until cancelled.
        """
        told = Storing.WELL, ""
        while True:
            await aligned_sleep(STORAGE_INTERVAL_S)
            state = storage_state(self._history)
            # The reason of a failure may change while it lasts; one is enough. The room that is left is not.
            news = state.storing, state.message if state.storing is Storing.BEHIND else ""
            if news != told:
                self.say_all(_storage_message(state))
            told = news

    async def renew(self) -> None:
        """End what has run out: within a second of the end that is known, and once an interval whatever has
        ended otherwise; loops until cancelled.
        """
        last_s = asyncio.get_running_loop().time()
        while True:
            await aligned_sleep(ENDS_INTERVAL_S if self._open else UNWATCHED_INTERVAL_S)
            now_s = asyncio.get_running_loop().time()
            if now_s - last_s >= self._live.ping_interval_s:
                last_s = now_s
                await self._renew_all(list(self._open))
            else:
                now = self._clock()
                await self._renew_all([one for one in self._open if _ends_by(one, now)])

    async def _renew_all(self, connections: Iterable[ViewerConnection]) -> None:
        for connection in connections:
            with dropped_if_it_fails(connection):
                await self._renew(connection)

    async def _renew(self, connection: ViewerConnection) -> None:
        try:
            found = await self._access.check(connection.proof)
            # Where the clock was set meanwhile, it goes on longer.
            viewer = connection.viewer
            viewer.principal = replace(viewer.principal, expires_at=found.expires_at)
        except Unauthenticated as error:
            connection.end(UNAUTHENTICATED, str(error))
        except StoreError as error:
            _log.warning("a viewer's session could not be checked", why=str(error))


def _ends_by(connection: ViewerConnection, now: int) -> bool:
    ends = connection.viewer.principal.expires_at
    return ends is not None and ends <= now


def shutdown_message(retry_after_s: float) -> bytes:
    """The last message before the hub closes the connection."""
    return orjson.dumps({"type": "shutdown", "retry_after_s": retry_after_s})


def _storage_message(state: StorageState) -> bytes:
    return orjson.dumps(
        {
            "type": "storage",
            "failing": state.storing is Storing.FAILING,
            "behind": state.storing is Storing.BEHIND,
            "message": state.message,
        }
    )


VIEWERS = web.AppKey("viewers", Viewers)
