"""Sessions that a provider gave: asked about again, changed, ended; by it and by their owner."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.config import AuthConfig, Config
from hub.http.access import RECHECK_WAIT_S
from hub.http.live.viewers import VIEWERS
from hub.http.oidc.rechecks import SILENT_AGAIN_S
from hub.http.rooms import BY_PROVIDER
from hub.people.provided import forget_other_providers
from tests.http.conftest import Hub, running_hub
from tests.http.oidc.conftest import CALLBACK, Browser, provider_config, query_of
from tests.oidc.provider import PlayedProvider

CHECK_S, OUTAGE_S, UNCHECKED_S = 900.0, 14_400.0, 28_800.0
BACK_CHANNEL = "/login/oidc/company/backchannel"


async def _refused(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


async def refreshes(provider: PlayedProvider, browser: Browser) -> int:
    """How often the token endpoint was asked, after the session was used."""
    before = provider.asked.count("/token")
    await browser.session()
    return provider.asked.count("/token") - before


async def test_a_session_that_is_used_is_asked_about_now_and_then(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    await browser.log_in()
    assert await refreshes(provider, browser) == 0
    for _ in range(3):
        hub.clock.ahead_s += CHECK_S
        _be_now(provider, hub)
        assert await refreshes(provider, browser) == 1
        assert await refreshes(provider, browser) == 0
    assert (await browser.session())[0] == 200


def _be_now(provider: PlayedProvider, hub: Hub) -> None:
    """Let the provider's clock be that of the hub."""
    now_s = hub.clock() / 1e6
    provider.claims |= {"iat": now_s, "exp": now_s + 300}


