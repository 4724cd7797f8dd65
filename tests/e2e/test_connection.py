"""What the page does when the hub or the session goes away."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]


def test_a_stopped_hub_is_announced_and_the_last_values_stay_marked(hub: HubProcess, visit: Visit) -> None:
    key = hub.add_device("press")
    with Feeder(hub, key):
        page = visit(hub)
        expect(page.row("press").locator(".cell-state")).to_contain_text("Online")
        page.show_columns("temperature")
        expect(page.row("press").locator(".number")).not_to_have_text("–")

        hub.stop()

        expect(page.link).not_to_have_text("Live")
        expect(page.tab.get_by_role("status")).to_contain_text("Values are as of")
        expect(page.row("press").locator(".cell-state")).to_contain_text("Was online")
        expect(page.row("press").locator(".number")).to_contain_text("4")
        expect(page.row("press").locator(".number")).to_have_css("font-style", "italic")
        expect(page.tab.locator(".countdown")).to_contain_text("Trying again in")


def test_a_hub_that_shuts_down_says_so_before_it_goes(hub: HubProcess, visit: Visit) -> None:
    page = visit(hub)
    expect(page.link).to_have_text("Live")
    page.tab.evaluate(NOTE_WHAT_IS_ANNOUNCED)

    hub.stop()

    page.tab.wait_for_function("said.some(text => text.includes('The hub is shutting down.'))")
    expect(page.tab.get_by_role("status")).to_contain_text("Disconnected from the hub.")


# Keeps in `said` each text that a screen reader is given of the connection; the first lasts but a second.
NOTE_WHAT_IS_ANNOUNCED = """() => {
    window.said = [];
    const status = document.querySelector(".banners [role=status]");
    new MutationObserver(() => said.push(status.textContent)).observe(
        status, { childList: true, characterData: true, subtree: true });
}"""


def test_try_now_does_not_wait(hub: HubProcess, visit: Visit) -> None:
    page = visit(hub, apart=True)
    page.tab.clock.install()
    page.tab.reload()
    expect(page.link).to_have_text("Live")
    hub.stop()
    expect(page.tab.locator(".countdown")).to_contain_text("Trying again in")
    page.tab.clock.pause_at(page.tab.evaluate("Date.now() + 100"))  # from now on it would wait for ever
    hub.start()

    with page.tab.expect_websocket():
        page.tab.get_by_role("button", name="Try now").click()

    page.tab.clock.resume()
    expect(page.link).to_have_text("Live")
