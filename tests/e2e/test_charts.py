"""One chart a unit: its lines, their figures, and what the charts of a device share."""

import json
import operator
import re
import time
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder, machine
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


def describe(hub: HubProcess, device_id: str, *metrics: dict[str, object]) -> None:
    """Say what the metrics of a device are, once it has sent them."""
    hub.wait_for(f"/api/v1/devices/{device_id}", lambda device: len(device["metrics"]) > 1)
    hub.call("PATCH", f"/api/v1/devices/{device_id}", {"metrics": list(metrics)})


def test_metrics_of_one_unit_share_a_chart_and_each_can_be_hidden_by_keyboard(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("shared")
    with Feeder(shared_hub, key):
        describe(
            shared_hub,
            "shared",
            {"name": "count", "unit": "°C", "decimals": 1},
            {"name": "temperature", "unit": "°C", "decimals": 3},
        )
        page = visit(shared_hub, "/#/device/shared")
        expect(page.device.locator("canvas")).to_have_count(1)
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        expect(page.line("count").locator(".card-value")).to_have_text(re.compile(r"^\d+\.0 °C$"))
        expect(page.line("temperature").locator(".card-mean")).to_have_text(re.compile(r"^\d+\.\d{3}$"))

        toggle = page.card("count").get_by_role("button", name="temperature")
        toggle.press("Space")
        expect(toggle).to_have_attribute("aria-pressed", "false")
        page.tab.get_by_role("button", name="Pause").click()
        expect(page.link).to_have_text("Paused")
        canvas = page.card("count").locator("canvas")
        without = page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
        toggle.press("Space")
        page.wait_for_paint(canvas, unlike=without)
        expect(toggle).to_have_attribute("aria-pressed", "true")
        page.assert_accessible()


# Looks in each of 120 frames, and at each change, at the texts of every line; those whose value is out of its
# bounds.
VALUES_OUT_OF_BOUNDS = """async () => {
    const number = cell => Number(cell.textContent.replaceAll(",", "").replace(/[^\\d.-]+$/, ""));
    const found = [];
    const look = () => {
        for (const row of document.querySelectorAll(".legend tbody tr")) {
            const [value, min, , max] = [...row.cells].slice(1).map(number);
            if (value < min || value > max) found.push(row.innerText);
        }
    };
    const changes = new MutationObserver(look);
    const all = { subtree: true, childList: true, characterData: true };
    changes.observe(document.querySelector(".cards"), all);
    for (let frame = 0; frame < 120; frame++) await new Promise(requestAnimationFrame);
    changes.disconnect();
    return found;
}"""


def test_no_value_is_outside_the_minimum_and_maximum_beside_it(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("rising")
    with Feeder(shared_hub, key, interval_s=0.02):
        page = visit(shared_hub, "/#/device/rising")
        page.wait_for_change(page.line("count").locator(".card-max"))

        assert page.tab.evaluate(VALUES_OUT_OF_BOUNDS) == []


def test_the_cursor_shows_the_same_moment_in_every_chart(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("synced")
    with Feeder(shared_hub, key, earlier=80) as feeder:
        feeder.wait_for(82)
    page = visit(shared_hub, "/#/device/synced?window=15")
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    page.tab.get_by_role("button", name="Pause").click()
    over = page.card("temperature").locator(".u-over")
    over.hover()

    when = page.card("count").locator(".legend-when")
    expect(when).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(page.card("temperature").locator(".legend-when")).to_have_text(when.inner_text())
    number = int(page.line("count").locator(".card-value").inner_text())
    expect(page.line("temperature").locator(".card-value")).to_have_text(
        f"{machine(number)['temperature']:.2f}"
    )

    page.device.get_by_role("heading", name="synced").hover()
    expect(when).to_have_text("Then")
    expect(page.line("count").locator(".card-value")).to_have_text(str(feeder.sent - 1))


def test_the_cursor_shows_the_same_moment_in_every_chart_of_the_past(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("synced-past")
    with Feeder(shared_hub, key, earlier=30) as feeder:
        feeder.wait_for(32)
    stored = shared_hub.call("GET", "/api/v1/devices/synced-past/history?metric=count")
    start, end = stored["time"][0], stored["time"][-1]
    page = visit(shared_hub, f"/#/device/synced-past?from={start:.0f}&to={end:.0f}")
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)

    page.card("temperature").locator(".u-over").hover()

    number = int(page.line("count").locator(".card-value").inner_text())
    assert 5 < number < 25
    temperature = page.line("temperature").locator(".card-value").inner_text()
    assert float(temperature) == machine(number)["temperature"]  # painted together


def test_a_value_past_its_thresholds_is_marked_in_words(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("bounded")
    with Feeder(shared_hub, key):
        describe(
            shared_hub,
            "bounded",
            {"name": "count", "thresholds": {"warning_high": 0, "critical_high": 1e6}},
            {"name": "temperature", "thresholds": {"critical_low": 100}},
        )
        page = visit(shared_hub, "/#/device/bounded")
        expect(page.line("count").locator(".legend-note")).to_have_text("△ warning")
        expect(page.line("temperature").locator(".legend-note")).to_have_text("▼ critical")
        expect(page.row("bounded").locator('.concern[data-concern="warning"]')).to_be_visible()
        page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
        page.assert_accessible()


def test_means_of_the_past_show_the_least_and_the_greatest_they_stand_for(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("spread")
    start = time.time() - 4_000
    readings = [
        {"ts": (start + second) * 1000, "values": {"spike": 1000 if second == 1501 else second % 2}}
        for second in range(3_000)
        if not 2_000 <= second < 2_200
    ]
    for first in range(0, len(readings), 500):
        send(shared_hub, key, readings[first : first + 500])
    query = f"from={(start - 10) * 1000:.0f}&to={(start + 3_010) * 1000:.0f}"
    stored = shared_hub.call("GET", f"/api/v1/devices/spread/history?metric=spike&points=1000&{query}")
    assert stored["tier"] == "bucket"
    assert max(stored["avg"]) < max(stored["max"])
    page = visit(shared_hub, f"/#/device/spread?{query}")

    expect(page.line("spike").locator(".card-min")).to_have_text("0.0")
    expect(page.line("spike").locator(".card-max")).to_have_text("1,000.0")
    canvas = page.card("spike").locator("canvas")
    page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
    expect(page.line("spike").locator(".card-mean")).to_have_text(re.compile(r"^0\.\d$"))


def test_the_mean_of_the_past_is_that_of_its_readings_however_they_lie_in_time(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("uneven")
    start = time.time() - 4_000
    busy = [{"ts": (start + second / 2) * 1000, "values": {"level": 0}} for second in range(1_500)]
    rare = [{"ts": (start + second) * 1000, "values": {"level": 100}} for second in range(750, 3_750, 6)]
    for readings in (busy[:500], busy[500:1_000], busy[1_000:], rare):
        send(shared_hub, key, readings)
    query = f"from={(start - 10) * 1000:.0f}&to={(start + 3_760) * 1000:.0f}"
    page = visit(shared_hub, f"/#/device/uneven?{query}")

    expect(page.line("level").locator(".card-max")).to_have_text("100")
    expect(page.line("level").locator(".card-mean")).to_have_text("25")


def test_a_saved_range_holds_what_its_rows_stand_for(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("saved")
    start = time.time() - 4_000
    readings = [
        {
            "ts": start * 1000 + number * 100,
            "values": {"level": number, **({} if number % 50 else {"rare": 1})},
        }
        for number in range(12_000)
    ]
    for first in range(0, len(readings), 1_000):
        send(shared_hub, key, readings[first : first + 1_000])
    describe(shared_hub, "saved", {"name": "level", "unit": "mm"}, {"name": "rare", "unit": "m"})
    page = visit(shared_hub, f"/#/device/saved?from={start * 1000 - 1:.0f}&to={start * 1000 + 1_300_000:.0f}")

    rows = page.read_csv()

    assert list(rows[0]) == [
        "time",
        "level min (mm)",
        "level mean (mm)",
        "level max (mm)",
        "level count",
        "rare",
    ]
    assert [float(row["rare"]) for row in rows if row["rare"]] == [1.0] * 240
    buckets = [row for row in rows if row["level count"]]
    counts = [int(row["level count"]) for row in buckets]
    assert sum(counts) == 12_000 > len(buckets)
    means = [float(row["level mean (mm)"]) for row in buckets]
    assert sum(map(operator.mul, counts, means)) == pytest.approx(sum(range(12_000)))
    assert (buckets[0]["level min (mm)"], buckets[-1]["level max (mm)"]) == ("0", "11999")


def send(hub: HubProcess, key: str, readings: list[dict[str, object]]) -> None:
    """Have the hub store readings of the past."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{hub.url}/api/v1/telemetry", json.dumps(readings).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["accepted"] == len(readings)
