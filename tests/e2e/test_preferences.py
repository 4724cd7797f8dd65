"""What a reader chooses for one browser: theme, density, and how numbers and times are written."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub with a device that sends."""
    hub = HubThread(tmp_path_factory.mktemp("press") / "data").start()
    try:
        with Feeder(hub, hub.add_device("press", name="Press", labels={"hall": "North"})):
            yield hub
    finally:
        hub.stop()


def test_compact_rows_are_lower_and_stay_so(press: HubProcess, visit: Visit) -> None:
    page = visit(press)
    row = page.row("Press")
    expect(row).to_have_css("height", "44px")

    page.prefer("Compact")

    expect(row).to_have_css("height", "32px")
    page.assert_accessible()
    page.tab.reload()
    expect(row).to_have_css("height", "32px")


def test_numbers_are_written_as_the_chosen_locale_does(press: HubProcess, visit: Visit) -> None:
    page = visit(press, "/#/?metric=temperature")
    value = page.row("Press").locator(".number")
    expect(value).to_have_text(re.compile(r"^\d\d\.\d"))
    page.tab.get_by_role("button", name="Preferences").click()

    page.tab.get_by_label("Numbers and dates").select_option("de-DE")

    expect(value).to_have_text(re.compile(r"^\d\d,\d"))
    expect(page.tab.get_by_role("dialog", name="Preferences")).to_contain_text("1.234,5")


def test_times_follow_hours_and_zone(press: HubProcess, visit: Visit) -> None:
    page = visit(press, "/#/device/press", timezone_id="Asia/Kolkata")
    page.prefer("UTC", "12 h")
    page.device.get_by_role("button", name="History").click()
    shown = page.device.locator(".range-bar")
    expect(shown).to_contain_text("UTC")
    expect(shown).to_contain_text(re.compile("[ap]m"))
    page.tab.get_by_role("button", name="Preferences").click()
    in_utc = page.tab.get_by_role("dialog", name="Preferences").get_by_role("status").inner_text()

    page.tab.locator(".choices label", has_text="Local").click()

    expect(shown).not_to_contain_text("UTC")
    local = page.tab.get_by_role("dialog", name="Preferences").get_by_role("status").inner_text()
    assert minutes(local) in {(minutes(in_utc) + 330 + late) % 720 for late in (0, 1)}


def minutes(said: str) -> int:
    """Minutes since twelve in "…, 3:09:26 pm"."""
    found = re.search(r"(\d+):(\d\d):\d\d", said)
    assert found, said
    return int(found[1]) % 12 * 60 + int(found[2])


def test_the_popover_closes_by_escape_and_gives_the_focus_back(press: HubProcess, visit: Visit) -> None:
    page = visit(press)
    button = page.tab.get_by_role("button", name="Preferences")
    button.press("Enter")
    popover = page.tab.get_by_role("dialog", name="Preferences")
    expect(popover.get_by_text("Comfortable")).to_be_visible()
    page.tab.keyboard.press("Tab")
    expect(popover.get_by_role("radio", name="System")).to_be_focused()

    page.tab.keyboard.press("Escape")

    expect(popover).to_be_hidden()
    expect(button).to_be_focused()
