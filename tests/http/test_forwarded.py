"""Where a request comes from, for every kind of proxy's header and of peer: proxies that are trusted are
believed about what they saw themselves, and nobody else about anything.
"""

from collections.abc import Sequence
from typing import NamedTuple

import aiohttp
import pytest
from multidict import CIMultiDict

from hub.config import Config, HttpConfig, ProxyHeaders
from tests.http.conftest import Hub
from tests.http.test_live import said
from tests.logins import use_link

PROXY, STRANGER = "127.0.0.1", "127.0.0.9"
TRUSTED = (PROXY, "10.0.0.0/8", "2001:db8:ffff::/48")
CLIENT = "203.0.113.9"


class Case(NamedTuple):
    """Headers that a peer sends, and what the hub makes of them."""

    headers: Sequence[tuple[str, str]]
    address: str
    is_secure: bool = False
    peer: str = PROXY


def x(addresses: str | Sequence[str] = (), schemes: str | Sequence[str] = ()) -> list[tuple[str, str]]:
    """Each text is a line of its own."""
    lines = [("X-Forwarded-For", [addresses] if isinstance(addresses, str) else addresses)]
    lines.append(("X-Forwarded-Proto", [schemes] if isinstance(schemes, str) else schemes))
    return [(name, text) for name, texts in lines for text in texts]


def forwarded(*lines: str) -> list[tuple[str, str]]:
    return [("Forwarded", line) for line in lines]


X_FORWARDED = {
    "nothing": Case([], PROXY),
    "one proxy": Case(x(CLIENT, "https"), CLIENT, is_secure=True),
    "one proxy without TLS": Case(x(CLIENT, "http"), CLIENT),
    "a stranger": Case(x("1.2.3.4", "https"), STRANGER, peer=STRANGER),
    "a stranger who names a proxy": Case(x("1.2.3.4, 127.0.0.1, 10.1.1.1", "https"), STRANGER, peer=STRANGER),
    "what the client sent before it": Case(x(f"1.2.3.4, {CLIENT}", "http"), CLIENT),
    "a proxy that the client names": Case(x(f"10.1.1.1, {CLIENT}"), CLIENT),
    "in lines, as haproxy adds them": Case(x(["1.2.3.4", CLIENT]), CLIENT),
    "two proxies": Case(x(f"1.2.3.4, {CLIENT}, 10.1.1.1", "https"), CLIENT, is_secure=True),
    "two proxies, in lines": Case(x(["1.2.3.4", f"{CLIENT}, 10.1.1.1"]), CLIENT),
    "each adds its scheme": Case(x(f"{CLIENT}, 10.1.1.1", "https, http"), CLIENT, is_secure=True),
    "schemes that the client sent": Case(x(CLIENT, "https, http"), CLIENT),
    "schemes that the client sent, in lines": Case(x(CLIENT, ["https", "http"]), CLIENT),
    "proxies only": Case(x("10.2.2.2, 10.1.1.1", "https"), "10.2.2.2", is_secure=True),
    "a port": Case(x("203.0.113.9:51234"), CLIENT),
    "IPv6": Case(x("2001:db8::7"), "2001:db8::7"),
    "IPv6 with a port": Case(x("[2001:db8::7]:51234"), "2001:db8::7"),
    "a proxy by IPv6": Case(x("2001:db8::7, 2001:db8:ffff::1"), "2001:db8::7"),
    "IPv4 in IPv6": Case(x("::ffff:203.0.113.9"), CLIENT),
    "a proxy by IPv4 in IPv6": Case(x(f"{CLIENT}, ::ffff:10.1.1.1"), CLIENT),
    "no address": Case(x("1.2.3.4, unknown", "https"), PROXY, is_secure=True),
    "nothing after the comma": Case(x("1.2.3.4, "), PROXY),
    "no address before a proxy": Case(x("nonsense, 10.1.1.1"), "10.1.1.1"),
    "no scheme": Case(x(CLIENT, ""), CLIENT),
    "another scheme": Case(x(CLIENT, "gopher"), CLIENT),
    "in capitals": Case(x(CLIENT, "HTTPS"), CLIENT, is_secure=True),
    "a WebSocket behind Traefik": Case(x(CLIENT, "wss"), CLIENT, is_secure=True),
    "a WebSocket behind Traefik without TLS": Case(x(CLIENT, "ws"), CLIENT),
    "the other kind": Case(forwarded("for=1.2.3.4;proto=https"), PROXY),
    "both kinds": Case([*forwarded("for=1.2.3.4;proto=https"), *x(CLIENT, "http")], CLIENT),
}
FORWARDED = {
    "nothing": Case([], PROXY),
    "one proxy": Case(forwarded(f"for={CLIENT};proto=https;by=10.1.1.1"), CLIENT, is_secure=True),
    "spaces and capitals": Case(forwarded(f'For="{CLIENT}" ; Proto=HTTPS'), CLIENT, is_secure=True),
    "a stranger": Case(forwarded("for=1.2.3.4;proto=https"), STRANGER, peer=STRANGER),
    "what the client sent before it": Case(forwarded(f"for=1.2.3.4;proto=https, for={CLIENT}"), CLIENT),
    "in lines": Case(forwarded("for=1.2.3.4;proto=https", f"for={CLIENT};proto=http"), CLIENT),
    "two proxies": Case(
        forwarded(f"for={CLIENT};proto=https, for=10.1.1.1;proto=http"), CLIENT, is_secure=True
    ),
    "IPv6 with a port": Case(forwarded('for="[2001:db8::7]:4711"'), "2001:db8::7"),
    "a port": Case(forwarded('for="203.0.113.9:4711"'), CLIENT),
    "a comma in quotes": Case(forwarded(f'for=1.2.3.4;x="a, for=5.6.7.8", for={CLIENT}'), CLIENT),
    "a quote in quotes": Case(forwarded(f'for={CLIENT};x="a\\", for=5.6.7.8"'), CLIENT),
    "quotes that the client left open": Case(forwarded(f'for="1.2.3.4, for={CLIENT}'), "unknown"),
    "broken": Case(forwarded(f"for={CLIENT}, what is this"), "unknown"),
    "hidden": Case(forwarded("for=1.2.3.4, for=_hidden;proto=https"), PROXY, is_secure=True),
    "unknown": Case(forwarded("for=unknown"), PROXY),
    "the other kind": Case(x("1.2.3.4", "https"), PROXY),
    "both kinds": Case([*x("1.2.3.4", "https"), *forwarded(f"for={CLIENT};proto=http")], CLIENT),
}


