"""The hub itself, as the page shows it."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import DESK, Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]
WIDTHS = (320, 390, 600, 1024)
# Figures and names that do not show whole.
CUT = """view => [...view.querySelectorAll('.tiles *, .legend :is(th, td, span)')]
    .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible"
        || one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY === "hidden")
    .map(one => one.textContent)"""
QUICK = {"HUB__SYSTEM__INTERVAL_S": "0.2"}


def test_the_hub_shows_its_figures_live_and_in_no_list(
    start_hub: Callable[..., HubProcess], visit: Visit
) -> None:
    hub = start_hub("data", **QUICK)
    page = visit(hub)
    expect(page.tab.get_by_text("No devices yet")).to_be_visible()  # the hub itself is none
    with Feeder(hub, hub.add_device("press", name="Press")):
        expect(page.row("Press")).to_be_visible()
        expect(page.tab.locator("[data-total=rate]")).to_have_text(re.compile(r"^[1-9]\d?$"))
        expect(page.tab.get_by_text("readings/s")).to_be_visible()

        page.tab.get_by_role("link", name="System").click()

        tiles = page.device.locator(".tiles")
        expect(tiles.locator("[data-metric=readings_per_s] dd")).to_have_text(re.compile(r"^[1-9]\d?\.\d$"))
        expect(tiles.locator("[data-metric=devices_connected] dd")).to_have_text("1")
        expect(tiles.locator("[data-metric=viewers] dd")).to_have_text("1")
        expect(tiles.locator("[data-metric=disk_free_gib] dd")).to_have_text(re.compile(r"\d GiB$"))
        expect(tiles.locator("[data-metric=syncs_per_s] dd")).to_have_text(re.compile(r"^[1-9]\d?\.\d$"))
        expect(tiles.locator("[data-metric=journal_mib]")).to_contain_text("of 128 MiB at most")
        # What is written a day comes after a minute.
        known = tiles.locator("[data-metric]:not([data-metric=written_gib_per_day]) > dd")
        expect(known.filter(has_text="–")).to_have_count(0)
        expect(page.device.get_by_text("✓ Storing")).to_be_visible()
        page.wait_for_paint(page.device.locator("canvas").first, least=CHART_PIXELS_LEAST)
        page.device.get_by_text("Limits", exact=True).click()
        expect(page.device.get_by_role("row", name="limits.readings_per_s 10,000")).to_be_visible()
        page.assert_accessible_in_any_width()
        for width in WIDTHS:
            page.tab.set_viewport_size({"width": width, "height": 844})
            page.wait_for_paint(page.device.locator("canvas").first, least=CHART_PIXELS_LEAST)
            assert page.device.evaluate(CUT) == [], width
        page.tab.set_viewport_size(DESK)

        page.device.get_by_role("button", name="History").click()
        expect(page.tab).to_have_url(re.compile(r"#/system\?from=\d+&to=\d+"))
        expect(page.device.get_by_role("heading", name="cpu_percent").first).to_be_attached()
        page.tab.go_back()
        page.device.get_by_role("link", name="Devices").click()
        expect(page.row("Press")).to_be_visible()
        expect(page.rows()).to_have_count(1)
        page.row("Press").click()
        expect(page.device.get_by_role("heading", name="Press")).to_be_visible()


def test_a_hub_that_comes_back_shows_its_figures_again(
    start_hub_process: Callable[..., HubProcess], visit: Visit
) -> None:
    hub = start_hub_process("data", **QUICK)
    page = visit(hub, "/#/system")
    cpu = page.device.locator("[data-metric=cpu_percent] dd")
    expect(cpu).to_have_text(re.compile("%$"))
    facts = page.device.locator(".system-facts .small")
    since = facts.inner_text().partition("since ")[2].partition(" ·")[0]
    hub.stop()
    expect(page.tab.get_by_role("status").first).to_contain_text("Values are as of")
    expect(page.device.locator(".figures-old")).to_contain_text("old")
    hub.start()
    page.connect_now()
    expect(page.device.locator(".figures-old")).to_have_text("")
    expect(facts).not_to_contain_text(since)


def test_a_hub_without_figures_of_its_own_says_so(start_hub: Callable[..., HubProcess], visit: Visit) -> None:
    page = visit(start_hub("data", HUB__SYSTEM__INTERVAL_S="0"), "/#/system")
    expect(page.device.get_by_text("publishes no figures of its own")).to_be_visible()
    expect(page.device.get_by_text("✓ Storing")).to_be_visible()


def test_who_may_see_some_devices_is_told_that_the_hub_is_not_among_them(
    hub: HubProcess, visit: Visit
) -> None:
    hub.add_device("press")
    bearer = {"Authorization": f"Bearer {hub.token('viewer', ['press'])}"}
    page = visit(hub, "/#/system", extra_http_headers=bearer)
    expect(page.tab.get_by_text("are for those who see the whole hub")).to_be_visible()
    page.assert_accessible()
