"""A reverse proxy before a hub, which may take off a path, and leave out headers, as badly set up ones do."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from tests.hub_process import HubProcess

DEADLINE_S = 30.0
CHUNK_BYTES = 65_536


class ReverseProxy:
    """Stands before a hub, as what a browser visits instead, in a thread of its own.

    `prefix` ("/hub") is taken off each path; any other path is answered 404 and noted in `strays`. Headers
    named in `leaves_out` are not passed on; for Host, that of the hub is sent instead, as nginx does.
    """

    def __init__(self, hub: HubProcess, prefix: str = "") -> None:
        self.strays: list[str] = []
        self.leaves_out: frozenset[str] = frozenset()
        self._hub = hub
        self._prefix = prefix
        self._target = int(hub.url.rsplit(":", 1)[1])
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="reverse proxy")
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Of the page, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}{self._prefix}"

    def login_link(self) -> str:
        """A fresh one-time link, by the way of the proxy."""
        return self.url + self._hub.login_link().removeprefix(self._hub.url)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._pass_on(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on each connection, and whatever comes after it either way."""
        request, *headers = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, path, version = request.split(" ")
        if not path.startswith(self._prefix + "/"):
            self.strays.append(path)
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        lines = [f"{method} {path.removeprefix(self._prefix)} {version}", *self._passed_on(headers)]
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(back)
        try:
            back.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(_pump(reader, back))
                both_ways.create_task(_pump(there, writer))
        finally:
            self._writers.discard(back)
            back.close()

    def _passed_on(self, headers: list[str]) -> list[str]:
        named = {line.split(":")[0].lower(): line for line in headers}
        passed = {name: line for name, line in named.items() if name not in self.leaves_out}
        if "host" in self.leaves_out:
            passed["host"] = f"Host: 127.0.0.1:{self._target}"
        if "upgrade" not in passed:
            passed["connection"] = "Connection: close"
        return list(passed.values())


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either end is gone; then so is the other."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()
