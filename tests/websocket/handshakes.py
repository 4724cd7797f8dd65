"""Handshakes (RFC 6455, 4.2), and what a server answers to each."""

from typing import NamedTuple

from tests.websocket.raw import ACCEPT, HANDSHAKE


class Handshake(NamedTuple):
    """One case. `answered` are headers of the answer, their names in lower case."""

    clause: str
    what: str
    lines: tuple[str, ...]
    status: int
    answered: tuple[tuple[str, str], ...] = ()
    http: str = "HTTP/1.1"


def changed(name: str, *values: str) -> tuple[str, ...]:
    """A good handshake with other values of one header: none, one or several lines of it."""
    others = [line for line in HANDSHAKE if not line.startswith(f"{name}:")]
    return (*others, *(f"{name}: {value}" for value in values))


UPGRADED = (("sec-websocket-accept", ACCEPT), ("upgrade", "websocket"))
WANTED = (("sec-websocket-version", "13"), ("upgrade", "websocket"))
VERSION, KEY, EXTENSIONS = "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Extensions"

CASES = [
    Handshake("4.2.2", "as it should be", HANDSHAKE, 101, UPGRADED),
    Handshake(
        "4.2.1",
        "names in other letters",
        tuple(line.lower() for line in HANDSHAKE[:-1]) + HANDSHAKE[-1:],
        101,
    ),
    Handshake("4.2.1", "more in Connection", changed("Connection", "keep-alive, Upgrade"), 101, UPGRADED),
    Handshake(
        "4.2.1", "Connection in two lines", changed("Connection", "keep-alive", "Upgrade"), 101, UPGRADED
    ),
    Handshake("4.2.1", "other letters in Upgrade", changed("Upgrade", "WebSocket"), 101, UPGRADED),
    Handshake("4.2.1", "HTTP/1.0", HANDSHAKE, 400, http="HTTP/1.0"),
    Handshake("4.2.1", "no Upgrade", changed("Upgrade"), 400),
    Handshake("4.2.1", "another Upgrade", changed("Upgrade", "h2c"), 400),
    Handshake("4.2.1", "no Connection", changed("Connection"), 400),
    Handshake("4.2.1", "Connection without it", changed("Connection", "keep-alive"), 400),
    *(
        Handshake("4.2.2, 4.4", f"the version {version!r}", changed(VERSION, version), 426, WANTED)
        for version in ("", "0", "7", "8", "12", "14", "255", "013", "13.0", "8, 13", "13, 8", "thirteen")
    ),
    Handshake("4.2.2", "no version", changed(VERSION), 426, WANTED),
    Handshake("11.3.5", "the version twice", changed(VERSION, "13", "13"), 426, WANTED),
    Handshake("4.2.1", "no key", changed(KEY), 400),
    Handshake(
        "11.3.1", "two keys", changed(KEY, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="), 400
    ),
    *(
        Handshake("4.2.1", f"the key {key!r}", changed(KEY, key), 400)
        for key in (
            "",
            "short",
            "dGhlIHNhbXBsZSBub25jZQ",  # without the padding
            "dGhlIHNhbXBsZSBub25jZQ==x",
            "dGhlIHNhbXBsZSBub25j",  # 15 bytes
            "dGhlIHNhbXBsZSBub25jZSE=",  # 17
            "dGhl IHNhbXBsZSBub25jZQ==",
            "§§§§§§§§§§§§§§§§§§§§§§§§",
        )
    ),
    Handshake(
        "9.1", "an unknown extension", (*HANDSHAKE, f"{EXTENSIONS}: bbf-usp-protocol; a=1; b"), 101, UPGRADED
    ),
    *(
        Handshake("9.1", f"the extensions {offer}", (*HANDSHAKE, f"{EXTENSIONS}: {offer}"), 400)
        for offer in (
            ";",
            "permessage-deflate;",
            "permessage-deflate; =1",
            "permessage deflate",
            'a; b="c',
            'a; b="c d"',
        )
    ),
]
