"""Passkeys: added, shown, removed, and refused, with a device in software."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from hub.config import Config, HttpConfig
from hub.model import Grant, Role
from hub.people.challenges import LASTS_S
from hub.people.passkeys import EACH_MAX
from tests.authenticator import PRESENT, VERIFIED, Authenticator, Json, at_localhost, from_text, to_text
from tests.http.conftest import Hub
from tests.logins import pressed

SESSION = "/api/v1/session"
PASSKEYS, OPTIONS = f"{SESSION}/passkeys", f"{SESSION}/passkeys/options"
PASSKEY, SHOW = f"{SESSION}/passkey", f"{SESSION}/passkey/options"
TOKENS, TOKEN = "/api/v1/tokens", {"name": "wall", "ttl_s": 60}
OPERATORS = "/api/v1/operators"


class Browser:
    """A browser with the page open at localhost, and a device that holds passkeys."""

    def __init__(self, hub: Hub, origin: str | None = None) -> None:
        self.hub = hub
        self.origin = origin or at_localhost(hub.url)
        self.device = Authenticator(self.origin)
        self.cookie = ""

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Origin": self.origin, "Host": self.origin.partition("://")[2]}
        if self.cookie:
            headers["Cookie"] = self.cookie
        async with self.hub.client.request(method, path, json=body, headers=headers) as response:
            for cookie in response.cookies.values():
                self.cookie = f"{cookie.key}={cookie.value}"
            self.hub.client.cookie_jar.clear()
            answer = None if response.status == 204 else await response.json(content_type=None)
            return response.status, answer

    async def come_by_link(self, name: str) -> None:
        code = await self.hub.rooms.operators.make_link(name)
        url, form, _ = pressed(f"{self.hub.url}/login?code={code}")
        headers = {"Origin": self.origin, "Host": self.origin.partition("://")[2]}
        async with self.hub.client.post(url, data=form, headers=headers, allow_redirects=False) as response:
            [cookie] = response.cookies.values()
            self.cookie = f"{cookie.key}={cookie.value}"
        self.hub.client.cookie_jar.clear()

    async def add(self, name: str = "My phone") -> tuple[int, Any]:
        status, options = await self.call("POST", OPTIONS)
        assert status == 200, options
        return await self.call("POST", PASSKEYS, {"name": name, "credential": self.device.make(options)})

    async def shown(self) -> Json:
        status, options = await self.call("POST", SHOW)
        assert status == 200, options
        return self.device.show(options)

    async def log_in(self) -> tuple[int, Any]:
        return await self.call("POST", PASSKEY, {"credential": await self.shown()})


@pytest.fixture
async def ada(hub: Hub) -> Browser:
    """Somebody with a passkey, and logged in by a link."""
    await hub.rooms.accounts.ensure_admin("admin")  # the last one could not be removed
    await hub.call("DELETE", f"{OPERATORS}/ada")
    await hub.call("POST", OPERATORS, {"name": "ada", "role": "admin"})
    browser = Browser(hub)
    await browser.come_by_link("ada")
    status, added = await browser.add()
    assert status == 201, added
    return browser


async def test_a_passkey_logs_in_without_a_name(hub: Hub, ada: Browser) -> None:
    ada.cookie = ""
    status, ways = await ada.call("GET", f"{SESSION}/ways")
    assert (status, ways["passkey"]) == (200, True)
    assert (await ada.log_in())[0] == 204
    _, session = await ada.call("GET", SESSION)
    assert (session["name"], session["origin"], session["confirm_by"]) == ("ada", "passkey", ["passkey"])
    assert (await ada.call("POST", TOKENS, TOKEN))[0] == 201  # a log in by it is a proof
    _, listed = await ada.call("GET", PASSKEYS)
    [one] = listed["passkeys"]
    assert (one["name"], one["site"]) == ("My phone", "localhost")
    assert one["last_used"].endswith("Z")


async def test_the_options_ask_for_a_verified_person_and_name_nobody(hub: Hub, ada: Browser) -> None:
    _, options = await ada.call("POST", OPTIONS)
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert options["rp"]["id"] == "localhost"
    assert [from_text(one["id"]) for one in options["excludeCredentials"]] == list(ada.device.keys)
    assert b"ada" not in from_text(options["user"]["id"])
    ada.cookie = ""
    _, options = await ada.call("POST", SHOW)
    assert options["allowCredentials"] == []
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")


async def test_a_passkey_confirms_who_one_is_and_somebody_elses_does_not(hub: Hub, ada: Browser) -> None:
    await hub.call("POST", OPERATORS, {"name": "eve", "role": "admin"})
    eve = Browser(hub)
    await eve.come_by_link("eve")
    eve.device.keys[b"x"] = next(iter(ada.device.keys.values()))  # so that her passkey has another id
    assert (await eve.add())[0] == 201
    hub.clock.ahead_s = 601.0
    status, problem = await ada.call("POST", TOKENS, TOKEN)
    assert (status, problem["code"], problem["confirm_by"]) == (403, "step_up", ["passkey"])
    confirm = f"{SESSION}/confirm"
    assert (await ada.call("POST", confirm, {"credential": await eve.shown()}))[0] == 403
    assert (await ada.call("POST", TOKENS, TOKEN))[0] == 403
    for wrong in ({}, {"password": "x", "credential": {}}):
        assert (await ada.call("POST", confirm, wrong))[0] == 422
    throttle = hub.rooms.accounts._throttle
    assert throttle._failures["name ada"][0] >= 1
    assert (await ada.call("POST", confirm, {"credential": await ada.shown()}))[0] == 204
    assert (await ada.call("POST", TOKENS, TOKEN))[0] == 201


def tampered(shown: Json, name: str) -> Json:
    content = bytearray(from_text(shown["response"][name]))
    content[-1] ^= 1
    return {**shown, "response": {**shown["response"], name: to_text(bytes(content))}}


def replaced(shown: Json, **values: object) -> Json:
    said = {**json.loads(from_text(shown["response"]["clientDataJSON"])), **values}
    text = to_text(json.dumps(said).encode())
    return {**shown, "response": {**shown["response"], "clientDataJSON": text}}


WRONG: dict[str, Callable[[Json], Any]] = {
    "signature": lambda shown: tampered(shown, "signature"),
    "device's data": lambda shown: tampered(shown, "authenticatorData"),
    "person": lambda shown: tampered(shown, "userHandle"),
    "origin": lambda shown: replaced(shown, origin="https://evil.example"),
    "challenge": lambda shown: replaced(shown, challenge=to_text(bytes(48))),
    "kind": lambda shown: replaced(shown, type="webauthn.create"),
    "passkey": lambda shown: {**shown, "id": to_text(b"unknown"), "rawId": to_text(b"unknown")},
    "nothing": lambda _: {},
    "no response": lambda shown: {**shown, "response": None},
    "depth": lambda shown: {**shown, "response": {"clientDataJSON": to_text(b"[" * 100_000)}},
    "no base64": lambda shown: {**shown, "rawId": "é*", "response": {"clientDataJSON": "é"}},
    "other fields": lambda shown: {str(number): shown for number in range(21)},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_with_what_was_signed_is_told_by_nothing(
    hub: Hub, ada: Browser, wrong: str
) -> None:
    status, problem = await ada.call("POST", PASSKEY, {"credential": WRONG[wrong](await ada.shown())})
    if wrong == "other fields":
        assert status == 422
        return
    assert (status, problem["code"]) == (401, "unauthenticated")
    assert problem["detail"] == "the passkey is not known here, or what it signed is wrong"
    assert (await ada.log_in())[0] == 204


async def test_a_device_that_did_not_verify_the_person_is_refused(hub: Hub, ada: Browser) -> None:
    ada.device.flags = PRESENT
    assert (await ada.log_in())[0] == 401
    status, problem = await ada.add()
    assert (status, problem["code"]) == (422, "invalid")
    ada.device.flags = VERIFIED
    assert (await ada.log_in())[0] == 401


async def test_a_counter_that_does_not_go_up_is_a_copy(hub: Hub, ada: Browser) -> None:
    assert (await ada.log_in())[0] == 204
    ada.device.step = 0
    assert (await ada.log_in())[0] == 401
    ada.device.step = 1
    assert (await ada.log_in())[0] == 204


async def test_a_device_that_does_not_count_may_be_used_again(hub: Hub, ada: Browser) -> None:
    ada.device.step = 0
    assert [(await ada.log_in())[0] for _ in range(2)] == [204, 204]


async def test_a_challenge_is_good_once_for_a_while_and_for_one_thing(hub: Hub, ada: Browser) -> None:
    ada.device.step = 0
    shown = await ada.shown()
    found = await asyncio.gather(*(ada.call("POST", PASSKEY, {"credential": shown}) for _ in range(4)))
    assert sorted(status for status, _ in found) == [204, 401, 401, 401]
    await ada.come_by_link("ada")
    _, to_show = await ada.call("POST", SHOW)
    _, to_make = await ada.call("POST", OPTIONS)
    other = Authenticator(ada.origin, keys={b"y": next(iter(ada.device.keys.values()))})
    made = other.make({**to_make, "challenge": to_show["challenge"]})
    assert (await ada.call("POST", PASSKEYS, {"name": "x", "credential": made}))[0] == 422
    assert (await ada.call("POST", PASSKEY, {"credential": ada.device.show({**to_show, **to_make}, None)}))[
        0
    ] == 401
    late, made = await ada.shown(), other.make(to_make)
    hub.clock.ahead_s = LASTS_S + 1
    assert (await ada.call("POST", PASSKEY, {"credential": late}))[0] == 401
    assert (await ada.call("POST", PASSKEYS, {"name": "x", "credential": made}))[0] == 422


async def test_a_passkey_is_made_for_the_session_that_asked(hub: Hub, ada: Browser) -> None:
    other = Browser(hub)
    await other.come_by_link("admin")
    _, options = await other.call("POST", OPTIONS)
    made = other.device.make(options)
    assert (await ada.call("POST", PASSKEYS, {"name": "x", "credential": made}))[0] == 422


async def test_options_handed_out_take_none_away_from_others(hub: Hub, ada: Browser) -> None:
    shown, used = await ada.shown(), hub.rooms.accounts.passkeys._challenges._used
    before = len(used)
    for _ in range(200):
        await ada.call("POST", SHOW)
    assert len(used) == before
    assert (await ada.call("POST", PASSKEY, {"credential": shown}))[0] == 204


async def test_a_known_passkey_is_not_added_again_and_there_are_so_many_at_most(
    hub: Hub, ada: Browser
) -> None:
    ada.device.keys.clear()  # so that the next one is called like the first
    assert (await ada.add())[0] == 409
    for number in range(EACH_MAX - 1):
        ada.device.keys[bytes([number])] = next(iter(ada.device.keys.values()))
        assert (await ada.add(f"key {number}"))[0] == 201
    assert (await ada.call("POST", OPTIONS))[0] == 409


async def test_a_removed_passkey_logs_nobody_in(hub: Hub, ada: Browser) -> None:
    _, listed = await ada.call("GET", PASSKEYS)
    [one] = listed["passkeys"]
    eve = Browser(hub)
    await eve.come_by_link("admin")
    assert (await eve.call("DELETE", f"{PASSKEYS}/{one['id']}"))[0] == 404
    shown = await ada.shown()
    assert (await ada.call("DELETE", f"{PASSKEYS}/{one['id']}"))[0] == 204
    assert (await ada.call("GET", PASSKEYS))[1] == {"passkeys": []}
    assert (await ada.call("POST", PASSKEY, {"credential": shown}))[0] == 401


async def test_an_admin_sees_and_removes_anothers_passkeys(hub: Hub, ada: Browser) -> None:
    _, listed = await hub.call("GET", OPERATORS)
    [one] = next(one for one in listed["operators"] if one["name"] == "ada")["passkeys"]
    assert (await hub.call("DELETE", f"{OPERATORS}/admin/passkeys/{one['id']}"))[0] == 404
    assert (await hub.call("DELETE", f"{OPERATORS}/ada/passkeys/{one['id']}"))[0] == 204
    assert (await ada.log_in())[0] == 401


async def test_the_passkeys_of_who_was_removed_let_nobody_in_of_that_name(hub: Hub, ada: Browser) -> None:
    assert (await hub.call("DELETE", f"{OPERATORS}/ada"))[0] == 204
    await hub.call("POST", OPERATORS, {"name": "ada", "role": "viewer"})
    assert (await ada.log_in())[0] == 401


async def test_passkeys_outlive_a_restart_as_what_is_public_of_them(hub: Hub, ada: Browser) -> None:
    assert (await ada.log_in())[0] == 204
    passkeys = hub.rooms.accounts.passkeys
    before = passkeys.of("ada")
    await passkeys.restore()
    assert passkeys.of("ada") == before
    assert (await ada.log_in())[0] == 204


async def test_wrong_passkeys_are_answered_later_and_later_and_lock_nobody_out(
    hub: Hub, ada: Browser
) -> None:
    throttle = hub.rooms.accounts._throttle
    before = throttle._failures.get("127.0.0.1", (0, 0.0))[0]
    assert (await ada.call("POST", PASSKEY, {"credential": {}}))[0] == 401
    assert throttle._failures["127.0.0.1"][0] == before + 1
    for _ in range(20):
        throttle.failed("127.0.0.1")
    guess = asyncio.ensure_future(ada.call("POST", PASSKEY, {"credential": {}}))
    assert (await ada.log_in())[0] == 204
    assert not guess.done()
    assert (await guess)[0] == 401


async def test_another_page_logs_nobody_in(hub: Hub, ada: Browser) -> None:
    shown = await ada.shown()
    evil = {"Origin": "http://evil.example"}
    for path, body in ((SHOW, None), (PASSKEY, {"credential": shown})):
        assert (await hub.call("POST", path, body, evil))[0] == 403


@pytest.mark.parametrize("path", [OPTIONS, SHOW])
async def test_a_page_at_a_bare_address_is_told_that_browsers_have_none_there(hub: Hub, path: str) -> None:
    browser = Browser(hub, hub.url)
    await browser.come_by_link("admin")
    status, problem = await browser.call("POST", path)
    assert (status, problem["code"]) == (422, "invalid")
    assert "localhost" in problem["detail"]
    _, ways = await browser.call("GET", f"{SESSION}/ways")
    assert ways["passkey"] is False


async def test_who_comes_by_a_provider_gets_no_way_around_it(hub: Hub) -> None:
    admitted = await hub.rooms.accounts.admit("https://id.example", "1", "grace", [Grant(Role.ADMIN)])
    browser = Browser(hub)
    secret = await hub.rooms.operators.begin_provided(admitted.name, "127.0.0.1", "example", 600.0)
    browser.cookie = f"hub={secret}"
    assert (await browser.call("POST", OPTIONS))[0] == 409
    assert (await browser.call("POST", PASSKEYS, {"name": "x", "credential": {}}))[0] == 409


class TestByTls:
    """Behind a proxy that ends TLS."""

    @pytest.fixture
    def config(self) -> Config:
        return Config(
            http=HttpConfig(public_url="https://ops.example.org/hub", trusted_proxies=("127.0.0.1",))
        )

    async def test_a_passkey_is_for_the_host_at_which_people_open_the_hub(self, hub: Hub) -> None:
        browser = Browser(hub, "https://ops.example.org")
        await browser.come_by_link("admin")
        assert (await browser.add())[0] == 201
        _, listed = await browser.call("GET", PASSKEYS)
        assert [one["site"] for one in listed["passkeys"]] == ["ops.example.org"]
        browser.cookie = ""
        assert (await browser.log_in())[0] == 204
        assert (await hub.call("GET", f"{SESSION}/ways", headers={}))[1]["passkey"] is True
