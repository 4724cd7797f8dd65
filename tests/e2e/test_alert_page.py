"""The views of alerts and rules: what fires is listed live, filtered by the link, and acted on."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.test_alerts import send
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

Visit = Callable[..., Dashboard]
ON = {"on": {"label": "site=north"}, "metric": "t"}


class Kiln:
    """A hub with two devices and two rules, both of which fire for one of the devices."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self.key = hub.add_device("kiln", name="Kiln", labels={"site": "north"}, expected_interval_s=600)
        self.other = hub.add_device("oven", name="Oven", labels={"site": "north"}, expected_interval_s=600)
        hot = {"name": "Too hot", "severity": "critical", "when": {"above": 90}, **ON}
        self.hot = hub.call("POST", "/api/v1/rules", hot)["id"]
        hub.call("POST", "/api/v1/rules", {"name": "Rather warm", "when": {"above": 50}, **ON})

    def settle(self) -> None:
        """Nothing fires any more. No test may have an alert a third time: it would flap, and go on firing."""
        for key in (self.key, self.other):
            send(self.hub, key, {"t": 20.0})
        deadline = time.monotonic() + 10
        while self.hub.call("GET", "/api/v1/alerts?state=firing")["alerts"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(scope="module")
def running_kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiln]:
    hub = HubThread(tmp_path_factory.mktemp("kiln") / "data").start()
    try:
        yield Kiln(hub)
    finally:
        hub.stop()


@pytest.fixture
def kiln(running_kiln: Kiln) -> Kiln:
    running_kiln.settle()
    return running_kiln


def listed(page: Dashboard) -> Locator:
    """The alerts in the list."""
    return (
        page.tab.get_by_role("list", name="Alerts")
        .get_by_role("listitem")
        .filter(has=page.tab.locator("[aria-expanded]"))
    )


def test_alerts_come_and_go_by_themselves_and_the_link_filters_them(kiln: Kiln, visit: Visit) -> None:
    page = visit(kiln.hub, "/#/alerts")
    expect(page.tab.get_by_text("No alert is like this.")).to_be_visible()

    send(kiln.hub, kiln.key, {"t": 95.0})
    send(kiln.hub, kiln.other, {"t": 60.0})
    expect(listed(page)).to_have_count(3)
    page.assert_accessible_in_any_width()

    page.tab.get_by_label("Severity").select_option("critical")
    expect(listed(page)).to_have_count(1)
    expect(page.tab).to_have_url(re.compile(r"#/alerts\?severity=critical$"))
    page.tab.get_by_label("Severity").select_option("")
    page.tab.get_by_label("Device").select_option("oven")
    expect(listed(page)).to_have_count(1)
    page.tab.reload()
    expect(listed(page)).to_contain_text(["Rather warm"])

    send(kiln.hub, kiln.other, {"t": 20.0})
    expect(listed(page)).to_have_count(0)
    page.tab.locator(".alert-filters label", has_text="Resolved").click()
    expect(listed(page).first).to_contain_text("over after")


def test_the_keyboard_alone_acknowledges_what_was_chosen(kiln: Kiln, visit: Visit) -> None:
    send(kiln.hub, kiln.key, {"t": 96.0})
    page = visit(kiln.hub, "/#/alerts")
    expect(listed(page)).to_have_count(2)
    for key in ("j", "Space", "ArrowDown", "Space", "k", "Enter"):
        page.tab.keyboard.press(key)
    expect(page.tab.get_by_text("2 chosen")).to_be_visible()
    expect(page.tab.get_by_role("list", name="What happened")).to_contain_text("opened")
    page.tab.keyboard.press("a")
    expect(page.tab.get_by_role("dialog", name="Acknowledge").get_by_label("Comment")).to_be_focused()
    page.tab.keyboard.type("on my way")
    page.tab.keyboard.press("Enter")

    expect(page.tab.get_by_text("acknowledged by admin")).to_have_count(2)
    history = page.tab.get_by_role("list", name="What happened")
    expect(history).to_contain_text("acknowledged by admin: on my way")
    page.assert_accessible()
    page.tab.keyboard.press("/")
    expect(page.tab.get_by_label("Severity")).to_be_focused()


