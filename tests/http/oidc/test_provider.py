"""A provider that is slow, broken, or not the one that it should be; and its keys, which change."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from hub.errors import HubError, Invalid
from hub.http.oidc.client import ANSWER_MAX_BYTES, ANSWER_S, ProviderClient
from hub.http.oidc.provider import AGAIN_S, KEPT_S, SILENT_S, Person, Provider
from hub.people.oidc.attempts import Attempts
from hub.people.oidc.faults import ProviderRefused, ProviderSilent, ProviderWrong
from hub.people.oidc.messages import Callback
from tests.http.conftest import Clock
from tests.http.oidc.conftest import provider_config, query_of
from tests.oidc.keys import Key
from tests.oidc.provider import Answer, PlayedProvider

SOON_S = 0.3  # for an answer that does not come
DISCOVERY, BACK = "/.well-known/openid-configuration", "http://hub.example/login/oidc/company/callback"


class Asking:
    """The hub's side alone, with time in the hand."""

    def __init__(self, played: PlayedProvider, answer_s: float = ANSWER_S, **config: Any) -> None:
        self.played = played
        self.clock = Clock()
        self.client = ProviderClient(answer_s)
        self.config = provider_config(played.url, **config)
        self.provider = Provider(self.config, self.client, lambda: self.clock() / 1e6, self.clock.steady_s)
        self.texts = iter(f"{number:043}" for number in range(1_000))
        self.attempts = Attempts(self.clock.steady_s, lambda: next(self.texts))

    async def log_in(self) -> Person:
        """Straight to the provider and back."""
        state, attempt = self.attempts.begin("company", "browser", BACK, "10.0.0.7")
        sent = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": BACK,
            "scope": "openid",
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        async with self.client._opened().get(
            f"{self.played.url}/authorize", params=sent, allow_redirects=False
        ) as response:
            back = query_of(response.headers["Location"])
        callback = Callback.read({name: [value] for name, value in back.items()})
        return await self.provider.log_in(self.attempts.take(callback.state, "company", "browser"), callback)


@pytest.fixture
async def asking(provider: PlayedProvider) -> AsyncIterator[Asking]:
    made = Asking(provider)
    yield made
    await made.client.close()


async def _slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b'{"a":' * 10_000)


