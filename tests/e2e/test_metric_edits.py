"""A metric is renamed, gets another type, or is removed, with its history, in the settings of its device."""

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.test_sections import publish
from tests.hub_process import HubProcess

TELEMETRY = "v1/devices/me/telemetry"
Visit = Callable[..., Dashboard]


def open_settings(hub: HubProcess, visit: Visit, device_id: str, *texts: str) -> Dashboard:
    """The settings of a new device that has sent these."""
    key = hub.add_device(device_id)
    for text in texts:
        publish(hub, key, TELEMETRY, text)
    return visit(hub, f"/#/device/{device_id}/settings")


def begin(page: Dashboard, metric: str, what: str) -> Locator:
    """The dialog that does something to a metric."""
    fields = page.tab.get_by_role("group", name=f"Settings of {metric}", exact=True)
    page.device.locator("details").filter(has=fields).get_by_role("button", name=what).click()
    return page.tab.get_by_role("dialog")


def test_a_change_of_type_shows_what_would_be_lost_before_it_is_made(
    shared_hub: HubProcess, visit: Visit
) -> None:
    sent = ('{"t": "off"}', '{"t": "21.5"}', '{"t": "off"}', '{"t": "22"}')
    page = open_settings(shared_hub, visit, "kiln", *sent)
    dialog = begin(page, "t", "Change type")
    expect(dialog).to_contain_text("Of 4 values stored, 2 cannot be read as a number and are lost for good")
    expect(dialog.get_by_role("listitem")).to_have_text("off × 2")
    page.assert_accessible_in_any_width()
    dialog.get_by_text("true or false").click()
    expect(dialog).to_contain_text("Of 4 values stored, 4 cannot be read as true or false")
    dialog.get_by_text("a number", exact=True).click()

    dialog.get_by_role("button", name="Change, and lose 2").click()

    expect(dialog).to_have_count(0)
    expect(page.device.get_by_role("group", name="Settings of t").get_by_label("Decimals")).to_be_visible()
    page.device.get_by_role("link", name="Readings").click()
    expect(page.line("t").locator(".card-value")).to_have_text("22")


def test_a_renamed_metric_keeps_its_settings_and_values(shared_hub: HubProcess, visit: Visit) -> None:
    page = open_settings(shared_hub, visit, "oven", '{"t": 20}', '{"t": 21}')
    dialog = begin(page, "t", "Rename")
    name = dialog.get_by_label("New name")
    expect(name).to_have_value("t")
    name.fill("temperature")
    dialog.get_by_role("button", name="Rename").click()

    expect(dialog).to_have_count(0)
    expect(page.device.get_by_role("group", name="Settings of temperature")).to_be_visible()
    expect(page.device.get_by_role("group", name="Settings of t", exact=True)).to_have_count(0)
    page.device.get_by_role("link", name="Readings").click()
    expect(page.line("temperature").locator(".card-max")).to_have_text("21")
    expect(page.line("t")).to_have_count(0)


def test_a_name_that_is_taken_is_refused_in_words(shared_hub: HubProcess, visit: Visit) -> None:
    page = open_settings(shared_hub, visit, "dryer", '{"t": 20, "h": 50}')
    dialog = begin(page, "t", "Rename")
    dialog.get_by_label("New name").fill("h")
    dialog.get_by_role("button", name="Rename").click()

    expect(dialog.get_by_role("alert")).to_contain_text("has a metric 'h' already")


def test_a_metric_is_removed_with_its_values(shared_hub: HubProcess, visit: Visit) -> None:
    page = open_settings(shared_hub, visit, "mill", '{"noise": 1}', '{"noise": 2, "speed": 3}')
    other = visit(shared_hub, "/#/device/mill")
    expect(other.line("noise")).to_be_visible()
    dialog = begin(page, "noise", "Remove")
    expect(dialog).to_contain_text("With it go the 2 values stored, for good.")
    page.assert_accessible()

    dialog.get_by_role("button", name="Remove for good").click()

    expect(dialog).to_have_count(0)
    expect(page.device.get_by_role("group", name="Settings of noise")).to_have_count(0)
    expect(other.line("noise")).to_have_count(0)
    expect(other.line("speed").locator(".card-value")).to_have_text("3")
