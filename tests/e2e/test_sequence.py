"""A device whose readings are dropped as repeated, or that sends too much, as the page tells of it."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.test_sections import publish
from tests.hub_process import HubProcess

TELEMETRY = "v1/devices/me/telemetry"
Visit = Callable[..., Dashboard]


def test_what_is_dropped_as_repeated_is_said_and_ended(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("meter")
    publish(shared_hub, key, TELEMETRY, '{"n": 1, "seq": 5000}')
    page = visit(shared_hub, "/#/device/meter")
    told = page.device.get_by_role("alert")
    expect(page.line("n").locator(".card-value")).to_have_text("1")
    expect(told).to_have_count(0)

    # It begins to count again, and nothing tells that it is not the old reading.
    for seq in (0, 1):
        publish(shared_hub, key, TELEMETRY, f'{{"n": 2, "seq": {seq}}}')
    page.look_again()

    expect(told).to_contain_text("acknowledged and dropped as repeated since")
    expect(told).to_contain_text("2 readings so far: the numbers (seq) are not above 5,000")
    page.assert_accessible_in_any_width()

    told.get_by_role("button", name="Count from the start").click()
    page.tab.get_by_role("dialog").get_by_role("button", name="Count from the start").click()

    expect(told).to_have_count(0)
    publish(shared_hub, key, TELEMETRY, '{"n": 3, "seq": 2}')
    expect(page.line("n").locator(".card-value")).to_have_text("3")


def test_a_viewer_is_told_too_and_offered_nothing(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("counter")
    for seq in (5, 5):
        publish(shared_hub, key, TELEMETRY, f'{{"n": 1, "seq": {seq}}}')
    bearer = {"Authorization": f"Bearer {shared_hub.token('viewer')}"}

    page = visit(shared_hub, "/#/device/counter", extra_http_headers=bearer)

    expect(page.device.get_by_role("alert")).to_contain_text("1 reading so far")
    expect(page.device.get_by_role("button", name="Count from the start")).to_have_count(0)


def test_that_a_device_is_slowed_is_said_with_the_limit(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("flood")
    publish(shared_hub, key, TELEMETRY, "[" + ",".join(['{"n":1}'] * 30_000) + "]")
    page = visit(shared_hub, "/#/device/flood")
    told = page.device.get_by_role("alert")
    expect(told).to_contain_text("It sends too many readings a second (limits.readings_per_s)")
    page.assert_accessible_in_any_width()
