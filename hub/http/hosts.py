"""The names under which people open the hub: others are refused, against DNS rebinding.

Theory. A page of a stranger may have its own name point to this machine's address, and then counts, to the
browser, as the hub's own page: it may read all that it is answered here. What gives it away is the Host
header, which holds the stranger's name. Whoever rebinds a name needs one in the public DNS. So every name is
let in that cannot be there: addresses, names without a dot, and the domains kept for private networks. Beside
these only the names that this machine and the configuration have.

Devices and programs are not asked by default. Such a page has neither their keys nor their tokens, a browser
sends neither by itself, and twenty boards that send to a name which only a router knows must not fall silent.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from hub.config import CheckedHosts, HttpConfig
from hub.http.access import bearer, is_local
from hub.http.middleware import Handler
from hub.http.problems import Misdirected

# "name", "name:port", "[address]:port" (RFC 9110, 7.2).
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s\[\]:@/?#]+))(?::\d*)?")
# That the public DNS does not have: RFC 6761, 6762 with its appendix G, 8375.
_PRIVATE = ("local", "localhost", "internal", "home.arpa", "intranet", "private", "corp", "home", "lan")
_SEARCH = Path("/etc/resolv.conf")


class AllowedHosts:
    """Which names are the hub's; `own` are those of the machine."""

    def __init__(self, config: HttpConfig, own: Iterable[str]) -> None:
        urls = (config.public_url, *config.allowed_origins)
        named = [urlsplit(url).hostname or "" for url in urls]
        patterns = [one.lower() for one in config.allowed_hosts]
        self._names = {*map(_plain, named), *map(_plain, own), *patterns}
        self._below = tuple(one[1:] for one in patterns if one.startswith("*."))
        self._below += tuple(f".{one}" for one in _PRIVATE)
        self._any = "*" in patterns

    def allows(self, host: str) -> bool:
        """Whether a Host header names the hub, whatever the port."""
        found = _HOST.fullmatch(host)
        if self._any or found is None:
            return self._any
        if found[1]:
            return _is_address(found[1])
        name = _plain(found[2])
        return (
            "." not in name or name in self._names or name.endswith(self._below) or _is_address(name)
        ) and name != ""


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def own_names() -> Iterator[str]:
    """This machine's name, alone and in the domains in which it looks names up. Asks nobody."""
    name = socket.gethostname()
    yield name
    try:
        lines = _SEARCH.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        kind, *domains = line.split() or [""]
        if kind in ("search", "domain"):
            yield from (f"{name.partition('.')[0]}.{domain}" for domain in domains)


class HostCheck:
    """Refuses requests for other hosts. `for_devices` and `open_` are handlers: of routes that devices use,
    and of those that show nobody anything.
    """

    def __init__(self, config: HttpConfig, for_devices: Iterable[Handler], open_: Iterable[Handler]) -> None:
        self._hosts = AllowedHosts(config, own_names())
        self._is_for_all = config.check_host is CheckedHosts.ALL
        self._for_devices = frozenset(for_devices)
        self._open = frozenset(open_)

    def refuse(self, request: web.Request) -> None:
        """Raises Misdirected. A request without a Host is no browser's."""
        host = request.headers.get("Host")
        if host is None or self._hosts.allows(host) or is_local(request):
            return
        handler = request.match_info.handler
        is_program = handler in self._for_devices or bearer(request) is not None
        if handler in self._open or (is_program and not self._is_for_all):
            return
        raise Misdirected(
            f"the hub is not called {host[:200]!r}: open it at one of its own names or its address, "
            "or name this one in http.allowed_hosts"
        )


HOST_CHECK = web.AppKey("host_check", HostCheck)


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests for other hosts."""
    request.app[HOST_CHECK].refuse(request)
    return await handler(request)
