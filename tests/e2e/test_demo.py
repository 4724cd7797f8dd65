"""What `make demo` runs, looked at in a browser: all four kinds of device are live."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
CHART_PIXELS_LEAST = 2_000

# The transports take turns over the simulated devices, in the order of their ids.
KINDS = {
    "Chiller 01": "temperature",
    "Chiller 02": "temperature",
    "Chiller 03": "temperature",
    "This machine": "memory_percent",
    "Recorded machine": "temperature",
}

Visit = Callable[..., Dashboard]


class Demo:
    """`hub demo` in a process of its own."""

    def __init__(self, scratch: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub", "demo"],
            cwd=scratch,
            env={**os.environ, "TMPDIR": str(scratch), "HUB__HTTP__PORT": "0", "HUB__MQTT__PORT": "0"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        timer = threading.Timer(START_TIMEOUT_S, self.process.kill)
        timer.start()
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        timer.cancel()
        found = re.search(r"(http\S+)/login\?code=\S+", self.said)
        assert found, self.said
        self.url, self._link = found[1], found[0]

    def login_link(self) -> str:
        """The link it printed: it works once."""
        return self._link

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the demo makes its folder: a short path, for the one of a Unix socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


@pytest.fixture
def demo(scratch: Path) -> Iterator[Demo]:
    """A running demo."""
    running = Demo(scratch)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_the_demo_shows_all_four_kinds_live_and_leaves_nothing_behind(
    demo: Demo, visit: Visit, scratch: Path
) -> None:
    assert "26 devices are sending" in demo.said
    page = visit(demo)
    expect(page.tab.get_by_text("26/26")).to_be_visible(timeout=60_000)
    for name, metric in KINDS.items():
        page.tab.goto(f"{demo.url}/#/device/{name.lower().replace(' ', '-')}")
        canvas = page.card(metric).locator("canvas")
        first = page.wait_for_paint(canvas, least=CHART_PIXELS_LEAST)
        page.wait_for_paint(canvas, unlike=first)
        value = page.line(metric).locator(".card-value")
        page.wait_for_change(value)
        if metric == "temperature":
            expect(value).to_contain_text("°C")

    assert demo.stop() == 0
    assert list(scratch.glob("sensor-hub-demo-*")) == []
