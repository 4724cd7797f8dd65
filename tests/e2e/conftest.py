"""A real browser on the page of a real hub."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.dashboard import Dashboard
from tests.e2e.network import Network
from tests.hub_process import HubProcess

CHROMIUM = "/usr/bin/chromium"
# A window's own address bar draws two pages in a process beside, and a third process waits for a page to come: half of
# what opening a page costs. Of several such flags the last one wins, so some that Playwright turns off are named again.
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


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder. While it is open its event loop counts as running, so no other test may be."""
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's source: run by the debugger, for the page's own policy lets no foreign script in."""
    return AXE.read_text()


@pytest.fixture
def visit(browser: Browser, axe: str) -> Iterator[Callable[..., Dashboard]]:
    """Opens the page in a browser of its own, logged in unless told not to. No script may fail and no policy be violated."""
    visited: list[tuple[Page, list[str]]] = []

    def open_page(
        hub: HubProcess | Network, path: str = "/", *, login: bool = True, **settings: Any
    ) -> Dashboard:
        context = browser.new_context(
            **{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **settings}
        )
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said.text) else None)
        visited.append((page, faults))
        if login:
            page.goto(hub.login_link())
        page.goto(hub.url + path)
        return Dashboard(page, axe)

    yield open_page
    faults = [fault for _, found in visited for fault in found]
    for page, _ in visited:
        page.context.close()
    assert faults == []


def is_fault(said: str) -> bool:
    """Whether the browser complains of the page; it also logs each request that a stopped hub does not answer."""
    return "Content Security Policy" in said or "Refused to" in said
