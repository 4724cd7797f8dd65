"""A link that no longer logs in, as people see it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]
BACKGROUND = {"light": "rgb(243, 245, 248)", "dark": "rgb(14, 17, 22)"}


@pytest.mark.parametrize("scheme", sorted(BACKGROUND))
def test_a_used_link_is_a_page_in_the_hubs_look_and_leads_on(
    shared_hub: HubProcess, visit: Visit, scheme: str
) -> None:
    page = visit(shared_hub, "/login?code=used", login=False, color_scheme=scheme)
    expect(page.tab.get_by_role("heading")).to_have_text("This link no longer logs you in")
    expect(page.tab.locator("body")).to_have_css("background-color", BACKGROUND[scheme])
    page.assert_accessible()
    page.tab.get_by_role("link", name="Open the hub").click()
    expect(page.tab).to_have_url(f"{shared_hub.url}/")


@pytest.mark.parametrize("scheme", sorted(BACKGROUND))
def test_a_link_logs_in_by_the_button_on_its_page(shared_hub: HubProcess, visit: Visit, scheme: str) -> None:
    link = shared_hub.login_link()
    page = visit(shared_hub, link.removeprefix(shared_hub.url), login=False, color_scheme=scheme)
    expect(page.tab.get_by_role("heading")).to_have_text("Log in to the hub")
    expect(page.tab.locator("body")).to_have_css("background-color", BACKGROUND[scheme])
    page.assert_accessible()
    page.tab.get_by_role("button", name="Log in").click()
    expect(page.tab).to_have_url(f"{shared_hub.url}/")
    expect(page.link).to_have_text("Live")
