"""The hub's clock is set while the page is open."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hub.compose import Surroundings, now_us
from tests.e2e.dashboard import Dashboard
from tests.e2e.test_sections import publish
from tests.hub_thread import HubThread

DAY_US = 86_400_000_000
Visit = Callable[..., Dashboard]


class HubOfAnyTime(HubThread):
    """Its machine's clock can be set."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.ahead_us = 0
        self.around = Surroundings(clock=lambda: now_us() + self.ahead_us)

    def set_clock(self, days: int) -> None:
        """So far from the time it is, and wait until the hub has seen it."""
        steps = self.call("GET", "/api/v1/system")["clock"]["steps"]
        self.ahead_us = days * DAY_US
        self.wait_for("/api/v1/system", lambda system: system["clock"]["steps"] > steps)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubOfAnyTime]:
    made = HubOfAnyTime(tmp_path / "data")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize(("days", "words"), [(-3, "3 d back"), (3, "3 d ahead")], ids=["back", "ahead"])
def test_a_clock_that_is_set_is_said_and_values_go_on(
    hub: HubOfAnyTime, visit: Visit, days: int, words: str
) -> None:
    key = hub.add_device("press", name="Press")
    publish(hub, key, "v1/devices/me/telemetry", '{"n": 1}')
    page = visit(hub, "/#/device/press")
    expect(page.line("n").locator(".card-value")).to_have_text("1")

    hub.set_clock(days)
    page.look_again()

    said = page.tab.get_by_role("alert").filter(has_text=f"clock was set {words}")
    expect(said).to_be_visible()
    page.assert_accessible_in_any_width()
    publish(hub, key, "v1/devices/me/telemetry", '{"n": 2}')
    expect(page.row("Press").locator(".number")).to_have_text("2")
    expect(page.line("n").locator(".card-value")).to_have_text("2")
    expect(page.line("n").locator(".legend-note")).to_have_text("")
    said.get_by_role("button", name="OK").click()
    expect(said).to_have_count(0)

    page.tab.get_by_role("link", name="System").click()

    expect(page.tab.get_by_text(re.compile(f"Set {words} at"))).to_be_visible()
    expect(page.tab.get_by_text("Nothing is deleted because of its age")).to_be_visible()
