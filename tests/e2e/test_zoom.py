"""From the live chart into history and back."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import PHONE, Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


def window_of(page: Dashboard) -> tuple[int, int]:
    """The range in the address, milliseconds."""
    query = parse_qs(page.tab.url.partition("?")[2])
    return int(query["from"][0]), int(query["to"][0])


def test_a_drag_over_a_chart_shows_that_stretch_as_the_hub_stored_it(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("zoomed")
    with Feeder(shared_hub, key, earlier=60):
        page = visit(shared_hub, "/#/device/zoomed?window=15")
        over = page.card("count").locator(".u-over")
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        box = over.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        page.tab.mouse.move(box["x"] + box["width"] * 0.8, middle)
        page.tab.mouse.down()
        page.tab.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=5)
        page.tab.mouse.up()

        expect(page.device.get_by_role("link", name="Back to live")).to_be_visible()
        start, end = window_of(page)
        assert 1_500 <= end - start <= 3_000
        stored = shared_hub.call(
            "GET", f"/api/v1/devices/zoomed/history?metric=count&from={start}&to={end}&points=10000"
        )
        assert stored["tier"] == "raw"
        assert [int(line["count"]) for line in page.read_csv()] == stored["avg"]
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        expect(page.line("count").locator(".card-min")).to_have_text(f"{stored['min'][0]:.0f}")
        expect(page.line("count").locator(".card-max")).to_have_text(f"{stored['max'][-1]:.0f}")

        page.device.get_by_role("link", name="Back to live").click()
        page.wait_for_change(page.card("count").locator(".card-value"))


def test_the_keyboard_moves_through_history_and_reads_it_as_a_table(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("read")
    with Feeder(shared_hub, key) as feeder:
        feeder.wait_for(10)
    page = visit(shared_hub, "/#/device/read")
    page.device.get_by_role("button", name="History").press("Enter")
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    start, end = window_of(page)
    assert end - start == 3_600_000

    page.device.get_by_role("link", name="Table").press("Enter")
    rows = page.card("count").get_by_role("row")
    expect(rows).to_have_count(feeder.sent + 1)
    expect(rows.nth(1)).to_contain_text(str(feeder.sent - 1))
    earlier = page.device.get_by_role("link", name="Earlier")
    for step in range(1, 4):
        earlier.press("Enter")
        expect(earlier).to_have_attribute("href", re.compile(rf"from={start - (step + 1) * 1_800_000}&"))
    expect(page.card("count").get_by_text("No readings in this time.")).to_be_visible()
    assert window_of(page) == (start - 5_400_000, end - 5_400_000)

    page.device.get_by_role("link", name="Back to live").press("Enter")
    expect(rows.nth(1).get_by_role("cell")).to_have_text(str(feeder.sent - 1))


def test_history_fits_a_phone_in_the_dark(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("small")
    with Feeder(shared_hub, key) as feeder:
        feeder.wait_for(10)
    page = visit(shared_hub, "/#/device/small", color_scheme="dark", viewport=PHONE)
    page.device.get_by_role("button", name="History").click()
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    page.assert_accessible()
    assert not page.overflows()


def test_a_finger_drawn_sideways_zooms_and_up_and_down_scrolls(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("touched")
    with Feeder(shared_hub, key, earlier=60) as feeder:
        feeder.wait_for(62)
    page = visit(shared_hub, "/#/device/touched?window=300", viewport=PHONE, has_touch=True)
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    box = page.card("count").locator(".u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2

    drag(page, [(box["x"] + 150, middle - step) for step in range(0, 100, 10)])
    expect(page.device.get_by_role("slider", name="Moment shown")).to_be_visible()
    drag(page, [(box["x"] + 100 + step, middle) for step in range(0, 101, 10)])

    expect(page.device.get_by_role("link", name="Back to live")).to_be_visible()
    start, end = window_of(page)
    assert end - start == pytest.approx(300_000 * 100 / box["width"], rel=0.05)


def drag(page: Dashboard, places: list[tuple[float, float]]) -> None:
    """Put a finger down, move it along, and lift it."""
    devtools = page.tab.context.new_cdp_session(page.tab)
    for kind, at in zip(["touchStart", *["touchMove"] * (len(places) - 1)], places, strict=True):
        points = [{"x": at[0], "y": at[1]}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_charts_are_saved_as_a_picture(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("pictured", name="Pictured")
    with Feeder(shared_hub, key):
        page = visit(shared_hub, "/#/device/pictured")
        for metric in ("count", "temperature"):
            page.wait_for_paint(page.card(metric).locator("canvas"), least=CHART_PIXELS_LEAST)
        with page.tab.expect_download() as download:
            page.device.get_by_role("button", name="PNG").click()
    picture = download.value.path().read_bytes()
    assert download.value.suggested_filename == "Pictured.png"
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    height = int.from_bytes(picture[20:24], "big")
    assert height == 2 * (176 + 50) + 36