def config_of(kind: ProxyHeaders, trusted: Sequence[str] = TRUSTED) -> Config:
    return Config(http=HttpConfig(trusted_proxies=tuple(trusted), proxy_headers=kind))


async def seen(hub: Hub, case: Case) -> tuple[str, bool]:
    """From where the hub thinks that the device's key was used, and whether by TLS."""
    connector = aiohttp.TCPConnector(local_addr=(case.peer, 0))
    shown = CIMultiDict([*hub.key().items(), *case.headers])
    async with (
        aiohttp.ClientSession(hub.url, connector=connector) as peer,
        peer.post("/api/v1/telemetry", json={"t": 1.0}, headers=shown) as answer,
    ):
        assert answer.status == 200
        is_secure = "Strict-Transport-Security" in answer.headers
    _, listed = await hub.call("GET", "/api/v1/devices/boiler/keys")
    return listed["keys"][0]["last_used_from"], is_secure


class TestXForwarded:
    @pytest.fixture
    def config(self) -> Config:
        return config_of(ProxyHeaders.X_FORWARDED)

    async def test_what_trusted_proxies_saw_counts(self, hub: Hub) -> None:
        await hub.device()
        wanted = {name: (case.address, case.is_secure) for name, case in X_FORWARDED.items()}
        assert {name: await seen(hub, case) for name, case in X_FORWARDED.items()} == wanted

    async def test_the_audit_names_the_clients_address(self, hub: Hub) -> None:
        await hub.device("pump")
        headers = {**hub.bearer(), "X-Forwarded-For": f"1.2.3.4, {CLIENT}"}
        assert (await hub.call("DELETE", "/api/v1/devices/pump", headers=headers))[0] == 204
        _, audit = await hub.call("GET", "/api/v1/audit?device=pump")
        assert audit["entries"][0]["address"] == CLIENT

    async def test_one_logs_in_watches_and_logs_out_over_tls_behind_traefik(self, hub: Hub) -> None:
        """It says wss of a WebSocket, and https of all else."""
        origin = {"Origin": hub.url.replace("http", "https", 1)}
        page = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
        link = f"{hub.url}/login?code={await hub.rooms.operators.make_link()}"
        answer = await use_link(hub.client, link, {**page, **origin})
        hub.client.cookie_jar.clear()
        own = {**origin, "Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        assert (await hub.call("GET", "/api/v1/session", headers={**page, **own}))[0] == 200
        socket = {**page, **own, "X-Forwarded-Proto": "wss"}
        async with hub.live_socket(socket) as live:
            assert (await said(live))["type"] == "hello"
        assert (await hub.call("DELETE", "/api/v1/session", headers={**page, **own}))[0] == 204
        assert (await hub.call("GET", "/api/v1/session", headers={**page, **own}))[0] == 401


class TestForwarded:
    @pytest.fixture
    def config(self) -> Config:
        return config_of(ProxyHeaders.FORWARDED)

    async def test_what_trusted_proxies_saw_counts(self, hub: Hub) -> None:
        await hub.device()
        wanted = {name: (case.address, case.is_secure) for name, case in FORWARDED.items()}
        assert {name: await seen(hub, case) for name, case in FORWARDED.items()} == wanted


@pytest.mark.parametrize("kind", ProxyHeaders)
class TestWithoutTrustedProxies:
    @pytest.fixture
    def config(self, kind: ProxyHeaders) -> Config:
        return config_of(kind, ())

    async def test_nothing_that_is_said_counts(self, hub: Hub) -> None:
        await hub.device()
        for case in (*X_FORWARDED.values(), *FORWARDED.values()):
            assert await seen(hub, case) == (case.peer, False)
