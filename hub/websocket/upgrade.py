"""From HTTP to a WebSocket of the hub's own: aiohttp shakes hands (RFC 6455, 4.2), then leaves."""

import asyncio
from base64 import b64encode
from binascii import Error, a2b_base64
from hashlib import sha1
from typing import Any, cast

from aiohttp import HttpVersion11, web

from hub.websocket.extensions import DEFLATE_ANSWER, accepts_deflate, read_offers

VERSION = "13"
KEY_BYTES = 16
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Upgrade(web.StreamResponse):
    """The answer 101 to a proper handshake. `hand_over` gives the connection to a protocol.

    What aiohttp keeps of a connection (parser, request, response, task) is 15 KiB, and is let go of there.
    """

    def __init__(
        self, request: web.Request, protocols: tuple[str, ...] = (), *, may_deflate: bool = False
    ) -> None:
        """Raises HTTPBadRequest for what is no handshake, HTTPUpgradeRequired for another version of it."""
        _check(request)
        key = request.headers["Sec-WebSocket-Key"].strip().encode()
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()
        headers = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Accept": accept}
        # Without one that both know there is no such header, and the client decides what to do (4.2.2).
        protocol = next(
            (name for name in _listed(request, "Sec-WebSocket-Protocol") if name in protocols), None
        )
        if protocol is not None:
            headers["Sec-WebSocket-Protocol"] = protocol
        self.deflates = _deflates(request) and may_deflate
        if self.deflates:
            headers["Sec-WebSocket-Extensions"] = DEFLATE_ANSWER
        super().__init__(status=101, headers=headers)
        self.force_close()

    async def hand_over(self, request: web.Request, protocol: asyncio.Protocol) -> bool:
        """Answer; from then on the connection is the protocol's, which is told of it. False: it is gone."""
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


def _check(request: web.Request) -> None:
    """Raises as `Upgrade` does (4.2.1, 4.4)."""
    if request.version < HttpVersion11:
        raise web.HTTPBadRequest(text="this is a WebSocket: it takes HTTP/1.1")
    # A client may list other protocols beside it, but aiohttp does not stop reading HTTP after such a list.
    if _words(request, "Upgrade") != ["websocket"] or "upgrade" not in _words(request, "Connection"):
        raise web.HTTPBadRequest(
            text="this is a WebSocket: Upgrade: websocket and Connection: Upgrade are wanted"
        )
    if request.headers.getall("Sec-WebSocket-Version", []) != [VERSION]:
        raise web.HTTPUpgradeRequired(
            text=f"this is a WebSocket of version {VERSION}: Sec-WebSocket-Version: {VERSION} is wanted",
            headers={"Sec-WebSocket-Version": VERSION, "Upgrade": "websocket", "Connection": "upgrade"},
        )
    keys = request.headers.getall("Sec-WebSocket-Key", [])
    if len(keys) != 1 or not _is_key(keys[0].strip()):
        raise web.HTTPBadRequest(
            text=f"Sec-WebSocket-Key: one value is wanted, {KEY_BYTES} random bytes in Base64"
        )


def _is_key(text: str) -> bool:
    try:
        return len(a2b_base64(text.encode(errors="replace"), strict_mode=True)) == KEY_BYTES
    except Error:
        return False


def _deflates(request: web.Request) -> bool:
    """Whether the hub takes up one of the client's offers. Raises HTTPBadRequest for what is none (9.1)."""
    try:
        return accepts_deflate(read_offers(",".join(request.headers.getall("Sec-WebSocket-Extensions", []))))
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"Sec-WebSocket-Extensions: {error}") from error


def _listed(request: web.Request, header: str) -> list[str]:
    """A header's values, which may stand in one line or in several."""
    return [name.strip() for line in request.headers.getall(header, []) for name in line.split(",")]


def _words(request: web.Request, header: str) -> list[str]:
    return [word.lower() for word in _listed(request, header)]


class _Early:
    """Stands where aiohttp's own reader of frames would."""

    def __init__(self) -> None:
        self.received = b""

    def feed_data(self, received: bytes) -> tuple[bool, bytes]:
        self.received += received
        return False, b""

    def feed_eof(self) -> None:
        """The same as nothing more."""
