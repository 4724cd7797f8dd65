"""Notes on a device, as two people see them; who is mentioned finds that in their inbox."""

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.dashboard import PHONE, Dashboard
from tests.e2e.test_sections import publish
from tests.hub_process import HubProcess
from tests.logins import open_link

Visit = Callable[..., Dashboard]


def look(page: Dashboard, name: str) -> None:
    """Keep a picture for who wants to look, where that is asked for."""
    if folder := os.environ.get("HUB_TEST_PICTURES"):
        page.tab.screenshot(path=Path(folder) / f"notes-{name}.png", full_page=True)


def test_a_note_is_seen_at_once_by_who_watches_and_by_whom_it_mentions(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("noted")
    shared_hub.call("POST", "/api/v1/operators", {"name": "bob", "role": "operator"})
    page = visit(shared_hub, "/#/device/noted/notes")
    bobs = visit(shared_hub, login=False, apart=True, color_scheme="dark", viewport=PHONE)
    open_link(bobs.tab, shared_hub.call("POST", "/api/v1/operators/bob/link")["link"])
    inbox = bobs.tab.get_by_role("button", name="Inbox")
    expect(inbox).to_be_visible()

    form = page.device.get_by_role("form", name="Write a note")
    form.get_by_label("Note").fill("@bob valve replaced\n<b>second line</b>")
    form.get_by_label("About").select_option("now")
    form.get_by_role("button", name="Write").click()
    notes = page.device.get_by_role("list", name="Notes").get_by_role("listitem")
    expect(notes).to_have_count(1)
    expect(notes.first).to_contain_text("<b>second line</b>")
    expect(form.get_by_label("Note")).to_have_value("")

    expect(inbox).to_contain_text("1")
    inbox.click()
    panel = bobs.tab.get_by_role("dialog", name="Inbox")
    expect(panel.get_by_role("listitem")).to_contain_text("@bob valve replaced")
    look(bobs, "inbox-dark-phone")
    bobs.assert_accessible()
    panel.get_by_role("link", name="on noted").click()
    expect(inbox).not_to_contain_text("1")
    theirs = bobs.device.get_by_role("list", name="Notes").get_by_role("listitem")
    expect(theirs).to_have_count(1)
    expect(theirs.first.get_by_role("button", name="Edit")).to_have_count(0)
    assert not bobs.overflows()

    notes.first.get_by_role("button", name="Edit").click()
    page.device.get_by_role("form", name="Change the note").get_by_label("Note").fill("Valve mended")
    page.device.get_by_role("button", name="Save").click()
    expect(theirs.first).to_contain_text("Valve mended")
    bobs.tab.keyboard.press("Escape")
    look(bobs, "dark-phone")
    bobs.assert_accessible()
    page.assert_accessible_in_any_width()
    look(page, "light")

    # On the chart too, with its text.
    publish(shared_hub, key, "v1/devices/me/telemetry", '{"n": 1}')
    page.device.get_by_role("link", name="Readings").click()
    mark = page.device.get_by_role("link", name="Valve mended")
    expect(mark).to_be_visible()
    mark.hover()
    look(page, "chart")
    page.device.get_by_role("link", name="Notes").click()

    notes.first.get_by_role("button", name="Delete").click()
    page.tab.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(theirs).to_have_count(0)
    expect(bobs.device).to_contain_text("Nobody has written anything")
