"""The page as its users see it."""

import csv
import io
import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, ViewportSize, expect

DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# How many pixels of a canvas are painted, and a number that changes when any of them does.
PIXELS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let painted = 0, digest = 0;
    for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3]) painted++;
        digest = (digest * 31 + data[i] + 7 * data[i + 1] + 13 * data[i + 2] + 17 * data[i + 3]) | 0;
    }
    return [painted, digest];
}"""


class Dashboard:
    """One browser's page. `tab` is Playwright's page."""

    def __init__(self, tab: Page, axe: str) -> None:
        self.tab = tab
        self._axe = axe
        self.grid = tab.get_by_role("grid", name="Devices").or_(tab.get_by_role("treegrid", name="Devices"))
        self.search = tab.get_by_role("searchbox", name="Search devices")
        self.link = tab.locator(".pill")
        self.device = tab.locator("section.device")

    def rows(self) -> Locator:
        """The devices' rows that are in the document."""
        return self.grid.locator("[role=row][aria-selected]")

    def row(self, name: str) -> Locator:
        """The row of the device with this name."""
        return self.rows().filter(has=self.tab.get_by_role("link", name=name, exact=True))

    def names(self) -> list[str]:
        """The names in the list, top to bottom."""
        return self.rows().locator(".cell-name a").all_inner_texts()

    def groups(self) -> Locator:
        """The headings of groups that are in the document."""
        return self.grid.locator("[role=row][aria-expanded]")

    def show_columns(self, *metrics: str) -> None:
        """Have the list show these metrics, beside those it shows."""
        self.tab.get_by_role("button", name="Columns").click()
        for metric in metrics:
            self.tab.get_by_role("checkbox", name=metric, exact=True).check()
        self.tab.keyboard.press("Escape")

    def prefer(self, *choices: str) -> None:
        """Choose these in the preferences."""
        self.tab.get_by_role("button", name="Preferences").click()
        for choice in choices:
            self.tab.locator(".choices label", has_text=choice).click()
        self.tab.keyboard.press("Escape")

    def card(self, metric: str) -> Locator:
        """The chart that a metric is in, with what stands above it."""
        title = re.compile(rf"(^|, ){re.escape(metric)}(, |$)")
        return self.device.get_by_role("region", name=title)

    def line(self, metric: str) -> Locator:
        """A metric's row above its chart; its cells are `.card-value`, `.card-min`, `.card-mean` and
        `.card-max`.
        """
        return self.device.locator(f".legend [data-metric='{metric}']")

    def pixels(self, canvas: Locator) -> tuple[int, int]:
        """How many pixels are painted, and a digest of all of them."""
        painted, digest = canvas.evaluate(PIXELS)
        return painted, digest

    def wait_for_paint(self, canvas: Locator, *, unlike: int | None = None, least: int = 1) -> int:
        """Wait until so many pixels are painted and the picture is not the one of digest `unlike`; its
        digest.
        """
        handle = canvas.element_handle()
        self.tab.wait_for_function(
            f"([canvas, unlike, least]) => {{ const [painted, digest] = ({PIXELS})(canvas); "
            "return painted >= least && digest !== unlike; }",
            arg=[handle, unlike, least],
        )
        return self.pixels(canvas)[1]

    def wait_for_change(self, text: Locator) -> None:
        """Wait until a text is another one."""
        expect(text).not_to_have_text(text.inner_text())

    def connect_now(self) -> None:
        """Have it connect at once, as when the browser says that there is a network again, and wait until it
        has.

        Its own next try comes at random, after up to half a minute where some have failed.
        """
        self.tab.evaluate("dispatchEvent(new Event('online'))")
        expect(self.link).to_have_text("Live")

    def look_again(self) -> None:
        """As when its tab is shown again: it asks at once for what it asks for every few seconds."""
        self.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def read_csv(self) -> list[dict[str, str]]:
        """Have the open device's window saved, and read it."""
        with self.tab.expect_download() as download:
            self.device.get_by_role("button", name="CSV").click()
        return list(csv.DictReader(io.StringIO(download.value.path().read_text())))

    def overflows(self) -> bool:
        """Whether anything makes the page wider than its window."""
        wider: bool = self.tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wider

    def violations(self) -> list[str]:
        """What axe finds that violates WCAG 2.2 AA or good practice, in light and in dark.

        The document is the same in both, the style sheet alone tells them apart: in the second, colours are
        all there is to check.
        """
        if not self.tab.evaluate("typeof axe === 'object'"):
            self.tab.evaluate(f"{self._axe}; 0")
        dark = self.tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        found = self._violations({"type": "tag", "values": AXE_TAGS})
        self.tab.emulate_media(color_scheme="light" if dark else "dark")
        self.tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found += self._violations({"type": "rule", "values": AXE_COLOUR_RULES})
        self.tab.emulate_media(color_scheme="dark" if dark else "light")
        return found

    def _violations(self, rules: dict[str, object]) -> list[str]:
        found: list[dict[str, Any]] = self.tab.evaluate(
            "rules => axe.run(document, { runOnly: rules }).then(result => result.violations.map("
            "({ id, nodes }) => ({ id, nodes: nodes.map("
            "node => node.html.slice(0, 200) + node.failureSummary) })))",
            rules,
        )
        return [json.dumps(one, indent=2) for one in found]

    def assert_accessible(self) -> None:
        """No violation of WCAG 2.2 AA or of good practice that axe can find, in light or in dark."""
        found = self.violations()
        assert found == [], "\n".join(found)

    def assert_accessible_in_any_width(self) -> None:
        """As `assert_accessible`, at a desk and on a phone, and nothing is wider than the window."""
        for size in (DESK, PHONE):
            self.tab.set_viewport_size(size)
            self.assert_accessible()
            assert not self.overflows()
        self.tab.set_viewport_size(DESK)