async def _dripping(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


async def _broken(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text="oops")


async def _broken_in_json(_: web.Request) -> web.StreamResponse:
    return web.json_response({}, status=500)


async def _elsewhere_in_json(_: web.Request) -> web.StreamResponse:
    return web.json_response({}, status=302, headers={"Location": "/jwks"})


async def _html(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>Log in to the hotel's network</html>", content_type="text/html")


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/evil")


async def _same_place(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect(request.path + "?again=1")


async def _packed(request: web.Request) -> web.StreamResponse:
    response = web.json_response({"issuer": "x"})
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def _nothing(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _deep(_: web.Request) -> web.StreamResponse:
    return web.Response(text="[" * 100_000, content_type="application/json")


async def _not_a_number(_: web.Request) -> web.StreamResponse:
    return web.Response(text='{"keys": NaN}', content_type="application/json")


ANSWERS: tuple[Answer, ...] = (
    _slow, _endless, _dripping, _broken, _broken_in_json, _html, _elsewhere, _elsewhere_in_json,
    _same_place, _packed, _nothing, _deep, _not_a_number,
)  # fmt: skip


@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_is_no_answer_is_none_at_each_of_its_addresses(
    provider: PlayedProvider, path: str, answer: Answer
) -> None:
    never_comes = answer in (_slow, _dripping)
    asking = Asking(provider, SOON_S if never_comes else ANSWER_S)
    provider.groups_in_id_token = False
    provider.instead[path] = answer
    with pytest.raises(ProviderSilent) as error:
        await asking.log_in()
    await asking.client.close()
    assert path in str(error.value) or "status 500" in str(error.value) or never_comes
    # Nobody was followed. aiohttp asks once more where a kept connection ended; no code is sent twice by it.
    assert provider.asked.count(path) <= (2 if answer is _nothing and path != "/token" else 1)


@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
async def test_a_long_answer_is_not_read(asking: Asking, provider: PlayedProvider, path: str) -> None:
    async def long(_: web.Request) -> web.StreamResponse:
        return web.json_response({"x": "x" * ANSWER_MAX_BYTES})

    provider.groups_in_id_token = False
    provider.instead[path] = long
    with pytest.raises(ProviderSilent, match=str(ANSWER_MAX_BYTES)):
        await asking.log_in()


class Document(NamedTuple):
    """A lie of the discovery document."""

    clause: str
    changed: dict[str, Any]
    said: str


DOCUMENTS = (
    Document("Discovery 4.3", {"issuer": "https://evil.example"}, "of the issuer"),
    Document("Discovery 4.3", {"issuer": None}, "of the issuer"),
    Document("Discovery 3", {"token_endpoint": None}, "no token_endpoint"),
    Document("Discovery 3", {"jwks_uri": 7}, "jwks_uri is no address"),
    Document(
        "Discovery 3", {"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint is no"
    ),
    Document("Discovery 3", {"token_endpoint": "http://evil.example/token"}, "token_endpoint is no address"),
    Document("Discovery 3", {"userinfo_endpoint": "ftp://127.0.0.1/"}, "userinfo_endpoint is no address"),
    Document("Discovery 3", {"end_session_endpoint": "https:///x"}, "end_session_endpoint is no address"),
    Document("RFC 6749 3.1", {"authorization_endpoint": "https://h/#x"}, "authorization_endpoint is no"),
    Document("Discovery 3", {"jwks_uri": "http://[::1"}, "jwks_uri is no address"),
    Document("RFC 7636 4.2", {"code_challenge_methods_supported": ["plain"]}, "does not offer S256"),
    Document("Core 3.1.2.1", {"response_types_supported": ["id_token"]}, "does not offer code"),
)


@pytest.mark.parametrize("lie", DOCUMENTS, ids=[f"{one.clause}: {one.changed}" for one in DOCUMENTS])
async def test_a_discovery_document_that_lies_is_not_believed(
    asking: Asking, provider: PlayedProvider, lie: Document
) -> None:
    provider.document = lie.changed
    with pytest.raises(ProviderWrong) as error:
        await asking.provider.metadata()
    assert lie.said in str(error.value)


@pytest.mark.parametrize("document", [[], "text", None, 7])
async def test_a_discovery_document_is_an_object(
    asking: Asking, provider: PlayedProvider, document: object
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(document)

    provider.instead[DISCOVERY] = answer
    with pytest.raises(ProviderWrong):
        await asking.provider.metadata()


async def test_document_and_keys_are_kept_for_a_while(asking: Asking, provider: PlayedProvider) -> None:
    for _ in range(3):
        await asking.log_in()
    counted = [provider.asked.count(path) for path in (DISCOVERY, "/jwks")]
    assert counted == [1, 1]
    asking.clock.ahead_s += KEPT_S
    provider.claims = {"iat": asking.clock() / 1e6, "exp": asking.clock() / 1e6 + 300}
    await asking.log_in()
    assert [provider.asked.count(path) for path in (DISCOVERY, "/jwks")] == [2, 2]


async def test_many_who_log_in_at_once_ask_once(asking: Asking, provider: PlayedProvider) -> None:
    await asyncio.gather(*(asking.log_in() for _ in range(10)))
    assert [provider.asked.count(path) for path in (DISCOVERY, "/jwks")] == [1, 1]


async def test_new_keys_are_fetched_when_one_is_used(asking: Asking, provider: PlayedProvider) -> None:
    """Core 1.0, 10.1.1: a provider changes its keys when it likes."""
    await asking.log_in()
    asking.clock.ahead_s += AGAIN_S
    provider.key, provider.shown_keys = Key("ec1"), [Key("rsa1"), Key("ec1")]
    await asking.log_in()
    provider.shown_keys = [Key("ec1")]
    await asking.log_in()
    assert provider.asked.count("/jwks") == 2


async def test_tokens_by_unknown_keys_make_nobody_ask_often(asking: Asking, provider: PlayedProvider) -> None:
    provider.key = Key("rsa9")
    for _ in range(5):
        with pytest.raises(ProviderWrong, match="does not show"):
            await asking.log_in()
    assert provider.asked.count("/jwks") == 1
    asking.clock.ahead_s += AGAIN_S
    with pytest.raises(ProviderWrong):
        await asking.log_in()
    assert provider.asked.count("/jwks") == 2


async def test_who_did_not_answer_is_left_alone_for_a_moment(
    asking: Asking, provider: PlayedProvider
) -> None:
    provider.instead[DISCOVERY] = _broken
    for _ in range(5):
        with pytest.raises(ProviderSilent):
            await asking.provider.metadata()
    assert provider.asked.count(DISCOVERY) == 1
    provider.instead.clear()
    asking.clock.ahead_s += SILENT_S
    assert (await asking.provider.metadata()).issuer == provider.url
    provider.instead[DISCOVERY] = _broken
    asking.clock.ahead_s += KEPT_S
    assert (await asking.provider.metadata()).issuer == provider.url  # what it said before goes on


@pytest.mark.parametrize(
    ("path", "groups", "found"),
    [
        ("groups", ["a", "b"], {"a", "b"}),
        ("groups", "a", {"a"}),
        ("realm_access.roles", {"roles": ["a"]}, {"a"}),
        ("https://example.org/groups", ["a"], {"a"}),
        ("groups.deeper", ["a"], set()),
        ("groups", [], set()),
        ("groups", None, set()),
    ],
)
async def test_groups_are_found_where_the_configuration_says(
    provider: PlayedProvider, path: str, groups: object, found: set[str]
) -> None:
    asking = Asking(provider, groups_claim=path)
    name = path if path.startswith("https") else path.partition(".")[0]
    provider.person = {"sub": "1", name: groups}
    person = await asking.log_in()
    assert set(person.groups or ()) == found
    await asking.client.close()


async def test_groups_that_are_not_in_the_id_token_are_asked_for(
    asking: Asking, provider: PlayedProvider
) -> None:
    provider.groups_in_id_token = False
    assert (await asking.log_in()).groups == frozenset({"north"})
    assert provider.asked.count("/userinfo") == 1


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ({"preferred_username": "ada", "name": "Ada L."}, "ada"),
        ({"name": "Ada L.", "email": "a@b"}, "Ada L."),
        ({"preferred_username": 7, "email": "a@b"}, "a@b"),
        ({"preferred_username": "a\nb\u202ec" + "x" * 100}, "abc" + "x" * 57),
        ({"preferred_username": " "}, "1"),
        ({}, "1"),
    ],
)
async def test_people_are_called_as_they_are_there(
    asking: Asking, provider: PlayedProvider, called: dict[str, Any], shown: str
) -> None:
    provider.person = {"sub": "1", "groups": ["north"], **called}
    assert (await asking.log_in()).called == shown


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "invalid_grant", ProviderRefused),
        (400, "invalid_client", ProviderSilent),
        (401, "invalid_client", ProviderSilent),
        (400, ["invalid_grant"], ProviderSilent),
        (500, "invalid_grant", ProviderSilent),
        (429, None, ProviderSilent),
    ],
)
async def test_a_no_is_told_apart_from_trouble(
    asking: Asking, provider: PlayedProvider, status: int, error: object, kind: type[HubError]
) -> None:
    """A session ends by a no (RFC 6749, 5.2), and not by what an operator of the provider has to mend."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": error}, status=status)

    provider.instead["/token"] = answer
    with pytest.raises(kind):
        await asking.provider.refresh("x", "1")


async def test_the_secret_is_read_from_its_file(provider: PlayedProvider, tmp_path: Any) -> None:
    path = tmp_path / "secret"
    path.write_text("a secret: with+signs\n")
    asking = Asking(provider, client_secret="", client_secret_file=str(path))
    assert await asking.log_in()
    await asking.client.close()
    with pytest.raises(Invalid, match="missing"):
        Asking(provider, client_secret="", client_secret_file=str(tmp_path / "missing"))


async def test_a_client_may_have_no_secret_or_send_it_in_the_form(provider: PlayedProvider) -> None:
    forms: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        forms.append({**await request.post(), "authorization": request.headers.get("Authorization")})
        return web.json_response({"error": "invalid_grant"}, status=400)

    provider.instead["/token"] = answer
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    for secret in ("hush", ""):
        asking = Asking(provider, client_secret=secret)
        with pytest.raises(ProviderRefused):
            await asking.log_in()
        await asking.client.close()
    assert [(one["client_id"], one.get("client_secret"), one["authorization"]) for one in forms] == [
        ("hub", "hush", None),
        ("hub", None, None),
    ]
