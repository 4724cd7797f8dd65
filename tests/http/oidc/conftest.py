"""A hub whose people come by a played provider, and browsers of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from hub.config import AuthConfig, Config
from hub.config_oidc import OidcMapping, OidcProvider
from hub.http.rooms import BY_PROVIDER
from tests.http.conftest import Hub
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET, PlayedProvider, played_provider

START, CALLBACK = "/login/oidc/company", "/login/oidc/company/callback"


@pytest.fixture(scope="module")
async def kept_provider() -> AsyncIterator[PlayedProvider]:
    async with played_provider() as played:
        yield played


@pytest.fixture
def provider(kept_provider: PlayedProvider) -> PlayedProvider:
    """It tells the truth, of an `ada` who was never here and is in the group `north`."""
    kept_provider.honest()
    kept_provider.person["groups"] = ["north"]
    return kept_provider


def provider_config(issuer: str, **more: Any) -> OidcProvider:
    mappings = (
        OidcMapping(group="north", role="operator", labels=("site=north",)),
        OidcMapping(group="pumps", role="viewer", devices=("pump",)),
        OidcMapping(group="it", role="admin"),
    )
    asked: dict[str, Any] = {
        "name": "company",
        "title": "The Company",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "mappings": mappings,
    }
    return OidcProvider(**{**asked, **more})


@pytest.fixture
def config(kept_provider: PlayedProvider) -> Config:
    return Config(auth=AuthConfig(oidc=(provider_config(kept_provider.url),)))


@dataclass
class Page:
    """What a browser shows."""

    status: int
    text: str
    location: str


class Browser:
    """As much of one as a log in needs: it keeps cookies, and goes where it is sent."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def open(self, url: str) -> Page:
        """Open an address, of the hub where it is only a path; where it leads on, nobody goes yet."""
        whole = url if url.startswith("http") else self.hub.url + url
        async with self.client.get(whole, allow_redirects=False) as response:
            return Page(response.status, await response.text(), response.headers.get("Location", ""))

    async def at_provider(self) -> Page:
        """Begin a log in at the hub, and go to the provider, which sends the browser back."""
        begun = await self.open(START)
        assert begun.status == 303, begun.text
        return await self.open(begun.location)

    async def log_in(self) -> Page:
        """All the way; where that went well, the answer leads to the hub's page."""
        return await self.open((await self.at_provider()).location)

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """By the session, as the page does it."""
        headers = {"Origin": self.hub.url}
        async with self.client.request(method, self.hub.url + path, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None) if response.status != 204 else None

    async def session(self) -> tuple[int, Any]:
        return await self.call("GET", "/api/v1/session")

    def cookie(self, name: str) -> str:
        found = {cookie.key: cookie.value for cookie in self.client.cookie_jar}
        return found.get(name, "")


@pytest.fixture
async def browser(hub: Hub, provider: PlayedProvider) -> AsyncIterator[Browser]:
    by_provider = hub.app[BY_PROVIDER]
    assert by_provider is not None
    by_provider.sign_on._throttle._failures.clear()  # else refusals come later and later
    opened = Browser(hub)
    yield opened
    await opened.client.close()


@pytest.fixture
async def other_browser(hub: Hub, provider: PlayedProvider) -> AsyncIterator[Browser]:
    opened = Browser(hub)
    yield opened
    await opened.client.close()


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
