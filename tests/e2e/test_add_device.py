"""Adding a device from the page, and what the page says to run."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import Dashboard
from tests.hub_process import HubProcess

RUN_TIMEOUT_S = 30.0

Visit = Callable[..., Dashboard]


def add(page: Dashboard, device_id: str, name: str = "", labels: str = "") -> Locator:
    """Fill the form and send it; the dialog that shows the key."""
    form = page.tab.get_by_role("dialog", name="Add a device")
    form.get_by_label("Id").fill(device_id)
    form.get_by_label("Name").fill(name)
    form.get_by_label("Labels").fill(labels)
    form.get_by_role("button", name="Add device").click()
    return page.tab.get_by_role("dialog", name=f"Connect {device_id}")


@pytest.mark.parametrize("tool", ["mosquitto_pub", "Python", "curl"])
def test_what_the_page_says_to_run_sends_the_first_reading(hub: HubProcess, visit: Visit, tool: str) -> None:
    page = visit(hub)
    page.tab.get_by_role("link", name="Add the first device").click()
    dialog = add(page, "boiler-1", "Boiler 1", "hall=North\nkind=pump")
    status = dialog.get_by_role("status").filter(has_text="reading")
    expect(status).to_have_text("…Waiting for the first reading")

    text = snippet(dialog, tool)
    command = [sys.executable, "-c", text] if tool == "Python" else ["sh", "-e", "-c", text]
    subprocess.run(command, check=True, timeout=RUN_TIMEOUT_S)

    expect(status).to_contain_text("The first reading is here: temperature 20.5")
    dialog.get_by_role("link", name="Open boiler-1").click()
    expect(page.device.get_by_role("heading", name="Boiler 1")).to_be_visible()
    device = hub.call("GET", "/api/v1/devices/boiler-1")
    assert (device["name"], device["labels"]) == ("Boiler 1", {"hall": "North", "kind": "pump"})


def test_the_key_is_copied_and_works_and_is_not_shown_again(shared_hub: HubProcess, visit: Visit) -> None:
    page = visit(shared_hub, "/#/add", permissions=["clipboard-read", "clipboard-write"])
    dialog = add(page, "pasted")
    key = dialog.get_by_role("region", name="API key").inner_text()
    expect(dialog.get_by_role("button", name="Copy API key")).to_be_focused()
    dialog.get_by_role("button", name="Copy API key").click()
    expect(dialog.get_by_text("Copied")).to_be_visible()
    assert page.tab.evaluate("navigator.clipboard.readText()") == key
    assert key.startswith(f"hk_{shared_hub.call('GET', '/api/v1/devices/pasted/keys')['keys'][0]['id']}_")

    dialog.get_by_role("button", name="Done").click()

    expect(page.row("pasted")).to_be_visible()
    page.tab.go_back()
    expect(page.tab.get_by_role("dialog", name="Add a device")).to_be_visible()
    assert key not in page.tab.content()


def test_the_dialog_is_reached_by_keyboard_and_gives_the_focus_back(
    shared_hub: HubProcess, visit: Visit
) -> None:
    shared_hub.add_device("reached")
    page = visit(shared_hub)
    opener = page.tab.get_by_role("link", name="Add device")
    opener.focus()

    page.tab.keyboard.press("Enter")
    dialog = page.tab.get_by_role("dialog", name="Add a device")
    expect(dialog.get_by_label("Id")).to_be_focused()
    assert page.tab.url.endswith("#/add")
    page.tab.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert page.tab.url.endswith("#/")


def test_what_cannot_be_added_is_said_in_the_dialog(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("taken")
    page = visit(shared_hub, "/#/add")

    add(page, "taken")
    expect(page.tab.get_by_role("alert")).to_contain_text("taken")
    add(page, "free", labels="North")
    expect(page.tab.get_by_role("alert")).to_have_text("Labels are written like hall=North, one a line.")

    expect(add(page, "free", labels="hall=North")).to_be_visible()


def test_a_viewer_is_not_offered_what_is_forbidden(hub: HubProcess, visit: Visit) -> None:
    bearer = {"Authorization": f"Bearer {hub.token('viewer')}"}
    page = visit(hub, "/#/add", extra_http_headers=bearer)

    expect(page.tab.get_by_text("They appear here as soon as a manager adds them.")).to_be_visible()
    expect(page.tab.get_by_role("dialog")).to_have_count(0)
    expect(page.tab.get_by_role("link", name="Add device")).to_have_count(0)


def test_axe_finds_nothing_in_the_dialog(shared_hub: HubProcess, visit: Visit) -> None:
    page = visit(shared_hub, "/#/add")
    dialog = add(page, "shown")
    dialog.get_by_text("Arduino / ESP32").click()
    page.assert_accessible_in_any_width()
    subprocess.run(["sh", "-e", "-c", snippet(dialog, "curl")], check=True, timeout=RUN_TIMEOUT_S)
    expect(dialog.get_by_text("The first reading is here")).to_be_visible()
    page.assert_accessible()


def snippet(dialog: Locator, tool: str) -> str:
    """What the dialog says to run with a tool."""
    dialog.get_by_text(tool, exact=True).click()
    return dialog.get_by_role("region", name=tool).inner_text()
