"""Every view of the page, in each theme and width: that everyone can use it, and that it fits."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import PHONE, Dashboard
from tests.e2e.plant import OPENED, Plant
from tests.e2e.views import VIEWS, View
from tests.hub_process import HubProcess

TABS_MOST = 60

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The hub of a plant, for all tests of this file."""
    with Plant(tmp_path_factory.mktemp("plant")) as running:
        yield running.hub


def test_axe_finds_nothing_in_any_view_and_none_is_too_wide(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant)
    faults = [fault for view in VIEWS for fault in faults_of(page, view, plant.url)]
    assert faults == [], "\n".join(faults)


def test_no_view_is_too_wide_for_a_phone_or_moves_by_itself_under_reduced_motion(
    plant: HubProcess, visit: Visit
) -> None:
    page = visit(plant, viewport=PHONE, reduced_motion="reduce")
    faults = [fault for view in VIEWS for fault in faults_of(page, view, plant.url, is_still=True)]
    assert faults == [], "\n".join(faults)


def faults_of(page: Dashboard, view: View, url: str, *, is_still: bool = False) -> Iterator[str]:
    """What is wrong with a view, each with its name."""
    view.open(page, url)
    if is_still:
        page.tab.wait_for_function("() => document.getAnimations().length === 0")
    for violation in page.violations():
        yield f"{view.name}: {violation}"
    if page.overflows():
        yield f"{view.name}: it is wider than its window"


def test_the_keyboard_alone_goes_from_the_list_to_a_section_and_back(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant)
    expect(page.rows().first).to_be_visible()
    tab_to(page, page.grid)
    page.tab.keyboard.press("Home")
    page.tab.keyboard.press("Enter")
    expect(page.device.get_by_role("heading", name="Chiller 01")).to_be_visible()

    tab_to(page, page.device.get_by_role("link", name="Attributes"))
    page.tab.keyboard.press("Enter")
    expect(page.device.get_by_role("form", name="Set an attribute")).to_be_visible()
    tab_to(page, page.device.get_by_label("Attribute", exact=True))

    tab_to(page, page.device.get_by_role("link", name="Readings"), "Shift+Tab")
    page.tab.keyboard.press("Enter")
    expect(page.card("temperature")).to_be_visible()
    tab_to(page, page.grid, "Shift+Tab")


def tab_to(page: Dashboard, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until it has the focus."""
    for _ in range(TABS_MOST):
        page.tab.keyboard.press(key)
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{key} does not lead to {wanted}")


def test_a_reload_leads_to_the_same_view(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant, f"/#/device/{OPENED}/commands")
    expect(page.device.get_by_role("form", name="Send a command")).to_be_visible()

    page.tab.reload()

    expect(page.device.get_by_role("form", name="Send a command")).to_be_visible()
