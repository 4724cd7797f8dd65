"""The network breaks while a device goes on sending: the page then shows all of it, value by value as it is
stored.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Request, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder, Values
from tests.e2e.network import Network
from tests.e2e.test_device import CHART_PIXELS_LEAST
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

DEADLINE_S = 20.0
RAW_POINTS = 10_000
SPARK_POINTS = 120
COUNTS_MIN = 10

Visit = Callable[..., Dashboard]
Shown = list[tuple[int, float]]


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that remembers for half a second what viewers missed, and lets none be behind by more than 50
    readings.
    """
    settings = {"HUB__LIVE__RESUME_WINDOW_S": "0.5", "HUB__LIVE__PENDING_MAX": "50"}
    hub = HubThread(tmp_path_factory.mktemp("forgetful") / "data", **settings).start()
    yield hub
    hub.stop()


class Asked:
    """How often the page asked for the history of the open device's chart."""

    def __init__(self, page: Dashboard) -> None:
        self.count = 0
        page.tab.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.count += self.is_of_chart(request)

    @staticmethod
    def is_of_chart(request: Request) -> bool:
        """Whether it asks for the chart's window; sparklines ask for fewer points."""
        return "/history?metric=count&" in request.url and f"points={RAW_POINTS}" in request.url


def open_counter(page: Dashboard) -> Dashboard:
    """Wait until the chart of the counts is drawn."""
    page.wait_for_paint(page.card("count").locator("canvas"), least=CHART_PIXELS_LEAST)
    return page


def test_a_short_cut_is_made_up_for_without_asking_history(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("short")
    with Feeder(shared_hub, key) as feeder, Network(shared_hub) as network:
        page = open_counter(visit(network, "/#/device/short"))
        wait_until_as_stored(page, shared_hub, "short")
        asked = Asked(page)
        lose(page, network, feeder)

        come_back(page, network, feeder)

        wait_until_as_stored(page, shared_hub, "short")
        assert asked.count == 0


def test_a_cut_longer_than_the_hub_remembers_is_filled_from_history(
    forgetful: HubProcess, visit: Visit
) -> None:
    key = forgetful.add_device("long")
    with Feeder(forgetful, key) as feeder, Network(forgetful) as network:
        page = open_counter(visit(network, "/#/device/long"))
        asked = Asked(page)
        lose(page, network, feeder)

        with page.tab.expect_request(is_of_sparkline):  # it has a hole, too
            come_back(page, network, feeder)

        wait_until_as_stored(page, forgetful, "long")
        assert asked.count > 0


def test_a_hub_killed_and_started_again_leaves_no_hole(hub_process: HubProcess, visit: Visit) -> None:
    hub = hub_process
    key = hub.add_device("counter")
    with Feeder(hub, key) as feeder:
        page = open_counter(visit(hub, "/#/device/counter?window=300"))
        hub.kill()
        expect(page.link).not_to_have_text("Live")

        hub.start()

        page.connect_now()
        expect(page.tab.get_by_text("Disconnected from the hub.")).to_be_hidden()
        feeder.wait_for(feeder.sent + 15)
        assert wait_until_as_stored(page, hub, "counter")[0][1] == 0


def test_what_a_slow_page_was_not_sent_is_filled_from_history(forgetful: HubProcess, visit: Visit) -> None:
    key = forgetful.add_device("wide")
    with Feeder(forgetful, key, interval_s=0.002, values=wide) as feeder, Network(forgetful) as network:
        page = open_counter(visit(network, "/#/device/wide"))
        wait_until_as_stored(page, forgetful, "wide")
        asked = Asked(page)
        network.stall()
        feeder.wait_for(feeder.sent + 1_000)
        assert asked.count == 0

        with page.tab.expect_event("requestfinished", asked.is_of_chart):
            network.flow()

        expect(page.link).to_have_text("Live")
        wait_until_as_stored(page, forgetful, "wide")


def wide(number: int) -> Values:
    """A count in a reading of 4 KB, so that little of it fits between hub and page."""
    return {"count": number, "text": "x" * 4_000}


def test_what_a_device_kept_while_it_was_cut_off_comes_in_where_it_belongs(
    shared_hub: HubProcess, visit: Visit
) -> None:
    key = shared_hub.add_device("kept")
    with Network(shared_hub, shared_hub.mqtt_port) as network, Feeder(network, key) as feeder:
        feeder.wait_for(10)
        page = open_counter(visit(shared_hub, "/#/device/kept"))
        network.cut()
        expect(page.row("kept").locator(".cell-state")).to_contain_text("Offline")

        network.mend()

        feeder.wait_for(feeder.sent + 15)
        assert wait_until_as_stored(page, shared_hub, "kept")[0][1] == 0


def is_of_sparkline(request: Request) -> bool:
    """Whether it asks for the minute of a row in the list."""
    return "/history?metric=count&" in request.url and f"points={SPARK_POINTS}" in request.url


def lose(page: Dashboard, network: Network, feeder: Feeder) -> None:
    """Cut the page off, for as long as the device needs for 15 readings and then some."""
    network.cut()
    expect(page.link).not_to_have_text("Live")
    feeder.wait_for(feeder.sent + 15)


def come_back(page: Dashboard, network: Network, feeder: Feeder) -> None:
    """Mend the network, connect at once, and let a few readings come."""
    network.mend()
    page.connect_now()
    feeder.wait_for(feeder.sent + 5)


def wait_until_as_stored(page: Dashboard, hub: HubProcess, device_id: str) -> Shown:
    """Wait until what the page shows of the counts is what is stored between the first and last of them, each
    number once; and that they are a few.
    """
    deadline = time.monotonic() + DEADLINE_S
    while True:
        shown = shown_counts(page)
        stored = stored_counts(hub, device_id, shown[0][0], shown[-1][0]) if shown else []
        if (shown == stored and len(shown) >= COUNTS_MIN) or time.monotonic() > deadline:
            break
    assert shown == stored, f"not shown, or not stored: {sorted(set(stored) ^ set(shown))[:20]}"
    first = int(shown[0][1])
    assert [count for _, count in shown] == list(range(first, first + len(shown)))
    assert len(shown) >= COUNTS_MIN
    return shown


def shown_counts(page: Dashboard) -> Shown:
    """Times in µs and counts, of the file that the page saves."""
    return [
        (round(datetime.fromisoformat(line["time"]).timestamp() * 1e6), float(line["count"]))
        for line in page.read_csv()
        if line["count"]
    ]


def stored_counts(hub: HubProcess, device_id: str, start: int, end: int) -> Shown:
    """The same, of the history."""
    span = f"from={start // 1000}&to={-(-end // 1000)}&points={RAW_POINTS}"
    found = hub.call("GET", f"/api/v1/devices/{device_id}/history?metric=count&{span}")
    assert found["tier"] == "raw"
    times = [round(ms * 1000) for ms in found["time"]]
    return [pair for pair in zip(times, found["avg"], strict=True) if start <= pair[0] <= end]
