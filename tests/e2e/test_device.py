"""The view of one device."""

import json
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_sections import publish
from tests.hub_process import HubProcess

CHART_PIXELS_LEAST = 2_000

Visit = Callable[..., Dashboard]


def test_the_charts_draw_and_go_on_drawing(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("drawn", name="Drawn")
    with Feeder(shared_hub, key):
        page = visit(shared_hub)
        page.row("Drawn").click()
        for metric in ("count", "temperature"):
            canvas = page.card(metric).locator("canvas")
            first = page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
            page.wait_for_paint(canvas, unlike=first)
        page.wait_for_change(page.card("temperature").locator(".card-value"))
        expect(page.line("temperature").locator(".card-min")).to_contain_text("3")


def test_a_device_that_is_held_back_says_by_which_limit(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("hasty")
    many = json.dumps([{"n": 1}] * 10_000)
    is_seen = threading.Event()

    def send() -> None:
        while not is_seen.is_set():  # limits.readings_burst is 20,000
            publish(shared_hub, key, "v1/devices/me/telemetry", many)

    sending = threading.Thread(target=send)
    sending.start()
    try:
        shared_hub.wait_for("/api/v1/devices/hasty", lambda answer: answer["limited"])
        page = visit(shared_hub, "/#/device/hasty")
        expect(page.device.get_by_role("alert")).to_contain_text(
            "(limits.readings_per_s), and is read more slowly"
        )
    finally:
        is_seen.set()
        sending.join()


def test_texts_and_truth_values_are_shown_as_values(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("worded")
    with Feeder(shared_hub, key):
        page = visit(shared_hub, "/#/device/worded")
        mode = page.device.get_by_role("row", name="mode")
        expect(mode).to_contain_text("auto")
        expect(mode).to_contain_text("manual")
        expect(page.device.get_by_role("row", name="open")).to_contain_text("true")
        expect(page.card("mode")).to_have_count(0)


def test_history_and_live_join_without_a_hole_or_a_repetition(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("joined")
    with Feeder(shared_hub, key) as feeder:
        feeder.wait_for(15)
        page = visit(shared_hub, "/#/device/joined")
        value = page.card("count").locator(".card-value")
        page.wait_for_change(value)
        feeder.wait_for(feeder.sent + 15)

        assert_whole(page)


def test_a_page_that_opens_late_shows_what_was_before_it(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("late")
    with Feeder(shared_hub, key) as feeder:
        feeder.wait_for(10)
    page = visit(shared_hub, "/#/device/late?window=300")

    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    expect(page.line("count").locator(".card-min")).to_have_text("0")
    assert_whole(page)


def assert_whole(page: Dashboard) -> None:
    """The window holds each reading from the first on, once."""
    counts = [int(line["count"]) for line in page.read_csv() if line["count"]]
    assert counts == list(range(len(counts)))
    assert len(counts) >= 10


@pytest.mark.parametrize(("window", "seconds"), [("15 s", 15), ("60 s", 60), ("5 min", 300)])
def test_the_window_is_chosen_and_stays_in_the_address(
    shared_hub: HubProcess, visit: Visit, window: str, seconds: int
) -> None:
    key = shared_hub.add_device(f"window-{seconds}")
    another = 60 if seconds == 15 else 15
    with Feeder(shared_hub, key):
        page = visit(shared_hub, f"/#/device/window-{seconds}?window={another}")
        page.device.get_by_text(window, exact=True).click()
        expect(page.device.get_by_role("radio", name=window)).to_be_checked()

        page.tab.reload()

        expect(page.device.get_by_role("radio", name=window)).to_be_checked()
        spoken = f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
        expect(page.card("count").get_by_role("img")).to_have_attribute(
            "aria-label", f"count, line chart of the last {spoken}"
        )


def test_pause_freezes_what_is_shown_and_resume_catches_up(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("paused")
    with Feeder(shared_hub, key) as feeder:
        feeder.wait_for(10)
        page = visit(shared_hub, "/#/device/paused")
        canvas = page.card("count").locator("canvas")
        value = page.card("count").locator(".card-value")
        expect(page.line("count").locator(".card-min")).to_have_text("0")
        page.wait_for_change(value)
        page.tab.get_by_role("button", name="Pause").click()
        expect(page.link).to_have_text("Paused")
        page.tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        frozen, shown = page.pixels(canvas), value.inner_text()
        feeder.wait_for(feeder.sent + 10)

        assert page.pixels(canvas) == frozen
        assert value.inner_text() == shown

        page.tab.get_by_role("button", name="Resume").click()
        expect(value).not_to_have_text(shown)
        assert_whole(page)


def test_the_live_readings_are_read_as_a_table(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("tabled")
    with Feeder(shared_hub, key) as feeder:
        page = visit(shared_hub, "/#/device/tabled")
        page.device.get_by_role("link", name="Table").press("Enter")
        newest = page.card("count").get_by_role("row").nth(1)
        expect(newest).to_be_visible()
        page.wait_for_change(newest)
    expect(newest.get_by_role("cell")).to_have_text(str(feeder.sent - 1))
    expect(page.device.get_by_role("row", name="mode")).to_be_visible()

    page.device.get_by_role("link", name="Chart").press("Enter")
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)


def test_a_wrong_link_says_so(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("linked")
    page = visit(shared_hub, "/#/device/linked-to")

    expect(page.device.get_by_text("There is no device “linked-to”")).to_be_visible()


def test_a_device_that_never_sent_says_so_and_comes_alive(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("unheard")
    page = visit(shared_hub, "/#/device/unheard")
    expect(page.device.get_by_text("This device has not sent anything yet")).to_be_visible()

    with Feeder(shared_hub, key):
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)


def test_a_device_removed_while_open_says_so(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("removed")
    page = visit(shared_hub, "/#/device/removed")
    expect(page.device.get_by_role("heading", name="removed")).to_be_visible()

    shared_hub.call("DELETE", "/api/v1/devices/removed")

    expect(page.device.get_by_text("There is no device “removed”")).to_be_visible()
