"""A stream of MQTT, sans I/O: bytes in, packets out.

Theory. A connection is two streams, one each way; a `Decoder` reads one of them. It is fed whatever chunks
the network makes and gives back packets, so its answers depend on the bytes alone and never on where they
were cut. What may come next is a small machine of its own:

        OPENING ── CONNECT (or the server's CONNACK) ──> OPEN ── DISCONNECT ──> CLOSED
           │                                              │
           └────────────── anything forbidden ────────────┴──> CLOSED, by CodecError

The protocol level stands in the CONNECT, and is taken from there; the other direction is told it. A packet
is judged by its fixed header first: a kind this side never sends, flags that are not its own, or a length
over `max_packet_bytes` is refused before one byte of its body is kept. So a decoder holds at most one packet
of the allowed size, and the chunk it was last fed.

The values are in `packets`, their fields in `fields`, one packet's body in `decode` and `encode`.
"""

from enum import Enum
from types import MappingProxyType

from hub.mqtt.codec.decode import decode
from hub.mqtt.codec.fields import PropertyPlace
from hub.mqtt.codec.packets import (
    Auth,
    CodecError,
    Connect,
    Disconnect,
    Packet,
    Publish,
    Reason,
    Version,
)
from hub.mqtt.codec.reasons import of_clients

__all__ = ["CONNECT_MAX", "Decoder", "Side", "topic_header"]

CONNECT_MAX = 65_536
"""The longest CONNECT taken, in bytes: who has shown no key must not make the hub keep a mebibyte."""

_QOS_1 = 0x32  # the first byte of a PUBLISH with QoS 1, neither DUP nor RETAIN
_PLAIN = frozenset({0x30, _QOS_1})


class Side(Enum):
    """Whose packets are read."""

    CLIENT = "client"
    SERVER = "server"


class _StreamState(Enum):
    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


# 2.1.2: the packets each side may send, as first bytes. PUBLISH alone uses its flags.
_PUBLISHES = frozenset(range(0x30, 0x40))
_BOTH = _PUBLISHES | {0x40, 0x50, 0x62, 0x70, 0xE0, 0xF0}
_ALLOWED = MappingProxyType(
    {Side.CLIENT: _BOTH | {0x10, 0x82, 0xA2, 0xC0}, Side.SERVER: _BOTH | {0x20, 0x90, 0xB0, 0xD0}}
)
_OPENERS = MappingProxyType({Side.CLIENT: frozenset({0x10}), Side.SERVER: frozenset({0x20, 0xF0})})


_SERVER_SAYS_MORE = frozenset({Publish, Disconnect, Auth})
"""Packets in which a server may say more than a client."""


def _check_client(packet: Packet) -> None:
    """Raises CodecError for what only a server may say."""
    if isinstance(packet, Publish):
        if packet.properties.subscription_identifier:
            raise CodecError(
                Reason.PROTOCOL_ERROR, "only the server puts a subscription identifier into PUBLISH (3.3.4)"
            )
    elif isinstance(packet, Disconnect | Auth):
        place = PropertyPlace.AUTH if isinstance(packet, Auth) else PropertyPlace.DISCONNECT
        if packet.reason not in of_clients(place):
            raise CodecError(
                Reason.PROTOCOL_ERROR,
                f"only the server sends {place.name} with the reason 0x{packet.reason:02X} (3.14.2, 3.15.2)",
            )


def topic_header(topic: str) -> bytes:
    """`topic` as it stands at the start of a PUBLISH, for `Decoder.publish_run`."""
    raw = topic.encode()
    return len(raw).to_bytes(2) + raw


