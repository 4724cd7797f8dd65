"""Readings and commands by MQTT 5, with paho's client over asyncio's own streams.

Why not paho's thread: one process may be hundreds of devices, each of which would need a thread, and every
acknowledgement would cross from one to the other. Why not paho's blocking connect in an executor with
add_reader: it cannot be cancelled, it holds one of few executor threads for as long as the network likes, and
a TLS socket hides bytes from the selector. paho asks of its socket only recv, send, close, fileno and
setblocking (its `SocketLike`), so asyncio makes the connection, TLS included, and `_Stream` stands in for the
socket. paho keeps the protocol.

A new paho client for each connection: what to send again is the backlog's to know, and of two such memories
one is wrong.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NoReturn
from urllib.parse import SplitResult

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices import wire
from devices.errors import Busy, DeviceError, KeyRefused, LinkLost, TooLarge
from devices.inbox import Arrived
from devices.transports.stream import Stream
from devices.wire import BacklogEntry, Incoming, Refusal, Request, SendOutcome, Wish

TELEMETRY = "v1/devices/me/telemetry"
REQUESTS = "v1/devices/me/rpc/request/"
RESPONSES = "v1/devices/me/rpc/response/"
ATTRIBUTES = "v1/devices/me/attributes"
_CONNECT_TIMEOUT_S = 10.0
_KEEPALIVE_S = 30
_TICK_S = 1.0  # how often paho looks after its keep-alive
_PACKET_MAX_BYTES = 262_144  # what we take in; a larger command is not sent to us (MQTT 5, 3.1.2.11.4)
_PUBLISH_OVERHEAD_BYTES = 64  # fixed header, topic, packet id, properties
_WINDOW = 8
# CONNACK and DISCONNECT codes that another try would only repeat (MQTT 5, 2.4).
_KEY_CODES = frozenset({0x86, 0x87, 0x8A, 0x8C})
_TOO_LARGE = 0x95
_QUOTA_EXCEEDED = 0x97

log = logging.getLogger(__name__)


class MqttTransport:
    """`mqtt://` and `mqtts://`. The key is the user name, with no password."""

    def __init__(self, url: SplitResult, key: str, tls: ssl.SSLContext | None) -> None:
        secure = url.scheme == "mqtts"
        self._host = url.hostname or ""
        self._port = url.port or (8883 if secure else 1883)
        self._tls = (tls or ssl.create_default_context()) if secure else None
        self._key = key

    @asynccontextmanager
    async def connect(self, arrived: Arrived) -> AsyncIterator["MqttLink"]:
        """Connect, and wait for the CONNACK."""
        loop = asyncio.get_running_loop()
        stream = Stream()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: stream, self._host, self._port, ssl=self._tls)
        except TimeoutError as error:
            raise LinkLost(f"no connection to {self._host}:{self._port}") from error
        except OSError as error:
            raise LinkLost(str(error)) from error
        link = MqttLink(stream, arrived)
        try:
            await link.open(self._host, self._port, self._key)
            yield link
        finally:
            link.leave()
            await stream.shut()


class _Paho(Client):
    """paho's client with its socket handed to it, which it has no public way to be told."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, protocol=MQTTv5, reconnect_on_failure=False, manual_ack=True
        )
        self._stream = stream

    def _create_socket(self) -> Stream:
        return self._stream


