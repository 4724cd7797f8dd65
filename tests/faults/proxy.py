"""A TCP proxy between a client and the hub that can be slow, stop, or break."""

import asyncio
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 4_096
HELD_BYTES = 32_768


class Proxy:
    """Passes on to 127.0.0.1:`port`. `bytes_per_s` is how fast from the hub to the client, None for no
    limit.
    """

    def __init__(self, port: int, bytes_per_s: float | None = None) -> None:
        self.port = 0
        self.connections = 0
        self.passed_bytes = 0  # from the hub to clients
        self.swallowed = b""  # of the hub, since `go_dead`
        self._is_dead = False
        self.flowing = asyncio.Event()  # from the hub to clients; cleared, they wait
        self.flowing.set()
        self._target = port
        self._is_cut = False
        self._bytes_per_s = bytes_per_s
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        # A small limit: what the proxy itself holds must not count for what the hub holds.
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=CHUNK_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.flowing.set()
        self.drop()
        await self._server.wait_closed()
        while self._serving:
            await asyncio.sleep(0)

    def drop(self) -> None:
        """Break all connections, without a word to either side."""
        for writer in self._writers:
            writer.transport.abort()

    def cut(self) -> None:
        """Break all connections, and each new one at once, until `mend`."""
        self._is_cut = True
        self.drop()

    def mend(self) -> None:
        """Let new connections through again."""
        self._is_cut = False

    def go_dead(self) -> None:
        """From now on swallow all that comes, from either side, and tell neither of the other's end."""
        self._is_dead = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._is_cut:
            writer.transport.abort()
            return
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        with suppress(OSError):
            there, back = await self._open()
            self._writers |= {writer, back}
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass(reader, back))
                    group.create_task(self._pass_back(there, writer))
            finally:
                self._writers -= {writer, back}
                writer.close()
                back.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the target that holds little: what waits, waits at the hub."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self._target))
        return await asyncio.open_connection(sock=made, limit=CHUNK_BYTES)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK_BYTES):
                if not self._is_dead:
                    writer.write(chunk)
                    await writer.drain()
        if not self._is_dead:
            writer.transport.abort()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From the hub to the client: as fast as is set, and not while it does not flow."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self.flowing.wait()
                if self._is_dead:
                    self.swallowed += chunk
                    continue
                writer.write(chunk)
                await writer.drain()
                self.passed_bytes += len(chunk)
                if self._bytes_per_s is not None:
                    due_s = max(due_s, loop.time() - 0.1) + len(chunk) / self._bytes_per_s
                    await asyncio.sleep(max(0.0, due_s - loop.time()))
        if not self._is_dead:
            writer.transport.abort()
