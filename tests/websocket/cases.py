"""What a WebSocket endpoint must make of frames: cases in the manner of Autobahn's sections 1 to 7, 9 and 10.

Each case names its clause of RFC 6455. What an endpoint answers to is its own, so a case gets it as an `Ask`:
an echo's is any content at all, the device socket's a reading, that of MQTT a packet. What should come back
is told in words: `ANSWER` for one answer, `pong(…)`, and `closed(…)` for a close frame and nothing after it.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple, Protocol

from hub.websocket.frames import Opcode
from tests.websocket.raw import sent

ANSWER = "answer"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = Opcode


class Ask(Protocol):
    """What one endpoint answers to."""

    @property
    def opcode(self) -> Opcode:
        """Its messages' own."""

    def sized(self, size: int) -> bytes:
        """The content of a message that is answered once, of that size if the endpoint has one so short."""

    def count(self, answer: bytes) -> int:
        """How many answers one message of the endpoint holds."""


def pong(content: bytes) -> str:
    """A pong of that content."""
    return f"pong {content!r}"


def closed(code: int) -> str:
    """A close frame of that code, and the end."""
    return f"closed {code}"


class Case(NamedTuple):
    """One case: the stream that a client sends, and what it gets."""

    clause: str
    what: str
    stream: bytes | Callable[[Ask], bytes]
    expected: tuple[str, ...]
    byte_by_byte: bool = False  # how the stream is sent


REFUSED = (closed(1002),)


def message(ask: Ask, size: int = 20) -> bytes:
    """One that is answered, whole."""
    return sent(ask.sized(size), ask.opcode)


def fragments(ask: Ask, sizes: list[int], between: bytes = b"") -> bytes:
    """One that is answered, in frames of these sizes; the last takes all the rest."""
    content = ask.sized(max(20, sum(sizes)))
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    edges = [0, *ends[:-1], len(content)]
    frames = [
        sent(
            content[start:end],
            CONTINUATION if place else ask.opcode,
            head=0x80 if place == len(sizes) - 1 else 0,
        )
        for place, (start, end) in enumerate(pairwise(edges))
    ]
    return between.join(frames)


def _sizes() -> list[Case]:
    """1: a message of any size, each way to write its length (5.2)."""
    sizes = (0, 1, 125, 126, 127, 128, 65_535, 65_536)
    return [
        Case("5.2", f"a message of {size} bytes", partial(message, size=size), (ANSWER,)) for size in sizes
    ] + [
        Case("5.2", "a message of 300 bytes", partial(message, size=300), (ANSWER,), byte_by_byte=True),
        *(
            Case(
                "5.2",
                f"the length {size} in {width} bytes, though it needs fewer",
                sent(b"x" * size, width=width),
                REFUSED,
            )
            for size, width in [(0, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65_535, 8)]
        ),
        Case("5.2", "a length with the highest bit set", b"\x81\xff\xff" + bytes(11), REFUSED),
        Case("5.2", "a ping whose length takes more bytes", sent(b"hi", PING, width=2), REFUSED),
    ]


