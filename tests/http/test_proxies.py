"""A hub below a path behind real proxies, by the rules that the documentation gives."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
from aiohttp import CookieJar

from hub.config import Config, HttpConfig
from tests.captured_logs import captured_logs
from tests.conftest import Certificate
from tests.http.conftest import DEADLINE_S, Hub, running_hub
from tests.logins import pressed
from tests.proxies import PROXIES, Nginx, Proxy, without

# Whether the proxy takes the path away, and whether the hub is told where people open it.
WAYS = {"strips, no settings": (True, False), "strips": (True, True), "keeps": (False, True)}
CASES = {f"{proxy.name}, {way}": (proxy, *case) for proxy in PROXIES for way, case in WAYS.items()}


@asynccontextmanager
async def browsing(certificate: Certificate) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser's way of asking: it keeps cookies and checks certificates."""
    trusted = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=certificate.path))
    jar, timeout = CookieJar(unsafe=True), aiohttp.ClientTimeout(total=DEADLINE_S)
    async with aiohttp.ClientSession(connector=trusted, cookie_jar=jar, timeout=timeout) as browser:
        yield browser


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
async def proxied(
    request: pytest.FixtureRequest, tmp_path: Path, certificate: Certificate
) -> AsyncIterator[tuple[Hub, str, aiohttp.ClientSession]]:
    """A hub, where people open it, and a browser."""
    kind, strips, is_told = request.param
    proxy: Proxy = kind(tmp_path, certificate)
    base = f"{proxy.url}/hub/"
    config = Config(http=HttpConfig(public_url=base if is_told else "", trusted_proxies=("127.0.0.1",)))
    async with running_hub(tmp_path, config) as hub:
        with proxy.before(hub.url, kind.documented() if strips else kind.keeping_the_path()):
            async with browsing(certificate) as browser:
                yield hub, base, browser


Proxied = tuple[Hub, str, aiohttp.ClientSession]


async def log_in(hub: Hub, base: str, browser: aiohttp.ClientSession) -> None:
    _, link = await hub.call("POST", "/api/v1/login-links", {})
    if hub.rooms.config.http.public_url:
        assert link["url"].startswith(f"{base}login?code=")
    link_there = link["url"].replace(f"{hub.url}/", base)
    async with browser.get(link_there) as page:
        assert (page.status, str(page.url)) == (200, link_there)
    url, form, own = pressed(link_there)
    async with browser.post(url, data=form, headers=own) as page:
        assert (page.status, str(page.url)) == (200, base)


async def test_a_link_logs_in_below_the_path_until_one_logs_out(proxied: Proxied) -> None:
    hub, base, browser = proxied
    await log_in(hub, base, browser)
    async with browser.get(f"{base}api/v1/session") as session:
        assert session.status == 200
    origin = {"Origin": base.removesuffix("/hub/")}
    async with browser.delete(f"{base}api/v1/session", headers=origin) as left:
        assert left.status == 204
    async with browser.get(f"{base}api/v1/session") as session:
        assert session.status == 401
    assert len(browser.cookie_jar) == 0


async def test_the_page_without_a_slash_at_its_end_leads_to_the_page(proxied: Proxied) -> None:
    _, base, browser = proxied
    async with browser.get(base.removesuffix("/")) as page:
        assert (page.status, str(page.url)) == (200, base)


async def test_rest_takes_writes_of_the_page_and_what_it_points_to_is_there(proxied: Proxied) -> None:
    hub, base, browser = proxied
    await log_in(hub, base, browser)
    origin = {"Origin": base.removesuffix("/hub/")}
    async with browser.post(f"{base}api/v1/devices", json={"id": "pump"}, headers=origin) as made:
        assert made.status == 201
        made_at = made.headers.get("Location", "devices/pump")
        assert urljoin(str(made.url), made_at) == f"{base}api/v1/devices/pump"
    async with browser.get(f"{base}api/v1/openapi.json") as description:
        [server] = (await description.json())["servers"]
        root = urljoin(str(description.url), server["url"]).rstrip("/")
    async with browser.get(f"{root}/api/v1/devices/pump") as shown:
        assert (shown.status, (await shown.json())["id"]) == (200, "pump")


async def test_live_readings_and_devices_come_through(proxied: Proxied) -> None:
    hub, base, browser = proxied
    await log_in(hub, base, browser)
    key = await hub.device("pump")
    origin = {"Origin": base.removesuffix("/hub/")}
    async with browser.ws_connect(f"{base}api/v1/live", protocols=["hub.v1"], headers=origin) as live:
        assert (await live.receive_json())["type"] == "hello"
        await live.send_json({"type": "subscribe", "channel": "device/pump"})
        assert (await live.receive_json())["type"] == "subscribed"
        shown = {"Authorization": f"Bearer {key}"}
        async with browser.ws_connect(f"{base}api/v1/device/socket", headers=shown) as device:
            assert (await device.receive_json())["type"] == "welcome"
            await device.send_json({"temperature": 20.5})
            assert (await device.receive_json())["type"] == "ack"
        while (message := await live.receive_json())["type"] != "readings":
            pass
        assert message["readings"][0][1] == {"temperature": 20.5}


