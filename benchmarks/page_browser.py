"""The page in Debian's Chromium, and what it costs there by the browser's own account (its DevTools
protocol).
"""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, Response, async_playwright

from hub.http.static import BUILT

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
DEADLINE_MS = 60_000
SETTLE_S = 5.0  # history comes in, and what only the start costs goes by
HEAP_LOOKS = 10  # over the time measured
SEARCHES = 5

# Runs before the page: notes when a device's value was first on the screen.
NOTE = """() => {
    const noted = window.noted = { firstValueMs: null };
    const changes = new MutationObserver(() => {
        if (!/\\d/.test(document.querySelector(".cell-value .number")?.textContent ?? "")) return;
        changes.disconnect();
        requestAnimationFrame(() => setTimeout(() => { noted.firstValueMs = performance.now(); }));
    });
    changes.observe(document, { childList: true, characterData: true, subtree: true });
}"""
# From a word in the search box to the frame that shows what it finds.
SEARCH = """async word => {
    const box = document.querySelector("input[type=search]");
    const say = text => { box.value = text; box.dispatchEvent(new Event("input", { bubbles: true })); };
    const shown = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    await shown();
    const start = performance.now();
    say(word);
    await shown();
    const took = performance.now() - start;
    say("");
    await shown();
    return took;
}"""
ROWS = "document.querySelectorAll('[role=row][aria-selected]').length"


@dataclass(frozen=True)
class Cost:
    """What the page cost over some seconds. Shares and tasks are by the main thread's own processor time."""

    script_share: float
    busy_share: float
    longest_task_ms: float
    loading_task_ms: float  # the longest until it has settled
    heap_bytes: float  # the most seen
    rows: int
    first_value_ms: float  # from the navigation
    search_ms: float
    first_view_bytes: int  # compressed, of what the browser loaded to show the list and one device
    page_bytes: int  # of all there is


class Loaded:
    """What the browser loaded of the page itself."""

    def __init__(self, page: Page, url: str) -> None:
        self._responses: list[Response] = []
        self._url = url
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if (
            response.url.startswith((f"{self._url}/assets/", f"{self._url}/#"))
            or response.url == f"{self._url}/"
        ):
            self._responses.append(response)

    async def compressed_bytes(self) -> int:
        """As gzip would send it."""
        return _compressed([await response.body() for response in self._responses])


def _compressed(bodies: Sequence[bytes]) -> int:
    return sum(len(gzip.compress(body, 9)) for body in bodies)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def watch(
    browser: Browser, url: str, link: str, path: str, seconds: float, profile: Path | None
) -> Cost:
    """Sign in by `link`, open `path` with nothing cached, and look at it for so long, twice: a trace costs a
    little itself.
    """
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await context.new_page()
    page.set_default_timeout(DEADLINE_MS)
    address, _, code = link.partition("?code=")
    await page.request.post(address, form={"code": code}, headers={"Origin": url})
    await page.add_init_script(f"({NOTE})()")
    loaded = Loaded(page, url)
    async with traced(browser) as loading:
        await page.goto(url + path)
        await page.wait_for_function(
            "() => noted.firstValueMs !== null && document.querySelector('.card canvas')"
        )
        await asyncio.sleep(SETTLE_S)
    first_view_bytes = await loaded.compressed_bytes()
    used = await _measure(await context.new_cdp_session(page), seconds, profile)
    async with traced(browser) as settled:
        await asyncio.sleep(seconds)
        searched = [await page.evaluate(SEARCH, "bench-4") for _ in range(SEARCHES)]
    cost = Cost(
        script_share=used["ScriptDuration"] / used["s"],
        busy_share=used["TaskDuration"] / used["s"],
        longest_task_ms=max(settled),
        loading_task_ms=max(loading),
        heap_bytes=used["heap"],
        rows=await page.evaluate(ROWS),
        first_value_ms=await page.evaluate("noted.firstValueMs"),
        search_ms=median(searched),
        first_view_bytes=first_view_bytes,
        page_bytes=_compressed([one.read_bytes() for one in BUILT.rglob("*") if one.is_file()]),
    )
    await context.close()
    return cost


@asynccontextmanager
async def traced(browser: Browser) -> AsyncIterator[list[float]]:
    """Once the block has ended, the list holds how long each task of the page's main thread took, in ms of
    processor time.

    The page's own observer of long tasks goes by the clock, and where others want the core it counts their
    time too.
    """
    debugger = await browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    complete = asyncio.Event()
    debugger.on("Tracing.dataCollected", lambda found: events.extend(found["value"]))
    debugger.on("Tracing.tracingComplete", lambda _: complete.set())
    wanted = {"traceConfig": {"includedCategories": ["toplevel"]}, "transferMode": "ReportEvents"}
    await debugger.send("Tracing.start", wanted)
    tasks: list[float] = []
    yield tasks
    await debugger.send("Tracing.end")
    await complete.wait()
    await debugger.detach()
    named = [event for event in events if event["name"] == "thread_name"]
    main = {(one["pid"], one["tid"]) for one in named if one["args"]["name"] == "CrRendererMain"}
    tasks.extend(
        event.get("tdur", 0) / 1000
        for event in events
        if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) in main
    )


async def _measure(debugger: CDPSession, seconds: float, profile: Path | None) -> dict[str, float]:
    """The growth of the browser's counters over so long, how long that was, and the most heap seen."""
    await debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
    if profile is not None:
        await debugger.send("Profiler.enable")
        await debugger.send("Profiler.start")
    start_s = time.monotonic()
    before = after = await _counters(debugger)
    heap = before["JSHeapUsedSize"]
    for _ in range(HEAP_LOOKS):
        await asyncio.sleep(seconds / HEAP_LOOKS)
        after = await _counters(debugger)
        heap = max(heap, after["JSHeapUsedSize"])
    measured_s = time.monotonic() - start_s
    if profile is not None:
        profile.write_text(json.dumps((await debugger.send("Profiler.stop"))["profile"]))
    used = {name: after[name] - before[name] for name in ("ScriptDuration", "TaskDuration")}
    return {**used, "s": measured_s, "heap": heap}


async def _counters(debugger: CDPSession) -> dict[str, Any]:
    told = await debugger.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in told["metrics"]}