def _pings() -> list[Case]:
    """2: pings and pongs (5.5.2, 5.5.3)."""
    found = [
        Case("5.5.2", f"a ping of {content!r:.40}", sent(content, PING), (pong(content),))
        for content in (b"", b"hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125)
    ]
    ten = b"".join(sent(b"%d" % number, PING) for number in range(10))
    ten_pongs = tuple(pong(b"%d" % number) for number in range(10))
    return [
        *found,
        Case("5.5", "a ping of 126 bytes", sent(b"\xfe" * 126, PING), REFUSED),
        Case("5.5.2", "a long ping", sent(b"p" * 125, PING), (pong(b"p" * 125),), byte_by_byte=True),
        Case("5.5.3", "a pong nobody asked for", lambda ask: sent(b"", PONG) + message(ask), (ANSWER,)),
        Case("5.5.3", "one with content", lambda ask: sent(b"unasked", PONG) + message(ask), (ANSWER,)),
        Case("5.5.3", "a pong, then a ping", sent(b"", PONG) + sent(b"p", PING), (pong(b"p"),)),
        Case("5.5.2", "ten pings", ten, ten_pongs),
        Case("5.5.2", "ten pings", ten, ten_pongs, byte_by_byte=True),
    ]


def _reserved() -> list[Case]:
    """3 and 4: bits and opcodes that mean nothing (5.2), and frames without a mask (5.1)."""
    bits = [
        Case(
            "5.2",
            f"{opcode.name} with the reserved bits {bits:#04x}",
            sent(b"", opcode, head=0x80 | bits),
            REFUSED,
        )
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
        for bits in range(0x10, 0x80, 0x10)
    ]
    opcodes = [
        Case("5.2", f"the opcode {opcode}", sent(content, opcode), REFUSED)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for content in (b"", b"hello")
    ]
    return [
        *bits,
        *opcodes,
        Case(
            "5.2",
            "a message, then another with a reserved bit, then a ping",
            lambda ask: message(ask) + sent(b"x", head=0xA0) + sent(b"", PING),
            (ANSWER, *REFUSED),
        ),
        Case(
            "5.2",
            "a message, then a frame of an unknown opcode, then a ping",
            lambda ask: message(ask) + sent(b"x", 11) + sent(b"", PING),
            (ANSWER, *REFUSED),
            byte_by_byte=True,
        ),
        Case("5.1", "a message without a mask", b"\x81\x05hello", REFUSED),
        Case("5.1", "a ping without a mask", b"\x89\x00", REFUSED),
        Case("5.1", "a close without a mask", b"\x88\x02\x03\xe8", REFUSED),
    ]


def _fragments() -> list[Case]:
    """5: messages in several frames (5.4)."""
    ping = sent(b"between", PING)
    two = [6, 6]
    return [
        *(
            Case(
                "5.4, 5.5",
                f"a {opcode.name} in two frames",
                sent(b"a", opcode, head=0) + sent(b"b", CONTINUATION),
                REFUSED,
            )
            for opcode in (PING, PONG, CLOSE)
        ),
        Case("5.4", "two frames", partial(fragments, sizes=two), (ANSWER,)),
        Case("5.4", "two frames", partial(fragments, sizes=two), (ANSWER,), byte_by_byte=True),
        Case("5.4", "an empty frame first and last", partial(fragments, sizes=[0, 20, 0, 0]), (ANSWER,)),
        Case("5.4", "twenty frames", partial(fragments, sizes=[1] * 20), (ANSWER,)),
        *(
            Case(
                "5.4",
                "a ping between two frames",
                partial(fragments, sizes=two, between=ping),
                (pong(b"between"), ANSWER),
                byte_by_byte,
            )
            for byte_by_byte in (False, True)
        ),
        Case(
            "5.4",
            "pings between five frames",
            lambda ask: fragments(ask, [4] * 5, ping) * 2,
            ((pong(b"between"),) * 4 + (ANSWER,)) * 2,
        ),
        *(
            Case("5.4", what, stream + sent(b"behind"), REFUSED)
            for what, stream in [
                ("the last frame of nothing", sent(b"x", CONTINUATION)),
                ("a frame of nothing", sent(b"x", CONTINUATION, head=0)),
                ("an empty last frame of nothing", sent(b"", CONTINUATION)),
                ("a message begun twice", sent(b"a", head=0) + sent(b"b", head=0)),
                ("a whole message within another", sent(b"a", head=0) + sent(b"b")),
                ("a whole binary one within a text", sent(b"a", head=0) + sent(b"b", BINARY)),
            ]
        ),
        Case(
            "5.4",
            "a message in frames, then one frame of nothing",
            lambda ask: fragments(ask, two) + sent(b"x", CONTINUATION, head=0) + message(ask),
            (ANSWER, *REFUSED),
        ),
        Case(
            "5.4",
            "a whole message, then the last frame of nothing",
            lambda ask: message(ask) + sent(b"x", CONTINUATION) + message(ask),
            (ANSWER, *REFUSED),
        ),
    ]


NOT_TEXT: tuple[tuple[str, bytes], ...] = (
    ("a first byte of none", b"hello \xff"),
    ("a continuation alone", b"hello \x80 world"),
    ("two continuations alone", b"\x80\xbf"),
    ("a first byte, then ASCII", b"\xc0 \xc1 "),
    ("the last byte of two missing", b"hello \xce"),
    ("the last byte of three missing", b"hello \xe2\x82"),
    ("the last byte of four missing", b"hello \xf0\x9f\x92"),
    ("a slash in two bytes", b"\xc0\xaf"),
    ("a slash in three bytes", b"\xe0\x80\xaf"),
    ("a slash in four bytes", b"\xf0\x80\x80\xaf"),
    ("five bytes", b"\xf8\x88\x80\x80\x80"),
    ("six bytes", b"\xfc\x84\x80\x80\x80\x80"),
    ("the highest that is too long for two", b"\xc1\xbf"),
    ("the highest that is too long for three", b"\xe0\x9f\xbf"),
    ("the highest that is too long for four", b"\xf0\x8f\xbf\xbf"),
    ("zero in two bytes", b"\xc0\x80"),
    ("the first half of a pair", b"\xed\xa0\x80"),
    ("the last first half of a pair", b"\xed\xaf\xbf"),
    ("the second half of a pair", b"\xed\xbf\xbf"),
    ("both halves of a pair", b"\xed\xa0\x80\xed\xb0\x80"),
    ("over the last code point", b"\xf4\x90\x80\x80"),
    ("the bytes FE and FF", b"\xfe\xfe\xff\xff"),
    ("text, then half of a pair, then text", "κόσμε".encode() + b"\xed\xa0\x80edited"),
)
TEXTS = (
    "",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\x00",
    "\x7f\x80\u07ff\u0800",
    "\ud7ff\ue000\ufdd0\ufffd\ufffe\uffff",
    "\U00010000\U0001fffe\U0010ffff",
)


def _not_text() -> list[Case]:
    """6: text messages that are not UTF-8 (8.1). The endpoint may wait for the end before it says so."""
    found = []
    for what, content in NOT_TEXT:
        pieces = [content[place : place + 1] for place in range(len(content))]
        frames = b"".join(
            sent(piece, CONTINUATION if place else TEXT, head=0) for place, piece in enumerate(pieces)
        )
        found += [
            Case("8.1", what, sent(content), (closed(1007),)),
            Case(
                "8.1",
                f"{what}, a byte a frame",
                frames + sent(b"", CONTINUATION),
                (closed(1007),),
            ),
        ]
    return found


MAY_BE_SENT = (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4401, 4999)
MUST_NOT_BE_SENT = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65_535)


