"""What goes wrong with one connection ends that one alone; what goes wrong with a loop ends the loop."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.feed.feed import FeedCounts
from hub.feed.log import Resume
from hub.feed.viewer import Subscription
from hub.history.contract import History
from hub.http.access import ACCESS
from hub.http.device.socket import DEVICE_SOCKETS, DeviceSockets
from hub.http.live.viewers import VIEWERS, Viewers
from hub.http.live.writer import Framer, SharedWriter
from hub.websocket.peers import Peers
from tests.captured_logs import captured_logs
from tests.http.conftest import DEADLINE_S, Hub
from tests.waiting import until

EXCEPTIONS: list[type[Exception]] = [
    ArithmeticError,
    AssertionError,
    AttributeError,
    ConnectionResetError,
    KeyError,
    MemoryError,
    RecursionError,
    RuntimeError,
    StopAsyncIteration,
    TimeoutError,
    UnicodeError,
]
METHODS = ["is_heard", "ping", "stop", "abort", "write"]


class Connection:
    """Does nothing, but that some of its methods raise."""

    def __init__(self, faults: dict[str, type[Exception]]) -> None:
        self.faults = faults
        self.quiet_steps = 0
        self.transport = None
        self.called: set[str] = set()

    def _call(self, method: str) -> None:
        self.called.add(method)
        if method in self.faults:
            raise self.faults[method]

    def is_heard(self, _within_s: float) -> bool:
        self._call("is_heard")
        return False

    def ping(self) -> None:
        self._call("ping")

    def stop(self) -> None:
        self._call("stop")

    def abort(self) -> None:
        self._call("abort")

    def write(self) -> None:
        self._call("write")


async def turns(loop: Coroutine[object, object, None], done: asyncio.Event) -> None:
    """Run a loop until the event comes; what it raises is raised here."""
    task = asyncio.ensure_future(loop)
    waiting = asyncio.ensure_future(done.wait())
    async with asyncio.timeout(15):
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Last(Connection):
    """Is behind all others, and notes that the loop came to it."""

    def __init__(self, reached: asyncio.Event, at: str) -> None:
        super().__init__({})
        self.reached = reached
        self.at = at

    def _call(self, method: str) -> None:
        super()._call(method)
        if method == self.at:
            self.reached.set()


faults = st.lists(
    st.dictionaries(st.sampled_from(METHODS), st.sampled_from(EXCEPTIONS), max_size=3), min_size=1, max_size=5
)


@given(faults)
def test_the_shared_writer_goes_on_whatever_a_viewer_raises(found: list[dict[str, type[Exception]]]) -> None:
    async def check() -> None:
        reached = asyncio.Event()
        writer = SharedWriter(Framer(), lambda: 0.0, FeedCounts())
        connections = [Connection(each) for each in found]
        for connection in [*connections, Last(reached, "write")]:
            writer.queue(connection)
        await turns(writer.run(), reached)
        for connection in connections:
            assert ("abort" in connection.called) == ("write" in connection.faults)

    with captured_logs():  # a traceback for each is nothing to read
        asyncio.run(check())


@given(faults)
def test_signs_of_life_are_asked_for_whatever_a_peer_raises(found: list[dict[str, type[Exception]]]) -> None:
    async def check() -> None:
        reached = asyncio.Event()
        peers = Peers(0.0002)
        for each in found:
            peers.add(Connection(each))
        peers.add(Last(reached, "abort"))  # it is dropped in the end, for it is never heard
        await turns(peers.run(), reached)

    with captured_logs():  # a traceback for each is nothing to read
        asyncio.run(check())


@given(faults)
def test_a_stopping_hub_tells_everybody_whatever_a_peer_raises(
    found: list[dict[str, type[Exception]]],
) -> None:
    async def check() -> None:
        peers = Peers(3600.0)
        connections = [Connection(each) for each in found]
        for connection in connections:
            peers.add(connection)
        stopping = asyncio.create_task(peers.stop())
        await asyncio.sleep(0)
        assert all("stop" in connection.called for connection in connections)
        for connection in connections:
            peers.remove(connection)
        await stopping

    with captured_logs():  # a traceback for each is nothing to read
        asyncio.run(check())


class BrokenChannel:
    """Raises when it should give what is pending."""

    name, epoch, offset = "broken", "e", 0

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def subscribe(self, subscription: Subscription, _resume: Resume | None) -> bytes:
        subscription.viewer.wake(subscription)
        return b'{"type":"subscribed","channel":"broken"}'

    def unsubscribe(self, _subscription: Subscription) -> None:
        """As any does."""

    def take(self, _subscription: Subscription) -> bytes | None:
        raise self.error


async def test_a_viewer_that_cannot_be_written_to_goes_alone(hub: Hub) -> None:
    await hub.device()
    viewers = hub.app[VIEWERS]
    async with asyncio.timeout(DEADLINE_S), hub.live_socket() as neighbour:
        assert (await neighbour.receive_json())["type"] == "hello"
        first = next(iter(viewers._open))
        await neighbour.send_json({"type": "subscribe", "channel": "device/boiler"})
        assert (await neighbour.receive_json())["type"] == "subscribed"
        for number, error in enumerate(EXCEPTIONS):
            with captured_logs() as lines:
                async with hub.live_socket() as socket:
                    assert (await socket.receive_json())["type"] == "hello"
                    [broken] = viewers._open.keys() - {first}
                    broken.viewer.subscribe(BrokenChannel(error), None)
                    assert (await socket.receive()).type is not aiohttp.WSMsgType.TEXT
                await until(lambda: len(viewers) == 1)
            assert "a connection failed and is dropped; the others go on" in [line["event"] for line in lines]
            await hub.send({"n": float(number)})
            while f'{{"n":{number}.0}}' not in await neighbour.receive_str():
                pass


class NoHistory:
    """Stands for a history that is broken beyond all that is foreseen."""

    def __getattr__(self, name: str) -> object:
        raise ZeroDivisionError(name)


async def test_a_fault_of_the_loop_itself_ends_it(hub: Hub) -> None:
    app = hub.app
    history, rooms = cast("History", NoHistory()), hub.rooms
    viewers = Viewers(
        rooms.config.live, rooms.feed, history, rooms.hub_clock, app[ACCESS], Peers(1.0), lambda a, b: a
    )
    with pytest.raises(ZeroDivisionError):
        await turns(viewers.watch_storage(), asyncio.Event())
    sockets = DeviceSockets(
        1_000,
        rooms.config.limits,
        rooms.fleet,
        rooms.ingest,
        rooms.roster,
        rooms.commands,
        rooms.hub_clock,
        Peers(1.0),
    )
    running = asyncio.create_task(sockets.run())
    await asyncio.sleep(0)

    async def fails() -> None:
        raise ZeroDivisionError

    sockets.spawn(fails())
    with pytest.raises(ExceptionGroup):
        await running
    assert DEVICE_SOCKETS in app
