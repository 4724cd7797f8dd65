"""One-time links, opened as the button on their page does it."""

from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import aiohttp
from playwright.sync_api import Page


class Pressed(NamedTuple):
    """What the button of a link's page sends."""

    url: str
    form: dict[str, str]
    headers: dict[str, str]


def pressed(link: str) -> Pressed:
    parts = urlsplit(link)
    [code] = parse_qs(parts.query)["code"]
    origin = f"{parts.scheme}://{parts.netloc}"
    return Pressed(f"{origin}{parts.path}", {"code": code}, {"Origin": origin})


async def use_link(
    browser: aiohttp.ClientSession, link: str, headers: dict[str, str] | None = None
) -> aiohttp.ClientResponse:
    """The answer to the button: where that went well, 303 and the session's cookie."""
    url, form, own = pressed(link)
    sent = {**own, **(headers or {})}
    async with browser.post(url, data=form, headers=sent, allow_redirects=False) as response:
        await response.read()
        return response


def open_link(tab: Page, link: str) -> None:
    """Open a link in a browser, and press its button."""
    tab.goto(link)
    tab.get_by_role("button", name="Log in").click()
