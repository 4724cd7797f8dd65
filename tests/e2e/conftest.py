"""A real browser on the page of a real hub."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.e2e.dashboard import DESK, Dashboard
from tests.e2e.network import Network
from tests.e2e.reverse_proxy import ReverseProxy
from tests.hub_process import HubProcess
from tests.logins import pressed

CHROMIUM = "/usr/bin/chromium"
# A window's own address bar draws two pages in a process beside, and a third process waits for a page to
# come: half of what opening a page costs. Of several such flags the last one wins, so some that Playwright
# turns off are named again.
FEATURES_OFF = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess"),
    *("MediaRouter", "OptimizationHints", "PaintHolding"),
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(FEATURES_OFF)}",
)
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TIMEOUT_MS = 20_000
FORGET = "() => { try { localStorage.clear() } catch { /* it shows no page of the hub */ } }"
USUAL: Any = {"locale": "en-GB", "viewport": DESK}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder. While it is open its event loop counts as running, so no other test may
    be.
    """
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's source: run by the debugger, for the page's own policy lets no foreign script in."""
    return AXE.read_text()


@pytest.fixture(scope="module")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of the browser for the tests of one file: a page opens in it sooner than in a new one."""
    context = browser.new_context(**USUAL)
    yield context
    context.close()


@pytest.fixture
def visit(browser: Browser, axe: str, shared_context: BrowserContext) -> Iterator[Callable[..., Dashboard]]:
    """Opens the page, logged in unless told not to. No script may fail and no policy be violated.

    The tests of a file share a profile, from which all that was kept is removed after each. A page that is
    `apart`, as one whose clock is set must be, or that has settings of its own has its own profile.
    """
    visited: list[Page] = []
    faults: list[str] = []
    # At which hub the shared profile is; cookies do not tell one port from another.
    logged_in: list[HubProcess | Network | ReverseProxy] = []

    def open_page(
        hub: HubProcess | Network | ReverseProxy,
        path: str = "/",
        *,
        login: bool = True,
        apart: bool = False,
        viewport: ViewportSize | None = None,
        color_scheme: Literal["light", "dark"] | None = None,
        reduced_motion: Literal["reduce"] | None = None,
        **settings: Any,
    ) -> Dashboard:
        context = browser.new_context(**{**USUAL, **settings}) if settings or apart else shared_context
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said.text) else None)
        if viewport is not None:
            page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        visited.append(page)
        # Once: to log in again ends the session before.
        if login and (context is not shared_context or hub not in logged_in):
            to, form, headers = pressed(hub.login_link())
            context.request.post(to, form=dict(form), headers=headers, max_redirects=0)
            if context is shared_context:
                logged_in[:] = [hub]
        page.goto(hub.url + path)
        return Dashboard(page, axe)

    yield open_page
    for page in visited:
        if page.context is shared_context:
            page.evaluate(FORGET)
            page.close()
        else:
            page.context.close()
    shared_context.clear_cookies()
    assert faults == []


def is_fault(said: str) -> bool:
    """Whether the browser complains of the page; it also logs each request that a stopped hub does not
    answer.
    """
    return "Content Security Policy" in said or "Refused to" in said