class MqttLink:
    """One connection. paho's callbacks run inside `Stream`'s reads, so in the loop, and only complete
    futures.
    """

    def __init__(self, stream: Stream, arrived: Arrived) -> None:
        self.window = _WINDOW
        self.message_max_bytes = wire.BATCH_MAX_BYTES
        self._incoming = arrived
        # Publishes and subscriptions on their way, by packet identifier. Bounded by the window and a few
        # answers.
        self._waiting: dict[int, asyncio.Future[tuple[ReasonCode, Properties | None]]] = {}
        self._end: DeviceError | None = None
        self._changed = asyncio.Event()  # the CONNACK came, or the connection ended
        self._paho = paho = _Paho(stream)
        paho.on_connect = self._connected
        paho.on_publish = self._published
        paho.on_subscribe = self._subscribed
        paho.on_message = self._arrived
        paho.on_disconnect = self._disconnected
        stream.attach(paho)

    async def open(self, host: str, port: int, key: str) -> None:
        """CONNECT. Raises KeyRefused, LinkLost."""
        self._paho.username_pw_set(key)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it so
        properties.MaximumPacketSize = _PACKET_MAX_BYTES
        self._paho.connect(host, port, keepalive=_KEEPALIVE_S, clean_start=True, properties=properties)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await self._changed.wait()
        if not self._changed.is_set():
            raise LinkLost("the hub did not answer CONNECT")
        if self._end is not None:
            raise self._end
        self._changed.clear()

    def leave(self) -> None:
        """DISCONNECT."""
        self._paho.disconnect()

    async def deliver(self, entries: Sequence[BacklogEntry]) -> SendOutcome:
        """Publish with QoS 1 and wait for the PUBACK."""
        code, properties = await self._publish(TELEMETRY, wire.join(entries))
        if not code.is_failure:
            return SendOutcome()
        reason = _reason(code, properties)
        if code.value == _QUOTA_EXCEEDED:
            raise Busy(reason)
        if code.value == _TOO_LARGE:
            raise TooLarge(reason)
        # A PUBACK says that some was refused, not how much of it.
        return SendOutcome(len(entries), Refusal(-1, f"mqtt_0x{code.value:02x}", reason))

    async def watch(self) -> NoReturn:
        """Look after the keep-alive until the connection ends."""
        while self._end is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._changed.wait()
            self._paho.loop_misc()
        raise self._end

    async def listen(self) -> None:
        """Subscribe to this device's commands, and to the attributes that operators wish for."""
        _, packet_id = self._paho.subscribe([(REQUESTS + "+", 1), (ATTRIBUTES, 1)])
        code, properties = await self._acknowledged(packet_id)
        if code.is_failure:
            # Readings go on: a key that may not take commands is no reason to stop measuring.
            log.warning("no commands: the hub refused the subscription: %s", _reason(code, properties))

    async def answer(self, command_id: str, response: object) -> None:
        """Answer a command."""
        code, properties = await self._publish(RESPONSES + command_id, json.dumps(response).encode())
        if code.is_failure:
            log.warning("the hub refused the answer to command %s: %s", command_id, _reason(code, properties))

    async def report(self, values: Mapping[str, object]) -> None:
        """Report attributes."""
        code, properties = await self._publish(ATTRIBUTES, json.dumps(dict(values)).encode())
        if code.is_failure:
            log.warning("the hub refused attributes: %s", _reason(code, properties))

    async def _publish(self, topic: str, body: bytes) -> tuple[ReasonCode, Properties | None]:
        return await self._acknowledged(self._paho.publish(topic, body, qos=1).mid)

    async def _acknowledged(self, packet_id: int | None) -> tuple[ReasonCode, Properties | None]:
        if self._end is not None:
            raise self._end
        if packet_id is None:
            raise LinkLost("the connection closed")
        answer: asyncio.Future[tuple[ReasonCode, Properties | None]] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiting[packet_id] = answer
        try:
            return await answer
        finally:
            self._waiting.pop(packet_id, None)

    def _connected(
        self,
        _client: Client,
        _state: object,
        _flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._finish(_ending(code, properties))
            return
        self.window = min(_WINDOW, getattr(properties, "ReceiveMaximum", _WINDOW))
        packet_max_bytes = getattr(
            properties, "MaximumPacketSize", wire.BATCH_MAX_BYTES + _PUBLISH_OVERHEAD_BYTES
        )
        self.message_max_bytes = min(wire.BATCH_MAX_BYTES, packet_max_bytes - _PUBLISH_OVERHEAD_BYTES)
        self._changed.set()

    def _published(
        self, _client: Client, _state: object, packet_id: int, code: ReasonCode, properties: Properties
    ) -> None:
        self._resolve(packet_id, code, properties)

    def _subscribed(
        self,
        _client: Client,
        _state: object,
        packet_id: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        self._resolve(packet_id, codes[0], properties)

    def _resolve(self, packet_id: int, code: ReasonCode, properties: Properties | None) -> None:
        answer = self._waiting.pop(packet_id, None)
        if answer is not None and not answer.done():
            answer.set_result((code, properties))

    def _arrived(self, _client: Client, _state: object, message: MQTTMessage) -> None:
        said = wire.decode_object(bytes(message.payload))
        incoming: Incoming = Wish(said)
        if message.topic.startswith(REQUESTS):
            number = message.topic[len(REQUESTS) :]
            incoming = Request(number, str(said.get("method", "")), said.get("params"))
        elif message.topic != ATTRIBUTES:
            return
        try:
            self._incoming.put_nowait(incoming)
        except asyncio.QueueFull:
            log.warning("not taken: %s; %d wait unread", incoming, self._incoming.qsize())
            return
        self._paho.ack(message.mid, message.qos)

    def _disconnected(
        self,
        _client: Client,
        _state: object,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._finish(_ending(code, properties))
        else:
            self._finish(LinkLost("the connection closed"))

    def _finish(self, why: DeviceError) -> None:
        """The connection is over: all that wait learn why. The first reason counts."""
        if self._end is not None:
            return
        self._end = why
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(why)
        self._waiting.clear()
        self._changed.set()


def _reason(code: ReasonCode, properties: Properties | None) -> str:
    """The hub's own sentence where it gave one (MQTT 5, 3.2.2.3.9), else the name of the code."""
    return str(getattr(properties, "ReasonString", code))


def _ending(code: ReasonCode, properties: Properties | None) -> DeviceError:
    """What a refused CONNECT or a DISCONNECT from the hub means."""
    reason = f"{_reason(code, properties)} (0x{code.value:02x})"
    if code.value in _KEY_CODES:
        return KeyRefused(reason)
    if code.value == _TOO_LARGE:
        return TooLarge(reason)
    return LinkLost(reason)
