"""Who may do what, from where, and from which page."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import CookieJar

from hub import compose
from hub.config import Config, HttpConfig, LiveConfig
from hub.errors import Invalid
from hub.model import Role
from hub.people.rule import RIGHTS
from tests.http.conftest import Hub
from tests.logins import pressed, use_link

DEVICES = "/api/v1/devices"
ONE = f"{DEVICES}/boiler"

WRITES = [
    ("POST", DEVICES, {"id": "new"}),
    ("PATCH", ONE, {"name": "New"}),
    ("PUT", f"{ONE}/attributes", {"shared": {"a": 1}}),
    ("PUT", f"{ONE}/metrics/t", {"unit": "K"}),
    ("POST", f"{ONE}/keys", None),
    ("POST", f"{ONE}/commands", {"method": "x"}),
    ("DELETE", ONE, None),
]
READS = [DEVICES, ONE, f"{ONE}/latest", f"{ONE}/attributes", f"{ONE}/history?metric=t"]


@pytest.mark.parametrize("path", [*READS, f"{ONE}/keys", f"{ONE}/commands", "/api/v1/session"])
async def test_nothing_is_shown_to_nobody(hub: Hub, path: str) -> None:
    await hub.device()
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Cookie": "hub=nonsense"}, hub.key()):
        status, problem = await hub.call("GET", path, headers=headers)
        assert (status, problem["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_viewer_looks_and_a_manager_writes(hub: Hub, method: str, path: str, body: object) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    assert (await hub.call(method, path, body, hub.bearer(Role.VIEWER)))[0] == 403
    assert (await hub.call(method, path, body, hub.bearer(Role.MANAGER)))[0] in (200, 201, 204)


async def test_a_viewer_reads_everything_but_keys_and_rejections(hub: Hub) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    for path in READS:
        assert (await hub.call("GET", path, headers=hub.bearer(Role.VIEWER)))[0] == 200
    for path in (f"{ONE}/keys", f"{ONE}/rejections"):
        assert (await hub.call("GET", path, headers=hub.bearer(Role.VIEWER)))[0] == 403


async def test_only_an_admin_makes_tokens_and_links(hub: Hub) -> None:
    token = {"name": "n", "role": "viewer", "ttl_s": 60}
    for path, body in (("/api/v1/tokens", token), ("/api/v1/login-links", {})):
        assert (await hub.call("POST", path, body, hub.bearer(Role.OPERATOR)))[0] == 403
        assert (await hub.call("POST", path, body, hub.bearer(Role.MANAGER, ["boiler"])))[0] == 403
        assert (await hub.call("POST", path, body))[0] == 201


async def test_a_token_works_as_long_and_as_far_as_it_says(hub: Hub) -> None:
    await hub.device()
    body = {"name": "panel", "role": "viewer", "ttl_s": 60, "devices": ["boiler"]}
    _, made = await hub.call("POST", "/api/v1/tokens", body)
    shown = {"Authorization": f"Bearer {made['token']}"}
    assert await hub.call("GET", "/api/v1/session", headers=shown) == (
        200,
        {
            "name": "panel",
            "role": "viewer",
            "scope": {"devices": ["boiler"], "labels": []},
            "grants": [{"role": "viewer", "scope": {"devices": ["boiler"], "labels": []}}],
            "rights": ["devices:read", "history:read", "live:read", "metrics:scrape"],
            "origin": "token",
            "confirmed_until": None,
            "confirm_by": [],
            "roles": {role.value: sorted(RIGHTS[role]) for role in Role},
            "mqtt_port": None,
        },
    )
    assert (await hub.call("GET", ONE, headers=shown))[0] == 200
    hub.clock.ahead_s = 61.0
    assert (await hub.call("GET", ONE, headers=shown))[0] == 401
    assert (await hub.call("POST", "/api/v1/tokens", {**body, "ttl_s": 1e12}))[0] == 422
    assert (await hub.call("POST", "/api/v1/tokens", {**body, "role": "king"}))[0] == 422


async def test_a_token_for_some_devices_does_not_learn_of_others(hub: Hub) -> None:
    await hub.device()
    await hub.device("other")
    mine = hub.bearer(Role.MANAGER, ["boiler"])
    _, listed = await hub.call("GET", DEVICES, headers=mine)
    assert [one["id"] for one in listed["devices"]] == ["boiler"]
    assert (await hub.call("POST", DEVICES, {"id": "new"}, mine))[0] == 403
    for method, path, body in WRITES[1:]:
        hidden = await hub.call(method, path.replace("boiler", "other"), body, mine)
        absent = await hub.call(method, path.replace("boiler", "absent"), body, mine)
        assert hidden[0] == absent[0] == 404
        assert hidden[1]["detail"].replace("other", "absent") == absent[1]["detail"]


async def test_a_link_logs_in_one_browser_once(hub: Hub) -> None:
    _, link = await hub.call("POST", "/api/v1/login-links", {})
    assert link["url"].startswith(f"{hub.url}/login?code=")
    async with aiohttp.ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        response = await use_link(browser, link["url"])
        assert (response.status, response.headers["Location"]) == (303, "./")
        cookie = response.headers["Set-Cookie"]
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
        assert "Path=/" in cookie.split("; ")
        assert cookie.startswith("hub=")
        async with browser.get(f"{hub.url}/api/v1/session") as response:
            shown = await response.json()
            assert (shown["name"], shown["role"], shown["origin"]) == ("admin", "admin", "link")
    again = await use_link(hub.client, link["url"])
    assert (again.status, again.content_type) == (401, "text/html")
    async with hub.client.get(link["url"]) as response:
        assert (response.status, response.content_type) == (401, "text/html")
        text = await response.text()
    assert "hub login" in text
    assert "<script" not in text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_is_not_used_up_by_programs_that_look_where_it_leads(hub: Hub, method: str) -> None:
    _, link = await hub.call("POST", "/api/v1/login-links")
    for _ in range(2):
        async with hub.client.request(method, link["url"], allow_redirects=False) as response:
            assert (response.status, response.headers.get("Set-Cookie")) == (200, None)
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Referrer-Policy"] == "strict-origin"  # others send "Origin: null"
    assert (await use_link(hub.client, link["url"])).status == 303


async def test_a_links_page_has_a_button_that_needs_no_script_and_works_below_any_path(hub: Hub) -> None:
    _, link = await hub.call("POST", "/api/v1/login-links", {"name": "Ada <3"})
    async with hub.client.get(link["url"]) as response:
        text, policy = await response.text(), response.headers["Content-Security-Policy"]
    code = link["url"].partition("?code=")[2]
    assert '<form method="post" action="login">' in text
    assert f'<input type="hidden" name="code" value="{code}">' in text
    assert "Ada &lt;3" in text
    assert "<script" not in text
    assert "form-action 'self'" in policy


async def test_a_link_is_used_by_the_hubs_own_page_only(hub: Hub) -> None:
    """Or a stranger's page could log people in as somebody else."""
    _, link = await hub.call("POST", "/api/v1/login-links")
    url, form, own = pressed(link["url"])
    for foreign in (
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        async with hub.client.post(url, data=form, headers=foreign) as response:
            assert (response.status, response.content_type) == (403, "text/html")
    for wrong in ({}, {"code": ""}, {"code": "wrong"}, {"other": form["code"]}):
        async with hub.client.post(url, data=wrong, headers=own) as response:
            assert response.status == 401
    async with hub.client.post(url, data={"code": "x" * 20_000}, headers=own) as response:
        assert response.status == 413
    assert (await use_link(hub.client, link["url"])).status == 303


async def test_logging_out_ends_the_session_and_takes_the_cookie_back(hub: Hub) -> None:
    session = {**await hub.session(), "Origin": hub.url}
    async with hub.client.delete("/api/v1/session", headers=session) as response:
        assert response.status == 204
        assert 'hub=""' in response.headers["Set-Cookie"]
    assert (await hub.call("GET", "/api/v1/session", headers=session))[0] == 401


async def test_a_sessions_writes_come_from_the_hubs_own_page_only(hub: Hub) -> None:
    session = await hub.session()
    port = hub.url.rsplit(":", 1)[1]
    foreign = [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{int(port) - 1}"},
        {"Origin": f"https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ]
    for number, headers in enumerate(foreign):
        assert (await hub.call("POST", DEVICES, {"id": f"f{number}"}, {**session, **headers}))[0] == 403
    own = [{"Origin": hub.url}, {"Sec-Fetch-Site": "same-origin"}]
    for number, headers in enumerate(own):
        assert (await hub.call("POST", DEVICES, {"id": f"o{number}"}, {**session, **headers}))[0] == 201
    assert (await hub.call("GET", DEVICES, headers={**session, "Origin": "http://evil.example"}))[0] == 200


class TestBehindAProxy:
    @pytest.fixture
    def config(self) -> Config:
        return Config(
            http=HttpConfig(
                trusted_proxies=("127.0.0.1", "10.0.0.0/8"), allowed_origins=("https://Ops.example/",)
            )
        )

    async def address(self, hub: Hub, forwarded: str) -> str:
        """From where the hub thinks that a key was used."""
        headers = {**hub.key(), "X-Forwarded-For": forwarded}
        assert (await hub.call("POST", "/api/v1/telemetry", {"t": 1.0}, headers))[0] == 200
        _, listed = await hub.call("GET", f"{ONE}/keys")
        found: str = listed["keys"][0]["last_used_from"]
        return found

    async def test_the_address_is_the_last_one_before_the_proxies(self, hub: Hub) -> None:
        await hub.device()
        assert await self.address(hub, "203.0.113.9") == "203.0.113.9"
        assert await self.address(hub, "1.2.3.4, 203.0.113.9, 10.1.2.3") == "203.0.113.9"
        assert await self.address(hub, "2001:db8::7") == "2001:db8::7"
        assert await self.address(hub, "nonsense") == "127.0.0.1"

    async def test_tls_that_the_proxy_ends_counts_as_tls(self, hub: Hub) -> None:
        _, link = await hub.call("POST", "/api/v1/login-links")
        headers = {"X-Forwarded-Proto": "https"}
        headers["Origin"] = hub.url.replace("http:", "https:")
        response = await use_link(hub.client, link["url"], headers)
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("__Host-hub=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert "max-age" in response.headers["Strict-Transport-Security"]

    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_a_session_is_not_taken_from_the_cookie_of_the_other_name(
        self, hub: Hub, scheme: str
    ) -> None:
        """Over TLS anybody on the way could set `hub`, by a page without TLS of the same host."""
        own, other = ("__Host-hub", "hub") if scheme == "https" else ("hub", "__Host-hub")
        secret = (await hub.session())["Cookie"].partition("=")[2]
        for name, status in ((own, 200), (other, 401)):
            headers = {"X-Forwarded-Proto": scheme, "Cookie": f"{name}={secret}"}
            assert (await hub.call("GET", "/api/v1/session", headers=headers))[0] == status, name

    async def test_a_page_of_an_allowed_origin_may_write(self, hub: Hub) -> None:
        headers = {**await hub.session(), "Origin": "https://ops.example"}
        assert (await hub.call("POST", DEVICES, {"id": "new"}, headers))[0] == 201

    async def test_a_proxy_that_is_no_address_is_refused_at_the_start(self, hub: Hub) -> None:
        http = HttpConfig(trusted_proxies=("proxy.example",))
        rooms = replace(hub.rooms, config=Config(http=http))
        with pytest.raises(Invalid, match="trusted_proxies"):
            compose.http(rooms, lambda: hub.url)


async def test_nobody_is_believed_about_addresses_without_trusted_proxies(hub: Hub) -> None:
    await hub.device()
    headers = {**hub.key(), "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    async with hub.client.post("/api/v1/telemetry", json={"t": 1.0}, headers=headers) as response:
        assert "Strict-Transport-Security" not in response.headers
    _, listed = await hub.call("GET", f"{ONE}/keys")
    assert listed["keys"][0]["last_used_from"] == "127.0.0.1"


@pytest.fixture
async def owner(hub: Hub, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Calls the hub by its Unix socket."""
    path = str(tmp_path / "hub.sock")
    await hub.server.listen_locally(Path(path))
    async with aiohttp.ClientSession("http://hub", connector=aiohttp.UnixConnector(path)) as client:
        yield client


async def test_whoever_opens_the_unix_socket_is_admin(hub: Hub, owner: aiohttp.ClientSession) -> None:
    async with owner.post(DEVICES, json={"id": "boiler"}) as response:
        assert response.status == 201
    async with owner.get("/api/v1/session") as response:
        shown = await response.json()
        assert (shown["name"], shown["role"], shown["origin"]) == ("local", "local", "local")
    async with hub.client.get("/api/v1/session") as response:
        assert response.status == 401


class TestOneHub:
    """What is reached by TCP and by the Unix socket."""

    @pytest.fixture
    def config(self) -> Config:
        return Config(live=LiveConfig(viewers_max=1))

    async def test_its_figures_and_limits_are_of_both(self, hub: Hub, owner: aiohttp.ClientSession) -> None:
        async with hub.live_socket() as viewer:
            assert (await viewer.receive_json())["type"] == "hello"
            async with owner.get("/metrics") as response:
                assert "\nhub_viewers 1.0\n" in await response.text()
            async with owner.get("/api/v1/live/sse?channel=overview") as refused:
                assert (refused.status, (await refused.json())["code"]) == (503, "overloaded")


async def test_every_answer_carries_the_security_headers(hub: Hub) -> None:
    for path, status in (("/", 200), ("/nothing", 404), ("/api/v1/session", 401), ("/healthz", 200)):
        async with hub.client.get(path) as response:
            assert response.status == status
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; ")
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "Strict-Transport-Security" not in response.headers
