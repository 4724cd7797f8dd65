"""Themes, widths and motion. What every view must hold in each is in test_views."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import PHONE, Dashboard
from tests.e2e.feeder import Feeder
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub with a device that sends."""
    hub = HubThread(tmp_path_factory.mktemp("plant") / "data").start()
    try:
        with Feeder(hub, hub.add_device("press", name="Press", labels={"hall": "North"})):
            yield hub
    finally:
        hub.stop()


def test_axe_finds_nothing_while_disconnected(hub: HubProcess, visit: Visit) -> None:
    with Feeder(hub, hub.add_device("press")):
        page = visit(hub)
        expect(page.row("press").locator(".cell-state")).to_contain_text("Online")
    hub.stop()
    expect(page.tab.get_by_role("status")).to_contain_text("Values are as of")

    page.assert_accessible_in_any_width()


def test_axe_finds_what_is_hard_to_read_in_the_dark_alone(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant)
    expect(page.row("Press")).to_be_visible()
    assert page.violations() == []

    page.tab.evaluate("document.documentElement.style.setProperty('--muted', 'light-dark(#525b68, #22262d)')")

    assert [json.loads(one)["id"] for one in page.violations()] == ["color-contrast"]


def test_a_phone_shows_the_list_then_the_device_then_the_list(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant, viewport=PHONE)
    expect(page.row("Press")).to_be_visible()
    expect(page.device).to_be_hidden()

    page.row("Press").click()
    expect(page.device.get_by_role("heading", name="Press")).to_be_focused()
    expect(page.grid).to_be_hidden()
    page.wait_for_paint(page.card("temperature").locator("canvas"), least=CHART_PIXELS_LEAST)
    assert not page.overflows()

    page.device.get_by_role("link", name="Devices").click()
    expect(page.row("Press")).to_be_visible()
    expect(page.grid).to_be_focused()
    expect(page.device).to_be_hidden()
    assert not page.overflows()


def test_a_theme_is_chosen_kept_and_given_back_to_the_system(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant, "/#/device/press", color_scheme="light")
    canvas = page.card("count").locator("canvas")
    page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
    body = page.tab.locator("body")
    light = body.evaluate("body => getComputedStyle(body).backgroundColor")
    page.prefer("Dark")
    expect(body).not_to_have_css("background-color", light)
    page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
    page.assert_accessible()

    page.tab.reload()
    expect(body).not_to_have_css("background-color", light)

    page.prefer("System")
    expect(body).to_have_css("background-color", light)


def test_reduced_motion_paints_seldom_but_stays_live(plant: HubProcess, visit: Visit) -> None:
    page = visit(plant, "/#/device/press", reduced_motion="reduce")
    canvas = page.card("count").locator("canvas")
    first = page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
    page.wait_for_paint(canvas, unlike=first)

    paints = canvas.evaluate(COUNT_PAINTS)

    assert 1 <= paints <= 6


# How often the picture changes within two seconds.
COUNT_PAINTS = """canvas => new Promise(done => {
    const digest = () => canvas.toDataURL();
    let last = digest(), paints = 0;
    const end = performance.now() + 2000;
    const look = () => {
        const now = digest();
        if (now !== last) paints++;
        last = now;
        performance.now() < end ? requestAnimationFrame(look) : done(paints);
    };
    look();
})"""
