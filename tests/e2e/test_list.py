"""The list of devices."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess

ROWS_MOST = 40

Visit = Callable[..., Dashboard]


def test_an_empty_hub_says_how_to_add_a_device_and_shows_it_once_added(hub: HubProcess, visit: Visit) -> None:
    page = visit(hub)
    expect(page.tab.get_by_text("No devices yet")).to_be_visible()
    expect(page.tab.get_by_text("hub devices add boiler-1")).to_be_visible()
    expect(page.tab.get_by_role("link", name="Add the first device")).to_be_visible()
    page.assert_accessible()

    hub.add_device("boiler-1")

    expect(page.row("boiler-1")).to_be_visible()


def test_values_and_sparkline_are_live(hub: HubProcess, visit: Visit) -> None:
    key = hub.add_device("press", name="Press", labels={"hall": "North"})
    with Feeder(hub, key):
        hub.call("PUT", "/api/v1/devices/press/metrics/temperature", {"unit": "°C"})
        page = visit(hub)
        page.show_columns("temperature")
        row = page.row("Press")
        expect(row).to_contain_text("North")
        value = row.locator(".number")
        expect(value).to_contain_text("°C")
        page.wait_for_change(value)
        canvas = row.locator("canvas")
        first = page.wait_for_paint(canvas)
        page.wait_for_paint(canvas, unlike=first)
        expect(row.locator(".cell-state")).to_contain_text("now")


def test_a_value_past_its_thresholds_is_marked_by_shape_and_word_and_no_other_is(
    hub: HubProcess, visit: Visit
) -> None:
    with Feeder(hub, hub.add_device("press", name="Press")) as feeder:
        feeder.wait_for(2)
        path = "/api/v1/devices/press/metrics"
        hub.call("PUT", f"{path}/temperature", {"thresholds": {"critical_low": 100}})
        hub.call("PUT", f"{path}/count", {"thresholds": {"warning_high": 0, "critical_high": 1e6}})
        page = visit(hub)
        page.show_columns("temperature", "count", "mode")
        marks = page.row("Press").locator(".concern")
        expect(marks).to_have_text(["▼", "△", ""])
        expect(page.row("Press").get_by_role("img")).to_have_count(2)
        for mark, words in (
            (marks.nth(0), "below the critical limit"),
            (marks.nth(1), "above the warning limit"),
        ):
            expect(mark).to_have_accessible_name(words)
            expect(mark).to_have_attribute("title", words)
        page.assert_accessible()

        page.tab.get_by_role("link", name="Wall").click()
        expect(page.tab.get_by_role("listitem").get_by_role("img")).to_have_text(["▼", "△"])
        page.assert_accessible()


def test_a_mark_comes_and_goes_with_the_value(hub: HubProcess, visit: Visit) -> None:
    def swing(number: int) -> dict[str, float | str | bool]:
        return {"level": 10.0 if number // 10 % 2 else 90.0}

    with Feeder(hub, hub.add_device("tank", name="Tank"), values=swing) as feeder:
        feeder.wait_for(2)
        hub.call("PUT", "/api/v1/devices/tank/metrics/level", {"thresholds": {"critical_high": 50}})
        page = visit(hub)
        mark = page.row("Tank").get_by_role("img")
        for _ in range(2):
            expect(mark).to_have_text("▲")
            expect(mark).to_have_count(0)


def test_the_totals_count_devices_updates_and_delay(hub: HubProcess, visit: Visit) -> None:
    key = hub.add_device("a")
    hub.add_device("b")
    with Feeder(hub, key):
        page = visit(hub)
        expect(page.tab.locator("[data-total=online]")).to_have_text("1/2")
        expect(page.tab.locator("[data-total='not online']")).to_have_text("1")
        rate = page.tab.locator("[data-total=rate]")
        expect(rate).not_to_have_text("–")
        expect(rate).not_to_have_text("0")
        expect(page.tab.locator("[data-total=delay]")).to_contain_text("s")


def test_presence_is_said_in_words_and_follows_the_device(hub: HubProcess, visit: Visit) -> None:
    key = hub.add_device("mixer")
    page = visit(hub)
    state = page.row("mixer").locator(".cell-state")
    expect(state).to_contain_text("Never seen")
    with Feeder(hub, key):
        expect(state).to_contain_text("Online")
    expect(state).to_contain_text("Offline")
    expect(state).to_contain_text("ago")


@pytest.fixture
def many(shared_hub: HubProcess) -> HubProcess:
    """A hub with three hundred devices."""
    known = shared_hub.call("GET", "/api/v1/devices?limit=1000&q=many-")["devices"]
    for number in range(len(known), 300):
        hall = "North" if number % 2 else "South"
        shared_hub.add_device(f"many-{number:03}", name=f"Many {number:03}", labels={"hall": hall})
    return shared_hub


def test_a_long_list_keeps_few_rows_in_the_document(many: HubProcess, visit: Visit) -> None:
    page = visit(many, viewport={"width": 1280, "height": 3000})
    page.search.fill("many")
    expect(page.row("Many 000")).to_be_visible()
    assert len(page.names()) <= ROWS_MOST

    page.grid.evaluate("grid => grid.scrollTo(0, 44 * 200)")

    expect(page.row("Many 205")).to_be_visible()
    assert len(page.names()) <= ROWS_MOST
    expect(page.grid).to_have_attribute("aria-rowcount", "301")


def test_slash_goes_to_the_search_and_every_word_counts(many: HubProcess, visit: Visit) -> None:
    page = visit(many)
    expect(page.rows().first).to_be_visible()
    page.tab.keyboard.press("/")
    expect(page.search).to_be_focused()

    page.tab.keyboard.type("many south 04")
    expect(page.rows()).to_have_count(8)
    assert page.names() == [
        f"Many {number}" for number in ("004", "040", "042", "044", "046", "048", "104", "204")
    ]

    page.search.fill("nothing like it")
    expect(page.tab.get_by_text("No device matches “nothing like it”")).to_be_visible()
    page.search.press("Escape")
    expect(page.rows().first).to_be_visible()


def test_a_heading_sorts_and_sorts_the_other_way(many: HubProcess, visit: Visit) -> None:
    page = visit(many)
    page.search.fill("many")
    expect(page.row("Many 000")).to_be_visible()

    page.tab.get_by_role("button", name="Device").click()

    expect(page.row("Many 299")).to_be_visible()
    assert page.names()[0] == "Many 299"
    expect(page.tab.get_by_role("columnheader", name="Device")).to_have_attribute("aria-sort", "descending")


def test_the_keyboard_moves_through_the_list_and_opens_a_device(many: HubProcess, visit: Visit) -> None:
    page = visit(many)
    page.search.fill("many")
    expect(page.row("Many 000")).to_be_visible()
    page.grid.focus()

    page.tab.keyboard.press("ArrowDown")
    page.tab.keyboard.press("ArrowDown")
    expect(page.grid).to_have_attribute("aria-activedescendant", "line-device%3Amany-001")
    page.tab.keyboard.press("ArrowUp")
    expect(page.grid).to_have_attribute("aria-activedescendant", "line-device%3Amany-000")
    page.tab.keyboard.press("End")
    expect(page.row("Many 299")).to_be_in_viewport()
    expect(page.grid).to_have_attribute("aria-activedescendant", "line-device%3Amany-299")
    page.tab.keyboard.press("PageUp")
    expect(page.row("Many 299")).to_be_visible()
    page.tab.keyboard.press("Home")
    expect(page.row("Many 000")).to_be_in_viewport()
    page.tab.keyboard.press("Enter")

    expect(page.device.get_by_role("heading", name="Many 000")).to_be_visible()
    assert "#/device/many-000?" in page.tab.url
    expect(page.grid).to_be_focused()


def test_a_deep_link_brings_the_device_into_sight_in_the_list_too(many: HubProcess, visit: Visit) -> None:
    page = visit(many, "/#/device/many-250")

    expect(page.row("Many 250")).to_be_in_viewport()
    expect(page.row("Many 250")).to_have_attribute("aria-selected", "true")
    expect(page.tab).to_have_title("Many 250 · Sensor hub")