async def test_unknown_paths_and_files_are_answered_as_at_the_root(proxied: Proxied) -> None:
    _, base, browser = proxied
    for path, status, content in (
        ("healthz", 200, "application/json"),
        ("metrics", 401, "application/problem+json"),
        ("nothing", 404, "text/html"),
        ("api/v1/nothing", 404, "application/problem+json"),
    ):
        async with browser.get(base + path) as answer:
            assert (answer.status, answer.content_type) == (status, content)


@pytest.mark.parametrize("kind", PROXIES, ids=lambda kind: str(kind.name))
async def test_an_address_that_the_client_makes_up_counts_for_nothing(
    tmp_path: Path, certificate: Certificate, kind: type[Proxy]
) -> None:
    proxy = kind(tmp_path, certificate)
    config = Config(http=HttpConfig(trusted_proxies=("127.0.0.1",)))
    trusted = ssl.create_default_context(cafile=certificate.path)
    connector = aiohttp.TCPConnector(ssl=trusted, local_addr=("127.0.0.9", 0))
    made_up = {"X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4"}
    async with running_hub(tmp_path, config) as hub, aiohttp.ClientSession(connector=connector) as client:
        shown = {"Authorization": f"Bearer {await hub.device('pump')}"}
        with proxy.before(hub.url, kind.documented()):
            async with client.post(
                f"{proxy.url}/hub/api/v1/telemetry", json={"t": 1}, headers={**shown, **made_up}
            ) as answer:
                assert answer.status == 200
        _, listed = await hub.call("GET", "/api/v1/devices/pump/keys")
        assert listed["keys"][0]["last_used_from"] == "127.0.0.9"


async def test_without_the_host_header_the_public_address_still_counts_as_the_hubs_own(
    tmp_path: Path, certificate: Certificate
) -> None:
    nginx = Nginx(tmp_path, certificate)
    base = f"{nginx.url}/hub/"
    config = Config(http=HttpConfig(public_url=base))
    async with running_hub(tmp_path, config) as hub:
        with nginx.before(hub.url, without(Nginx.documented(), "Host")):
            async with browsing(certificate) as browser:
                await log_in(hub, base, browser)
                for origin, status in ((nginx.url, 201), ("http://evil.example", 403)):
                    made = {"id": f"pump-{status}"}
                    async with browser.post(
                        f"{base}api/v1/devices", json=made, headers={"Origin": origin}
                    ) as answer:
                        assert answer.status == status


STRIPS = Nginx.documented()
BARE = "location /hub/ { proxy_pass http://127.0.0.1:8080/; }"
# What a rule leaves out, what the log then says, and what to set in nginx.
FAULTS = {
    "all": (BARE, ("Upgrade header", "Host header"), ("$http_upgrade", "$http_host")),
    "Upgrade": (without(STRIPS, "Upgrade", '"upgrade"'), ("Upgrade header",), ("$http_upgrade",)),
    "Host": (without(STRIPS, "Host"), ("Host header",), ("$http_host",)),
    "TLS": (without(STRIPS, "X-Forwarded-Proto"), ("X-Forwarded-Proto",), ("$scheme",)),
    "nothing": (STRIPS, (), ()),
}


@pytest.mark.parametrize(("location", "says", "sets"), FAULTS.values(), ids=FAULTS)
async def test_the_log_says_once_what_a_proxy_leaves_out_and_what_to_set(
    tmp_path: Path, certificate: Certificate, location: str, says: tuple[str, ...], sets: tuple[str, ...]
) -> None:
    nginx = Nginx(tmp_path, certificate)
    scheme = "https" if "X-Forwarded-Proto" in says else "http"
    origin = {"Origin": nginx.url.replace("http", scheme, 1)}
    async with running_hub(tmp_path, Config()) as hub:
        with nginx.before(hub.url, location), captured_logs() as logs:
            async with browsing(certificate) as browser:
                base = f"{nginx.url}/hub/"
                shown = {**await hub.session(), **origin}  # the button of a link would be refused as well
                for _ in range(3):
                    await try_live(browser, base, shown)
                    await browser.post(f"{base}api/v1/tokens", json={}, headers=shown)
    found = [line for line in logs if line["level"] == "warning"]
    assert len(found) == len(says)
    for line, words, setting in zip(found, says, sets, strict=True):
        assert words in line["event"]
        assert setting in line["set"]
        assert line["more"] == "docs/proxies.md"


async def try_live(browser: aiohttp.ClientSession, base: str, headers: dict[str, str]) -> None:
    try:
        async with browser.ws_connect(f"{base}api/v1/live", protocols=["hub.v1"], headers=headers):
            pass
    except aiohttp.WSServerHandshakeError:
        pass
