"""A socket's life: whatever happens in whatever order, it goes through its states as they are drawn."""

import asyncio
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from hub.websocket.frames import Message, Opcode
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket, SocketState
from tests.websocket.raw import sent

NEXT = {
    SocketState.WAITING: {
        SocketState.ASKED,
        SocketState.OPEN,
        SocketState.CLOSING,
        SocketState.BROKEN,
        SocketState.GONE,
    },
    SocketState.ASKED: {SocketState.WAITING, SocketState.CLOSING, SocketState.BROKEN, SocketState.GONE},
    SocketState.OPEN: {SocketState.CLOSING, SocketState.BROKEN, SocketState.GONE},
    SocketState.CLOSING: {SocketState.BROKEN, SocketState.GONE},
    SocketState.BROKEN: {SocketState.GONE},
    SocketState.GONE: set[SocketState](),
}


class FakeTransport(asyncio.Transport):
    """Keeps what is written, and says that it is closing once it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closing = self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """All there is."""

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False


class Watched(Socket):
    """Notes each state that it was in, and each call of a hook."""

    __slots__ = ("called", "may", "passed")

    def __init__(self, peers: Peers) -> None:
        self.passed: list[SocketState] = []
        self.called: list[str] = []
        self.may = True
        super().__init__(peers, 100)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "state":
            self.passed.append(cast("SocketState", value))

    def take(self, message: Message) -> None:
        assert self.state is SocketState.OPEN
        self.called.append("take")
        if message.content == b"fail":
            raise ZeroDivisionError

    def may_take(self) -> bool:
        return self.may

    def leave(self) -> None:
        self.called.append("leave")

    def lost(self) -> None:
        self.called.append("lost")

    def stop(self) -> None:
        self.close(1012, "stopping")


STREAMS = {
    "text": sent(b"x"),
    "ping": sent(b"", Opcode.PING),
    "half": sent(b"x")[:3],
    "close": sent(b"\x03\xe8", Opcode.CLOSE),
    "bad close": sent(b"\x03", Opcode.CLOSE),
    "breach": b"\x81\x00",
    "fail": sent(b"fail"),
}
STEPS = [*STREAMS, "first", "begin", "end", "stop", "abort", "hold", "read", "lost"]


async def live(steps: list[str]) -> tuple[Watched, FakeTransport, Peers, list[asyncio.Task[bytes | None]]]:
    peers, transport = Peers(3600.0), FakeTransport()
    socket = Watched(peers)
    socket.connection_made(transport)
    asked: list[asyncio.Task[bytes | None]] = []
    for step in [*steps, "lost"]:
        match step:
            case "first" if socket.state is SocketState.WAITING and not asked:
                asked.append(asyncio.create_task(socket.first_message()))
                await asyncio.sleep(0)
            case "begin" if socket.state is SocketState.WAITING:
                socket.begin()
                socket.read()
            case "end":
                socket.close(1001)
            case "stop" | "abort" | "read":
                getattr(socket, step)()
            case "hold":
                socket.may = not socket.may
                socket.read()
            case "lost" if socket.state is not SocketState.GONE:
                transport.closing = True
                socket.connection_lost(None)
            case _ if step in STREAMS and not transport.closing and not transport.paused:
                socket.data_received(STREAMS[step])
    return socket, transport, peers, asked


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_every_life_goes_through_the_states_as_drawn(steps: list[str]) -> None:
    async def check() -> None:
        socket, transport, peers, asked = await live(steps)
        for before, after in zip(socket.passed, socket.passed[1:], strict=False):
            assert after in NEXT[before]
        assert socket.passed[-1] is SocketState.GONE
        assert socket.called.count("leave") == (SocketState.OPEN in socket.passed)
        assert socket.called[-1] == "lost"
        assert socket.called.count("lost") == 1
        closes = [place for place, raw in enumerate(transport.written) if raw[0] == 0x88]
        assert closes in ([], [len(transport.written) - 1])  # one, and nothing behind it
        assert not len(peers)
        for task in asked:
            assert await task in (None, b"x", b"fail")

    asyncio.run(check())
