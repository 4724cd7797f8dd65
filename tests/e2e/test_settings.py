"""What operators set of a device on the page, how they send what is dangerous, and how they remove it."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_sections import publish
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]
DAY_S = 86_400


def send(hub: HubProcess, key: str, text: str = '{"n": 1.23456, "mode": "eco"}') -> None:
    publish(hub, key, "v1/devices/me/telemetry", text)


def test_settings_are_saved_at_once_and_shown_where_values_are(shared_hub: HubProcess, visit: Visit) -> None:
    send(shared_hub, shared_hub.add_device("saved"))
    page = visit(shared_hub, "/#/device/saved/settings")
    form = page.device.get_by_role("form", name="Device settings")
    save = form.get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    form.get_by_label("Name").fill("Big press")
    form.get_by_label("Labels").fill("hall=North\nnote=a, b")
    form.get_by_label("Expected interval").fill("2,5")
    form.get_by_label("Every reading").select_option("For a number of days")
    form.get_by_label("Every reading, days").fill("3")
    form.get_by_label("By the hour").select_option("For ever")
    metric = form.get_by_role("group", name="Settings of n")
    metric.get_by_label("Unit").fill("mm")
    metric.get_by_label("Decimals").fill("2")
    metric.get_by_label("Refuse above").fill("9")
    metric.get_by_label("Warning above").fill("5")
    expect(form.get_by_role("status")).to_have_text("10 unsaved changes")

    save.click()

    expect(form.get_by_role("status")).to_have_text("Saved")
    expect(save).to_be_disabled()
    expect(page.row("Big press")).to_contain_text("North")
    expect(page.row("Big press").locator(".number")).to_have_text("1.23 mm")
    device = shared_hub.call("GET", "/api/v1/devices/saved")
    assert device["labels"] == {"hall": "North", "note": "a, b"}
    assert device["expected_interval_s"] == 2.5
    assert device["retention"] == {"raw_s": 3 * DAY_S, "minute_s": None, "hour_s": 0}
    known = next(one for one in device["metrics"] if one["name"] == "n")
    assert (known["unit"], known["decimals"], known["maximum"]) == ("mm", 2, 9)
    assert known["thresholds"]["warning_high"] == 5
    page.device.get_by_role("link", name="Readings").click()
    expect(page.card("n").locator(".card-value")).to_have_text("1.23 mm")


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(
    shared_hub: HubProcess, visit: Visit
) -> None:
    send(shared_hub, shared_hub.add_device("wrong"))
    before = shared_hub.call("GET", "/api/v1/devices/wrong")
    page = visit(shared_hub, "/#/device/wrong/settings")
    form = page.device.get_by_role("form", name="Device settings")
    form.get_by_label("Name").fill("Big press")
    metric = form.get_by_role("group", name="Settings of n")
    metric.get_by_label("Warning below").fill("5")
    metric.get_by_label("Warning above").fill("4")
    form.get_by_role("button", name="Save").click()

    faulty = metric.get_by_label("Warning above")
    expect(faulty).to_be_focused()
    expect(faulty).to_have_attribute("aria-invalid", "true")
    expect(faulty).to_have_accessible_description("More than “warning below”, 5.")

    metric.get_by_label("Warning above").fill("6")
    form.get_by_label("Labels").fill("k=" + "x" * 101)  # what only the shared_hub knows to refuse
    form.get_by_role("button", name="Save").click()

    expect(form.get_by_label("Labels")).to_be_focused()
    expect(form.get_by_label("Labels")).to_have_accessible_description(re.compile("at most 100 characters"))
    assert shared_hub.call("GET", "/api/v1/devices/wrong") == before
    form.get_by_role("button", name="Discard").click()
    expect(form.get_by_label("Name")).to_have_value("wrong")
    expect(form.get_by_role("status")).to_have_text("")


def test_what_someone_else_sets_arrives_and_leaves_alone_what_is_being_typed(
    shared_hub: HubProcess, visit: Visit
) -> None:
    send(shared_hub, shared_hub.add_device("both"))
    page = visit(shared_hub, "/#/device/both/settings")
    form = page.device.get_by_role("form", name="Device settings")
    form.get_by_label("Name").fill("Mine")
    change = {"name": "Theirs", "metrics": [{"name": "n", "unit": "kPa"}]}
    shared_hub.call("PATCH", "/api/v1/devices/both", change)

    page.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    unit = form.get_by_role("group", name="Settings of n").get_by_label("Unit")
    expect(unit).to_have_value("kPa")
    expect(form.get_by_label("Name")).to_have_value("Mine")
    expect(form.get_by_role("status")).to_have_text("1 unsaved change")


def test_a_device_is_removed_after_its_id_was_typed(hub: HubProcess, visit: Visit) -> None:
    hub.add_device("pump")
    send(hub, hub.add_device("press", name="Press"))
    page = visit(hub, "/#/device/press/settings")
    page.device.get_by_role("button", name="Remove device").click()
    dialog = page.tab.get_by_role("dialog", name="Remove Press?")
    expect(dialog).to_contain_text("all its readings, of 2 metrics")
    sure = dialog.get_by_role("button", name="Remove for good")
    dialog.get_by_label("Type press to confirm").fill("pres")
    expect(sure).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.device.get_by_role("button", name="Remove device")).to_be_focused()
    page.device.get_by_role("button", name="Remove device").click()
    dialog.get_by_label("Type press to confirm").fill("press")
    sure.click()

    expect(page.row("Press")).to_have_count(0)
    expect(page.row("pump")).to_be_visible()
    expect(page.tab).to_have_url(f"{hub.url}/#/")
    assert [one["id"] for one in hub.call("GET", "/api/v1/devices")["devices"]] == ["pump"]


def test_a_dangerous_command_is_sent_after_a_question_only(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("dangerous", name="Danger")
    page = visit(shared_hub, "/#/device/dangerous/commands")
    form = page.device.get_by_role("form", name="Send a command")
    records = page.device.get_by_role("listitem")

    form.get_by_label("Method").fill("reboot")
    form.get_by_label("Parameters, JSON").fill('{"in_s": 5}')
    form.get_by_role("button", name="Send").click()
    dialog = page.tab.get_by_role("dialog", name="Send reboot to Danger?")
    expect(dialog).to_contain_text('{"in_s":5}')
    dialog.get_by_role("button", name="Cancel").click()
    assert shared_hub.call("GET", "/api/v1/devices/dangerous/commands")["commands"] == []
    form.get_by_role("button", name="Send").click()
    dialog.get_by_role("button", name="Send reboot").click()
    expect(records).to_have_count(1)
    expect(records.first).to_contain_text("waits until")

    form.get_by_label("Method").fill("blink")
    form.get_by_role("button", name="Send").click()
    expect(records).to_have_count(2)

    form.get_by_label("Method").fill("blink")
    form.get_by_label("Ask before sending").check()
    form.get_by_role("button", name="Send").click()
    expect(page.tab.get_by_role("dialog", name="Send blink to Danger?")).to_be_visible()


def test_older_commands_come_when_they_are_asked_for(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("often")
    for number in range(45):
        shared_hub.call(
            "POST", "/api/v1/devices/often/commands", {"method": f"m{number:02}", "timeout_s": 3600}
        )
    page = visit(shared_hub, "/#/device/often/commands")
    records = page.device.get_by_role("listitem")
    older = page.device.get_by_role("button", name="Older commands")
    expect(records).to_have_count(20)
    older.click()
    expect(records).to_have_count(40)
    older.click()
    expect(records).to_have_count(45)
    expect(older).to_have_count(0)
    assert records.locator("code").all_inner_texts() == [f"m{number:02}" for number in range(44, -1, -1)]


def test_axe_finds_nothing_in_settings_and_dialogs(shared_hub: HubProcess, visit: Visit) -> None:
    device_id = "faulty"
    with Feeder(shared_hub, shared_hub.add_device(device_id)):
        page = visit(shared_hub, f"/#/device/{device_id}/settings")
        form = page.device.get_by_role("form", name="Device settings")
        form.locator("summary").first.click()
        form.get_by_role("group", name="Settings of count").get_by_label("Decimals").fill("x")
        form.get_by_label("Every reading").select_option("For a number of days")
        form.get_by_role("button", name="Save").click()
        expect(form.locator("[aria-invalid]")).to_have_count(2)
        page.assert_accessible_in_any_width()
        page.device.get_by_role("button", name="Remove device").click()
        page.assert_accessible()
        page.tab.goto(f"{shared_hub.url}/#/device/{device_id}/commands")
        commands = page.device.get_by_role("form", name="Send a command")
        commands.get_by_label("Method").fill("reboot")
        commands.get_by_role("button", name="Send").click()
        expect(page.tab.get_by_role("dialog")).to_be_visible()
        page.assert_accessible_in_any_width()
