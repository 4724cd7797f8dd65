"""Connections get what they cost: silent ones a place, and many that speak at once a few turns each."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from hub.listener import OPENED_AT_ONCE, Listener, bind
from hub.places import ENDED_AT_ONCE, ConnectionPlace, ConnectionPlaces
from tests.waiting import until

MANY = 10 * max(OPENED_AT_ONCE, ENDED_AT_ONCE)


@dataclass
class Built(asyncio.Protocol):
    """A connection's protocol, and what it was sent."""

    place: ConnectionPlace
    heard: bytes = b""
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.place.leave()


@dataclass
class Door:
    """A listener, its places, and what was built for its connections, in each turn of the loop."""

    places: ConnectionPlaces
    listener: Listener | None = None
    built: list[Built] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)  # how many were built by the end of each

    def make(self, place: ConnectionPlace) -> Built:
        self.built.append(Built(place))
        return self.built[-1]

    def count_turns(self) -> None:
        self.turns.append(len(self.built))
        if self.listener is not None:
            asyncio.get_running_loop().call_soon(self.count_turns)

    def connect(self, stack: ExitStack, said: bytes = b"") -> socket.socket:
        assert self.listener is not None
        one = stack.enter_context(socket.create_connection(("127.0.0.1", self.listener.port)))
        one.sendall(said)
        one.settimeout(0)
        return one

    def close(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.close()


@asynccontextmanager
async def opened(silent_s: float = 60.0, most: int = 10 * MANY) -> AsyncIterator[Door]:
    door = Door(ConnectionPlaces("test", most, silent_s))
    door.listener = Listener(await bind("127.0.0.1", 0), door.places, door.make)
    door.listener.start()
    try:
        yield door
    finally:
        door.close()
        for built in door.built:
            built.abort()
        await until(lambda: len(door.places) == 0)


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


async def test_nothing_is_built_for_a_connection_before_it_says_something() -> None:
    async with opened() as door:
        with ExitStack() as stack:
            silent = [door.connect(stack) for _ in range(MANY)]
            await until(lambda: len(door.places) == MANY)
            assert door.built == []
            silent[7].sendall(b"now")
            await until(lambda: [one.heard for one in door.built] == [b"now"])
            assert not any(is_closed(one) for one in silent)


async def test_nothing_is_built_for_one_that_goes_without_a_word() -> None:
    async with opened() as door:
        with ExitStack() as stack:
            for _ in range(MANY):
                door.connect(stack)
            await until(lambda: len(door.places) == MANY)
        await until(lambda: len(door.places) == 0)
        assert door.built == []


async def test_of_many_that_speak_at_once_a_few_are_opened_in_a_turn() -> None:
    async with opened() as door:
        door.count_turns()
        with ExitStack() as stack:
            for _ in range(MANY):
                door.connect(stack, b"hello")
            await until(lambda: sum(one.heard == b"hello" for one in door.built) == MANY)
            steps = {after - before for before, after in zip(door.turns, door.turns[1:], strict=False)}
            assert max(steps) <= OPENED_AT_ONCE


async def test_silent_ones_end_when_their_time_is_over_a_few_in_a_turn() -> None:
    async with opened(silent_s=0.3) as door:
        left: list[int] = []

        def count() -> None:
            left.append(len(door.places))
            if door.listener is not None:
                asyncio.get_running_loop().call_soon(count)

        with ExitStack() as stack:
            silent = [door.connect(stack) for _ in range(MANY)]
            await until(lambda: len(door.places) == MANY)
            count()
            await until(lambda: all(is_closed(one) for one in silent))
            assert max(before - after for before, after in itertools.pairwise(left)) <= ENDED_AT_ONCE
        assert door.built == []


async def test_a_newcomer_gets_the_place_of_the_one_that_was_silent_longest() -> None:
    async with opened(most=2) as door:
        with ExitStack() as stack:
            first, second = (door.connect(stack) for _ in range(2))
            await until(lambda: len(door.places) == 2)
            third = door.connect(stack, b"hello")
            await until(lambda: [one.heard for one in door.built] == [b"hello"])
            assert [is_closed(one) for one in (first, second, third)] == [True, False, False]


async def test_who_is_silent_or_waits_to_be_opened_is_closed_with_the_listener() -> None:
    async with opened() as door:
        with ExitStack() as stack:
            connected = [door.connect(stack, b"hello" * (number % 2)) for number in range(MANY)]
            await until(lambda: len(door.places) == MANY)
            door.close()
            for built in door.built:
                built.abort()
            await until(lambda: all(is_closed(one) for one in connected))
