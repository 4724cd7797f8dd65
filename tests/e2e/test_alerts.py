"""The drawer of what needs looking at: devices that went silent, and alerts."""

import json
import urllib.request
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


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


def send(hub: HubProcess, key: str, values: dict[str, float]) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps(values).encode()
    request = urllib.request.Request(f"{hub.url}/api/v1/telemetry", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_an_alert_is_counted_read_out_listed_and_shown_as_it_ends(hub: HubProcess, visit: Visit) -> None:
    key = hub.add_device("press", name="Press", expected_interval_s=600)
    on = {"on": {"device": "press"}, "metric": "t"}
    hub.call(
        "POST", "/api/v1/rules", {"name": "Too hot", "severity": "critical", "when": {"above": 90}, **on}
    )
    hub.call("POST", "/api/v1/rules", {"name": "Rather warm", "when": {"above": 50}, **on})
    send(hub, key, {"t": 60.0})
    page = visit(hub)
    expect(page.row("Press")).to_be_visible()
    page.tab.get_by_role("button", name="Alerts 1").click()
    drawer = page.tab.get_by_role("dialog", name="Needs attention")
    expect(drawer.get_by_role("listitem").get_by_role("link")).to_contain_text(["Warning · firing · Press"])
    page.tab.keyboard.press("Escape")
    expect(drawer).to_be_hidden()

    send(hub, key, {"t": 95.0})

    expect(page.tab.locator("[aria-live]", has_text="1 new alert")).to_be_attached()
    page.tab.get_by_role("button", name="Alerts 1").click()
    expect(drawer.get_by_role("listitem").get_by_role("link")).to_contain_text(["Too hot", "Rather warm"])
    expect(drawer.get_by_role("listitem").get_by_role("link").first).to_contain_text(
        "Critical · firing · Press"
    )
    page.assert_accessible()

    send(hub, key, {"t": 80.0})

    expect(drawer.get_by_role("listitem").get_by_role("link").first).to_contain_text(
        "Critical · resolved · Press"
    )
    expect(drawer.get_by_role("listitem").get_by_role("link")).to_have_count(2)
