"""Logging in by a provider, the whole way through a hub: what is sent, who gets in, with what."""

import asyncio
import re

import pytest
from aiohttp import web
from yarl import URL

from hub.config import AuthConfig, Config, HttpConfig
from hub.http.rooms import BY_PROVIDER
from hub.model import Grant, Operator, Role
from hub.people.accounts import OPERATORS_MAX
from tests.http.conftest import Hub
from tests.http.oidc.conftest import CALLBACK, START, Browser, provider_config, query_of
from tests.oidc.provider import PlayedProvider

SECRET_TEXT = re.compile(r"[\w-]{43}")


async def test_a_browser_is_sent_with_all_that_the_standards_ask(hub: Hub, browser: Browser) -> None:
    """Core 1.0, 3.1.2.1; RFC 7636, 4.3; RFC 9700, 2.1."""
    begun = await browser.open(START)
    asked = query_of(begun.location)
    fixed = {name: asked[name] for name in ("response_type", "client_id", "code_challenge_method", "scope")}
    assert fixed == {
        "response_type": "code",
        "client_id": "hub",
        "code_challenge_method": "S256",
        "scope": "openid profile email",
    }
    assert asked["redirect_uri"] == hub.url + CALLBACK
    secrets = [asked["state"], asked["nonce"], asked["code_challenge"], browser.cookie("hub-login")]
    assert all(SECRET_TEXT.fullmatch(one) for one in secrets)
    again = query_of((await browser.open(START)).location)
    assert {asked[name] for name in ("state", "nonce", "code_challenge")}.isdisjoint(again.values())


