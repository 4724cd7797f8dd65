"""`python -m tests.e2e.screenshots`: every view of the page as a picture, in light, in dark and as wide as a
phone.

They go to docs/screenshots, which is not committed; the two that the README shows go beside it.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.e2e.conftest import AXE, CHROMIUM, FLAGS, TIMEOUT_MS
from tests.e2e.dashboard import Dashboard
from tests.e2e.people import PASSWORD
from tests.e2e.plant import Plant
from tests.e2e.views import VIEWS
from tests.faults.disk import full_disk
from tests.hub_process import HubProcess
from tests.logins import open_link

DOCS = Path(__file__).parents[2] / "docs"
SHOWN = {"page-light.png": "light/device.png", "page-dark.png": "dark/history.png"}  # in the README
FILLED_S = 60  # of live readings before the first picture: what a chart shows at first sight


class Look(NamedTuple):
    """How the page is looked at."""

    name: str
    scheme: Literal["light", "dark"]
    viewport: ViewportSize


DESK = ViewportSize(width=1440, height=900)
LOOKS = (
    Look("light", "light", DESK),
    Look("dark", "dark", DESK),
    Look("phone", "light", ViewportSize(width=390, height=844)),
)


class Camera:
    """A browser's page in each look, and where its pictures go."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder

    def open(self, hub: HubProcess, look: Look, *, login: bool = True) -> Dashboard:
        context = self._browser.new_context(locale="en-GB", color_scheme=look.scheme, viewport=look.viewport)
        tab = context.new_page()
        tab.set_default_timeout(TIMEOUT_MS)
        if login:
            open_link(tab, hub.login_link())
        tab.goto(hub.url)
        return Dashboard(tab, AXE.read_text())

    def take(self, page: Dashboard, look: Look, name: str) -> None:
        file = self._folder / look.name / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        page.tab.screenshot(path=file)
        print(file)


def take_views(camera: Camera, hub: HubProcess) -> None:
    """What links lead to."""
    for look in LOOKS:
        page = camera.open(hub, look)
        for view in VIEWS:
            view.open(page, hub.url)
            camera.take(page, look, view.name)
        page.tab.context.close()


def take_troubles(camera: Camera, hub: HubProcess) -> None:
    """What happens: nobody is logged in, a session ends, the disk is full, the hub goes away."""
    for look in LOOKS:
        page = camera.open(hub, look, login=False)
        expect(page.tab.get_by_role("heading", name="Log in")).to_be_visible()
        camera.take(page, look, "logged-out")
        page.tab.context.close()
    for look in LOOKS:
        page = camera.open(hub, look)
        expect(page.link).to_have_text("Live")
        hub.call("PATCH", "/api/v1/operators/admin", {"password": PASSWORD})  # which ends all sessions
        expect(page.tab.get_by_role("dialog", name="Log in")).to_be_visible()
        camera.take(page, look, "session-over")
        page.tab.context.close()
    pages = [(camera.open(hub, look), look) for look in LOOKS]
    for page, _ in pages:
        expect(page.link).to_have_text("Live")
    with full_disk(hub):
        for page, look in pages:
            expect(page.tab.get_by_text("Live readings go on")).to_be_visible()
            camera.take(page, look, "disk-full")
    hub.stop()
    for page, look in pages:
        expect(page.tab.get_by_text("Values are as of")).to_be_visible()
        camera.take(page, look, "disconnected")
        page.tab.context.close()


def take_first_run(camera: Camera, folder: Path) -> None:
    """A hub on which nothing is yet."""
    hub = HubProcess(folder / "empty").start()
    try:
        for look in LOOKS:
            page = camera.open(hub, look)
            expect(page.tab.get_by_text("No devices yet")).to_be_visible()
            camera.take(page, look, "first-run")
            page.tab.context.close()
    finally:
        hub.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DOCS / "screenshots")
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    expect.set_options(timeout=TIMEOUT_MS)
    with tempfile.TemporaryDirectory(prefix="plant-") as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        camera = Camera(browser, folder)
        take_first_run(camera, Path(scratch))
        with Plant(Path(scratch), HubProcess) as plant:
            time.sleep(FILLED_S)
            take_views(camera, plant.hub)
            take_troubles(camera, plant.hub)
        browser.close()
    if folder.parent == DOCS:
        for shown, taken in SHOWN.items():
            shutil.copy(folder / taken, DOCS / shown)


if __name__ == "__main__":
    main()
