"""What a client must not send, packet by packet: refused, with the clause of the standard beside each case.

Clauses are those of MQTT 5.0; the older standard numbers the same rules otherwise. A case for 3.1.1 says so.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import pytest

from hub.mqtt.codec.decoder import Decoder, Side
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.fields import PropertyPlace, write_binary, write_text, write_varint
from hub.mqtt.codec.packets import CodecError, Connect, Reason, Version

V311, V5 = Version.V311, Version.V5
MALFORMED, PROTOCOL = Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR


class Case(NamedTuple):
    clause: str
    what: str
    raw: bytes
    reason: Reason
    versions: tuple[Version, ...] = (V5,)

    def __str__(self) -> str:
        return f"{self.clause} {self.what}"


BOTH = (V311, V5)


def packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + write_varint(len(body)) + body


def connect(
    *,
    name: bytes = b"MQTT",
    level: int = 5,
    flags: int = 0x02,
    properties: bytes = b"\0",
    payload: bytes = b"\0\1c",
) -> bytes:
    head = write_binary(name) + bytes((level, flags)) + b"\0\0"
    return packet(0x10, head + (properties if level == 5 else b"") + payload)


def refusal(raw: bytes, version: Version | None) -> Reason | None:
    """Why a decoder refuses `raw`: past a CONNECT of that version, or without one as the first packet."""
    decoder = Decoder(Side.CLIENT, 4096)
    try:
        if version is not None:
            decoder.feed(encode(Connect(version, "c"), version))
            assert isinstance(decoder.packet(), Connect)
        decoder.feed(raw)
        while decoder.packet() is not None:
            pass
    except CodecError as error:
        return error.reason if str(error) else None
    return None


def check(case: Case, *, first: bool = False) -> None:
    for version in case.versions:
        found = refusal(case.raw, None if first else version)
        assert found is case.reason, f"{case} by {version.name}: {found!r}"


# CONNECT

TEXT = write_text("x")
BAD_UTF8 = (b"\0\1\xff", b"\0\3\xed\xa0\x80", b"\0\2\xc0\xaf", b"\0\4\xf4\x90\x80\x80", b"\0\2\xe2\x82")

CONNECTS = [
    Case("3.1.0-1", "another packet first: PINGREQ", b"\xc0\0", PROTOCOL),
    Case("3.1.0-1", "another packet first: PUBLISH", b"\x30\5\0\1t\0x", PROTOCOL),
    Case("3.1.0-1", "another packet first: DISCONNECT", b"\xe0\0", PROTOCOL),
    Case("3.1.0-1", "another packet first: AUTH", b"\xf0\0", PROTOCOL),
    Case("3.1.1", "flags in the fixed header", b"\x11\0", PROTOCOL),
    Case("3.1.2-1", "another protocol", connect(name=b"HTTP"), MALFORMED),
    Case("3.1.2-1", "a protocol name that is not UTF-8", connect(name=b"MQT\xff"), MALFORMED),
    Case("3.1.2-1", "no protocol name", connect(name=b""), MALFORMED),
    Case("3.1.2-1", "the name in lower case", connect(name=b"mqtt"), MALFORMED),
    Case("3.1.2-2", "level 3", connect(level=3), Reason.UNSUPPORTED_PROTOCOL_VERSION),
    Case("3.1.2-2", "level 6", connect(level=6), Reason.UNSUPPORTED_PROTOCOL_VERSION),
    Case("3.1.2-2", "level 0", connect(level=0), Reason.UNSUPPORTED_PROTOCOL_VERSION),
    Case("3.1.2-2", "level 0x84, a bridge's", connect(level=0x84), Reason.UNSUPPORTED_PROTOCOL_VERSION),
    *(
        Case("3.1.2-3", f"the reserved flag, level {level}", connect(level=level, flags=3), MALFORMED)
        for level in (4, 5)
    ),
    *(
        Case(clause, f"{what}, level {level}", connect(level=level, flags=2 | flags), MALFORMED)
        for level in (4, 5)
        for clause, what, flags in (
            ("3.1.2-11", "QoS 1 of no will", 0x08),
            ("3.1.2-11", "QoS 2 of no will", 0x10),
            ("3.1.2-13", "retain of no will", 0x20),
        )
    ),
    *(
        Case(
            "3.1.2-12",
            f"a will of QoS 3, level {level}",
            connect(level=level, flags=0x1E, payload=TEXT + (b"\0" if level == 5 else b"") + TEXT + TEXT),
            MALFORMED,
        )
        for level in (4, 5)
    ),
    Case("3.1.1: 3.1.2-22", "a password, no user name",
         connect(level=4, flags=0x42, payload=TEXT * 2), MALFORMED),
    Case("3.1.2-16", "a user name its flag denies", connect(payload=TEXT * 2), MALFORMED),
    Case("3.1.2-17", "no user name where its flag is set", connect(flags=0x82), MALFORMED),
    Case("3.1.2-19", "no password where its flag is set", connect(flags=0xC2, payload=TEXT * 2), MALFORMED),
    Case("3.1.3-3", "no client id", connect(payload=b""), MALFORMED),
    Case("3.1.3-3", "a client id cut off", connect(payload=b"\0\5c"), MALFORMED),
    Case("3.1.3", "bytes left over", connect(payload=b"\0\1cx"), MALFORMED),
    *(Case("3.1.3-4", f"a client id {bad!r}", connect(payload=bad), MALFORMED) for bad in BAD_UTF8),
    Case("1.5.4-2", "a client id with U+0000", connect(payload=b"\0\1\0"), MALFORMED),
    Case("3.1.3-11", "a will's topic that is no UTF-8",
         connect(flags=6, payload=TEXT + b"\0\0\1\xff" + TEXT), MALFORMED),
    Case("4.7.3-1", "a will without a topic", connect(flags=6, payload=TEXT + b"\0\0\0" + TEXT), MALFORMED),
    Case(
        "3.3.2-2", "a will's topic with a wildcard", connect(flags=6, payload=TEXT + b"\0\0\1#" + TEXT),
        Reason.TOPIC_NAME_INVALID,
    ),
    Case(
        "3.3.2-14", "a will's response topic with a wildcard",
        connect(flags=6, payload=TEXT + b"\5\x08\0\2a+" + TEXT * 2), PROTOCOL,
    ),
    Case("3.1.3-12", "a user name that is no UTF-8",
         connect(flags=0x82, payload=TEXT + b"\0\1\xff"), MALFORMED),
    Case("3.1.2.11.3", "a receive maximum of 0", connect(properties=b"\3\x21\0\0"), PROTOCOL),
    Case("3.1.2.11.4", "a maximum packet size of 0", connect(properties=b"\5\x27\0\0\0\0"), PROTOCOL),
    Case("3.1.2.11.6", "request response information 2", connect(properties=b"\2\x19\2"), PROTOCOL),
    Case("3.1.2.11.7", "request problem information 2", connect(properties=b"\2\x17\2"), PROTOCOL),
    Case("3.1.2.11.10", "authentication data, no method", connect(properties=b"\4\x16\0\1x"), PROTOCOL),
    Case("2.2.2", "properties that run past the packet", connect(properties=b"\x40"), MALFORMED),
    Case("2.2.2", "properties cut off within one", connect(properties=b"\2\x21\0"), MALFORMED),
    Case("2.2.2.2", "a property that does not exist", connect(properties=b"\2\x7e\1"), MALFORMED),
]  # fmt: skip


@pytest.mark.parametrize("case", CONNECTS, ids=str)
def test_a_first_packet_that_breaks_the_standard(case: Case) -> None:
    check(case, first=True)


# The fixed header

_FLAGS = {1: 0, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2, 10: 2, 12: 0, 14: 0, 15: 0}  # 2.1.3; PUBLISH uses its own
_OF_SERVERS = (2, 9, 11, 13)


def _headers() -> Iterator[Case]:
    for kind, flags in product(range(16), range(16)):
        first = kind << 4 | flags
        body = b"\0\1\0" if kind not in (12, 14) else b""
        if kind == 0 or kind in _OF_SERVERS:
            yield Case("2.1.2", f"0x{first:02X}, which no client sends", packet(first, body), MALFORMED, BOTH)
        elif kind in _FLAGS and flags != _FLAGS[kind] and kind != 1:
            yield Case("2.1.3-1", f"0x{first:02X}, reserved flags", packet(first, body), MALFORMED, BOTH)
    yield Case("3.1.0-2", "a second CONNECT", connect(), PROTOCOL, BOTH)
    for first, body in ((0xC0, b"x"), (0xE0, b"\0\0x")):
        yield Case("2.1.4", f"0x{first:02X} with bytes left over", packet(first, body), MALFORMED)
    yield Case("3.1.1: 3.14", "DISCONNECT with a body", packet(0xE0, b"\0"), MALFORMED, (V311,))
    yield Case("3.1.1: 2.2.1", "AUTH", packet(0xF0, b""), MALFORMED, (V311,))


_WHOLE = {  # the shortest body of each packet, as MQTT 5 has it
    0x30: b"\0\1t\0",
    0x40: b"\0\1",
    0x50: b"\0\1",
    0x62: b"\0\1",
    0x70: b"\0\1",
    0x82: b"\0\1\0\0\1t\0",
    0xA2: b"\0\1\0\0\1t",
    0xC0: b"",
    0xE0: b"",
}


def _lengths() -> Iterator[Case]:
    for first, body in _WHOLE.items():
        for size in range(2, 5):
            length = bytes((len(body) | 0x80, *[0x80] * (size - 2), 0))
            yield Case(
                "1.5.5-1",
                f"0x{first:02X}, length in {size} bytes",
                bytes((first,)) + length + body,
                MALFORMED,
                BOTH,
            )
        yield Case(
            "2.1.4",
            f"0x{first:02X}, length in 5 bytes",
            bytes((first,)) + b"\xff" * 4 + b"\1",
            MALFORMED,
            BOTH,
        )
        for cut in range(1, len(body)):
            if first == 0x30 and cut == 3:
                continue  # a PUBLISH to `t` by 3.1.1, and cut off by 5
            what = f"0x{first:02X}, its body ends after {cut} of {len(body)} bytes"
            reason = PROTOCOL if first in (0x82, 0xA2) and cut == 3 else MALFORMED
            yield Case("2.1.4", what, packet(first, body[:cut]), reason)
        if first in (0x40, 0x50, 0x62, 0x70):
            yield Case(
                "3.4.2", f"0x{first:02X}, a reason in 3.1.1", packet(first, body + b"\0"), MALFORMED, (V311,)
            )
            yield Case("3.4.2", f"0x{first:02X}, bytes left over", packet(first, body + b"\0\0x"), MALFORMED)
            yield Case("2.2.1", f"0x{first:02X}, packet id 0", packet(first, b"\0\0"), PROTOCOL, BOTH)
    yield Case("3.2.2.3.6", "a packet over the maximum", b"\x30\xff\x7f", Reason.PACKET_TOO_LARGE, BOTH)


@pytest.mark.parametrize("case", [*_headers(), *_lengths()], ids=str)
def test_a_header_or_a_length_that_breaks_the_standard(case: Case) -> None:
    check(case)


# Bodies

BODIES = [
    Case("3.3.1-4", "QoS 3", packet(0x36, b"\0\1t\0\1\0x"), MALFORMED, BOTH),
    Case("3.3.1-2", "DUP with QoS 0", packet(0x38, b"\0\1t\0x"), MALFORMED, BOTH),
    Case("2.2.1-3", "packet id 0 with QoS 1", packet(0x32, b"\0\1t\0\0\0x"), PROTOCOL, BOTH),
    Case("2.2.1-3", "packet id 0 with QoS 2", packet(0x34, b"\0\1t\0\0\0x"), PROTOCOL, BOTH),
    *(
        Case("3.3.2-2", f"the topic {topic!r}",
             packet(0x30, write_text(topic) + b"\0x"), Reason.TOPIC_NAME_INVALID, BOTH)
        for topic in ("#", "+", "a/#", "a/+/b", "a#", "+b")
    ),
    *(Case("3.3.2-1", f"the topic {bad!r}", packet(0x30, bad + b"\0x"), MALFORMED, BOTH) for bad in BAD_UTF8),
    Case("4.7.3-2", "a topic with U+0000", packet(0x30, b"\0\3a\0b\0x"), MALFORMED, BOTH),
    Case("4.7.3-1", "no topic", packet(0x30, b"\0\0x"), MALFORMED, (V311,)),
    Case("3.3.2-8", "neither topic nor alias", packet(0x30, b"\0\0\0x"), PROTOCOL),
    Case("3.3.2-8", "topic alias 0", packet(0x30, b"\0\1t\3\x23\0\0"), Reason.TOPIC_ALIAS_INVALID),
    Case("3.3.4-6", "a subscription identifier", packet(0x30, b"\0\1t\2\x0b\1x"), PROTOCOL),
    Case("3.3.4-6", "two subscription identifiers", packet(0x30, b"\0\1t\4\x0b\1\x0b\2x"), PROTOCOL),
    *(
        Case("3.3.2-14", f"the response topic {topic!r}",
             packet(0x30, b"\0\1t" + write_varint(3 + len(topic)) + b"\x08" + write_text(topic)), PROTOCOL)
        for topic in ("#", "+", "a/#", "a/+/b", "a#")
    ),
    Case("3.3.2-13", "a response topic that is no UTF-8", packet(0x30, b"\0\1t\4\x08\0\1\xff"), MALFORMED),
    Case("3.3.2-19", "a content type that is no UTF-8", packet(0x30, b"\0\1t\4\x03\0\1\xff"), MALFORMED),
    Case("3.3.2.3.2", "payload format 2", packet(0x30, b"\0\1t\2\x01\2"), PROTOCOL),
    Case("1.5.7-1", "a user property that is no UTF-8", packet(0x30, b"\0\1t\7\x26\0\1\xff\0\1x"), MALFORMED),
    Case("1.5.7-1", "half a user property", packet(0x30, b"\0\1t\4\x26\0\1a"), MALFORMED),
    Case("3.8.3-2", "SUBSCRIBE without a filter", packet(0x82, b"\0\1\0"), PROTOCOL),
    Case("3.1.1: 3.8.3-3", "SUBSCRIBE without a filter", packet(0x82, b"\0\1"), PROTOCOL, (V311,)),
    Case("2.2.1-3", "SUBSCRIBE with packet id 0", packet(0x82, b"\0\0\0\0\1t\0"), PROTOCOL),
    Case("3.8.3-1", "a filter that is no UTF-8", packet(0x82, b"\0\1\0\0\1\xff\0"), MALFORMED),
    Case("4.7.3-1", "an empty filter", packet(0x82, b"\0\1\0\0\0\0"), MALFORMED),
    Case("3.8.3", "a filter without options", packet(0x82, b"\0\1\0\0\1t"), MALFORMED),
    *(
        Case("4.7.1-1", f"the filter {wrong!r}",
             packet(0x82, b"\0\1\0" + write_text(wrong) + b"\0"), Reason.TOPIC_FILTER_INVALID)
        for wrong in ("a#", "a/#/b", "#/a", "a/b#", "a+", "+a", "a/+b/c", "a/b+/c", "##", "++")
    ),
    *(
        Case("3.8.3-5", f"options 0x{options:02X}",
             packet(0x82, b"\0\1\0\0\1t" + bytes((options,))), MALFORMED)
        for options in (0x03, 0x40, 0x80, 0xC0, 0xFF)
    ),
    *(
        Case("3.1.1: 3.8.3-4", f"options 0x{options:02X}",
             packet(0x82, b"\0\1\0\1t" + bytes((options,))), MALFORMED, (V311,))
        for options in (0x03, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80)
    ),
    Case("3.8.3.1", "retain handling 3", packet(0x82, b"\0\1\0\0\1t\x30"), PROTOCOL),
    Case("3.8.3-4", "no local on a shared subscription",
         packet(0x82, b"\0\1\0" + write_text("$share/g/t") + b"\4"), PROTOCOL),
    *(
        Case("4.8.2-1", f"the filter {wrong!r}",
             packet(0x82, b"\0\1\0" + write_text(wrong) + b"\0"), Reason.TOPIC_FILTER_INVALID)
        for wrong in ("$share/", "$share/g", "$share/g/", "$share//t", "$share/+/t", "$share/#")
    ),
    Case("3.8.2.1.2", "subscription identifier 0", packet(0x82, b"\0\1\2\x0b\0\0\1t\0"), PROTOCOL),
    Case("3.8.2.1.2", "two subscription identifiers", packet(0x82, b"\0\1\4\x0b\1\x0b\2\0\1t\0"), PROTOCOL),
    Case("3.8.2.1.2", "an identifier in too many bytes", packet(0x82, b"\0\1\3\x0b\x81\0\0\1t\0"), MALFORMED),
    Case("3.10.3-2", "UNSUBSCRIBE without a filter", packet(0xA2, b"\0\1\0"), PROTOCOL),
    Case("2.2.1-3", "UNSUBSCRIBE with packet id 0", packet(0xA2, b"\0\0\0\0\1t"), PROTOCOL),
    Case("3.10.3-1", "a filter that is no UTF-8", packet(0xA2, b"\0\1\0\0\1\xff"), MALFORMED),
    Case("4.7.1-1", "a filter with a misplaced wildcard",
         packet(0xA2, b"\0\1\0\0\2a#"), Reason.TOPIC_FILTER_INVALID),
]  # fmt: skip


@pytest.mark.parametrize("case", BODIES, ids=str)
def test_a_body_that_breaks_the_standard(case: Case) -> None:
    check(case)


# Properties: each where it does not belong, and each twice

_VALUES = {
    0x01: b"\1", 0x02: b"\0\0\0\1", 0x03: TEXT, 0x08: TEXT,
    0x09: TEXT, 0x0B: b"\1", 0x11: b"\0\0\0\1", 0x12: TEXT,
    0x13: b"\0\1", 0x15: TEXT, 0x16: TEXT, 0x17: b"\1",
    0x18: b"\0\0\0\1", 0x19: b"\1", 0x1A: TEXT, 0x1C: TEXT,
    0x1F: TEXT, 0x21: b"\0\1", 0x22: b"\0\1", 0x23: b"\0\1", 0x24: b"\1", 0x25: b"\1", 0x26: TEXT * 2,
    0x27: b"\0\0\0\1", 0x28: b"\1", 0x29: b"\1", 0x2A: b"\1",
}  # fmt: skip
_BELONG = {  # 2.2.2.2, the table of properties: those that a client may send
    PropertyPlace.CONNECT: {0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27},
    PropertyPlace.WILL: {0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26},
    PropertyPlace.PUBLISH: {0x01, 0x02, 0x03, 0x08, 0x09, 0x23, 0x26},
    PropertyPlace.PUBACK: {0x1F, 0x26},
    PropertyPlace.PUBREC: {0x1F, 0x26},
    PropertyPlace.PUBREL: {0x1F, 0x26},
    PropertyPlace.PUBCOMP: {0x1F, 0x26},
    PropertyPlace.SUBSCRIBE: {0x0B, 0x26},
    PropertyPlace.UNSUBSCRIBE: {0x26},
    PropertyPlace.DISCONNECT: {0x11, 0x1C, 0x1F, 0x26},
    PropertyPlace.AUTH: {0x15, 0x16, 0x1F, 0x26},
}


def carrying(place: PropertyPlace, properties: bytes) -> bytes:
    """A packet that is right, with these properties in it."""
    written = write_varint(len(properties)) + properties
    match place:
        case PropertyPlace.CONNECT:
            return connect(properties=written)
        case PropertyPlace.WILL:
            return connect(flags=6, payload=TEXT + written + TEXT * 2)
        case PropertyPlace.PUBLISH:
            return packet(0x30, TEXT + written)
        case PropertyPlace.SUBSCRIBE:
            return packet(0x82, b"\0\1" + written + TEXT + b"\0")
        case PropertyPlace.UNSUBSCRIBE:
            return packet(0xA2, b"\0\1" + written + TEXT)
        case PropertyPlace.DISCONNECT:
            return packet(0xE0, b"\0" + written)
        case PropertyPlace.AUTH:
            return packet(0xF0, b"\x18" + written)
        case _:
            return packet(place.value << 4 | (2 if place is PropertyPlace.PUBREL else 0), b"\0\1\0" + written)


@pytest.mark.parametrize("place", list(_BELONG), ids=lambda place: place.name)
def test_a_property_where_it_does_not_belong_or_twice_or_cut_off(place: PropertyPlace) -> None:
    version = None if place in (PropertyPlace.CONNECT, PropertyPlace.WILL) else V5
    companion = b"\x15" + TEXT if place is PropertyPlace.CONNECT else b""
    for number, value in _VALUES.items():
        alone = bytes((number,)) + value
        if number not in _BELONG[place]:
            assert refusal(carrying(place, alone), version) is PROTOCOL, (
                f"2.2.2.2: 0x{number:02X} in {place.name}"
            )
            continue
        needed = companion if number == 0x16 else b""
        assert refusal(carrying(place, needed + alone), version) is None, f"0x{number:02X} in {place.name}"
        twice = refusal(carrying(place, needed + alone * 2), version)
        assert twice is (None if number == 0x26 else PROTOCOL), (
            f"2.2.2.2: 0x{number:02X} twice in {place.name}"
        )
        cut = refusal(carrying(place, alone[:-1]), version)
        assert cut is MALFORMED, f"2.2.2.2: 0x{number:02X} cut off in {place.name}"


# Reason codes

_REASONS = {  # what a client may say: 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.14.2.1, 3.15.2.1
    0x40: {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    0x50: {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    0x62: {0x00, 0x92},
    0x70: {0x00, 0x92},
    0xE0: {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99},
    0xF0: {0x18, 0x19},
}


@pytest.mark.parametrize("first", list(_REASONS), ids=lambda first: f"0x{first:02X}")
def test_a_reason_code_that_a_client_does_not_send_with_this_packet(first: int) -> None:
    """3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1, 3.14.2-1, 3.15.2-1."""
    start = b"" if first in (0xE0, 0xF0) else b"\0\1"
    for reason in range(256):
        for rest in (b"", b"\0"):
            found = refusal(packet(first, start + bytes((reason,)) + rest), V5)
            assert found is (None if reason in _REASONS[first] else PROTOCOL), (
                f"0x{first:02X}, 0x{reason:02X}"
            )
