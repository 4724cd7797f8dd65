"""Lies on the way back from a provider: each with the clause that forbids it. Nobody gets in by one."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hub.fleet.keys import DELAY_MIN_S
from hub.http.rooms import BY_PROVIDER
from tests.http.conftest import PACE, Hub
from tests.http.oidc.conftest import CALLBACK, START, Browser, query_of
from tests.oidc.keys import Key, by_none, by_public_key
from tests.oidc.provider import CLIENT_ID, PlayedProvider

EVIL = "https://evil.example"
RSA = Key("rsa1")


class Lie(NamedTuple):
    """What the provider, or who plays it, does; the answer's status, and what it says."""

    clause: str
    what: str
    status: int
    said: str
    changed: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.clause}: {self.what}"


def _claims(**changed: Any) -> dict[str, Any]:
    return {"claims": changed}


def _back(**changed: Any) -> dict[str, Any]:
    return {"callback": changed}


def _signed(sign: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    return {"sign": sign}


LIES = (
    # What the browser brings.
    Lie("RFC 9207 2.4", "the answer of another issuer", 502, "issuer", _back(iss=EVIL)),
    Lie("RFC 9207 2.4", "no issuer, though it is announced", 502, "issuer", _back(iss=None)),
    Lie("Core 3.1.2.5", "no state", 400, "not begun in this browser", _back(state=None)),
    Lie("Core 3.1.2.5", "another state", 400, "not begun in this browser", _back(state="x" * 43)),
    Lie("RFC 6749 3.1", "two states", 400, "more than once", _back(state=["a", "b"])),
    Lie("RFC 6749 3.1", "two codes", 400, "more than once", _back(code=["a", "b"])),
    Lie("the hub's bound", "a long code", 400, "too long", _back(code="x" * 5_000)),
    Lie("RFC 6749 4.1.2", "a code that was never given", 403, "invalid_grant", _back(code="made up")),
    Lie("Core 3.1.2.6", "an error", 403, "access_denied", _back(code=None, error="access_denied")),
    Lie("Core 3.1.2.6", "an error and a code", 403, "&lt;b&gt;", _back(error="<b>")),
    Lie("Core 3.1.2.5", "nothing", 502, "no code", _back(code=None)),
    # What comes for the code.
    Lie("Core 3.1.3.7-2", "another issuer", 502, "issuer", _claims(iss=EVIL)),
    Lie("Core 3.1.3.7-3", "for another client", 502, "aud", _claims(aud="other")),
    Lie("Core 3.1.3.7-4", "for several clients", 502, "azp", _claims(aud=[CLIENT_ID, "other"])),
    Lie("Core 3.1.3.7-5", "asked for by another", 502, "azp", _claims(azp="other")),
    Lie(
        "Core 3.1.3.7-6",
        "signed by another key",
        502,
        "sign",
        _signed(lambda c: Key("x").sign(c, kid="rsa1")),
    ),
    Lie("Core 3.1.3.7-6", "by a key nobody shows", 502, "does not show", _signed(Key("rsa9").sign)),
    Lie("RFC 7515 10.7", "alg none", 502, "none", _signed(by_none)),
    Lie("RFC 8725 2.1", "HS256, public key", 502, "HS256", _signed(lambda c: by_public_key(c, RSA))),
    Lie("Core 3.1.3.7-9", "expired", 502, "expired", _claims(exp=1)),
    Lie("Core 3.1.3.7-10", "made long ago", 502, "long ago", _claims(iat=1)),
    Lie("Core 3.1.3.7-11", "another nonce", 502, "nonce", _claims(nonce="other")),
    Lie("Core 3.1.3.7-11", "no nonce", 502, "nonce", _claims(nonce=None)),
    Lie("Core 3.1.3.8", "another access token", 502, "at_hash", _claims(at_hash="x")),
    Lie("Core 2", "no subject", 502, "no sub", _claims(sub=None)),
    Lie("Core 3.1.3.3", "no ID token", 502, "id_token", {"tokens": {"id_token": None}}),
    Lie("Core 3.1.3.3", "no access token", 502, "access_token", {"tokens": {"access_token": None}}),
    Lie("RFC 6749 5.1", "another type", 502, "Bearer", {"tokens": {"token_type": "mac"}}),
    Lie("RFC 6749 5.1", "a number as token", 502, "no token", {"tokens": {"refresh_token": 7}}),
    # What it says of the groups.
    Lie(
        "Core 5.3.2",
        "userinfo of another",
        502,
        "somebody else",
        {**_claims(groups=None), "userinfo": {"sub": "x"}},
    ),
    Lie(
        "the mapping",
        "no groups",
        403,
        "none of the groups",
        {**_claims(groups=None), "userinfo": {"groups": None}},
    ),
    Lie("the mapping", "an empty list", 403, "none of the groups", _claims(groups=[])),
    Lie("the mapping", "groups that are a number", 502, "no list of texts", _claims(groups=7)),
    Lie("the mapping", "groups that are an object", 502, "no list of texts", _claims(groups={"north": True})),
    Lie("the mapping", "a list in the list", 502, "no list of texts", _claims(groups=[["north"]])),
    Lie("the mapping", "another case", 403, "none of the groups", _claims(groups=["North", "north "])),
    Lie("the hub's bound", "groups without end", 502, "does not answer", _claims(groups=["g" * 60] * 6_000)),
)


@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_nobody_gets_in_by_a_lie(
    hub: Hub, browser: Browser, provider: PlayedProvider, lie: Lie
) -> None:
    for name, value in lie.changed.items():
        setattr(provider, name, value)
    page = await browser.log_in()
    assert (page.status, page.location) == (lie.status, ""), page.text
    assert lie.said in page.text
    assert page.text.startswith("<!doctype html>")
    assert browser.cookie("hub") == ""
    assert hub.rooms.accounts.of_issuer(provider.url, provider.person["sub"]) == []
    is_answered = lie.clause.startswith(("RFC 9207", "Core 3.1.2", "RFC 6749 3.1", "the hub's bound"))
    if is_answered and lie.changed.get("callback"):
        assert "/token" not in provider.asked  # the code was given to nobody


async def test_many_groups_are_no_trouble(hub: Hub, browser: Browser, provider: PlayedProvider) -> None:
    provider.person["groups"] = [*(f"group-{number}" for number in range(3_000)), "north"]
    assert (await browser.log_in()).status == 303


async def test_a_log_in_works_once(hub: Hub, browser: Browser) -> None:
    """State, RFC 9700 4.7; code, RFC 6749 4.1.2."""
    back = (await browser.at_provider()).location
    assert (await browser.open(back)).status == 303
    first = browser.cookie("hub")
    again = await browser.open(back)
    assert (again.status, "was used before" in again.text) == (400, True)
    assert browser.cookie("hub") == first
    assert (await browser.session())[0] == 200


async def test_a_log_in_ends_in_the_browser_in_which_it_began(
    hub: Hub, browser: Browser, other_browser: Browser
) -> None:
    """Else somebody could log others in as themselves, or take what others began (RFC 9700, 4.7)."""
    back = (await browser.at_provider()).location
    for begins_one_too in (False, True):
        if begins_one_too:
            await other_browser.open(START)
            back = (await browser.at_provider()).location
        assert (await other_browser.open(back)).status == 400
        assert other_browser.cookie("hub") == ""
        assert (await browser.open(back)).status == 400  # it was shown to somebody else: it is used up


async def test_a_code_for_one_browser_is_of_no_use_to_another(
    hub: Hub, browser: Browser, other_browser: Browser, provider: PlayedProvider
) -> None:
    """A code put in another's answer fails by PKCE, and would by the nonce (RFC 9700, 2.1.1)."""
    stolen = query_of((await browser.at_provider()).location)["code"]
    provider.callback = {"code": stolen}
    page = await other_browser.log_in()
    assert (page.status, "invalid_grant" in page.text) == (403, True)


async def test_codes_that_are_made_up_are_refused_later_and_later(
    hub: Hub, browser: Browser, provider: PlayedProvider
) -> None:
    """Each costs the provider work; it could take the hub for an attacker, and answer nobody of it."""
    provider.callback = {"code": "made up"}
    by_provider = hub.app[BY_PROVIDER]
    assert by_provider is not None
    loop = asyncio.get_running_loop()
    took_s = []
    for _ in range(3):
        began_s = loop.time()
        assert (await browser.log_in()).status == 403
        took_s.append(loop.time() - began_s)
    assert [took >= PACE * DELAY_MIN_S * (index + 1) for index, took in enumerate(took_s)] == [True] * 3
    provider.callback = {}
    assert (await browser.log_in()).status == 303


async def test_several_log_ins_of_one_browser_do_not_disturb_each_other(hub: Hub, browser: Browser) -> None:
    backs = [(await browser.at_provider()).location for _ in range(3)]
    assert [(await browser.open(one)).status for one in reversed(backs)] == [303] * 3


async def test_a_log_in_does_not_wait_for_ever(hub: Hub, browser: Browser) -> None:
    back = (await browser.at_provider()).location
    hub.clock.ahead_s = 601.0
    assert (await browser.open(back)).status == 400


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
async def test_the_provider_sends_nobody_where_a_request_says(hub: Hub, browser: Browser, host: str) -> None:
    """The redirect URI is fixed (RFC 9700, 2.1); a Host that is not the hub's gets nothing at all."""
    forged = {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}"}
    async with hub.client.get(START, headers=forged, allow_redirects=False) as response:
        assert response.status == 421
    del forged["Host"]
    async with hub.client.get(START, headers=forged, allow_redirects=False) as response:
        assert query_of(response.headers["Location"])["redirect_uri"] == hub.url + CALLBACK
