"""`python -m benchmarks.page`: what the page costs the browser that shows it. See README.md.

The hub with 200 devices at ten readings a second, with 1,000 at one, and with 5,000 of which 300 send; each
time the page in Chromium, with the list and one device's charts open. Beside each figure stands the budget.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import uvloop
from playwright.async_api import Browser

from benchmarks.live import helper
from benchmarks.live_subjects import settings
from benchmarks.page_browser import Cost, chromium, watch
from benchmarks.page_report import print_costs
from benchmarks.subjects import Hub, free_port

FOREVER_S = 3_600.0


class Load(NamedTuple):
    """So many devices, of which so many send so often."""

    devices: int
    sending: int
    per_s: float

    @property
    def name(self) -> str:
        of = "" if self.sending == self.devices else f" of {self.devices:,}"
        return f"{self.sending:,}{of} × {self.per_s:g}/s"


LOADS = (Load(200, 200, 10), Load(1_000, 1_000, 1), Load(5_000, 300, 1))


@asynccontextmanager
async def sending(hub: Hub, load: Load, folder: Path) -> AsyncIterator[None]:
    """The devices send as long as the block lasts."""
    targets = folder / "senders.json"
    targets.write_text(json.dumps(hub.targets[: load.sending]))
    rate = ("--rate", str(load.sending * load.per_s), "--seconds", str(FOREVER_S))
    async with helper(
        "benchmarks.live_senders", "--port", str(hub.port), "--targets", str(targets), *rate
    ) as send:
        running = asyncio.ensure_future(send())
        try:
            yield
        finally:
            running.cancel()


def login_link(folder: Path) -> str:
    command = [sys.executable, "-m", "hub", "--config", str(folder / "config.toml"), "login"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def measure(browser: Browser, load: Load, seconds: float, profile: Path | None) -> Cost:
    port = free_port()
    os.environ.update(settings(port))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        async with Hub(folder, load.devices) as hub, sending(hub, load, folder):
            link = await asyncio.to_thread(login_link, folder)
            url = f"http://127.0.0.1:{port}"
            return await watch(browser, url, link, "/#/device/bench-0", seconds, profile)


async def measure_all(loads: Sequence[Load], seconds: float, profile: Path | None) -> dict[str, Cost]:
    async with chromium() as browser:
        return {load.name: await measure(browser, load, seconds, profile) for load in loads}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="measured, after the page has settled")
    parser.add_argument("--loads", nargs="+", type=int, default=[200, 1_000, 5_000], help="by their devices")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="a .cpuprofile of the last, for DevTools"
    )
    options = parser.parse_args()
    loads = [load for load in LOADS if load.devices in options.loads]
    costs = uvloop.run(measure_all(loads, options.seconds, options.profile))
    print_costs(costs)
    if options.json is not None:
        options.json.write_text(
            json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
