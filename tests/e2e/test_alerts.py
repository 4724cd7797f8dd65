"""The drawer of what needs looking at: devices that went silent, and alerts."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


class Told:
    """Alerts said to a page as if by the hub, over the page's own live socket."""

    def __init__(self, tab: Page) -> None:
        self._sockets: list[WebSocketRoute] = []
        tab.route_web_socket("**/api/v1/live", self._take)

    def _take(self, socket: WebSocketRoute) -> None:
        self._sockets.append(socket)
        socket.connect_to_server()

    def tell(self, **alert: object) -> None:
        """One alert, as the channel `alerts` carries it."""
        message = {"type": "alert", "channel": "alerts", "offset": 1, "alerts": [alert]}
        self._sockets[-1].send(json.dumps(message))


@pytest.fixture
def told(hub: HubProcess, visit: Visit) -> tuple[Dashboard, Told]:
    """A page to which alerts can be said."""
    page = visit(hub)
    told = Told(page.tab)
    page.tab.reload()
    expect(page.link).to_have_text("Live")
    return page, told


def test_devices_that_went_silent_are_counted_and_lead_to_the_moment(hub: HubProcess, visit: Visit) -> None:
    with Feeder(hub, hub.add_device("first", name="First")):
        pass
    with Feeder(hub, hub.add_device("second", name="Second")) as feeder:
        feeder.wait_for(5)
    hub.add_device("idle")
    page = visit(hub)
    button = page.tab.get_by_role("button", name="Alerts 2")
    expect(button).to_be_visible()
    button.press("Enter")

    drawer = page.tab.get_by_role("dialog", name="Needs attention")
    links = drawer.get_by_role("listitem").get_by_role("link")
    expect(links).to_have_count(2)
    expect(links.first).to_contain_text("Second")
    expect(links.first).to_contain_text("Offline since")
    page.assert_accessible()
    page.tab.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(button).to_be_focused()

    button.click()
    links.first.click()

    expect(drawer).to_be_hidden()
    expect(page.device.get_by_role("heading", name="Second")).to_be_visible()
    expect(page.device.get_by_role("link", name="Back to live")).to_be_visible()
    assert "from=" in page.tab.url


def test_a_new_alert_is_counted_read_out_and_listed_with_its_severity(
    hub: HubProcess, told: tuple[Dashboard, Told]
) -> None:
    page, alerts = told
    hub.add_device("press", name="Press")
    expect(page.row("Press")).to_be_visible()
    alerts.tell(device="press", severity="critical", message="Too hot", state="firing")
    alerts.tell(device="elsewhere", rule="strange")
    expect(page.tab.locator("[aria-live]", has_text="2 new alerts")).to_be_attached()

    page.tab.get_by_role("button", name="Alerts 2").click()

    drawer = page.tab.get_by_role("dialog", name="Needs attention")
    expect(drawer.get_by_role("link")).to_contain_text(["Too hot"])
    expect(drawer.get_by_role("link")).to_contain_text(["Critical · firing · Press"])
    expect(drawer.get_by_role("listitem").first).to_contain_text("strange")
    expect(drawer.get_by_role("listitem").first).to_contain_text("Notice · elsewhere")
    expect(page.tab.locator("[aria-live]", has_text="new alert")).to_have_count(0)
    page.assert_accessible()
