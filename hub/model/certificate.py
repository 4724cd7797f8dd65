"""X.509 certificates (RFC 5280), as far as the hub has to know one: by its fingerprint, when it ends, and
whom it names. Pure.

Whether a certificate is to be believed is OpenSSL's to say, at the handshake.
"""

import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from hub.errors import Unreadable

PEM_BEGIN, PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of a certificate."""

    fingerprint: bytes  # SHA-256 of its DER form
    ends_at: int  # µs, UTC


class PeerCertificate(NamedTuple):
    """A certificate that a device has shown, whose chain was checked, and whose key it has."""

    fingerprint: bytes
    ends_at: int  # µs, UTC
    common_name: str | None  # None: it has none, or several
    uris: tuple[str, ...] = ()


def fingerprint(der: bytes) -> bytes:
    """By which a certificate is known."""
    return hashlib.sha256(der).digest()


def day(ends_at: int) -> str:
    """The day, in UTC."""
    return datetime.fromtimestamp(ends_at / 1e6, UTC).date().isoformat()


def read_pem(text: str) -> Certificate:
    """The first certificate in a PEM file. Raises Unreadable."""
    begin, end = text.find(PEM_BEGIN), text.find(PEM_END)
    if begin < 0 or end < begin:
        raise Unreadable(f"not a certificate in PEM form: it begins with {PEM_BEGIN}")
    try:
        der = ssl.PEM_cert_to_DER_cert(text[begin : end + len(PEM_END)])
        # OpenSSL is the judge of what a certificate is.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
        return Certificate(fingerprint(der), _ends_at(der))
    except (ValueError, IndexError, StopIteration, ssl.SSLError) as error:
        raise Unreadable("not a certificate: what stands in the PEM form cannot be read") from error


def _ends_at(der: bytes) -> int:
    """NotAfter (RFC 5280, 4.1): the second time in the fourth part of what is signed, without its version."""
    (_, certificate), *_ = _parts(der)
    (_, signed), *_ = _parts(certificate)
    serial, _algorithm, _issuer, validity, *_ = (part for part in _parts(signed) if part[0] != _VERSION)
    if serial[0] == _SEQUENCE or validity[0] != _SEQUENCE:
        raise ValueError("the parts are not those of a certificate")
    _, (kind, text) = _parts(validity[1])
    if kind not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError("no time stands where one is due")
    written = text.decode("ascii")
    if kind == _UTC_TIME:  # 4.1.2.5.1: a year below 50 is of this century
        written = ("20" if written < "50" else "19") + written
    ends = datetime.strptime(written, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    return round(ends.timestamp() * 1e6)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and the content of each element (X.690, 8.1), one after the other."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(der[at : at + count]), at + count
        yield tag, der[at : at + length]
        at += length
