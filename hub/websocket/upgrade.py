"""From HTTP to a WebSocket of the hub's own: aiohttp shakes hands, then leaves the connection."""

import asyncio
from base64 import b64encode
from hashlib import sha1
from typing import Any, cast

from aiohttp import web

from hub.websocket.frames import DEFLATE_ANSWER, accepts_deflate

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Upgrade(web.StreamResponse):
    """The answer 101 to a proper handshake. `hand_over` gives the connection to a protocol.

    What aiohttp keeps of a connection (its parser, request, response, task) is 15 KiB, and is let go of there.
    """

    def __init__(
        self, request: web.Request, protocols: tuple[str, ...] = (), *, may_deflate: bool = False
    ) -> None:
        """Raises HTTPBadRequest for a request that is no handshake."""
        ready = web.WebSocketResponse(protocols=protocols).can_prepare(request)
        if not ready.ok:
            raise web.HTTPBadRequest(
                text="this is a WebSocket: Upgrade, Connection, Sec-WebSocket-Version 13 and Sec-WebSocket-Key are wanted"
            )
        key = request.headers["Sec-WebSocket-Key"].strip().encode()
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()
        headers = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Accept": accept}
        if ready.protocol is not None:
            headers["Sec-WebSocket-Protocol"] = ready.protocol
        offers = ",".join(request.headers.getall("Sec-WebSocket-Extensions", []))
        self.deflates = may_deflate and accepts_deflate(offers)
        if self.deflates:
            headers["Sec-WebSocket-Extensions"] = DEFLATE_ANSWER
        super().__init__(status=101, headers=headers)
        self.force_close()

    async def hand_over(self, request: web.Request, protocol: asyncio.Protocol) -> bool:
        """Answer; from then on the connection is the protocol's, which is told of it. False: it is gone already."""
        try:
            await self.prepare(request)
        except ConnectionError:
            return False
        transport, http = request.transport, request.protocol
        if transport is None or transport.is_closing():
            return False
        early = _Early()
        http.set_parser(cast("Any", early))  # gives it what came behind the handshake
        transport.set_protocol(protocol)
        http.transport = None  # or it would close it
        http.connection_lost(None)
        protocol.connection_made(transport)
        if early.received:
            protocol.data_received(early.received)
        return True

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the connection goes on, but is not aiohttp's any more."""


class _Early:
    """Stands where aiohttp's own reader of frames would."""

    def __init__(self) -> None:
        self.received = b""

    def feed_data(self, received: bytes) -> tuple[bool, bytes]:
        self.received += received
        return False, b""

    def feed_eof(self) -> None:
        """The same as nothing more."""