async def test_a_person_logs_in_with_what_their_groups_allow(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    await hub.device("boiler", labels={"site": "north"})
    await hub.device("pump")
    await hub.device("other")
    provider.person["groups"] = ["pumps", "unknown", "north"]
    done = await browser.log_in()
    assert (done.status, done.location) == (303, "../../../")
    _, session = await browser.session()
    assert (session["name"], session["origin"]) == (provider.name, "oidc:company")
    assert [(one["role"], one["scope"]) for one in session["grants"]] == [
        ("operator", {"devices": [], "labels": ["site=north"]}),
        ("viewer", {"devices": ["pump"], "labels": []}),
    ]
    answers = [
        (await browser.call("POST", f"/api/v1/devices/{one}/commands", {"method": "x"}))[0]
        for one in ("boiler", "pump", "other")
    ]
    assert answers == [201, 403, 404]


async def test_the_page_is_told_which_providers_there_are(hub: Hub, browser: Browser) -> None:
    status, ways = await browser.call("GET", "/api/v1/session/ways")
    assert status == 200
    assert ways["providers"] == [{"name": "The Company", "url": "login/oidc/company"}]


async def test_the_session_is_new_and_its_cookie_is_for_the_hub_alone(hub: Hub, browser: Browser) -> None:
    """Whoever planted a session, or knows the one before, has nothing of the new one."""
    planted = "planted" * 6
    browser.client.cookie_jar.update_cookies({"hub": planted}, URL(hub.url))
    await browser.log_in()
    first = browser.cookie("hub")
    assert first != planted
    await browser.log_in()
    assert browser.cookie("hub") != first
    assert (await hub.call("GET", "/api/v1/session", headers={"Cookie": f"hub={first}"}))[0] == 401
    assert (await browser.session())[0] == 200


async def test_nobody_without_a_mapping_comes_in_and_that_is_noted(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    provider.person |= {"groups": ["visitors"], "preferred_username": "eve"}
    page = await browser.log_in()
    assert page.status == 403
    assert "none of the groups of &#x27;eve&#x27; is mapped to a role" in page.text
    assert browser.cookie("hub") == ""
    await hub.rooms.audit.look()
    _, audit = await hub.call("GET", "/api/v1/audit?who=eve")
    [entry] = audit["entries"]
    assert (entry["credential"], entry["what"], entry["result"]) == (
        "oidc company",
        f"GET {CALLBACK}",
        "no_entry",
    )


async def test_a_log_in_is_noted_without_a_secret(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    back = await browser.at_provider()
    await browser.open(back.location)
    _, session = await browser.session()
    _, audit = await hub.call("GET", f"/api/v1/audit?who={session['name']}")
    entry = audit["entries"][0]
    assert entry["what"] == f"GET {CALLBACK}"
    assert entry["credential"].startswith("session ")
    stored = b"".join(path.read_bytes() for path in hub.rooms.config.data_dir.glob("registry.db*"))
    for secret in (query_of(back.location)["code"], *provider._refresh):
        assert secret.encode() not in stored


@pytest.mark.parametrize("by_name", [False, True])
async def test_a_name_is_not_an_identity(
    hub: Hub, browser: Browser, provider: PlayedProvider, by_name: bool
) -> None:
    """Core 1.0, 5.7: only `iss` and `sub` together are one, neither a name nor an e-mail address."""
    called, taken = provider.person["preferred_username"], provider.name
    if by_name:
        status, _ = await hub.call("POST", "/api/v1/operators", {"name": taken, "role": "admin"})
        assert status == 201
    else:
        await browser.log_in()
        provider.honest()
        provider.person |= {"groups": ["pumps"], "email": "ada@example.org", "email_verified": True}
        provider.person["preferred_username"] = called
    await browser.log_in()
    _, session = await browser.session()
    assert session["name"] == f"{taken} 2"
    assert session["role"] == ("operator" if by_name else "viewer")
    provider.person["preferred_username"] = "grace"
    await browser.log_in()
    assert (await browser.session())[1]["name"] == f"{taken} 2"


async def test_no_other_way_leads_to_somebody_who_comes_by_a_provider(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """Else what they may would not end with their groups."""
    _, old_link = await hub.call("POST", "/api/v1/login-links", {"name": provider.name})
    await browser.log_in()
    _, session = await browser.session()
    assert session["name"] == provider.name
    path = f"/api/v1/operators/{provider.name}"
    for refused in (
        hub.call("PATCH", path, {"password": "correct horse battery"}),
        hub.call("PATCH", path, {"role": "admin"}),
        hub.call("POST", f"{path}/link"),
        hub.call("POST", "/api/v1/login-links", {"name": provider.name}),
        hub.call("POST", "/api/v1/operators", {"name": provider.name, "role": "admin"}),
        browser.call("POST", "/api/v1/session/passkeys/options"),
        browser.call("PUT", "/api/v1/session/password", {"new": "correct horse battery"}),
    ):
        assert (await refused)[0] == 409
    code = {"code": query_of(old_link["link"])["code"]}
    sent = {"Origin": hub.url}
    async with hub.client.post("/login", data=code, headers=sent, allow_redirects=False) as response:
        assert response.status == 401
    _, listed = await hub.call("GET", "/api/v1/operators")
    [row] = [one for one in listed["operators"] if one["name"] == provider.name]
    assert row["issuer"] == hub.rooms.config.auth.oidc[0].issuer


async def test_keys_and_people_are_changed_after_a_proof_at_the_provider(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """That a provider still knew somebody is no proof of a moment ago; who is logged in is asked anew."""
    provider.person["groups"] = ["it"]
    provider.claims = {"auth_time": hub.clock() / 1e6 - 3_600}
    asked = query_of((await browser.open(START)).location)
    assert {"prompt", "max_age"}.isdisjoint(asked)
    await browser.log_in()
    token = ("POST", "/api/v1/tokens", {"name": "wall", "ttl_s": 60})
    status, problem = await browser.call(*token)
    assert (status, problem["code"], problem["confirm_by"]) == (403, "step_up", [])
    asked = query_of((await browser.open(START)).location)
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    page = await browser.log_in()
    assert (page.status, "did not ask anew" in page.text) == (502, True)
    provider.claims = {"auth_time": hub.clock() / 1e6}
    assert (await browser.log_in()).status == 303
    assert (await browser.call(*token))[0] == 201


async def test_nothing_of_it_is_there_for_other_names(hub: Hub, browser: Browser) -> None:
    for path in ("/login/oidc/other", "/login/oidc/other/callback"):
        assert (await browser.open(path)).status == 404
    async with hub.client.post("/login/oidc/other/backchannel") as response:
        assert response.status == 404
    async with hub.client.head(START) as response:
        assert (response.status, response.cookies) == (404, {})  # a HEAD begins nothing


async def test_every_route_of_it_is_known_here(hub: Hub) -> None:
    routed = {
        (route.method, route.resource.canonical)
        for route in hub.app.router.routes()
        if route.resource is not None and "oidc" in route.resource.canonical
    }
    path = "/login/oidc/{provider}"
    assert routed == {("GET", path), ("GET", f"{path}/callback"), ("POST", f"{path}/backchannel")}
    assert hub.app[BY_PROVIDER] is not None


async def test_where_no_more_people_are_kept_the_next_is_told_so(
    new_hub: Hub, provider: PlayedProvider
) -> None:
    names = [f"person-{number}" for number in range(OPERATORS_MAX)]
    new_hub.rooms.accounts._operators.update(
        (name, Operator(name, (Grant(Role.VIEWER),), 0)) for name in names
    )
    browser = Browser(new_hub)
    page = await browser.log_in()
    assert (page.status, f"there are {OPERATORS_MAX} operators" in page.text) == (403, True)
    assert page.text.startswith("<!doctype html>")
    await browser.client.close()


async def test_at_most_so_many_of_one_address_wait_for_the_provider(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    going = asyncio.Event()

    async def waits(request: web.Request) -> web.StreamResponse:
        await going.wait()
        return await provider.token(request)

    provider.instead["/token"] = waits
    backs = [(await browser.at_provider()).location for _ in range(9)]
    opened = [asyncio.ensure_future(browser.open(one)) for one in backs]
    done, _ = await asyncio.wait(opened, return_when=asyncio.FIRST_COMPLETED)
    going.set()
    statuses = sorted([(await one).status for one in opened])
    [told] = [one.result() for one in done]
    assert (told.status, "from this address" in told.text, told.text[:15]) == (429, True, "<!doctype html>")
    assert statuses == [303] * 8 + [429]


class TestBehindProxy:
    """A hub that people open at https://ops.example.org/hub/."""

    @pytest.fixture
    def config(self, kept_provider: PlayedProvider) -> Config:
        http = HttpConfig(public_url="https://ops.example.org/hub/", trusted_proxies=("127.0.0.1",))
        return Config(http=http, auth=AuthConfig(oidc=(provider_config(kept_provider.url),)))

    async def test_the_way_back_is_below_its_path_and_the_cookies_are_the_hosts_own(
        self, hub: Hub, provider: PlayedProvider
    ) -> None:
        passed_on = {"Host": "ops.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.7"}
        for below in ("/hub", ""):  # a proxy may take the path away
            async with hub.client.get(below + START, headers=passed_on, allow_redirects=False) as response:
                url, [cookie] = response.headers["Location"], response.cookies.values()
            assert (cookie.key, cookie["secure"], cookie["path"]) == ("__Host-hub-login", True, "/")
            assert query_of(url)["redirect_uri"] == f"https://ops.example.org/hub{CALLBACK}"
            async with hub.client.get(url, allow_redirects=False) as response:
                back = response.headers["Location"].removeprefix("https://ops.example.org/hub")
            shown = {**passed_on, "Cookie": f"{cookie.key}={cookie.value}"}
            async with hub.client.get(below + back, headers=shown, allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (303, "../../../")
                assert response.cookies["__Host-hub"]["secure"]
