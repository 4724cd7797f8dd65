"""Moving through what the page holds, and past that into history."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_device import CHART_PIXELS_LEAST, assert_whole
from tests.e2e.test_zoom import window_of
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


def slider(page: Dashboard) -> Locator:
    """The moment shown."""
    return page.device.get_by_role("slider", name="Moment shown")


def test_the_keyboard_moves_back_in_time_while_taking_in_goes_on(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("scrubbed")
    with Feeder(shared_hub, key, earlier=80) as feeder:
        page = visit(shared_hub, "/#/device/scrubbed?window=60")
        value = page.line("count").locator(".card-value")
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        expect(page.line("count").locator(".card-min")).to_have_text("0")
        expect(slider(page)).to_have_attribute("aria-valuetext", "Live")
        for _ in range(5):
            slider(page).press("ArrowLeft")

        expect(page.link).to_have_text("Paused")
        expect(slider(page)).to_have_attribute("aria-valuetext", re.compile(r"\d s ago$"))
        expect(value).to_have_text(re.compile(r"^\d+$"))
        shown = int(value.inner_text())
        assert 0 < shown < feeder.sent - 5
        feeder.wait_for(feeder.sent + 10)
        assert value.inner_text() == str(shown)
        slider(page).press("ArrowRight")
        expect(value).not_to_have_text(str(shown))
        assert shown < int(value.inner_text()) < feeder.sent

        page.device.get_by_role("button", name="Back to live").click()
        expect(page.link).to_have_text("Live")
        page.wait_for_change(value)
        assert_whole(page)


def test_past_what_the_page_holds_the_slider_goes_on_into_history(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("stored")
    with Feeder(shared_hub, key) as feeder:
        feeder.wait_for(10)
        page = visit(shared_hub, "/#/device/stored")
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        slider(page).press("PageDown")

        expect(page.device.get_by_text("No readings in this time.").first).to_be_visible()
        start, end = window_of(page)
        assert end - start == 60_000
        expect(page.link).to_have_text("Live")

        page.device.get_by_role("link", name="Back to live").click()
        page.wait_for_change(page.line("count").locator(".card-value"))
        page.assert_accessible()
