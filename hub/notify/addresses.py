"""Which addresses the hub may send messages to. Pure.

Who may set a target must not reach with it what only the hub's machine can: its own services, the network
behind it, the cloud's metadata. So only addresses of the public internet are allowed, and those that
`alerts.private_targets` names.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")


class AllowedAddresses:
    """`allowed` are networks beside the public internet: "10.0.0.0/8", "127.0.0.1"."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = [ip_network(one, strict=False) for one in allowed]

    def allow(self, text: str) -> bool:
        """Whether messages may go to an address, as the system resolved it."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return all(self._allows(one) for one in _meant(address))

    def _allows(self, address: IPv4Address | IPv6Address) -> bool:
        if any(address.version == one.version and address in one for one in self._allowed):
            return True
        return address.is_global and not address.is_multicast and not address.is_reserved


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 one in it that is reached by it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            return [address.sixtofour]
        if address.teredo is not None:
            return list(address.teredo)
        if address in _NAT64:
            return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def refusal(address: str) -> str:
    """Why an address is not sent to."""
    return f"{address} is a private address: alerts.private_targets does not allow it"