class Decoder:
    """Reads the stream one peer sends. After a CodecError it is closed and gives nothing more.

    `version` is None until a CONNECT has named it.
    """

    __slots__ = ("_at", "_chunk", "_max", "_need", "_peer", "_state", "_tail", "version")

    def __init__(self, peer: Side, max_packet_bytes: int, version: Version | None = None) -> None:
        self._peer = peer
        self._max = max_packet_bytes
        self._chunk = b""  # what is being read, from `_at` on
        self._at = 0
        self._tail = bytearray()  # the start of a packet that is not whole yet; never beside an unread chunk
        self._need = 0  # how long the tail must be before there is a whole packet in it
        self._state = _StreamState.OPENING
        self.version = version

    @property
    def held(self) -> int:
        """How many bytes are kept that no packet has been made of."""
        return len(self._tail) + len(self._chunk) - self._at

    def feed(self, chunk: bytes) -> None:
        """Add what the network brought. Drain `packet` after each call, unless reading is meant to wait."""
        if self._state is _StreamState.CLOSED:
            return
        if self._at < len(self._chunk):
            self._chunk = self._chunk[self._at :] + chunk
            self._at = 0
            return
        if self._tail:
            # Grown in place: a large packet in small pieces is copied once, not once a piece.
            self._tail += chunk
            if len(self._tail) < self._need:
                return
            chunk = bytes(self._tail)
            self._tail = bytearray()
        self._chunk = chunk
        self._at = 0

    def packet(self) -> Packet | None:
        """The next whole packet, or None when more bytes are needed. Raises CodecError."""
        if self._state is _StreamState.CLOSED:
            return None
        try:
            return self._next()
        except CodecError:
            self._close()
            raise

    def publish_run(self, header: bytes) -> tuple[list[bytes], list[bytes]]:
        """The packet ids and payloads of the next packets, while each is a whole, plain PUBLISH to one topic.

        Plain: all of QoS 1, or all of QoS 0 and then without ids; neither DUP nor RETAIN, no properties,
        under 16 KiB. `header` is `topic_header(topic)`, or empty for none. All else is left to `packet`, so
        leaving this call out changes no answer. It is the hub's busiest loop: 0.3 µs a message against 3.3
        by `packet`, measured, since no value is built and nothing looked up.
        """
        ids: list[bytes] = []
        payloads: list[bytes] = []
        chunk, at, longest = self._chunk, self._at, self._max
        size, v5, ahead = len(chunk), self.version is Version.V5, len(header)
        if not header or self._state is not _StreamState.OPEN or at == size or chunk[at] not in _PLAIN:
            return ids, payloads
        first = chunk[at]
        id_size = 2 if first == _QOS_1 else 0
        starts = chunk.startswith
        while size - at > 3 and chunk[at] == first:
            length = chunk[at + 1]
            start = at + 2
            if length > 0x7F:
                high = chunk[start]
                if not 0 < high < 0x80:
                    break
                length += (high << 7) - 0x80
                start += 1
            end = start + length
            body = start + ahead + id_size
            if end > size or end - at > longest or body + v5 > end or not starts(header, start):
                break
            if id_size:
                packet_id = chunk[body - 2 : body]
                if packet_id == b"\0\0":
                    break
            if v5:
                if chunk[body]:
                    break
                body += 1
            if id_size:
                ids.append(packet_id)
            payloads.append(chunk[body:end])
            at = end
        self._at = at
        return ids, payloads

    def _next(self) -> Packet | None:
        chunk, at = self._chunk, self._at
        left = len(chunk) - at
        if left == 0:
            self._chunk, self._at = b"", 0  # an idle connection keeps nothing of what it was sent
            return None
        first = chunk[at]
        self._check_first(first)
        length, start = self._length(at)
        if length is None:
            self._keep(left + 1)
            return None
        end = start + length
        longest = self._max if self._state is _StreamState.OPEN else min(self._max, CONNECT_MAX)
        if end - at > longest:
            limit = " (mqtt.max_packet_bytes)" if longest == self._max else ", before a key was shown"
            told = f"a packet of {end - at} bytes; at most {longest} are taken{limit}"
            raise CodecError(Reason.PACKET_TOO_LARGE, told)
        if end > len(chunk):
            self._keep(end - at)
            return None
        packet = decode(first, chunk, start, end, self.version or Version.V311)
        if self._peer is Side.CLIENT and packet.__class__ in _SERVER_SAYS_MORE:
            _check_client(packet)
        self._at = end
        self._advance(first, packet)
        return packet

    def _check_first(self, first: int) -> None:
        if self._state is _StreamState.OPENING:
            if first not in _OPENERS[self._peer]:
                raise CodecError(Reason.PROTOCOL_ERROR, f"the first packet begins with 0x{first:02X} (3.1)")
        elif first in _OPENERS[self._peer] and first != 0xF0:
            raise CodecError(Reason.PROTOCOL_ERROR, "a connection is opened once (3.1)")
        elif first not in _ALLOWED[self._peer]:
            raise CodecError(
                Reason.MALFORMED_PACKET, f"no packet of a {self._peer.value} begins with 0x{first:02X} (2.1)"
            )

    def _length(self, at: int) -> tuple[int | None, int]:
        """The remaining length (2.1.4), None while its bytes are not all there, and where the body starts."""
        value = 0
        for place in range(4):
            here = at + 1 + place
            if here >= len(self._chunk):
                return None, here
            byte = self._chunk[here]
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if byte == 0 and place:
                    raise CodecError(
                        Reason.MALFORMED_PACKET, "the remaining length is longer than it needs to be (1.5.5)"
                    )
                return value, here + 1
        raise CodecError(Reason.MALFORMED_PACKET, "the remaining length takes more than four bytes (2.1.4)")

    def _keep(self, need: int) -> None:
        self._tail = bytearray(self._chunk[self._at :])
        self._need = need
        self._chunk = b""
        self._at = 0

    def _advance(self, first: int, packet: Packet) -> None:
        if isinstance(packet, Connect):
            self.version = packet.version
        if self._state is _StreamState.OPENING:
            if first != 0xF0:
                self._state = _StreamState.OPEN
        elif first == 0xE0:
            self._close()

    def _close(self) -> None:
        self._state = _StreamState.CLOSED
        self._chunk = b""
        self._at = 0
        self._tail = bytearray()
