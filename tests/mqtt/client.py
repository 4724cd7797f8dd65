"""An MQTT client for tests that has no will of its own: it sends what it is told and shows what came."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import Self, TypeVar, cast

from hub.mqtt.codec.decoder import Decoder, Side
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import (
    NONE,
    Connack,
    Connect,
    Packet,
    Properties,
    Publish,
    Suback,
    Subscribe,
    TopicFilter,
    Version,
    Will,
)

TIMEOUT_S = 10.0
TELEMETRY = "v1/devices/me/telemetry"

P = TypeVar("P")


class Client:
    """One connection. `closed` once the hub has closed it."""

    def __init__(
        self,
        port: int,
        *,
        key: str | None = None,
        version: Version = Version.V5,
        client_id: str = "",
        clean: bool = True,
        keep_alive_s: int = 0,
        username: str | None = None,
        password: bytes | None = None,
        will: Will | None = None,
        properties: Properties = NONE,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self.version = version
        self._port = port
        self._tls = tls
        self._receive_buffer = receive_buffer
        self._connect = Connect(
            version,
            client_id,
            clean,
            keep_alive_s,
            key if key is not None else username,
            password,
            will,
            properties,
        )
        self._decoder = Decoder(Side.SERVER, 268_435_455, version)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> Self:
        """The network connection alone."""
        if self._receive_buffer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        else:
            own = socket.socket()
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            own.setblocking(False)
            await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", self._port))
            self.reader, self.writer = await asyncio.open_connection(sock=own)
        return self

    async def __aenter__(self) -> Self:
        """Connected, and let in."""
        connack = await self.connect()
        assert connack.reason == 0, connack
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Be gone, without a DISCONNECT."""
        if self.writer is not None:
            self.writer.close()

    @property
    def transport(self) -> asyncio.Transport:
        """Below the streams."""
        assert self.writer is not None
        return cast("asyncio.Transport", self.writer.transport)

    async def connect(self) -> Connack:
        """Open, send CONNECT, and see what the hub says."""
        await self.open()
        self.send(self._connect)
        return await self.expect(Connack)

    def send(self, *packets: Packet) -> None:
        self.write(b"".join(encode(packet, self.version) for packet in packets))

    def write(self, raw: bytes) -> None:
        assert self.writer is not None
        self.writer.write(raw)

    async def drain(self) -> None:
        """Wait until what was written has left."""
        assert self.writer is not None
        await self.writer.drain()

    async def receive(self) -> Packet | None:
        """The next packet, None when the hub has closed the connection."""
        async with asyncio.timeout(TIMEOUT_S):
            while (packet := self._decoder.packet()) is None:
                try:
                    chunk = await self.reader.read(65_536)
                except ConnectionError:
                    return None
                if not chunk:
                    return None
                self._decoder.feed(chunk)
            return packet

    async def expect(self, kind: type[P]) -> P:
        """The next packet, which has to be of this kind."""
        packet = await self.receive()
        assert isinstance(packet, kind), packet
        return packet

    async def closed(self) -> bool:
        """Whether the hub closes the connection without another word."""
        return await self.receive() is None

    async def publish(
        self, body: bytes, topic: str = TELEMETRY, packet_id: int = 1, qos: int = 1
    ) -> Packet | None:
        """Publish one message; what the hub says to it."""
        self.send(Publish(topic, body, qos, packet_id if qos else 0))
        return await self.receive() if qos else None

    async def subscribe(self, *filters: str, qos: int = 1, identifier: int | None = None) -> Sequence[int]:
        """Subscribe; the reasons."""
        properties = NONE if identifier is None else Properties(subscription_identifier=(identifier,))
        self.send(Subscribe(1, [TopicFilter(one, qos) for one in filters], properties))
        return (await self.expect(Suback)).reasons
