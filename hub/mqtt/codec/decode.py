"""One packet's body into its value (MQTT 3.1.1 and 5.0, chapter 3). Raises CodecError and nothing else."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from hub.mqtt.codec.fields import Cursor, PropertyPlace, malformed, read_properties
from hub.mqtt.codec.packets import (
    NONE,
    Acknowledgement,
    Auth,
    CodecError,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Suback,
    Subscribe,
    TopicFilter,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from hub.mqtt.codec.reasons import check

V5 = Version.V5
_Ack = TypeVar("_Ack", bound=Acknowledgement)
_Body = Callable[[Cursor, Version, int], Packet]


def _packet_id(cursor: Cursor) -> int:
    packet_id = cursor.integer(2)
    if packet_id == 0:
        raise CodecError(Reason.PROTOCOL_ERROR, "a packet identifier is never 0 (2.2.1)")
    return packet_id


def _properties(cursor: Cursor, version: Version, place: PropertyPlace) -> Properties:
    return read_properties(cursor, place) if version is V5 else NONE


def _done(cursor: Cursor) -> None:
    if cursor.at != cursor.end:
        raise malformed(f"{cursor.end - cursor.at} bytes are left over at the end of a packet")


def topic_name(topic: str) -> str:
    """The topic itself, where a message may be published to it (4.7.1): no wildcards."""
    if "+" in topic or "#" in topic:
        raise CodecError(Reason.TOPIC_NAME_INVALID, "a topic name holds no wildcards (4.7.1)")
    return topic


def _protocol(cursor: Cursor) -> Version:
    """3.1.2.1 and 3.1.2.2. The CodecError has the level, so that the client is answered in its own form."""
    name = cursor.binary()
    level = cursor.integer(1)
    if name == b"MQIsdp" or (name == b"MQTT" and level not in {4, 5}):
        raise CodecError(
            Reason.UNSUPPORTED_PROTOCOL_VERSION,
            f"MQTT 3.1.1 (4) and 5.0 (5) are spoken here, not level {level}",
            level,
        )
    if name != b"MQTT":
        raise malformed("the protocol name of CONNECT is not MQTT")
    return Version(level)


def _will(cursor: Cursor, version: Version, flags: int) -> Will | None:
    if not flags & 0x04:
        if flags & 0x38:
            raise malformed("CONNECT has will options but no will (3.1.2.6)")
        return None
    if flags & 0x18 == 0x18:
        raise malformed("there is no QoS 3 (3.1.2.6)")
    properties = _properties(cursor, version, PropertyPlace.WILL)
    topic = topic_name(cursor.text())
    if not topic:
        raise malformed("the will has no topic (4.7.3)")
    return Will(topic, cursor.binary(), flags >> 3 & 3, bool(flags & 0x20), properties)


def _connect(cursor: Cursor, _version: Version, _flags: int) -> Connect:
    version = _protocol(cursor)
    flags = cursor.integer(1)
    if flags & 0x01:
        raise malformed("the reserved bit of CONNECT's flags is set (3.1.2.3)")
    if version is Version.V311 and flags & 0xC0 == 0x40:
        raise malformed("CONNECT has a password but no user name (3.1.2.9)")
    keep_alive_s = cursor.integer(2)
    properties = _properties(cursor, version, PropertyPlace.CONNECT)
    if properties.authentication_data is not None and properties.authentication_method is None:
        raise CodecError(Reason.PROTOCOL_ERROR, "authentication data without a method (3.1.2.11.10)")
    client_id = cursor.text()
    will = _will(cursor, version, flags)
    username = cursor.text() if flags & 0x80 else None
    password = cursor.binary() if flags & 0x40 else None
    return Connect(version, client_id, bool(flags & 0x02), keep_alive_s, username, password, will, properties)


def _connack(cursor: Cursor, version: Version, _flags: int) -> Connack:
    present = cursor.integer(1)
    if present > 1:
        raise malformed("the reserved bits of CONNACK's flags are set (3.2.2.1)")
    reason = check(cursor.integer(1), PropertyPlace.CONNACK, version)
    return Connack(bool(present), reason, _properties(cursor, version, PropertyPlace.CONNACK))


def _publish(cursor: Cursor, version: Version, flags: int) -> Publish:
    qos = flags >> 1 & 3
    if qos == 3:
        raise malformed("there is no QoS 3 (3.3.1.2)")
    if flags & 0x08 and not qos:
        raise malformed("DUP is set on QoS 0 (3.3.1.1)")
    topic = topic_name(cursor.text())
    packet_id = _packet_id(cursor) if qos else 0
    properties = _properties(cursor, version, PropertyPlace.PUBLISH)
    if not topic and version is not V5:
        raise malformed("PUBLISH has no topic (4.7.3)")
    if not topic and properties.topic_alias is None:
        raise CodecError(Reason.PROTOCOL_ERROR, "PUBLISH has neither a topic nor a topic alias (3.3.2.1)")
    return Publish(topic, cursor.rest(), qos, packet_id, bool(flags & 0x01), bool(flags & 0x08), properties)


def _acknowledgement(kind: type[_Ack], place: PropertyPlace) -> Callable[[Cursor, Version, int], _Ack]:
    def body(cursor: Cursor, version: Version, _flags: int) -> _Ack:
        packet_id = _packet_id(cursor)
        if version is not V5 or cursor.at == cursor.end:
            return kind(packet_id)
        reason = check(cursor.integer(1), place, version)
        properties = read_properties(cursor, place) if cursor.at < cursor.end else NONE
        return kind(packet_id, reason, properties)

    return body


def _options(raw: int, version: Version) -> tuple[int, bool, bool, int]:
    """The options byte of a subscription: QoS, no local, retain as published, retain handling (3.8.3.1)."""
    if raw & (0xC0 if version is V5 else 0xFC) or raw & 3 == 3:
        raise malformed(f"0x{raw:02X} are no subscription options (3.8.3.1)")
    if raw & 0x30 == 0x30:
        raise CodecError(Reason.PROTOCOL_ERROR, "there is no retain handling 3 (3.8.3.1)")
    return raw & 3, bool(raw & 0x04), bool(raw & 0x08), raw >> 4


def _topic_filter(cursor: Cursor, version: Version) -> str:
    """A filter whose wildcards stand where 4.7.1 lets them: `+` a whole level, `#` the whole last one."""
    topic_filter = cursor.text()
    if not topic_filter:
        raise malformed("a topic filter is empty (4.7.3)")
    levels = topic_filter.split("/")
    wild = [level for level in levels if "+" in level or "#" in level]
    if any(len(level) > 1 for level in wild) or "#" in levels[:-1]:
        raise CodecError(Reason.TOPIC_FILTER_INVALID, "a topic filter has a misplaced wildcard (4.7.1)")
    if version is V5 and topic_filter.startswith("$share/") and not _is_shared(levels):
        raise CodecError(Reason.TOPIC_FILTER_INVALID, "a shared subscription is $share/NAME/FILTER (4.8.2)")
    return topic_filter


def _is_shared(levels: list[str]) -> bool:
    """Whether these are `$share`, a name without wildcards, and a filter."""
    return len(levels) > 2 and levels[1] not in {"", "+", "#"} and levels[2:] != [""]


def _subscribe(cursor: Cursor, version: Version, _flags: int) -> Subscribe:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, version, PropertyPlace.SUBSCRIBE)
    subscriptions = []
    while cursor.at < cursor.end:
        topic_filter = _topic_filter(cursor, version)
        subscription = TopicFilter(topic_filter, *_options(cursor.integer(1), version))
        if subscription.no_local and topic_filter.startswith("$share/"):
            raise CodecError(Reason.PROTOCOL_ERROR, "a shared subscription cannot be no-local (3.8.3.1)")
        subscriptions.append(subscription)
    if not subscriptions:
        raise CodecError(Reason.PROTOCOL_ERROR, "SUBSCRIBE names no topic filter (3.8.3)")
    return Subscribe(packet_id, tuple(subscriptions), properties)


def _unsubscribe(cursor: Cursor, version: Version, _flags: int) -> Unsubscribe:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, version, PropertyPlace.UNSUBSCRIBE)
    filters = []
    while cursor.at < cursor.end:
        filters.append(_topic_filter(cursor, version))
    if not filters:
        raise CodecError(Reason.PROTOCOL_ERROR, "UNSUBSCRIBE names no topic filter (3.10.3)")
    return Unsubscribe(packet_id, tuple(filters), properties)


def _reasons(cursor: Cursor, version: Version, place: PropertyPlace) -> tuple[int, ...]:
    found = tuple(check(reason, place, version) for reason in cursor.rest())
    if not found:
        raise CodecError(Reason.PROTOCOL_ERROR, f"{place.name} has no reason code (3.9.3, 3.11.3)")
    return found


def _suback(cursor: Cursor, version: Version, _flags: int) -> Suback:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, version, PropertyPlace.SUBACK)
    return Suback(packet_id, _reasons(cursor, version, PropertyPlace.SUBACK), properties)


def _unsuback(cursor: Cursor, version: Version, _flags: int) -> Unsuback:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, version, PropertyPlace.UNSUBACK)
    return Unsuback(
        packet_id, _reasons(cursor, version, PropertyPlace.UNSUBACK) if version is V5 else (), properties
    )


def _pingreq(_cursor: Cursor, _version: Version, _flags: int) -> Pingreq:
    return Pingreq()


def _pingresp(_cursor: Cursor, _version: Version, _flags: int) -> Pingresp:
    return Pingresp()


def _reasoned(cursor: Cursor, version: Version, place: PropertyPlace) -> tuple[int, Properties]:
    if version is not V5 or cursor.at == cursor.end:
        return 0, NONE
    reason = check(cursor.integer(1), place, version)
    return reason, read_properties(cursor, place) if cursor.at < cursor.end else NONE


def _disconnect(cursor: Cursor, version: Version, _flags: int) -> Disconnect:
    return Disconnect(*_reasoned(cursor, version, PropertyPlace.DISCONNECT))


def _auth(cursor: Cursor, version: Version, _flags: int) -> Auth:
    if version is not V5:
        raise malformed("AUTH is of MQTT 5 (3.15)")
    return Auth(*_reasoned(cursor, version, PropertyPlace.AUTH))


_BODIES: Mapping[int, _Body] = MappingProxyType(
    {
        1: _connect,
        2: _connack,
        3: _publish,
        4: _acknowledgement(Puback, PropertyPlace.PUBACK),
        5: _acknowledgement(Pubrec, PropertyPlace.PUBREC),
        6: _acknowledgement(Pubrel, PropertyPlace.PUBREL),
        7: _acknowledgement(Pubcomp, PropertyPlace.PUBCOMP),
        8: _subscribe,
        9: _suback,
        10: _unsubscribe,
        11: _unsuback,
        12: _pingreq,
        13: _pingresp,
        14: _disconnect,
        15: _auth,
    }
)


def decode(first: int, raw: bytes, at: int, end: int, version: Version) -> Packet:
    """The packet whose fixed header begins with the byte `first` and whose body is `raw[at:end]`.

    Raises CodecError. For CONNECT `version` is not looked at.
    """
    cursor = Cursor(raw, at, end)
    packet = _BODIES[first >> 4](cursor, version, first & 0x0F)
    _done(cursor)
    return packet
