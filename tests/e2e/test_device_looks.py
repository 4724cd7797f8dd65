"""The charts of a device in every theme and width: that everyone can use them, and nothing is wider than the
page.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_charts import describe
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub with two devices alike: two metrics of one unit, one of them past its thresholds."""
    hub = HubThread(tmp_path_factory.mktemp("mill") / "data").start()
    try:
        with (
            Feeder(hub, hub.add_device("mill", name="Mill")),
            Feeder(
                hub, hub.add_device("press", name="A press of a name that is longer than a phone is wide")
            ),
        ):
            bounds = {"warning_low": 10, "warning_high": 30, "critical_high": 43}
            for device_id in ("mill", "press"):
                temperature: dict[str, object] = {"name": "temperature", "unit": "°C", "thresholds": bounds}
                describe(hub, device_id, {"name": "count", "unit": "°C"}, temperature)
            yield hub
    finally:
        hub.stop()


def test_axe_finds_nothing_in_a_comparison_its_history_and_their_tables(
    mill: HubProcess, visit: Visit
) -> None:
    page = visit(mill, "/#/device/mill?compare=press")
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    expect(page.line("temperature").first.locator(".legend-note")).to_contain_text("▲")
    page.card("count").get_by_role("button", name="count Mill").press("Enter")
    page.assert_accessible_in_any_width()

    page.device.get_by_role("button", name="History").click()
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    expect(page.card("count").get_by_role("button", name="count Mill")).to_have_attribute(
        "aria-pressed", "false"
    )
    page.assert_accessible_in_any_width()

    page.device.get_by_role("link", name="Table").click()
    expect(page.device.get_by_role("table").first).to_be_visible()
    page.assert_accessible_in_any_width()

    page.device.get_by_role("link", name="Back to live").click()
    expect(page.device.get_by_role("columnheader", name="temperature Mill, °C")).to_be_visible()
    page.assert_accessible_in_any_width()
