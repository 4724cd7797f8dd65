"""WebSocket frames, as a client sends them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.websocket.frames import (
    NOT_TEXT,
    PROTOCOL_ERROR,
    TOO_BIG,
    FrameError,
    FrameReader,
    Message,
    Opcode,
    close_frame,
    frame,
)
from tests.websocket.raw import deflated, sent

MAX_BYTES = 100_000


def read(reader: FrameReader, *pieces: bytes) -> list[Message]:
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (message := reader.next()) is not None:
            found.append(message)
    return found


contents = st.text(max_size=300) | st.integers(120, 70_000).map(lambda size: "é" * (size // 2))


class TestReading:
    @given(st.lists(contents, max_size=4), st.lists(st.integers(1, 400), min_size=1), st.data())
    def test_any_messages_cut_anywhere_come_out_whole(
        self, texts: list[str], sizes: list[int], data: st.DataObject
    ) -> None:
        stream = b""
        for text in texts:
            content = text.encode()
            cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=3)))
            edges = [0, *cuts, len(content)]
            for number, (start, end) in enumerate(pairwise(edges)):
                is_last = number == len(edges) - 2
                opcode = Opcode.CONTINUATION if number else Opcode.TEXT
                stream += sent(content[start:end], opcode, head=0x80 if is_last else 0)
                stream += b"" if is_last else sent(b"are you there", Opcode.PING)
        pieces: list[bytes] = []
        place = 0
        while place < len(stream):
            size = sizes[len(pieces) % len(sizes)]
            pieces.append(stream[place : place + size])
            place += size
        found = read(FrameReader(MAX_BYTES), *pieces)
        assert [m.content.decode() for m in found if m.opcode is Opcode.TEXT] == texts
        assert {m.content for m in found if m.opcode is Opcode.PING} <= {b"are you there"}

    @given(st.binary(max_size=400))
    def test_random_bytes_are_read_or_refused(self, received: bytes) -> None:
        codes = {PROTOCOL_ERROR, NOT_TEXT, TOO_BIG}
        try:
            found = read(FrameReader(200, deflate=True), received)
        except FrameError as error:
            codes.remove(error.code)
        else:
            assert all(len(message.content) <= 200 for message in found)

    @pytest.mark.parametrize(
        ("stream", "code"),
        [
            (frame(Opcode.TEXT, b"not masked"), PROTOCOL_ERROR),
            (sent(b"", 3), PROTOCOL_ERROR),
            (sent(b"compressed, without a word", head=0xC0), PROTOCOL_ERROR),
            (sent(b"x" * 126, Opcode.PING), PROTOCOL_ERROR),
            (sent(b"", Opcode.CLOSE, head=0), PROTOCOL_ERROR),
            (sent(b"of nothing", Opcode.CONTINUATION), PROTOCOL_ERROR),
            (sent(b"begun", head=0) + sent(b"another"), PROTOCOL_ERROR),
            (sent(b"\xff"), NOT_TEXT),
            (sent(b"x" * 201), TOO_BIG),
            (sent(b"x" * 150, head=0) + sent(b"x" * 51, Opcode.CONTINUATION), TOO_BIG),
        ],
    )
    def test_what_breaks_the_protocol_is_refused_by_its_code(self, stream: bytes, code: int) -> None:
        with pytest.raises(FrameError) as caught:
            read(FrameReader(200), stream)
        assert caught.value.code == code

    def test_a_ping_within_a_message_does_not_count_as_part_of_it(self) -> None:
        stream = sent(b"x" * 200, head=0) + sent(b"p" * 125, Opcode.PING) + sent(b"", Opcode.CONTINUATION)
        assert [len(message.content) for message in read(FrameReader(200), stream)] == [125, 200]

    def test_a_length_over_the_limit_is_refused_before_the_message_came(self) -> None:
        with pytest.raises(FrameError) as caught:
            read(FrameReader(200), b"\x81\xff" + (1 << 40).to_bytes(8, "big"))
        assert caught.value.code == TOO_BIG

    def test_binary_is_not_looked_into(self) -> None:
        assert read(FrameReader(200), sent(b"\xff", Opcode.BINARY)) == [Message(Opcode.BINARY, b"\xff")]


class TestDeflate:
    def test_a_compressed_message_may_come_in_several_frames(self) -> None:
        small = deflated(b"again and " * 100)
        stream = sent(small[:9], head=0x40) + sent(small[9:], Opcode.CONTINUATION)
        assert read(FrameReader(2_000, deflate=True), stream) == [Message(Opcode.TEXT, b"again and " * 100)]

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (deflated(b"x" * 10_000_000), TOO_BIG),
            (b"\xff\xff", NOT_TEXT),
            (deflated(b"x" * 99)[:-3], NOT_TEXT),
        ],
    )
    def test_a_bomb_or_nonsense_is_refused(self, content: bytes, code: int) -> None:
        with pytest.raises(FrameError) as caught:
            read(FrameReader(100_000, deflate=True), sent(content, head=0xC0))
        assert caught.value.code == code


def test_a_close_holds_its_code_and_what_fits_of_its_reason() -> None:
    made = close_frame(1012, "é" * 100)
    assert made == b"\x88\x7c" + (1012).to_bytes(2, "big") + ("é" * 61).encode()
