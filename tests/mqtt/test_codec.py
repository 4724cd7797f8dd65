"""The codec alone: what is written is read back, and nothing that is sent breaks it."""

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.mqtt.codec.decoder import CONNECT_MAX, Decoder, Side, topic_header
from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import CodecError, Connect, Packet, Properties, Publish, Reason, Version
from tests.mqtt.strategies import client_streams, from_client, server_streams, versions

MAX = 4096
TOPIC = "v1/devices/me/telemetry"

Heard = tuple[list[Packet], Reason | None]

patiently = settings(deadline=None)  # how long one example takes says nothing here


def listen(decoder: Decoder, chunks: Iterable[bytes]) -> Heard:
    """What a decoder makes of the chunks: the packets, and the reason it stopped if it did."""
    heard: list[Packet] = []
    try:
        for chunk in chunks:
            decoder.feed(chunk)
            while (packet := decoder.packet()) is not None:
                heard.append(packet)
            assert decoder.held <= max(MAX, CONNECT_MAX)
    except CodecError as error:
        return heard, error.reason
    return heard, None


def from_client_(stream: bytes, chunks: Iterable[bytes] | None = None) -> Heard:
    return listen(Decoder(Side.CLIENT, MAX), [stream] if chunks is None else chunks)


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def pieces(stream: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    cuts = sorted({0, len(stream), *(rng.randrange(len(stream) + 1) for _ in range(5))})
    return [stream[start:end] for start, end in pairwise(cuts)]


def opened(version: Version) -> Decoder:
    """A decoder past CONNECT."""
    decoder = Decoder(Side.CLIENT, MAX)
    decoder.feed(encode(Connect(version, "c"), version))
    assert isinstance(decoder.packet(), Connect)
    return decoder


def refusal(version: Version, raw: bytes) -> Reason | None:
    return listen(opened(version), [raw])[1]


@patiently
@given(st.data(), versions)
def test_what_a_client_says_is_read_back_as_it_was(data: st.DataObject, version: Version) -> None:
    packets = data.draw(client_streams(version))
    stream = b"".join(encode(packet, version) for packet in packets)
    assert from_client_(stream) == (packets, None)


@patiently
@given(st.data(), versions)
def test_what_a_server_says_is_read_back_as_it_was(data: st.DataObject, version: Version) -> None:
    packets = data.draw(server_streams(version))
    stream = b"".join(encode(packet, version) for packet in packets)
    assert listen(Decoder(Side.SERVER, MAX, version), [stream]) == (packets, None)


@patiently
@given(st.data(), versions, st.integers())
def test_the_cuts_of_the_network_change_nothing(data: st.DataObject, version: Version, seed: int) -> None:
    stream = b"".join(encode(packet, version) for packet in data.draw(client_streams(version)))
    whole = from_client_(stream)
    assert from_client_(stream, bytewise(stream)) == whole
    assert from_client_(stream, pieces(stream, seed)) == whole


@patiently
@given(st.data(), versions)
def test_a_truncated_stream_gives_the_packets_that_were_whole(data: st.DataObject, version: Version) -> None:
    packets = data.draw(client_streams(version))
    encoded = [encode(packet, version) for packet in packets]
    stream = b"".join(encoded)
    cut = data.draw(st.integers(0, len(stream)))
    heard, reason = from_client_(stream[:cut])
    whole, length = 0, 0
    while whole < len(encoded) and length + len(encoded[whole]) <= cut:
        length += len(encoded[whole])
        whole += 1
    assert (heard, reason) == (packets[:whole], None)


@patiently
@given(st.data(), versions, st.integers())
def test_a_mutated_stream_raises_nothing_but_the_codecs_error(
    data: st.DataObject, version: Version, seed: int
) -> None:
    stream = bytearray(b"".join(encode(packet, version) for packet in data.draw(client_streams(version))))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    whole = from_client_(bytes(stream))
    assert from_client_(bytes(stream), bytewise(bytes(stream))) == whole
    assert from_client_(bytes(stream), pieces(bytes(stream), seed)) == whole


@patiently
@given(st.binary(max_size=400), st.sampled_from([None, *Version]))
@example(b"\x32\x7f", Version.V5)
@example(b"\x32\xff\x7f", Version.V5)
@example(b"\x32\x80\x00\x00", Version.V311)
def test_random_bytes_raise_nothing_but_the_codecs_error(stream: bytes, opening: Version | None) -> None:
    def decoder() -> Decoder:
        return Decoder(Side.CLIENT, MAX) if opening is None else opened(opening)

    assert listen(decoder(), bytewise(stream)) == listen(decoder(), [stream])


@patiently
@given(st.data(), versions, st.integers())
def test_reading_in_runs_gives_the_same_messages_as_one_by_one(
    data: st.DataObject, version: Version, seed: int
) -> None:
    sure = st.builds(Publish, st.just(TOPIC), st.binary(max_size=300), st.just(1), st.integers(1, 65_535))
    plain = sure | st.builds(Publish, st.just(TOPIC), st.binary(max_size=300))
    packets = data.draw(st.lists(plain | from_client(version), max_size=12))
    stream = bytearray(b"".join(encode(packet, version) for packet in packets))
    if stream and data.draw(st.booleans()):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    expected = listen(opened(version), [bytes(stream)])
    decoder, heard, reason, header = opened(version), list[Packet](), None, topic_header(TOPIC)
    try:
        for chunk in pieces(bytes(stream), seed):
            decoder.feed(chunk)
            while True:
                ids, payloads = decoder.publish_run(header)
                numbers = [int.from_bytes(packet_id) for packet_id in ids] or [0] * len(payloads)
                heard += [
                    Publish(TOPIC, payload, min(number, 1), number)
                    for number, payload in zip(numbers, payloads, strict=True)
                ]
                packet = decoder.packet()
                if packet is None:
                    break
                heard.append(packet)
    except CodecError as error:
        reason = error.reason
    assert (heard, reason) == expected


def test_runs_take_every_plain_publish_of_the_topic() -> None:
    for version in Version:
        decoder = opened(version)
        sent = [Publish(TOPIC, b"x" * size, 1, size + 1) for size in (0, 1, 100, 101, 102, 127, 200, 3000)]
        decoder.feed(b"".join(encode(packet, version) for packet in sent))
        ids, payloads = decoder.publish_run(topic_header(TOPIC))
        assert [int.from_bytes(packet_id) for packet_id in ids] == [packet.packet_id for packet in sent]
        assert payloads == [packet.payload for packet in sent]
        quiet = [Publish(TOPIC, packet.payload) for packet in sent]
        decoder.feed(b"".join(encode(packet, version) for packet in [*quiet, sent[0]]))
        assert decoder.publish_run(topic_header(TOPIC)) == ([], payloads)
        assert decoder.publish_run(topic_header(TOPIC)) == (ids[:1], payloads[:1])


def test_an_oversized_packet_is_refused_by_its_header_alone() -> None:
    decoder = opened(Version.V5)
    assert listen(decoder, [b"\x32\xff\xff\xff\x7f"]) == ([], Reason.PACKET_TOO_LARGE)
    assert decoder.held == 0


def test_an_oversized_connect_is_refused_whatever_packets_may_measure() -> None:
    decoder = Decoder(Side.CLIENT, 268_435_455)
    assert listen(decoder, [b"\x10\x80\x80\x04"]) == ([], Reason.PACKET_TOO_LARGE)


def test_a_packet_of_the_allowed_size_is_taken_and_one_byte_more_is_not() -> None:
    packet = Publish(TOPIC, b"x" * (MAX - 3 - 2 - len(TOPIC) - 2), 1, 7)
    raw = encode(packet, Version.V311)
    assert len(raw) == MAX
    assert listen(opened(Version.V311), bytewise(raw)) == ([packet], None)
    larger = encode(Publish(TOPIC, packet.payload + b"x", 1, 7), Version.V311)
    assert refusal(Version.V311, larger) is Reason.PACKET_TOO_LARGE
    decoder = opened(Version.V311)
    decoder.feed(larger)
    assert decoder.publish_run(topic_header(TOPIC)) == ([], [])


def test_nothing_is_read_after_a_disconnect_or_an_error() -> None:
    for last in (b"\xe0\x00", b"\x00\x00"):
        decoder = opened(Version.V311)
        listen(decoder, [last + b"\xc0\x00"])
        assert listen(decoder, [b"\xc0\x00"]) == ([], None)
        assert decoder.held == 0


def connect(name: bytes = b"\0\4MQTT", level: int = 4, flags: int = 2, rest: bytes = b"\0\0\0\1c") -> bytes:
    body = name + bytes((level, flags)) + rest
    return b"\x10" + bytes((len(body),)) + body


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xc0\x00", Reason.PROTOCOL_ERROR),
        (connect(level=3), Reason.UNSUPPORTED_PROTOCOL_VERSION),
        (connect(level=6), Reason.UNSUPPORTED_PROTOCOL_VERSION),
        (connect(name=b"\0\6MQIsdp", level=3), Reason.UNSUPPORTED_PROTOCOL_VERSION),
        (connect(name=b"\0\4HTTP"), Reason.MALFORMED_PACKET),
        (connect(flags=3), Reason.MALFORMED_PACKET),
        (connect(flags=0x42, rest=b"\0\0\0\1c\0\1p"), Reason.MALFORMED_PACKET),
        (connect(flags=0x0A), Reason.MALFORMED_PACKET),
        (connect(flags=0x1E, rest=b"\0\0\0\1c\0\1t\0\1m"), Reason.MALFORMED_PACKET),
        (connect(flags=0x06, rest=b"\0\0\0\1c\0\0\0\1m"), Reason.MALFORMED_PACKET),
        (connect(flags=0x06, rest=b"\0\0\0\1c\0\1#\0\1m"), Reason.TOPIC_NAME_INVALID),
        (connect(rest=b"\0\0\0\1\0"), Reason.MALFORMED_PACKET),
        (connect(rest=b"\0\0\0\1\xff"), Reason.MALFORMED_PACKET),
        (connect(rest=b"\0\0\0\3\xed\xa0\x80"), Reason.MALFORMED_PACKET),
        (connect(rest=b"\0\0\0\1cx"), Reason.MALFORMED_PACKET),
        (connect(rest=b"\0\0\0\5c"), Reason.MALFORMED_PACKET),
        (connect(level=5, rest=b"\0\0\3\x21\0\0\0\1c"), Reason.PROTOCOL_ERROR),
        (connect(level=5, rest=b"\0\0\4\x17\1\x17\1\0\1c"), Reason.PROTOCOL_ERROR),
        (connect(level=5, rest=b"\0\0\2\x17\2\0\1c"), Reason.PROTOCOL_ERROR),
        (connect(level=5, rest=b"\0\0\2\x01\1\0\1c"), Reason.PROTOCOL_ERROR),
        (connect(level=5, rest=b"\0\0\2\x7e\1\0\1c"), Reason.MALFORMED_PACKET),
        (connect(level=5, rest=b"\0\0\4\x16\0\1x\0\1c"), Reason.PROTOCOL_ERROR),
        (connect(level=5, rest=b"\0\0\x40\0\1c"), Reason.MALFORMED_PACKET),
    ],
)
def test_a_connect_that_breaks_a_rule_is_refused_with_its_reason(raw: bytes, reason: Reason) -> None:
    assert from_client_(raw) == ([], reason)


