"""What happened, on the time axis of a device's charts."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


def add_rule(hub: HubProcess, device_id: str, name: str) -> None:
    """One that fires with the next reading."""
    on = {"on": {"device": device_id}, "metric": "count", "when": {"above": -1}}
    hub.call("POST", "/api/v1/rules", {"name": name, "severity": "critical", **on})


def test_alerts_and_presence_are_marked_live_and_lead_to_the_time_around(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key, other = shared_hub.add_device("marked"), shared_hub.add_device("elsewhere")
    page = visit(shared_hub)
    with Feeder(shared_hub, key) as feeder, Feeder(shared_hub, other):
        feeder.wait_for(10)
        page.tab.goto(f"{shared_hub.url}/#/device/marked")
        page.tab.reload()
        expect(page.link).to_have_text("Live")
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        marks = page.device.get_by_role("list", name="What happened")
        expect(marks).to_have_count(0)
        add_rule(shared_hub, "elsewhere", "Not here")
        add_rule(shared_hub, "marked", "Too hot")

        expect(marks.get_by_role("link")).to_have_count(1)
        alert = marks.get_by_role("link", name="Too hot (critical, firing)")
        expect(alert).to_be_visible()
        page.assert_accessible()
    expect(marks.get_by_role("link", name="Went offline")).to_be_visible()

    alert.press("Enter")
    expect(page.device.get_by_role("link", name="Back to live").first).to_be_visible()
    expect(marks.get_by_role("link", name="Too hot (critical, firing)")).to_be_visible()