def said_close(code: int, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return sent(code.to_bytes(2, "big") + reason, CLOSE)


def _closes() -> list[Case]:
    """7: how it ends (5.5.1, 7.4). A close is answered with its code, or with what is wrong with it."""
    ok, ping = said_close(1000), sent(b"late", PING)
    good = (closed(1000),)
    return [
        Case("5.5.1", "a message, then a close", lambda ask: message(ask) + ok, (ANSWER, *good)),
        Case("5.5.1", "two closes", ok + ok, good),
        Case("5.5.1", "a ping behind the close", ok + ping, good),
        Case("5.5.1", "a message behind the close", lambda ask: ok + message(ask), good),
        Case("5.5.1", "nonsense behind the close", ok + b"\xff" * 50, good),
        Case("5.5.1", "a close within a message", partial(fragments, sizes=[6, 6], between=ok), good),
        Case("5.5.1", "a close", ok, good, byte_by_byte=True),
        Case("7.1.5", "a close without a code", sent(b"", CLOSE), good),
        Case("5.5.1", "half a code", sent(b"\x03", CLOSE), REFUSED),
        Case("5.5.1", "a reason", said_close(1000, "tschüß".encode()), good),
        Case("5.5", "the longest reason", said_close(1000, b"*" * 123), good),
        Case("5.5", "one byte more", said_close(1000, b"*" * 124), REFUSED),
        *(
            Case("5.5.1, 8.1", f"a reason of {what}", said_close(1000, content), (closed(1007),))
            for what, content in NOT_TEXT
        ),
        *(Case("7.4", f"the code {code}", said_close(code, b"why"), (closed(code),)) for code in MAY_BE_SENT),
        *(
            Case("7.4", f"the code {code}", said_close(code, reason), REFUSED)
            for code in MUST_NOT_BE_SENT
            for reason in (b"", b"why")
        ),
    ]


def _large() -> list[Case]:
    """9 and 10: large messages, whole, in frames and in pieces; many small ones."""
    kib = 1024
    return [
        *(
            Case("5.2", f"{size // kib} KiB", partial(message, size=size), (ANSWER,))
            for size in (64 * kib, 256 * kib, 1024 * kib - 100)
        ),
        *(
            Case(
                "5.4",
                f"256 KiB in frames of {each}",
                partial(fragments, sizes=[each] * (256 * kib // each)),
                (ANSWER,),
            )
            for each in (64, 256, kib, 4 * kib, 16 * kib, 64 * kib)
        ),
        Case(
            "5.4",
            "64 KiB in frames of 1300, with a ping between each two",
            partial(fragments, sizes=[1300] * 50, between=sent(b"", PING)),
            (pong(b""),) * 49 + (ANSWER,),
        ),
        Case("5.2", "a thousand messages", lambda ask: message(ask) * 1000, (ANSWER,) * 1000),
    ]


SECTIONS: dict[str, list[Case]] = {
    "1 sizes": _sizes(),
    "2 pings": _pings(),
    "3 and 4 reserved": _reserved(),
    "5 fragments": _fragments(),
    "6 text": _not_text(),
    "7 closes": _closes(),
    "9 and 10 large": _large(),
}
