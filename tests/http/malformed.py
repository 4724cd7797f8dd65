"""Requests that are none: what scanners, wrong ports and broken clients send."""

from typing import NamedTuple

HOST = b"Host: hub\r\n"
LONG = b"a" * 20_000


class Malformed(NamedTuple):
    """What is sent and the status it gets; None where it may be closed without a word."""

    sent: bytes
    status: int | None
    clause: str


MALFORMED = {
    "TLS on a port without": Malformed(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 300, 400, ""
    ),
    "MQTT": Malformed(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04name", None, ""),
    "SSH": Malformed(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400, "RFC 9112, 3"),
    "HTTP/2 without asking": Malformed(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "RFC 9113, 3.4"),
    "zeros": Malformed(bytes(64) + b"\r\n\r\n", 400, "RFC 9112, 3"),
    "no method that is known": Malformed(b"FETCH! / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "RFC 9110, 9.1"),
    "a long method": Malformed(b"A" * 9_000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "RFC 9112, 3.1"),
    "no version": Malformed(b"GET / HTTP\r\n" + HOST + b"\r\n", 400, "RFC 9112, 2.3"),
    "a version to come": Malformed(b"GET / HTTP/3.7\r\n" + HOST + b"\r\n", 400, "RFC 9112, 2.3"),
    "lines that end in LF": Malformed(b"GET / HTTP/1.1\n" + HOST + b"\n", 400, "RFC 9112, 2.2"),
    "a long target": Malformed(b"GET /" + LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "RFC 9110, 15.5.15"),
    "a long query": Malformed(b"GET /?" + LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "RFC 9110, 15.5.15"),
    "a target that never ends": Malformed(b"GET /" + LONG, 414, "RFC 9110, 15.5.15"),
    "a target with bytes": Malformed(b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", 400, "RFC 9112, 3.2"),
    "a target that is a word": Malformed(b"GET word HTTP/1.1\r\n" + HOST + b"\r\n", 400, "RFC 9112, 3.2"),
    "a target with half a host": Malformed(
        b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "RFC 9112, 3.2.2"
    ),
    "a target with a port too high": Malformed(
        b"GET http://a:99999/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, "RFC 3986"
    ),
    "a long header": Malformed(
        b"GET / HTTP/1.1\r\n" + HOST + b"X: " + LONG + b"\r\n\r\n", 431, "RFC 6585, 5"
    ),
    "a long name of a header": Malformed(
        b"GET / HTTP/1.1\r\n" + HOST + LONG + b": 1\r\n\r\n", 431, "RFC 6585, 5"
    ),
    "a header that never ends": Malformed(b"GET / HTTP/1.1\r\n" + HOST + b"X: " + LONG, 431, "RFC 6585, 5"),
    "too many headers": Malformed(
        b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: 1\r\n" % n for n in range(300)) + b"\r\n",
        431,
        "RFC 6585, 5",
    ),
    "a folded header": Malformed(b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400, "RFC 9112, 5.2"),
    "a space before the colon": Malformed(
        b"GET / HTTP/1.1\r\n" + HOST + b"X : a\r\n\r\n", 400, "RFC 9112, 5.1"
    ),
    "a control character": Malformed(
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x01b\r\n\r\n", 400, "RFC 9110, 5.5"
    ),
    "a NUL": Malformed(b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n", 400, "RFC 9110, 5.5"),
    "no Host": Malformed(b"GET / HTTP/1.1\r\n\r\n", 400, "RFC 9112, 3.2"),
    "two Hosts": Malformed(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "RFC 9112, 3.2"),
    "a length that is a word": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: abc\r\n\r\n", 400, "RFC 9112, 6.3"
    ),
    "a length below zero": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400, "RFC 9112, 6.3"
    ),
    "a length out of this world": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 400, "RFC 9112, 6.3"
    ),
    "two lengths": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
        "RFC 9112, 6.3",
    ),
    "a length and chunks": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        400,
        "RFC 9112, 6.3",
    ),
    "a transfer encoding that is not known": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: foo\r\n\r\nab\r\n", 400, "RFC 9112, 6.1"
    ),
    "a chunk without a size": Malformed(
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "RFC 9112, 7.1"
    ),
    "garbage behind a request": Malformed(
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n\x00\x01\x02\r\n\r\n", None, "RFC 9112, 2.2"
    ),
    "garbage behind a handshake": Malformed(
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n\x00\x01\r\n\r\n",
        None,
        "RFC 6455, 4.2",
    ),
    "an expectation that nobody meets": Malformed(
        b"POST /api/v1/telemetry HTTP/1.1\r\n" + HOST + b"Expect: wonders\r\nContent-Length: 0\r\n\r\n",
        417,
        "RFC 9110, 15.5.18",
    ),
    "a method that is not taken": Malformed(
        b"DELETE /api/v1/telemetry HTTP/1.1\r\n" + HOST + b"\r\n", 405, "RFC 9110, 15.5.6"
    ),
    "a tunnel": Malformed(b"CONNECT other:443 HTTP/1.1\r\n" + HOST + b"\r\n", 404, "RFC 9110, 9.3.6"),
    "a body that breaks off": Malformed(
        b"POST /api/v1/telemetry HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nConnection: close\r\n\r\nab",
        401,
        "",
    ),
}
