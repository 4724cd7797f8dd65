"""The page behind a reverse proxy: under any path, and where the proxy does not pass on all that it must."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.reverse_proxy import ReverseProxy
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def press(shared_hub: HubProcess) -> Iterator[HubProcess]:
    """The hub of this file, with a device that sends."""
    with Feeder(shared_hub, shared_hub.add_device("press")):
        yield shared_hub


@pytest.mark.parametrize("prefix", ["/hub", "/tools/sensor-hub"])
def test_every_part_of_the_page_works_under_a_path(press: HubProcess, visit: Visit, prefix: str) -> None:
    with ReverseProxy(press, prefix) as proxy:
        page = visit(proxy, "/")
        expect(page.link).to_have_text("Live")
        page.row("press").get_by_role("link").click()
        page.wait_for_change(page.card("count").locator(".card-value"))
        assert page.tab.url == f"{proxy.url}/#/device/press"

        for section in ("notes", "keys", "rejections", "commands", "attributes", "settings"):
            page.tab.goto(f"{proxy.url}/#/device/press/{section}")
            expect(page.device.locator(".section > *").first).to_be_visible()
            expect(page.device.get_by_text("Loading", exact=True)).to_have_count(0)
        page.tab.goto(f"{proxy.url}/#/system")
        expect(page.tab.get_by_text("✓ Storing")).to_be_visible()
        page.tab.goto(f"{proxy.url}/#/wall")
        expect(page.tab.get_by_role("listitem").first).to_be_visible()
        page.tab.goto(f"{proxy.url}/#/add")
        page.tab.get_by_label("Id").fill(f"new-{len(prefix)}")
        page.tab.get_by_role("dialog").get_by_role("button", name="Add device").click()
        page.tab.get_by_text("curl").click()
        expect(page.tab.get_by_text(f"{proxy.url}/api/v1/telemetry")).to_be_visible()

        assert proxy.strays == []


@pytest.mark.parametrize("header", ["upgrade", "host"])
def test_a_header_that_a_proxy_leaves_out_is_named_until_it_comes_through(
    press: HubProcess, visit: Visit, header: str
) -> None:
    with ReverseProxy(press) as proxy:
        proxy.leaves_out = frozenset({header})
        page = visit(press)  # one logs in elsewhere: through a proxy that changes Host the hub refuses that
        page.tab.goto(f"{proxy.url}/")

        said = page.tab.get_by_role("status").filter(has_text="does not get through")
        expect(said).to_contain_text("a proxy in between must pass on Upgrade and Host")
        expect(page.row("press")).to_be_visible()
        page.tab.get_by_role("button", name="How to set it up").click()
        expect(page.tab.get_by_role("dialog")).to_contain_text("proxy_set_header Upgrade $http_upgrade;")
        page.assert_accessible()
        page.tab.keyboard.press("Escape")

        proxy.leaves_out = frozenset()
        page.connect_now()
        expect(said).to_have_count(0)
        page.wait_for_change(page.row("press").locator(".number"))
