"""How the list is grouped, sorted and filled, by mouse, keyboard and link."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

ROWS_MOST = 40

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def halls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Sixty devices in the halls North and South, two without a hall, and one of North that sends."""
    hub = HubThread(tmp_path_factory.mktemp("halls") / "data").start()
    try:
        for number in range(60):
            hall = "North" if number % 2 else "South"
            hub.add_device(f"unit-{number:02}", labels={"hall": hall, "floor": "1"})
        hub.add_device("loose-1")
        hub.add_device("loose-2")
        with Feeder(hub, hub.add_device("press", name="Press", labels={"hall": "North"})):
            yield hub
    finally:
        hub.stop()


def test_groups_have_headings_with_counts_and_close_and_open(halls: HubProcess, visit: Visit) -> None:
    page = visit(halls)
    expect(page.row("Press").locator(".cell-state")).to_contain_text("Online")
    page.tab.get_by_label("Group by").select_option("hall")

    north = page.groups().filter(has_text="North")
    expect(north).to_contain_text("31")
    expect(north).to_contain_text("30 never seen")
    expect(page.row("Press")).to_be_visible()
    north.click()
    expect(north).to_have_attribute("aria-expanded", "false")
    expect(page.row("Press")).to_be_hidden()
    page.groups().filter(has_text="South").click()
    expect(page.groups().filter(has_text="No hall")).to_contain_text("2")
    assert page.names() == ["loose-1", "loose-2"]
    page.assert_accessible()

    north.click()
    expect(page.row("Press")).to_be_visible()
    page.grid.evaluate("grid => grid.scrollTo(0, 20 * 44)")
    expect(page.row("unit-41")).to_be_visible()
    assert page.rows().count() + page.groups().count() <= ROWS_MOST


def test_the_keyboard_goes_through_groups(halls: HubProcess, visit: Visit) -> None:
    page = visit(halls, "/#/?group=hall")
    expect(page.row("Press")).to_be_visible()
    north = page.groups().filter(has_text="North")
    page.grid.focus()
    active = page.grid.locator(".is-active")

    page.tab.keyboard.press("ArrowDown")
    expect(active).to_contain_text("North")
    page.tab.keyboard.press("ArrowDown")
    expect(active).to_contain_text("Press")
    page.tab.keyboard.press("ArrowLeft")
    expect(active).to_contain_text("North")
    page.tab.keyboard.press("ArrowLeft")
    expect(north).to_have_attribute("aria-expanded", "false")
    page.tab.keyboard.press("ArrowDown")
    expect(active).to_contain_text("South")
    page.tab.keyboard.press("Home")
    page.tab.keyboard.press("ArrowRight")
    expect(north).to_have_attribute("aria-expanded", "true")
    page.tab.keyboard.press("End")
    expect(active).to_contain_text("loose-2")
    expect(active).to_be_in_viewport()
    page.tab.keyboard.press("Enter")

    expect(page.device.get_by_role("heading", name="loose-2")).to_be_visible()
    expect(page.grid).to_be_focused()


def test_the_link_keeps_search_group_sort_and_columns(halls: HubProcess, visit: Visit) -> None:
    page = visit(halls)
    expect(page.row("Press")).to_be_visible()
    page.tab.get_by_label("Group by").select_option("hall")
    page.tab.get_by_label("Sort by").select_option("Last seen")
    page.show_columns("temperature", "count")
    page.search.fill("hall=north")
    page.tab.wait_for_url("**/#/?q=hall%3Dnorth&sort=-seen&group=hall&metric=temperature&metric=count")

    page.tab.reload()

    expect(page.row("Press")).to_be_visible()
    expect(page.search).to_have_value("hall=north")
    expect(page.groups()).to_have_count(1)
    expect(page.tab.get_by_label("Sort by")).to_have_value("seen")
    expect(page.tab.get_by_role("columnheader", name="count")).to_be_visible()
    page.row("Press").click()
    expect(page.device.get_by_role("heading", name="Press")).to_be_visible()
    assert "group=hall" in page.tab.url


def test_columns_show_up_to_three_metrics_and_sort_by_each(halls: HubProcess, visit: Visit) -> None:
    page = visit(halls)
    page.show_columns("count", "mode", "temperature")
    cells = page.row("Press").locator(".cell-value")
    expect(cells).to_have_count(3)
    page.wait_for_change(cells.first)
    expect(cells.nth(1)).to_contain_text("auto")
    expect(page.row("loose-1").locator(".cell-value").first).to_have_text("–")
    page.tab.get_by_role("button", name="Columns").click()
    expect(page.tab.get_by_role("checkbox", name="open")).to_be_disabled()
    page.assert_accessible()
    page.tab.keyboard.press("Escape")
    expect(page.tab.get_by_role("checkbox", name="open")).to_be_hidden()

    page.tab.get_by_role("button", name="temperature").click()

    expect(page.rows().first).to_contain_text("Press")
    head = page.tab.get_by_role("columnheader", name="temperature")
    expect(head).to_have_attribute("aria-sort", "descending")
    page.tab.get_by_role("button", name="temperature").click()
    expect(page.rows().first).not_to_contain_text("Press")


def test_the_list_is_sorted_by_problems_value_and_last_sign_of_life(halls: HubProcess, visit: Visit) -> None:
    page = visit(halls, "/#/?metric=temperature")
    menu = page.tab.get_by_label("Sort by")
    expect(page.row("Press")).to_be_visible()
    assert page.names()[0] == "loose-1"

    menu.select_option("Last seen")
    expect(page.rows().first).to_contain_text("Press")
    menu.select_option("Problems")
    expect(page.rows().first).to_contain_text("loose-1")
    page.tab.get_by_role("button", name="Descending").press("Enter")
    expect(page.rows().first).to_contain_text("Press")
    menu.select_option("Value")
    expect(page.rows().first).to_contain_text("Press")
    menu.select_option("Name")
    expect(page.rows().first).to_contain_text("loose-1")
