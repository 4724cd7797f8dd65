"""Every view of the page, on a plant."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.plant import NEVER_SEEN, OPENED

CHART_PIXELS_LEAST = 2_000
HOUR_MS = 3_600_000


def _drawn(page: Dashboard) -> None:
    expect(page.device.locator(".cards canvas").nth(2)).to_be_visible()
    for canvas in page.device.locator(".cards canvas").all():
        page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)


def _listed(page: Dashboard) -> None:
    expect(page.rows().nth(3)).to_be_visible()


def _tables(page: Dashboard) -> None:
    expect(page.device.get_by_role("row").nth(3)).to_be_visible()


def _says(text: str) -> Callable[[Dashboard], None]:
    return lambda page: expect(page.tab.get_by_text(text).first).to_be_visible()


def _opens(button: str, dialog: str) -> Callable[[Dashboard], None]:
    def whole(page: Dashboard) -> None:
        page.tab.get_by_role("button", name=button).click()
        opened = page.tab.get_by_role("dialog", name=dialog)
        expect(opened).to_be_visible()
        expect(opened.get_by_text("Loading", exact=True)).to_have_count(0)

    return whole


def _tiled(page: Dashboard) -> None:
    expect(page.tab.get_by_role("listitem").nth(3)).to_be_visible()


def _section(page: Dashboard) -> None:
    expect(page.device.locator(".section li, .section form").first).to_be_visible()


@dataclass(frozen=True)
class View:
    """Where it is, with {from} and {to} for an hour ago and now in ms, and what is there once it is whole."""

    name: str
    path: str
    is_whole: Callable[[Dashboard], None]

    def open(self, page: Dashboard, url: str) -> None:
        """Go there, and wait until it is whole."""
        now_ms = int(time.time() * 1000)
        path = self.path.replace("{from}", str(now_ms - HOUR_MS)).replace("{to}", str(now_ms))
        page.tab.keyboard.press("Escape")  # closes what the view before had opened
        page.tab.goto(f"{url}/{path}")
        self.is_whole(page)


DEVICE = f"#/device/{OPENED}"
VIEWS = (
    View("list", "#/", _listed),
    View("list-grouped", "#/?group=place&sort=problems&metric=temperature&metric=speed", _listed),
    View("nothing-found", "#/?q=zeppelin", _says("No device matches")),
    View("compare", f"{DEVICE}?compare=pump-02,pump-03", _drawn),
    View("history", f"{DEVICE}?from={{from}}&to={{to}}", _drawn),
    View("device", DEVICE, _drawn),
    View("device-table", f"{DEVICE}?view=table", _tables),
    View("history-table", f"{DEVICE}?from={{from}}&to={{to}}&view=table", _tables),
    View("notes", f"{DEVICE}/notes", _section),
    View("keys", f"{DEVICE}/keys", _section),
    View("rejections", f"{DEVICE}/rejections", _section),
    View("commands", f"{DEVICE}/commands", _section),
    View("attributes", f"{DEVICE}/attributes", _section),
    View("settings", f"{DEVICE}/settings", _section),
    View("system", "#/system", _drawn),
    View("never-seen", f"#/device/{NEVER_SEEN}", _says("has not sent anything yet")),
    View("no-such-device", "#/device/nobody", _says("There is no device")),
    View("alerts", "#/", _opens("Alerts", "Needs attention")),
    View("all-alerts", "#/alerts?state=all", _says("temperature")),
    View("rules", "#/rules", _says("Pump too warm")),
    View("rule", "#/rules?rule=1", _says("Would have fired")),
    View("columns", "#/", _opens("Columns", "Columns")),
    View("preferences", "#/", _opens("Preferences", "Preferences")),
    View("wall", "#/wall?group=place&metric=temperature&metric=speed", _tiled),
    View("add-device", "#/add", _says("Add a device")),
    View("account-menu", "#/", _opens("account", "Your account")),
    View("account", "#/account", _says("This browser")),
    View("tokens", "#/tokens", _says("wall display")),
    View("make-token", "#/tokens", _opens("Make a token", "Make a token")),
    View("people", "#/people", _says("cleo")),
    View("add-person", "#/people", _opens("Add a person", "Add a person")),
    View("audit", "#/audit", _says("made a token")),
)
