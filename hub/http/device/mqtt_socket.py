"""`GET /mqtt`: MQTT over WebSocket (MQTT 5, section 6). A binary message is a piece of the stream.

The protocol inside is MQTT's own, driven as asyncio drives any: it sees a transport like that of a socket.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web

from hub.http.problems import problem
from hub.http.rooms import CONFIG, MQTT
from hub.http.sockets import PEERS, STOPPING, take_unproven_place
from hub.websocket.frames import RESTARTING, UNSUPPORTED, Message, Opcode, frame
from hub.websocket.peers import Peers
from hub.websocket.socket import Socket
from hub.websocket.upgrade import Upgrade

PROTOCOL = "mqtt"
SPARE_BYTES = 65_536  # what one message may hold beside the longest packet


class MqttSocket(Socket):
    """One client's connection; `inner` is the protocol that it speaks inside."""

    __slots__ = ("address", "inner", "reads")

    def __init__(self, peers: Peers, inner: asyncio.Protocol, address: str, max_bytes: int) -> None:
        super().__init__(peers, max_bytes)
        self.inner = inner
        self.address = address
        self.reads = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over: what comes is MQTT."""
        super().connection_made(transport)
        self.inner.connection_made(Tunnel(self))
        self.begin()
        self.read()

    def may_take(self) -> bool:
        """Whether the protocol wants more."""
        return self.reads

    def take(self, message: Message) -> None:
        """A piece of the stream."""
        if message.opcode is Opcode.TEXT:
            self.close(UNSUPPORTED, "MQTT is sent in binary messages")
        else:
            self.inner.data_received(message.content)

    def pause_writing(self) -> None:
        """The protocol is told as a transport would tell it."""
        super().pause_writing()
        self.inner.pause_writing()

    def has_room(self) -> None:
        """The protocol may write again."""
        self.inner.resume_writing()

    def stop(self) -> None:
        """The hub stops. The MQTT server has said so before, and what it has not ended ends here."""
        self.close(RESTARTING, STOPPING)

    def lost(self) -> None:
        """The connection is over."""
        self.inner.connection_lost(None)


class Tunnel(asyncio.Transport):
    """The transport that MQTT sees, as much of one as it uses."""

    def __init__(self, socket: MqttSocket) -> None:
        super().__init__()
        self._socket = socket

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`peername` is the device's, whatever stands between; TLS is that of the WebSocket."""
        if name == "peername":
            return self._socket.address, 0
        return self._socket.transport.get_extra_info(name, default) if name == "ssl_object" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, as one message; of nothing none, as a socket does."""
        if data and self._socket.is_open:
            self._socket.transport.write(frame(Opcode.BINARY, bytes(data)))

    def get_write_buffer_size(self) -> int:
        """How much waits."""
        return self._socket.transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Whether `close` or `abort` was called, or the peer is gone."""
        return not self._socket.is_open

    def close(self) -> None:
        """Close when all is sent."""
        self._socket.close()

    def abort(self) -> None:
        """Close at once."""
        self._socket.abort()

    def pause_reading(self) -> None:
        """Read nothing for a while."""
        self._socket.reads = False

    def resume_reading(self) -> None:
        """Read again."""
        self._socket.reads = True
        self._socket.read()

    def is_reading(self) -> bool:
        """Whether reading is not paused."""
        return self._socket.reads


async def handle(request: web.Request) -> web.StreamResponse:
    """The route."""
    mqtt = request.app[MQTT]
    if mqtt is None:
        raise web.HTTPNotFound
    offered = request.headers.getall("Sec-WebSocket-Protocol", [])
    if PROTOCOL not in (name.strip() for line in offered for name in line.split(",")):
        return problem(
            HTTPStatus.BAD_REQUEST, "invalid", "a WebSocket with the subprotocol mqtt is wanted here"
        )
    upgrade = Upgrade(request, (PROTOCOL,))
    max_bytes = request.app[CONFIG].mqtt.max_packet_bytes + SPARE_BYTES
    # MQTT leaves the place when it has let the client in, or when the client is gone.
    place = take_unproven_place(request)
    socket = MqttSocket(request.app[PEERS], mqtt(place), place.address, max_bytes)
    is_handed_over = False
    try:
        is_handed_over = await upgrade.hand_over(request, socket)
    finally:
        if not is_handed_over:
            place.leave()
    return upgrade
