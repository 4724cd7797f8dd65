"""A packet's value into bytes (MQTT 3.1.1 and 5.0, chapter 3). What 3.1.1 cannot say is left out."""

from hub.mqtt.codec.fields import PropertyPlace, write_binary, write_properties, write_text, write_varint
from hub.mqtt.codec.packets import (
    NONE,
    Acknowledgement,
    Auth,
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
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
)

V5 = Version.V5


def _properties(properties: Properties, version: Version) -> bytes:
    return write_properties(properties) if version is V5 else b""


def _connect(packet: Connect) -> bytes:
    will = packet.will
    flags = packet.clean_start << 1
    fields = [write_text(packet.client_id)]
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        fields.append(
            _properties(will.properties, packet.version) + write_text(will.topic) + write_binary(will.payload)
        )
    if packet.username is not None:
        flags |= 0x80
        fields.append(write_text(packet.username))
    if packet.password is not None:
        flags |= 0x40
        fields.append(write_binary(packet.password))
    head = write_text("MQTT") + bytes((packet.version, flags)) + packet.keep_alive_s.to_bytes(2)
    return head + _properties(packet.properties, packet.version) + b"".join(fields)


def _publish(packet: Publish, version: Version) -> bytes:
    packet_id = packet.packet_id.to_bytes(2) if packet.qos else b""
    return write_text(packet.topic) + packet_id + _properties(packet.properties, version) + packet.payload


def _reasoned(reason: int, properties: Properties, version: Version) -> bytes:
    """A reason and its properties, left out as far as they say nothing (3.4.2.1, 3.14.2.1, 3.15.2.1)."""
    if version is not V5 or (reason == 0 and properties is NONE):
        return b""
    if properties is NONE:
        return bytes((reason,))
    return bytes((reason,)) + write_properties(properties)


def _subscribe(packet: Subscribe, version: Version) -> bytes:
    out = bytearray(packet.packet_id.to_bytes(2) + _properties(packet.properties, version))
    for each in packet.subscriptions:
        out += write_text(each.topic_filter)
        options = each.qos
        if version is V5:
            options |= each.no_local << 2 | each.retain_as_published << 3 | each.retain_handling << 4
        out.append(options)
    return bytes(out)


def _body(packet: Packet, version: Version) -> tuple[int, bytes]:
    """The first byte of the fixed header, and all that follows its length."""
    match packet:
        case Publish():
            flags = packet.dup << 3 | packet.qos << 1 | packet.retain
            return PropertyPlace.PUBLISH.value << 4 | flags, _publish(packet, version)
        case Puback() | Pubrec() | Pubrel() | Pubcomp():
            return _acknowledgement(packet, version)
        case Connect():
            return 0x10, _connect(packet)
        case Connack():
            head = bytes((packet.session_present, packet.reason))
            return 0x20, head + _properties(packet.properties, version)
        case Subscribe():
            return 0x82, _subscribe(packet, version)
        case Suback():
            head = packet.packet_id.to_bytes(2) + _properties(packet.properties, version)
            return 0x90, head + bytes(packet.reasons)
        case Unsubscribe():
            head = packet.packet_id.to_bytes(2) + _properties(packet.properties, version)
            return 0xA2, head + b"".join(map(write_text, packet.topic_filters))
        case Unsuback():
            head = packet.packet_id.to_bytes(2) + _properties(packet.properties, version)
            return 0xB0, head + (bytes(packet.reasons) if version is V5 else b"")
        case Pingreq():
            return 0xC0, b""
        case Pingresp():
            return 0xD0, b""
        case Disconnect():
            return 0xE0, _reasoned(packet.reason, packet.properties, version)
        case Auth():
            return 0xF0, _reasoned(packet.reason, packet.properties, version)


_FIRST = ((Puback, 0x40), (Pubrec, 0x50), (Pubrel, 0x62), (Pubcomp, 0x70))


def _acknowledgement(packet: Acknowledgement, version: Version) -> tuple[int, bytes]:
    first = next(byte for kind, byte in _FIRST if isinstance(packet, kind))
    return first, packet.packet_id.to_bytes(2) + _reasoned(packet.reason, packet.properties, version)


def encode(packet: Packet, version: Version) -> bytes:
    """The packet on the wire.

    Raises ValueError or OverflowError where a field is past what the standard can carry.
    """
    first, body = _body(packet, version)
    return bytes((first,)) + write_varint(len(body)) + body
