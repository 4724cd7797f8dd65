"""Devices drawn in the same charts."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


def test_another_device_is_drawn_in_the_same_charts_live_and_in_history(
    shared_hub: HubProcess, visit: Visit
) -> None:
    with (
        Feeder(shared_hub, shared_hub.add_device("mine", name="Mine")),
        Feeder(shared_hub, shared_hub.add_device("yours", name="Yours")) as yours,
    ):
        shared_hub.add_device("silent", name="Silent")
        page = visit(shared_hub, "/#/device/mine")
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        page.device.get_by_role("button", name="Compare").press("Enter")
        choice = page.tab.get_by_role("dialog", name="Compare with other devices")
        expect(choice.get_by_role("checkbox")).to_have_count(1)
        choice.get_by_role("searchbox").fill("you")
        choice.get_by_role("checkbox", name="Yours").press("Space")
        expect(choice.get_by_role("checkbox", name="Yours")).to_be_checked()
        page.assert_accessible()
        page.tab.keyboard.press("Escape")

        assert page.tab.url.endswith("#/device/mine?compare=yours")
        expect(page.line("count")).to_have_count(2)
        beside = page.line("count").filter(has_text="Yours").locator(".card-value")
        page.wait_for_change(beside)
        yours.wait_for(yours.sent + 5)
        columns = page.read_csv()[-1].keys()
        assert set(columns) == {"time", "count", "temperature", "yours/count", "yours/temperature"}

        page.device.get_by_role("button", name="History").click()
        expect(page.line("count")).to_have_count(2)
        expect(beside).to_have_text(re.compile(r"^\d+$"))
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        assert {"count", "yours/count"} <= set(page.read_csv()[0])


def test_a_link_opens_a_comparison_and_a_device_that_is_gone_is_left_out(
    shared_hub: HubProcess, visit: Visit
) -> None:
    with Feeder(shared_hub, shared_hub.add_device("one")):
        with Feeder(shared_hub, shared_hub.add_device("two")):
            page = visit(shared_hub, "/#/device/one?compare=two,nobody")
            expect(page.line("count")).to_have_count(2)
            page.wait_for_change(page.line("count").filter(has_text="two").locator(".card-value"))

        shared_hub.call("DELETE", "/api/v1/devices/two")

        expect(page.line("count")).to_have_count(1)
        page.wait_for_change(page.line("count").locator(".card-value"))
