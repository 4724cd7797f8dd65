"""A disk that is full, as the page tells of it."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.network import Network
from tests.e2e.test_sections import publish
from tests.faults.disk import full_disk
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

Visit = Callable[..., Dashboard]
QUICK = {"HUB__SYSTEM__INTERVAL_S": "0.2"}


def test_a_full_disk_is_told_at_once_and_until_there_is_room_while_values_go_on(
    start_hub_process: Callable[..., HubProcess], visit: Visit
) -> None:
    hub = start_hub_process("data", **QUICK)
    key = hub.add_device("press", name="Press")

    def send(value: int) -> None:
        """Without asking for an acknowledgement: none comes while nothing can be stored."""
        publish(hub, key, "v1/devices/me/telemetry", f'{{"n": {value}}}', qos=0)

    send(1)
    page, other = visit(hub, "/#/device/press"), visit(hub, "/#/system")
    banner = page.tab.get_by_role("alert").filter(has_text="nothing can be stored at present")
    number = page.row("Press").locator(".number")
    expect(number).to_have_text("1")
    expect(other.device.get_by_text("✓ Storing")).to_be_visible()
    expect(banner).to_have_count(0)
    with full_disk(hub):
        expect(banner).to_contain_text("Live readings go on.")
        send(2)
        expect(number).to_have_text("2")
        expect(other.device.get_by_text("✕ Not storing")).to_be_visible()
        page.assert_accessible_in_any_width()
        other.assert_accessible_in_any_width()

        page.tab.reload()  # and whoever comes now is told too

        expect(banner).to_be_visible()
        send(3)
        expect(number).to_have_text("3")
    expect(banner).to_have_count(0)
    expect(other.device.get_by_text("✓ Storing")).to_be_visible()
    assert hub.ask("GET", "/readyz")[0] == 200


def test_a_disk_that_does_not_answer_and_a_history_that_cannot_be_written_are_told_until_they_can(
    tmp_path: Path, visit: Visit
) -> None:
    hub = HubThread(tmp_path / "data", HUB__LIMITS__STORING_LATE_S="0.5", **QUICK).start()
    try:
        key = hub.add_device("press", name="Press")
        page, other = visit(hub, "/#/device/press"), visit(hub, "/#/system")
        banner = page.tab.get_by_role("alert").filter(has_text="nothing has reached the disk for over 0.5 s")
        expect(other.device.get_by_text("✓ Storing")).to_be_visible()
        with hub.hanging_disk():
            publish(hub, key, "v1/devices/me/telemetry", '{"n": 1}', qos=0)
            expect(banner).to_contain_text("Live readings go on.")
            expect(page.row("Press").locator(".number")).to_have_text("1")
            expect(other.device.get_by_text("✕ Not storing")).to_be_visible()
            assert hub.ask("GET", "/readyz")[0] == 503
            page.assert_accessible()
        expect(banner).to_have_count(0)
        expect(other.device.get_by_text("✓ Storing")).to_be_visible()
        assert hub.ask("GET", "/readyz")[0] == 200

        with hub.refusing_history():
            publish(hub, key, "v1/devices/me/telemetry", '{"n": 2}')  # and that is acknowledged
            assert hub.ask("GET", "/api/v1/export?device=press")[0] == 503  # which is of the file alone
            told = page.tab.get_by_role("status").filter(has_text="Nothing is lost")
            expect(told).to_contain_text("room for 115 MiB more")
            expect(other.device.get_by_text("▲ Storing in the journal only")).to_be_visible()
            expect(page.row("Press").locator(".number")).to_have_text("2")
            assert hub.ask("GET", "/readyz")[0] == 200
            page.assert_accessible()
            other.assert_accessible()
        expect(told).to_have_count(0)
        expect(other.device.get_by_text("✓ Storing")).to_be_visible()
    finally:
        hub.stop()


def test_a_full_disk_is_told_though_no_device_sends_and_while_the_hub_is_heard(
    hub_process: HubProcess, visit: Visit
) -> None:
    hub_process.add_device("press")
    with Network(hub_process) as network:
        page = visit(network)
        expect(page.row("press")).to_be_visible()
        with full_disk(hub_process):
            banner = page.tab.get_by_role("alert").filter(has_text="Live readings go on")
            expect(banner).to_be_visible()

            network.cut()

            expect(page.tab.get_by_text("Disconnected from the hub.")).to_be_visible()
            expect(banner).to_have_count(0)


def test_settings_that_cannot_be_stored_are_said_to_be_unsaved(
    start_hub_process: Callable[..., HubProcess], visit: Visit
) -> None:
    hub = start_hub_process("data", **QUICK)
    with Feeder(hub, hub.add_device("press")):
        page = visit(hub, "/#/device/press/settings")
        form = page.device.get_by_role("form", name="Device settings")
        form.locator("summary").first.click()
        form.get_by_role("group", name="Settings of count").get_by_label("Unit").fill("pcs")
        with full_disk(hub):
            expect(page.tab.get_by_role("alert").filter(has_text="nothing can be stored")).to_be_visible()
            form.get_by_role("button", name="Save").click()
            expect(form.get_by_role("alert")).to_contain_text("nothing can be stored at present")
            expect(form.get_by_role("status")).to_have_text("1 unsaved change")
        expect(page.tab.get_by_role("alert").filter(has_text="The hub says")).to_have_count(0)
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_role("status")).to_have_text("Saved")