async def test_between_two_checks_the_registry_is_not_asked_either(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    by_provider = hub.app[BY_PROVIDER]
    assert by_provider is not None
    await browser.log_in()
    for secret in (browser.cookie("hub"), (await hub.session())["Cookie"].removeprefix("hub=")):
        looked_up = [await by_provider.rechecks.confirm(secret, 1.0) for _ in range(3)]
        assert looked_up[1:] == [False, False]


async def test_many_requests_at_once_cause_one_check(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    await browser.log_in()
    hub.clock.ahead_s += CHECK_S
    _be_now(provider, hub)
    answers = await asyncio.gather(*(browser.session() for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    assert provider.asked.count("/token") == 2


async def test_who_leaves_a_request_ends_no_check(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """Else a refresh token that is good once would be lost, and the session with it."""
    await browser.log_in()
    hub.clock.ahead_s += CHECK_S
    _be_now(provider, hub)
    asked, going = asyncio.Event(), asyncio.Event()

    async def waits(request: web.Request) -> web.StreamResponse:
        asked.set()
        await going.wait()
        return await provider.token(request)

    provider.instead["/token"] = waits
    first = asyncio.ensure_future(browser.session())
    await asked.wait()
    first.cancel()
    await asyncio.wait([first])
    going.set()
    assert (await browser.session())[0] == 200
    assert provider.asked.count("/token") == 2


async def test_nobody_waits_long_for_a_provider_that_is_slow(
    hub: Hub, browser: Browser, other_browser: Browser, provider: PlayedProvider
) -> None:
    """Nor do live sockets of others, which are looked at one after another."""
    for one in (browser, other_browser):
        await one.log_in()
    socket, other = await watch(browser), await watch(other_browser)
    hub.clock.ahead_s += CHECK_S
    going = asyncio.Event()

    async def waits(_: web.Request) -> web.StreamResponse:
        await going.wait()
        return web.json_response({"error": "invalid_grant"}, status=400)

    provider.instead["/token"] = waits
    async with asyncio.timeout(0.5 * RECHECK_WAIT_S):
        await hub.app[VIEWERS]._renew_all(list(hub.app[VIEWERS]._open))
    assert (await browser.session())[0] == 200
    assert not socket.closed
    going.set()
    assert [await closed_with(one) for one in (socket, other)] == [4401, 4401]
    assert (await browser.session())[0] == 401


async def test_groups_that_change_count_at_the_next_check(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    await hub.device("boiler", labels={"site": "north"})
    provider.person["groups"] = ["it"]
    await browser.log_in()
    token = {"name": "wall", "role": "manager", "ttl_s": 600}
    status, made = await browser.call("POST", "/api/v1/tokens", token)
    assert status == 201
    socket = await watch(browser)
    provider.person["groups"] = ["north"]
    hub.clock.ahead_s += CHECK_S
    _be_now(provider, hub)
    _, session = await browser.session()
    assert (session["role"], session["scope"]["labels"]) == ("operator", ["site=north"])
    assert await closed_with(socket) == 1012
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await hub.call("GET", "/api/v1/devices", headers=bearer))[0] == 401


async def test_a_mapping_that_lapses_ends_all_that_the_person_came_in_with(
    hub: Hub, browser: Browser, other_browser: Browser, provider: PlayedProvider
) -> None:
    await browser.log_in()
    await other_browser.log_in()
    token = {"name": "wall", "role": "viewer", "scope": {"labels": ["site=north"]}, "ttl_s": 600}
    _, made = await browser.call("POST", "/api/v1/tokens", token)
    socket = await watch(other_browser)
    provider.person["groups"] = ["visitors"]
    hub.clock.ahead_s += CHECK_S
    _be_now(provider, hub)
    status, problem = await browser.session()
    assert (status, problem["code"]) == (401, "unauthenticated")
    assert "none of the groups" in problem["detail"]
    assert await closed_with(socket) == 4401
    assert (await other_browser.session())[0] == 401
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await hub.call("GET", "/api/v1/devices", headers=bearer))[0] == 401
    _, listed = await hub.call("GET", "/api/v1/operators")
    assert provider.name not in [one["name"] for one in listed["operators"]]
    _, audit = await hub.call("GET", f"/api/v1/audit?who={provider.name}&what=let in no more")
    assert len(audit["entries"]) == 1
    provider.person["groups"] = ["pumps"]
    await browser.log_in()
    _, session = await browser.session()
    assert (session["name"], session["role"]) == (provider.name, "viewer")


async def test_a_live_socket_is_asked_about_too(hub: Hub, browser: Browser, provider: PlayedProvider) -> None:
    await browser.log_in()
    socket = await watch(browser)
    provider.revoked.add(provider.person["sub"])
    hub.clock.ahead_s += CHECK_S
    for connection in list(hub.app[VIEWERS]._open):
        await hub.app[VIEWERS]._renew(connection)
    assert await closed_with(socket) == 4401


async def test_a_no_ends_the_session_and_no_other(
    hub: Hub, browser: Browser, other_browser: Browser, provider: PlayedProvider
) -> None:
    await browser.log_in()
    await other_browser.log_in()
    provider._refresh.pop(next(iter(provider._refresh)))  # that of the first
    hub.clock.ahead_s += CHECK_S
    _be_now(provider, hub)
    assert [(await one.session())[0] for one in (browser, other_browser)] == [401, 200]


@pytest.mark.parametrize("lie", [{"sub": "another"}, {"iss": "https://evil.example"}, {"aud": "x"}])
async def test_a_lie_at_a_check_ends_the_session(
    hub: Hub, browser: Browser, provider: PlayedProvider, lie: dict[str, str]
) -> None:
    await browser.log_in()
    hub.clock.ahead_s += CHECK_S
    _be_now(provider, hub)
    provider.claims |= lie
    assert (await browser.session())[0] == 401


async def test_a_provider_that_does_not_answer_ends_no_session_for_a_while(
    hub: Hub, browser: Browser, other_browser: Browser, provider: PlayedProvider
) -> None:
    await browser.log_in()
    await other_browser.log_in()
    provider.instead["/token"] = _refused
    hub.clock.ahead_s += CHECK_S
    assert await refreshes(provider, browser) == 1
    assert await refreshes(provider, browser) == 0
    assert await refreshes(provider, other_browser) == 0  # it is known by now
    hub.clock.ahead_s += SILENT_AGAIN_S
    assert await refreshes(provider, browser) == 1
    assert (await browser.session())[0] == 200
    hub.clock.ahead_s += OUTAGE_S - CHECK_S
    status, problem = await browser.session()
    assert (status, "has not answered for long" in problem["detail"]) == (401, True)


async def test_a_session_without_a_refresh_token_is_short(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    provider.gives_refresh_tokens = False
    await browser.log_in()
    hub.clock.ahead_s += UNCHECKED_S - 60
    assert (await browser.session())[0] == 200
    hub.clock.ahead_s += 120
    assert (await browser.session())[0] == 401


async def test_a_refresh_without_an_id_token_is_judged_by_what_is_told_of_the_person(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """Core 1.0, 12.2 leaves the ID token out at will."""
    await browser.log_in()
    provider.tokens = {"id_token": None}
    provider.person["groups"] = ["pumps"]
    hub.clock.ahead_s += CHECK_S
    assert (await browser.session())[1]["role"] == "viewer"
    provider.person["groups"] = []
    hub.clock.ahead_s += CHECK_S
    assert (await browser.session())[0] == 401


async def test_a_session_whose_groups_are_not_told_again_is_short(
    new_hub: Hub, provider: PlayedProvider
) -> None:
    provider.document = {"userinfo_endpoint": None}
    browser = Browser(new_hub)
    await browser.log_in()
    provider.tokens = {"id_token": None}
    new_hub.clock.ahead_s += CHECK_S
    assert await refreshes(provider, browser) == 1
    new_hub.clock.ahead_s += CHECK_S
    assert await refreshes(provider, browser) == 0
    assert (await browser.session())[0] == 200
    new_hub.clock.ahead_s += UNCHECKED_S
    assert (await browser.session())[0] == 401
    await browser.client.close()


async def watch(browser: Browser) -> aiohttp.ClientWebSocketResponse:
    headers = {"Origin": browser.hub.url}
    socket = await browser.client.ws_connect(browser.hub.url + "/api/v1/live", headers=headers)
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(5.0):
        while not socket.closed:
            await socket.receive()
    return socket.close_code


async def test_of_whom_nothing_was_heard_for_long_the_tokens_end_too(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """There is no session to ask about where somebody never comes back."""
    await browser.log_in()
    token = {"name": "wall", "role": "viewer", "scope": {"labels": ["site=north"]}, "ttl_s": 31_000_000}
    _, made = await browser.call("POST", "/api/v1/tokens", token)
    by_provider = hub.app[BY_PROVIDER]
    assert by_provider is not None
    configs = [one.config for one in by_provider.sign_on.providers.values()]
    bearer = {"Authorization": f"Bearer {made['token']}"}
    for passed_s, status in ((by_provider.unseen_s - 60, 200), (120.0, 401)):
        hub.clock.ahead_s += passed_s
        await by_provider.admission.lapse_unseen(configs, by_provider.unseen_s)
        assert (await hub.call("GET", "/api/v1/devices", headers=bearer))[0] == status
    assert (await browser.session())[0] == 401


# A restart


async def test_sessions_outlive_a_restart_and_are_asked_about_after_it(
    tmp_path: Any, provider: PlayedProvider, config: Config
) -> None:
    async with running_hub(tmp_path, config) as hub:
        browser = Browser(hub)
        await browser.log_in()
    async with running_hub(tmp_path, config) as hub:
        browser.hub = hub
        assert await refreshes(provider, browser) == 0
        hub.clock.ahead_s += CHECK_S
        _be_now(provider, hub)
        assert await refreshes(provider, browser) == 1
        assert (await browser.session())[0] == 200
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("registry.db*"))
    assert not [token for token in provider._refresh if token.encode() in stored]
    other = provider_config(provider.url, name="renamed")
    async with running_hub(tmp_path, Config(auth=AuthConfig(oidc=(other,)))) as hub:
        browser.hub = hub
        status, problem = await browser.session()
        assert (status, "no such provider" in problem["detail"]) == (401, True)
        assert hub.rooms.accounts.of_issuer(provider.url)
    async with running_hub(tmp_path, Config()) as hub:
        assert hub.rooms.accounts.all()  # a command may be run without the configuration
        rooms = hub.rooms
        await forget_other_providers([], rooms.accounts, rooms.operators, rooms.tokens)
        assert hub.rooms.accounts.all() == []
    await browser.client.close()


# Logging out


async def test_logging_out_leads_to_the_provider_too(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """RP-Initiated Logout 1.0, 2."""
    await browser.log_in()
    status, answer = await browser.call("DELETE", "/api/v1/session")
    assert status == 200
    assert answer["url"].startswith(f"{provider.url}/end?tenant=1&")
    asked = query_of(answer["url"])
    assert (asked["client_id"], asked["post_logout_redirect_uri"]) == ("hub", f"{hub.url}/")
    assert asked["id_token_hint"].count(".") == 2
    assert (await browser.session())[0] == 401


async def test_others_log_out_as_before(hub: Hub, provider: PlayedProvider) -> None:
    shown = {**await hub.session(), "Origin": hub.url}
    assert (await hub.call("DELETE", "/api/v1/session", headers=shown))[0] == 204


@pytest.mark.parametrize("by", ["sub", "sid"])
async def test_the_provider_says_that_somebody_has_left(
    hub: Hub, browser: Browser, provider: PlayedProvider, by: str
) -> None:
    """Back-Channel Logout 1.0, 2.7."""
    await browser.log_in()
    socket = await watch(browser)
    other = {"sub": "another"} if by == "sub" else {"sub": None, "sid": "another"}
    assert await told(hub, provider.logout_token(**other)) == 200
    assert (await browser.session())[0] == 200
    this = {} if by == "sub" else {"sub": None, "sid": f"at-provider-{provider.person['sub']}"}
    assert await told(hub, provider.logout_token(**this)) == 200
    assert await closed_with(socket) == 4401
    assert (await browser.session())[0] == 401
    _, audit = await hub.call("GET", f"/api/v1/audit?who={provider.name}&what=backchannel")
    assert [one["credential"] for one in audit["entries"]] == ["oidc company"]


async def test_what_is_no_logout_token_ends_nothing(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    back = (await browser.at_provider()).location
    await browser.open(back)
    again = provider.logout_token(sub="another")
    assert [await told(hub, again) for _ in range(2)] == [200, 400]
    for text in ("", "x", provider.logout_token(events=None), provider.logout_token(aud="x")):
        assert await told(hub, text) == 400
    assert (await browser.session())[0] == 200
    assert CALLBACK in back


async def told(hub: Hub, token: str) -> int:
    async with hub.client.post(BACK_CHANNEL, data={"logout_token": token}) as response:
        return response.status