def test_a_refused_version_tells_which_it_was() -> None:
    decoder = Decoder(Side.CLIENT, MAX)
    decoder.feed(connect(level=6))
    with pytest.raises(CodecError) as caught:
        decoder.packet()
    assert caught.value.level == 6


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (connect(level=5, rest=b"\0\0\0\0\1c"), Reason.PROTOCOL_ERROR),  # a second CONNECT
        (b"\x00\x00", Reason.MALFORMED_PACKET),
        (b"\x20\x02\x00\x00", Reason.MALFORMED_PACKET),  # CONNACK is the server's
        (b"\x60\x02\x00\x01", Reason.MALFORMED_PACKET),  # PUBREL without its flags
        (b"\xc1\x00", Reason.MALFORMED_PACKET),
        (b"\xc0\x01\x00", Reason.MALFORMED_PACKET),
        (b"\x30\xff\xff\xff\xff\x01", Reason.MALFORMED_PACKET),
        (b"\x36\x06\x00\x01t\x00\x01\x00", Reason.MALFORMED_PACKET),  # QoS 3
        (b"\x38\x04\x00\x01t\x00", Reason.MALFORMED_PACKET),  # DUP with QoS 0
        (b"\x32\x06\x00\x01t\x00\x00\x00", Reason.PROTOCOL_ERROR),  # packet id 0
        (b"\x30\x04\x00\x01+\x00", Reason.TOPIC_NAME_INVALID),
        (b"\x30\x03\x00\x00\x00", Reason.PROTOCOL_ERROR),  # neither topic nor alias
        (b"\x30\x06\x00\x00\x03\x23\x00\x00", Reason.TOPIC_ALIAS_INVALID),
        (b"\x30\x05\x00\x01t\x80\x00", Reason.MALFORMED_PACKET),  # a length longer than needed
        (b"\x30\x09\x00\x01t\x80\x80\x80\x80\x01\x00", Reason.MALFORMED_PACKET),
        (b"\x82\x03\x00\x01\x00", Reason.PROTOCOL_ERROR),  # no filter
        (b"\x82\x06\x00\x01\x00\x00\x00\x00", Reason.MALFORMED_PACKET),  # an empty filter
        (b"\x82\x07\x00\x01\x00\x00\x01t\x03", Reason.MALFORMED_PACKET),
        (b"\x82\x07\x00\x01\x00\x00\x01t\x40", Reason.MALFORMED_PACKET),
        (b"\x82\x07\x00\x01\x00\x00\x01t\x30", Reason.PROTOCOL_ERROR),
        (b"\x82\x08\x00\x01\x00\x00\x02t+\x00", Reason.TOPIC_FILTER_INVALID),
        (b"\x82\x09\x00\x01\x00\x00\x03#/t\x00", Reason.TOPIC_FILTER_INVALID),
        (b"\x82\x0f\x00\x01\x00\x00\x0a$share/g/t\x04"[:17], Reason.MALFORMED_PACKET),
        (b"\x82\x10\x00\x01\x00\x00\x0a$share/g/t\x04", Reason.PROTOCOL_ERROR),
        (b"\x82\x0b\x00\x01\x04\x0b\x01\x0b\x02\x00\x01t\x00", Reason.PROTOCOL_ERROR),  # two identifiers
        (b"\xa2\x03\x00\x01\x00", Reason.PROTOCOL_ERROR),
        (b"\x40\x02\x00\x00", Reason.PROTOCOL_ERROR),
    ],
)
def test_a_packet_that_breaks_a_rule_is_refused_with_its_reason(raw: bytes, reason: Reason) -> None:
    assert refusal(Version.V5, raw) is reason
    assert listen(opened(Version.V5), bytewise(raw))[1] is reason


def test_what_only_mqtt_5_knows_is_refused_in_3_1_1() -> None:
    assert refusal(Version.V311, b"\xf0\x00") is Reason.MALFORMED_PACKET
    assert refusal(Version.V311, b"\x30\x02\x00\x00") is Reason.MALFORMED_PACKET
    assert refusal(Version.V311, b"\x82\x06\x00\x01\x00\x01t\x04") is Reason.MALFORMED_PACKET


def test_a_field_too_long_for_the_wire_is_not_written() -> None:
    with pytest.raises(OverflowError):
        encode(Publish("t" * 65_536, b""), Version.V5)
    with pytest.raises(ValueError, match="variable byte integer"):
        encode(Publish("t", b"", properties=Properties(subscription_identifier=(-1,))), Version.V5)
