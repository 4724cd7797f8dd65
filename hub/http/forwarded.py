"""Where a request comes from, and whether by TLS, when proxies stand between.

Theory. Each proxy adds to the right what it saw itself: the address that asked it. So the headers are read
from right to left, and a word is believed as long as the one who wrote it is trusted: the peer's own word
first, then that of the proxy it names, if `http.trusted_proxies` holds it. The first address that is not a
trusted proxy's is the client's. What stands left of that was sent by the client, and says nothing.

A proxy writes one kind of header and passes the other on as the client sent it. That is why only the kind
that `http.proxy_headers` names is looked at.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from aiohttp import web

from hub.config import HttpConfig, ProxyHeaders
from hub.errors import Invalid

# Whose header is broken. It is no proxy's address: limits on addresses count all of these as one.
NOBODY = "unknown"
# For a WebSocket some proxies say ws or wss: Traefik does.
_BY_TLS = frozenset({"https", "wss"})
_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([\d.]+))(?::\w+)?")
# A pair of RFC 7239, 4, and what ends it: the next pair (;), the next proxy's word (,), or the header.
_PAIR = re.compile(r'\s*([\w!#$%&\'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*([;,]|$)')


class RequestSource(NamedTuple):
    """Who asks, behind all trusted proxies."""

    address: str
    is_secure: bool


class _Hop(NamedTuple):
    """What one proxy says of who asked it; "" for what it leaves out."""

    address: str
    scheme: str


class Proxies:
    """Those that are believed. Raises Invalid for one that is no address or network."""

    def __init__(self, config: HttpConfig) -> None:
        self._networks = _networks(config.trusted_proxies)
        self._hops = _forwarded if config.proxy_headers is ProxyHeaders.FORWARDED else _x_forwarded

    def trusts(self, address: str | None) -> bool:
        """Whether `http.trusted_proxies` holds the address."""
        if not self._networks or address is None:
            return False
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def source(self, request: web.Request) -> RequestSource:
        """Who asks. The address is that of the peer, or a trusted proxy's word."""
        address, is_secure = request.remote or NOBODY, request.scheme == "https"
        if not self.trusts(request.remote):
            return RequestSource(address, is_secure)
        try:
            hops = list(self._hops(request))
        except ValueError:
            return RequestSource(NOBODY, is_secure=False)
        for hop in hops:
            if hop.scheme:
                is_secure = hop.scheme.lower() in _BY_TLS
            parsed = _address(hop.address)
            if parsed is None:
                break
            address = str(parsed)
            if not self.trusts(address):
                break
        return RequestSource(address, is_secure)


def _x_forwarded(request: web.Request) -> Iterator[_Hop]:
    """What X-Forwarded-For and X-Forwarded-Proto say, the nearest proxy first.

    Most proxies pass one scheme on, as the first of them saw it. Where each adds its own, each has its place.
    """
    addresses = list(_listed(request.headers.getall("X-Forwarded-For", [])))
    schemes = list(_listed(request.headers.getall("X-Forwarded-Proto", [])))
    for position in range(max(len(addresses), 1)):
        scheme = schemes[max(len(schemes) - 1 - position, 0)] if schemes else ""
        yield _Hop(addresses[-1 - position] if addresses else "", scheme)


def _listed(lines: Iterable[str]) -> Iterator[str]:
    """The elements of a header that may come in several lines (RFC 9110, 5.3)."""
    for line in lines:
        yield from (one.strip() for one in line.split(","))


def _forwarded(request: web.Request) -> Iterator[_Hop]:
    """What Forwarded says (RFC 7239), the nearest proxy first.

    Raises ValueError for one that is broken: who wrote which part of it cannot be told.
    """
    text, at, hops = ",".join(request.headers.getall("Forwarded", [])), 0, list[_Hop]()
    found: dict[str, str] = {}
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise ValueError("the header Forwarded is broken")
        name, quoted, plain, end = pair.groups()
        found[name.lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = pair.end()
        if end != ";":
            hops.append(_Hop(found.get("for", ""), found.get("proto", "")))
            found = {}
    yield from reversed(hops)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address written there, with a port or without; None for a name, "unknown", and all else."""
    with_port = _WITH_PORT.fullmatch(text)
    try:
        parsed = ipaddress.ip_address((with_port[1] or with_port[2]) if with_port else text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _networks(texts: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise Invalid(f"http.trusted_proxies: {error}", "http.trusted_proxies") from error
