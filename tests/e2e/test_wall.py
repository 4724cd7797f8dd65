"""The wall: devices in large, for a screen that is looked at from across a room."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Forty devices that never sent, one that did, and one that does."""
    hub = HubThread(tmp_path_factory.mktemp("hall") / "data").start()
    try:
        for number in range(40):
            hub.add_device(f"unit-{number:02}", labels={"hall": "North"})
        with Feeder(hub, hub.add_device("gone", name="Gone", labels={"hall": "South"})):
            pass
        with Feeder(hub, hub.add_device("press", name="Press", labels={"hall": "South"})):
            yield hub
    finally:
        hub.stop()


def test_the_wall_shows_what_the_list_was_searched_for_problems_first(hall: HubProcess, visit: Visit) -> None:
    page = visit(hall)
    page.search.fill("hall=south")
    expect(page.rows()).to_have_count(2)
    page.tab.get_by_role("link", name="Wall").click()

    tiles = page.tab.get_by_role("list", name="Devices").get_by_role("listitem")
    expect(tiles).to_have_count(2)
    expect(tiles.first).to_contain_text("Gone")
    expect(tiles.first).to_contain_text("Offline")
    expect(tiles.first).to_contain_text("ago")
    expect(tiles.last).to_contain_text("Online")
    page.wait_for_change(tiles.last.locator(".number"))
    page.wait_for_paint(tiles.last.locator("canvas"))
    expect(page.tab.get_by_text("1/42 online")).to_be_visible()
    assert "q=hall%3Dsouth" in page.tab.url

    page.tab.keyboard.press("Escape")

    expect(page.search).to_have_value("hall=south")
    expect(page.row("Press")).to_be_visible()


def test_pages_are_turned_by_itself_by_key_and_not_while_held(hall: HubProcess, visit: Visit) -> None:
    page = visit(hall, "/#/wall?q=hall", viewport={"width": 1024, "height": 600}, apart=True)
    page.tab.clock.install()
    page.tab.reload()
    number = page.tab.locator(".wall-bar")
    expect(number).to_contain_text("1 of 3")
    first = page.tab.get_by_role("list", name="Devices").get_by_role("listitem").first
    expect(first).to_contain_text("Gone")

    page.tab.clock.run_for(12_000)
    expect(number).to_contain_text("2 of 3")
    expect(first).not_to_contain_text("Gone")
    page.tab.keyboard.press("ArrowLeft")
    expect(number).to_contain_text("1 of 3")

    hold = page.tab.get_by_role("button", name="Hold")
    hold.click()
    expect(hold).to_have_attribute("aria-pressed", "true")
    page.tab.clock.run_for(60_000)
    expect(number).to_contain_text("1 of 3")


def test_a_hub_that_is_lost_is_seen_on_the_wall(hub: HubProcess, visit: Visit) -> None:
    with Feeder(hub, hub.add_device("press", name="Press")):
        page = visit(hub, "/#/wall")
        expect(page.tab.get_by_role("listitem")).to_contain_text("Online")
    hub.stop()

    expect(page.tab.get_by_role("listitem")).to_contain_text("Was")
    expect(page.tab.get_by_text("Values are as of")).to_be_visible()
    expect(page.link).to_contain_text("Disconnected")
    page.assert_accessible()
