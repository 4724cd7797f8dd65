"""Parts of the page that are loaded when they are first opened."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from tests.e2e.dashboard import Dashboard
from tests.hub_process import HubProcess

ROOM = "**/assets/DeviceSection-*.js"

Visit = Callable[..., Dashboard]


@pytest.fixture
def kiln(shared_hub: HubProcess) -> HubProcess:
    """A hub with a device."""
    known = shared_hub.call("GET", "/api/v1/devices?limit=1000&q=kiln")["devices"]
    if not known:
        shared_hub.add_device("kiln")
    return shared_hub


def test_a_section_is_loaded_when_it_is_first_opened_and_once(kiln: HubProcess, visit: Visit) -> None:
    page = visit(kiln, "/#/device/kiln")
    expect(page.device.get_by_text("has not sent anything yet")).to_be_visible()
    scripts: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type == "script":
            scripts.append(request.url)

    page.tab.on("request", note)
    assert scripts == []

    page.device.get_by_role("link", name="Rejections").click()
    expect(page.device.get_by_role("region", name="Rejections")).to_be_visible()
    assert scripts != []

    before = list(scripts)
    page.device.get_by_role("link", name="Commands").click()
    expect(page.device.get_by_role("region", name="Commands")).to_be_visible()
    assert scripts == before


def test_the_charts_come_once_the_list_is_there_before_a_device_is_opened(
    kiln: HubProcess, visit: Visit
) -> None:
    page = visit(kiln)
    expect(page.row("kiln")).to_be_visible()
    page.tab.wait_for_function(
        "performance.getEntriesByType('resource')"
        ".some(({ name, responseEnd }) => name.includes('/readings-') && responseEnd > 0)"
    )
    page.tab.route("**/assets/*", lambda route: route.abort())
    page.row("kiln").click()
    expect(page.device.get_by_text("has not sent anything yet")).to_be_visible()


def test_a_section_that_did_not_load_says_so_and_loads_on_another_try(kiln: HubProcess, visit: Visit) -> None:
    page = visit(kiln, "/#/device/kiln")
    page.tab.route(ROOM, lambda route: route.abort())
    page.device.get_by_role("link", name="Rejections").click()
    expect(page.device.get_by_role("alert")).to_contain_text("This part of the page did not load.")
    page.assert_accessible()

    page.tab.unroute(ROOM)
    page.device.get_by_role("button", name="Try again").click()

    expect(page.device.get_by_role("region", name="Rejections")).to_be_visible()


def test_a_dialog_that_did_not_load_says_so_in_a_dialog(kiln: HubProcess, visit: Visit) -> None:
    page = visit(kiln)
    page.tab.route("**/assets/AddDevice-*.js", lambda route: route.abort())
    opener = page.tab.get_by_role("link", name="Add device")
    opener.press("Enter")
    dialog = page.tab.get_by_role("dialog", name="Add a device")
    expect(dialog.get_by_role("alert")).to_contain_text("did not load")

    page.tab.unroute("**/assets/AddDevice-*.js")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_label("Id", exact=True)).to_be_focused()

    page.tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_after_an_upgrade_of_the_hub_the_page_offers_to_reload(kiln: HubProcess, visit: Visit) -> None:
    page = visit(kiln, "/#/device/kiln")
    expect(page.device.get_by_role("heading", name="kiln")).to_be_visible()
    # What an upgraded hub does: the old names are gone, and its page names others.
    page.tab.route(ROOM, lambda route: route.fulfill(status=404))
    page.tab.route(f"{kiln.url}/", lambda route: route.fulfill(body='<script src="/assets/index-new.js">'))
    page.device.get_by_role("link", name="Rejections").click()
    expect(page.device.get_by_role("alert")).to_contain_text("The hub was upgraded")

    page.tab.unroute(ROOM)
    page.tab.unroute(f"{kiln.url}/")
    page.device.get_by_role("button", name="Reload the page").click()

    expect(page.device.get_by_role("region", name="Rejections")).to_be_visible()
