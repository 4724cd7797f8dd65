"""The fields packets are made of (MQTT 5.0 section 1.5) and the table of properties (section 2.2.2.2)."""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.mqtt.codec.packets import NONE, CodecError, Properties, Reason

VARINT_MAX = 268_435_455


def malformed(message: str) -> CodecError:
    """The error for bytes that no version of the standard allows."""
    return CodecError(Reason.MALFORMED_PACKET, message)


class Cursor:
    """Reads fields one after another from `raw[at:end]`. Raises CodecError for what is short or wrong."""

    __slots__ = ("at", "end", "raw")

    def __init__(self, raw: bytes, at: int, end: int) -> None:
        self.raw = raw
        self.at = at
        self.end = end

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start = self.at
        if start + size > self.end:
            raise malformed(
                f"a field of {size} bytes at {start} runs past the end of its packet at {self.end}"
            )
        self.at = start + size
        return self.raw[start : self.at]

    def integer(self, size: int) -> int:
        """An unsigned integer of `size` bytes, big-endian (1.5.2, 1.5.3)."""
        return int.from_bytes(self.take(size))

    def varint(self) -> int:
        """A variable byte integer, at most four bytes and no longer than needed (1.5.5)."""
        value = 0
        for place in range(4):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if byte == 0 and place:
                    raise malformed("a variable byte integer is longer than it needs to be")
                return value
        raise malformed("a variable byte integer is longer than four bytes")

    def binary(self) -> bytes:
        """Binary with its length in two bytes (1.5.6)."""
        return self.take(self.integer(2))

    def text(self) -> str:
        """UTF-8 with its length in two bytes: well-formed and without U+0000 (1.5.4)."""
        raw = self.binary()
        if b"\0" in raw:
            raise malformed("a text holds the character U+0000")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise malformed(f"a text is not UTF-8: {error.reason} at {error.start}") from None

    def rest(self) -> bytes:
        """What is left."""
        return self.take(self.end - self.at)


def write_varint(value: int) -> bytes:
    """Encode a variable byte integer (1.5.5); 0 to 268,435,455."""
    if not 0 <= value <= VARINT_MAX:
        raise ValueError(f"a variable byte integer holds 0 to {VARINT_MAX}, not {value}")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_binary(raw: bytes) -> bytes:
    """Encode binary with its length in two bytes (1.5.6)."""
    return len(raw).to_bytes(2) + raw


def write_text(text: str) -> bytes:
    """Encode UTF-8 with its length in two bytes (1.5.4)."""
    return write_binary(text.encode())


