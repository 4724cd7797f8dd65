"""Five thousand devices in the list; few of them in the document."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import INTERVAL_S, Feeder
from tests.e2e.test_list import ROWS_MOST
from tests.hub_process import HubProcess

DEVICES = 5_000
SILENT_S = 3_600.0

Visit = Callable[..., Dashboard]


class Plant:
    """A hub with five thousand devices, and their keys."""

    def __init__(self, folder: Path) -> None:
        self.hub = HubProcess(folder / "data").start()
        listed, made = folder / "devices.csv", folder / "keys.csv"
        with listed.open("w", newline="") as file:
            rows = ([f"m-{n:04}", f"Machine {n}", f"hall={n % 7}"] for n in range(DEVICES))
            csv.writer(file).writerows([["id", "name", "labels"], *rows])
        subprocess.run(
            [sys.executable, "-m", "hub", "devices", "import", str(listed), "--output", str(made)],
            cwd=folder,
            env={**os.environ, "HUB__STORE__PATH": str(self.hub.data_dir)},
            check=True,
            capture_output=True,
        )
        with made.open(newline="") as file:
            self._keys = {row["id"]: row["key"] for row in csv.DictReader(file)}
        self.have_sent: set[str] = set()

    def feed(self, device_id: str, interval_s: float = INTERVAL_S) -> Feeder:
        """What sends for a device."""
        self.have_sent.add(device_id)
        return Feeder(self.hub, self._keys[device_id], interval_s=interval_s)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Shared by the tests of this file."""
    made = Plant(tmp_path_factory.mktemp("many"))
    yield made
    made.hub.stop()


def test_a_search_among_five_thousand_finds_the_one_and_the_keyboard_opens_it(
    plant: Plant, visit: Visit
) -> None:
    with plant.feed("m-4321"):
        page = visit(plant.hub)
        expect(page.tab.locator("[data-total=online]")).to_have_text("1/5,000")
        expect(page.grid).to_have_attribute("aria-rowcount", str(DEVICES + 1))
        page.tab.keyboard.press("/")
        page.tab.keyboard.type("machine 4321")
        expect(page.rows()).to_have_count(1)
        page.wait_for_change(page.row("Machine 4321").locator(".number"))

        page.grid.focus()
        page.tab.keyboard.press("ArrowDown")
        page.tab.keyboard.press("Enter")

        expect(page.device.get_by_role("heading", name="Machine 4321")).to_be_visible()
        page.wait_for_change(page.card("count").locator(".card-value"))


# Pairs of texts or controls above the list that overlap, or that a box cuts off.
COLLISIONS = """() => {
    const parts = [...document.querySelectorAll(".top > *, .totals dt, .totals dd")].filter(
        element => element.textContent.trim() && getComputedStyle(element).clipPath === "none");
    const boxes = parts.map(element => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return [element.textContent, element.matches(".button") ? element.getBoundingClientRect()
            : range.getBoundingClientRect()];
    });
    const found = [];
    boxes.forEach(([text, box], place) => {
        if (box.right > innerWidth || box.left < 0) found.push([text, "window"]);
        for (const [other, its] of boxes.slice(place + 1)) {
            const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
            const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
            if (across > 0.5 && down > 0.5) found.push([text, other]);
        }
    });
    const list = document.querySelector(".list").getBoundingClientRect();
    for (const [text, box] of boxes.slice(-8)) if (box.right > list.right) found.push([text, "list"]);
    return found;
}"""
LARGEST = {
    "[data-total=online]": "4,987/5,000",
    "[data-total='not online']": "5,000",
    "[data-total=rate]": "1,234,567",
    "[data-total=delay]": "1,234 ms",
    ".alerts-count": "4,999",
}


def test_no_figure_above_the_list_runs_into_another(plant: Plant, visit: Visit) -> None:
    page = visit(plant.hub)
    expect(page.tab.locator("[data-total=online]")).to_contain_text("/5,000")
    # Nothing is painted while it is paused: these stay.
    page.tab.get_by_role("button", name="Pause").click()
    for place, text in LARGEST.items():
        page.tab.locator(place).evaluate("(cell, text) => cell.textContent = text", text)

    for width in (320, 390, 860, 861, 1024, 1100, 1152, 1280, 1366, 1440, 1920):
        page.tab.set_viewport_size({"width": width, "height": 800})
        assert page.tab.evaluate(COLLISIONS) == [], f"{width} px wide"
        assert not page.overflows(), f"{width} px wide"


def test_the_whole_list_is_walked_with_few_rows_in_the_document(plant: Plant, visit: Visit) -> None:
    page = visit(plant.hub, viewport={"width": 1280, "height": 3000})
    expect(page.row("Machine 0")).to_be_visible()
    page.grid.focus()
    for key, name in (("End", "Machine 4999"), ("Home", "Machine 0")):
        page.tab.keyboard.press(key)
        expect(page.row(name)).to_be_in_viewport()
        assert len(page.names()) <= ROWS_MOST


def test_no_row_keeps_the_sparkline_of_one_that_scrolled_away(plant: Plant, visit: Visit) -> None:
    with plant.feed("m-0000"):
        page = visit(plant.hub)
        page.wait_for_paint(page.row("Machine 0").locator("canvas"))

        page.grid.evaluate("grid => grid.scrollTo(0, 44 * 100)")

        expect(page.row("Machine 100")).to_be_in_viewport()
        for canvas in page.rows().locator("canvas").all():
            assert page.pixels(canvas)[0] == 0


def test_one_that_goes_stale_comes_to_the_top_where_problems_do(plant: Plant, visit: Visit) -> None:
    plant.hub.call("PATCH", "/api/v1/devices/m-2500", {"expected_interval_s": 0.5})
    with plant.feed("m-2500", SILENT_S):
        page = visit(plant.hub, "/#/?sort=problems")

        expect(page.row("Machine 2500").locator(".cell-state")).to_contain_text("Stale")
        assert "Machine 2500" in page.names()[: len(plant.have_sent)]


def test_a_hub_that_was_killed_has_all_of_them_again(plant: Plant, visit: Visit) -> None:
    with plant.feed("m-0007") as feeder:
        page = visit(plant.hub, "/#/device/m-0007")
        online = page.tab.locator("[data-total=online]")
        expect(online).to_have_text("1/5,000")

        plant.hub.kill()
        expect(page.tab.locator("[data-total='were online']")).to_have_text("1/5,000")
        expect(page.row("Machine 7").locator(".cell-state")).to_contain_text("Was online")
        plant.hub.start()

        page.connect_now()
        expect(online).to_have_text("1/5,000")
        feeder.wait_for(feeder.sent + 5)
        page.wait_for_change(page.row("Machine 7").locator(".number"))
        page.wait_for_change(page.card("count").locator(".card-value"))
