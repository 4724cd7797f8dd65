"""An application whose every connection sends back what comes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from hub.websocket.frames import Message, Opcode, frame
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket
from hub.websocket.upgrade import Upgrade

MAX_BYTES = 1_100_000


class Echo(Socket):
    """Sends back what comes, while it is let."""

    def __init__(self, peers: Peers, *, deflates: bool) -> None:
        super().__init__(peers, MAX_BYTES, deflates=deflates)
        self.taken = 0
        self.may = True
        self.left = self.had_room = self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.begin()
        self.read()

    def take(self, message: Message) -> None:
        self.taken += 1
        if message.opcode is Opcode.TEXT:
            self.say(message.content)
        else:
            self.transport.write(frame(message.opcode, message.content))

    def stop(self) -> None:
        self.close()

    def may_take(self) -> bool:
        return self.may

    def has_room(self) -> None:
        self.had_room = True

    def leave(self) -> None:
        self.left = True

    def lost(self) -> None:
        self.is_lost = True


class House:
    """The application, and its connections in the order they came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.peers = Peers(3600.0)
        self.echoes: list[Echo] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        upgrade = Upgrade(request, ("echo",), may_deflate=True)
        echo = Echo(self.peers, deflates=upgrade.deflates)
        if await upgrade.hand_over(request, echo):
            self.echoes.append(echo)
        return upgrade


@asynccontextmanager
async def house(tls: ssl.SSLContext | None = None) -> AsyncIterator[House]:
    found = House(0)
    app = web.Application()
    app.router.add_get("/", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        found.port = runner.addresses[0][1]
        yield found
    finally:
        for echo in found.echoes:
            echo.abort()
        await runner.cleanup()