class PropertyPlace(Enum):
    """Where properties stand: a kind of packet, or the will inside a CONNECT."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    DISCONNECT = 14
    AUTH = 15
    WILL = 16


class _FieldKind(NamedTuple):
    read: Callable[[Cursor], Any]
    write: Callable[[Any], bytes]


_FLAG = _FieldKind(lambda cursor: cursor.integer(1), lambda value: value.to_bytes(1))
_U16 = _FieldKind(lambda cursor: cursor.integer(2), lambda value: value.to_bytes(2))
_U32 = _FieldKind(lambda cursor: cursor.integer(4), lambda value: value.to_bytes(4))
_VARINT = _FieldKind(Cursor.varint, write_varint)
_TEXT = _FieldKind(Cursor.text, write_text)
_BINARY = _FieldKind(Cursor.binary, write_binary)
_PAIR = _FieldKind(
    lambda cursor: (cursor.text(), cursor.text()), lambda pair: write_text(pair[0]) + write_text(pair[1])
)


class _Property(NamedTuple):
    id: int
    name: str  # of the field of Properties
    kind: _FieldKind
    places: frozenset[PropertyPlace]


def _property(id_: int, name: str, kind: _FieldKind, *places: PropertyPlace) -> _Property:
    return _Property(id_, name, kind, frozenset(places))


_P = PropertyPlace
_REASONED = (
    _P.CONNACK, _P.PUBACK, _P.PUBREC, _P.PUBREL, _P.PUBCOMP, _P.SUBACK, _P.UNSUBACK, _P.DISCONNECT, _P.AUTH
)  # fmt: skip
_MESSAGE = (_P.PUBLISH, _P.WILL)

_TABLE = (
    _property(0x01, "payload_format_indicator", _FLAG, *_MESSAGE),
    _property(0x02, "message_expiry_interval", _U32, *_MESSAGE),
    _property(0x03, "content_type", _TEXT, *_MESSAGE),
    _property(0x08, "response_topic", _TEXT, *_MESSAGE),
    _property(0x09, "correlation_data", _BINARY, *_MESSAGE),
    _property(0x0B, "subscription_identifier", _VARINT, _P.PUBLISH, _P.SUBSCRIBE),
    _property(0x11, "session_expiry_interval", _U32, _P.CONNECT, _P.CONNACK, _P.DISCONNECT),
    _property(0x12, "assigned_client_identifier", _TEXT, _P.CONNACK),
    _property(0x13, "server_keep_alive", _U16, _P.CONNACK),
    _property(0x15, "authentication_method", _TEXT, _P.CONNECT, _P.CONNACK, _P.AUTH),
    _property(0x16, "authentication_data", _BINARY, _P.CONNECT, _P.CONNACK, _P.AUTH),
    _property(0x17, "request_problem_information", _FLAG, _P.CONNECT),
    _property(0x18, "will_delay_interval", _U32, _P.WILL),
    _property(0x19, "request_response_information", _FLAG, _P.CONNECT),
    _property(0x1A, "response_information", _TEXT, _P.CONNACK),
    _property(0x1C, "server_reference", _TEXT, _P.CONNACK, _P.DISCONNECT),
    _property(0x1F, "reason_string", _TEXT, *_REASONED),
    _property(0x21, "receive_maximum", _U16, _P.CONNECT, _P.CONNACK),
    _property(0x22, "topic_alias_maximum", _U16, _P.CONNECT, _P.CONNACK),
    _property(0x23, "topic_alias", _U16, _P.PUBLISH),
    _property(0x24, "maximum_qos", _FLAG, _P.CONNACK),
    _property(0x25, "retain_available", _FLAG, _P.CONNACK),
    _property(0x26, "user_property", _PAIR, *PropertyPlace),
    _property(0x27, "maximum_packet_size", _U32, _P.CONNECT, _P.CONNACK),
    _property(0x28, "wildcard_subscription_available", _FLAG, _P.CONNACK),
    _property(0x29, "subscription_identifier_available", _FLAG, _P.CONNACK),
    _property(0x2A, "shared_subscription_available", _FLAG, _P.CONNACK),
)
_BY_ID: Mapping[int, _Property] = MappingProxyType({entry.id: entry for entry in _TABLE})
_REPEATED = frozenset({"user_property", "subscription_identifier"})
_NEVER_ZERO = frozenset({"receive_maximum", "maximum_packet_size", "subscription_identifier"})


def _read_property(cursor: Cursor, place: PropertyPlace) -> tuple[str, Any]:
    """One property as (field name, value), checked for its place and range."""
    id_ = cursor.varint()
    known = _BY_ID.get(id_)
    if known is None:
        raise malformed(f"there is no property 0x{id_:02X}")
    if place not in known.places:
        raise CodecError(Reason.PROTOCOL_ERROR, f"{known.name} does not belong in {place.name}")
    value = known.kind.read(cursor)
    if known.kind is _FLAG and value > 1:
        raise CodecError(Reason.PROTOCOL_ERROR, f"{known.name} is 0 or 1, not {value}")
    if value == 0 and known.name in _NEVER_ZERO:
        raise CodecError(Reason.PROTOCOL_ERROR, f"{known.name} is never 0")
    if value == 0 and known.name == "topic_alias":
        raise CodecError(Reason.TOPIC_ALIAS_INVALID, "topic_alias is never 0")
    if known.name == "response_topic" and ("+" in value or "#" in value):
        raise CodecError(Reason.PROTOCOL_ERROR, "response_topic holds no wildcards (3.3.2.3.5)")
    return known.name, value


def read_properties(cursor: Cursor, place: PropertyPlace) -> Properties:
    """The properties at `cursor`, with their length before them. Few may be there more than once."""
    size = cursor.varint()
    if size == 0:
        return NONE
    end = cursor.at + size
    if end > cursor.end:
        raise malformed(f"{size} bytes of properties run past the end of their packet")
    inner = Cursor(cursor.raw, cursor.at, end)
    found: dict[str, Any] = {}
    while inner.at < end:
        name, value = _read_property(inner, place)
        if name in _REPEATED and not (name == "subscription_identifier" and place is PropertyPlace.SUBSCRIBE):
            found.setdefault(name, []).append(value)
        elif name in found:
            raise CodecError(Reason.PROTOCOL_ERROR, f"{name} appears twice")
        else:
            found[name] = [value] if name in _REPEATED else value
    cursor.at = end
    for name in _REPEATED & found.keys():
        found[name] = tuple(found[name])
    return Properties(**found)


def write_properties(properties: Properties) -> bytes:
    """Encode the properties that are there, with their length before them."""
    if properties is NONE:
        return b"\0"
    out = bytearray()
    for entry in _TABLE:
        value = getattr(properties, entry.name)
        if value is None:
            continue
        for each in value if entry.name in _REPEATED else (value,):
            out.append(entry.id)
            out += entry.kind.write(each)
    return write_varint(len(out)) + bytes(out)