def test_a_silence_is_set_and_ended(kiln: Kiln, visit: Visit) -> None:
    send(kiln.hub, kiln.other, {"t": 97.0})
    page = visit(kiln.hub, "/#/alerts?severity=critical")
    page.tab.get_by_label("Choose Too hot, Oven").check()
    page.tab.get_by_role("button", name="Silence").click()
    dialog = page.tab.get_by_role("dialog", name="Silence")
    dialog.get_by_text("All with site=north").click()
    page.assert_accessible()
    dialog.get_by_label("Comment").fill("repairs")
    dialog.get_by_role("button", name="Silence").click()

    expect(page.tab.get_by_role("list", name="Silences")).to_contain_text("site=north until")
    expect(listed(page)).to_contain_text(["silenced"])
    page.tab.get_by_role("button", name="End the silence of site=north").click()
    expect(page.tab.get_by_role("list", name="Silences")).to_have_count(0)
    assert kiln.hub.call("GET", "/api/v1/silences")["silences"] == []


def test_a_rule_is_switched_off_and_on(kiln: Kiln, visit: Visit) -> None:
    page = visit(kiln.hub, "/#/rules")
    rules = page.tab.get_by_role("list", name="Rules").get_by_role("listitem")
    expect(rules).to_contain_text(["t above 50, site=north", "t above 90, site=north"])
    page.assert_accessible_in_any_width()
    switch = page.tab.get_by_role("button", name="Too hot is on")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    assert not kiln.hub.call("GET", f"/api/v1/rules/{kiln.hot}")["enabled"]
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")


def test_a_rule_is_tried_while_it_is_typed_and_dragged_and_then_saved(kiln: Kiln, visit: Visit) -> None:
    key = kiln.hub.add_device("mill", name="Mill", expected_interval_s=600)
    for value in (10.0, 30.0, 10.0, 30.0, 10.0):
        send(kiln.hub, key, {"load": value})
    page = visit(kiln.hub, "/#/rules?rule=new")
    form = page.tab.get_by_role("form", name="New rule")
    form.get_by_label("Name").fill("Overload")
    form.get_by_label("For", exact=True).select_option("device")
    form.get_by_label("Device, by id").fill("mill")
    form.get_by_label("Metric").fill("load")
    above = form.get_by_label("Above", exact=True)
    above.fill("much")
    expect(form.get_by_text("when.above: a number is wanted")).to_be_visible()
    above.fill("20")
    said = form.get_by_role("status")
    expect(said).to_contain_text("Would have fired 2 times, in 5 readings.")
    page.wait_for_paint(form.locator("canvas"))
    page.assert_accessible_in_any_width()

    line = form.get_by_role("slider", name="Threshold")
    line.press("PageUp")
    expect(above).not_to_have_value("20")
    for _ in range(6):
        line.press("PageUp")
    expect(said).to_contain_text("Would have fired 0 times")
    box = line.bounding_box()
    assert box is not None
    page.tab.mouse.move(box["x"] + 50, box["y"] + box["height"] / 2)
    page.tab.mouse.down()
    page.tab.mouse.move(box["x"] + 50, box["y"] + 75, steps=5)
    page.tab.mouse.up()
    expect(said).to_contain_text("Would have fired 2 times")

    form.get_by_role("button", name="Save").click()
    rules = page.tab.get_by_role("list", name="Rules")
    expect(rules).to_contain_text("Overload")
    page.tab.get_by_role("link", name="Change Overload").click()
    form = page.tab.get_by_role("form", name="Change the rule")
    form.get_by_label("Above", exact=True).fill("25")
    form.get_by_label("Severity").select_option("critical")
    form.get_by_role("button", name="Save").click()
    expect(rules).to_contain_text("load above 25")
