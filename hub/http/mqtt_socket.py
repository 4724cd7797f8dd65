"""`GET /mqtt`: MQTT over WebSocket (MQTT 5, section 6). Binary messages are pieces of the stream, cut anywhere.

The protocol at the other side is MQTT's own, driven as asyncio drives any: it sees a transport like a socket's.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from hub.http.access import ACCESS
from hub.http.problems import problem
from hub.http.services import SERVICES
from hub.http.socket import RESTARTING, Socket, first

PROTOCOL = "mqtt"
BUFFER_HIGH = 65_536  # bytes to send, beyond which the protocol is told to pause
SPARE_BYTES = 65_536  # what one message may hold beside the longest packet


class SocketTransport(asyncio.Transport):
    """A transport over a WebSocket, as much of one as MQTT uses."""

    def __init__(self, socket: Socket, protocol: asyncio.Protocol, address: str) -> None:
        super().__init__()
        self._socket = socket
        self._protocol = protocol
        self._address = address
        self._buffer = bytearray()  # bounded by the protocol, which stops writing when it is paused
        self._writing_paused = False
        self._wake = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._closing = False
        self.code = int(WSCloseCode.OK)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`peername` is the device's, whatever stands between."""
        return (self._address, 0) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, in time."""
        self._buffer += data
        self._wake.set()
        if len(self._buffer) > BUFFER_HIGH and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send several."""
        for part in list_of_data:
            self.write(part)

    def get_write_buffer_size(self) -> int:
        """How much waits."""
        return len(self._buffer)

    def is_closing(self) -> bool:
        """Whether `close` was called."""
        return self._closing

    def close(self) -> None:
        """Close when all is sent."""
        self._closing = True
        self._may_read.set()
        self._wake.set()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._socket.abort()

    def pause_reading(self) -> None:
        """Read nothing for a while."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Read again."""
        self._may_read.set()

    def is_reading(self) -> bool:
        """Whether reading is not paused."""
        return self._may_read.is_set()

    async def read(self) -> None:
        """Hand the protocol what comes, until the socket ends."""
        while (chunk := await self._socket.read()) is not None:
            if self._socket.last_was_text:
                self.code = int(WSCloseCode.UNSUPPORTED_DATA)
                return
            if not self._may_read.is_set():
                self._socket.held = True
                await self._may_read.wait()
                self._socket.held = False
            if not self._closing:
                self._protocol.data_received(chunk)

    async def send(self) -> None:
        """Send what is written, all that has gathered as one message, until closed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._buffer:
                chunk = bytes(self._buffer)
                self._buffer.clear()
                await self._socket.send_frame(chunk, WSMsgType.BINARY)
            if self._writing_paused and not self._buffer:
                self._writing_paused = False
                self._protocol.resume_writing()
            if self._closing and not self._buffer:
                return


class MqttSockets:
    """The MQTT connections over WebSocket that are open."""

    def __init__(self) -> None:
        self._open: set[SocketTransport] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route."""
        services = request.app[SERVICES]
        if services.mqtt is None:
            raise web.HTTPNotFound
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in (name.strip() for name in offered.split(",")):
            return problem(
                HTTPStatus.BAD_REQUEST, "invalid", "a WebSocket with the subprotocol mqtt is wanted here"
            )
        socket = Socket(
            max_bytes=services.config.mqtt.max_packet_bytes + SPARE_BYTES,
            ping_interval_s=services.config.live.ping_interval_s,
            protocols=(PROTOCOL,),
        )
        await socket.open(request)
        protocol = services.mqtt()
        transport = SocketTransport(socket, protocol, request.app[ACCESS].address(request))
        self._open.add(transport)
        try:
            protocol.connection_made(transport)
            await first(transport.read(), transport.send(), socket.heartbeat())
        finally:
            self._open.discard(transport)
            protocol.connection_lost(None)
        await socket.close(code=transport.code)
        return socket

    async def close(self, _app: web.Application) -> None:
        """The hub stops: those that the MQTT endpoint has not ended yet end here."""
        for transport in list(self._open):
            transport.code = int(RESTARTING)
            transport.close()


MQTT_SOCKETS = web.AppKey("mqtt_sockets", MqttSockets)
