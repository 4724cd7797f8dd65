"""What carries the live values to a browser: compressed frames, and Chromium's own EventSource over a
restart.
"""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]

# Keeps in `told` the messages of a stream of one device, as [epoch, kind] where the kind is what a test waits
# for.
LISTEN = """() => {
    window.told = [];
    window.source = new EventSource("/api/v1/live/sse?channel=device/press");
    window.source.onmessage = event => {
        const found = JSON.parse(event.data);
        for (const message of Array.isArray(found) ? found : [found]) told.push(message);
    };
}"""
# Of those since the last `subscribed`, how many are readings; and how often it was said.
PROGRESS = """() => {
    const last = told.findLastIndex(message => message.type === "subscribed");
    return [told.filter(message => message.type === "subscribed").length,
        told.slice(last).filter(message => message.type === "readings").length];
}"""


def test_a_page_shows_live_values_from_compressed_frames(
    start_hub: Callable[..., HubProcess], visit: Visit
) -> None:
    hub = start_hub(HUB__LIVE__COMPRESS="true")
    with Feeder(hub, hub.add_device("press")):
        page = visit(hub, "/#/device/press")
        answers: list[dict[str, Any]] = []
        debugger = page.tab.context.new_cdp_session(page.tab)
        debugger.on(
            "Network.webSocketHandshakeResponseReceived",
            lambda event: answers.append(event["response"]["headers"]),
        )
        debugger.send("Network.enable")
        page.tab.reload()
        expect(page.link).to_have_text("Live")
        page.wait_for_change(page.line("count").locator(".card-value"))
        page.wait_for_change(page.line("count").locator(".card-value"))
        assert {headers["Sec-WebSocket-Extensions"].split(";")[0] for headers in answers} == {
            "permessage-deflate"
        }


def test_an_event_source_comes_back_by_itself_after_a_restart(hub: HubProcess, visit: Visit) -> None:
    with Feeder(hub, hub.add_device("press")):
        page = visit(hub)
        expect(page.link).to_have_text("Live")
        page.tab.evaluate(LISTEN)
        page.tab.wait_for_function(f"() => ({PROGRESS})()[1] >= 3")

        hub.stop()
        page.tab.wait_for_function("() => told.some(message => message.type === 'shutdown')")
        hub.start()

        page.tab.wait_for_function(
            f"() => {{ const [times, count] = ({PROGRESS})(); return times > 1 && count >= 3 }}"
        )
        first, second = page.tab.evaluate("told.filter(message => message.type === 'subscribed')")[:2]
        assert first["epoch"] != second["epoch"]
        assert second["recovered"] is False
        assert second["snapshot"].keys() == first["snapshot"].keys()
