"""The page below a path, through a real nginx that takes the path away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import Certificate
from tests.e2e.dashboard import Dashboard
from tests.e2e.feeder import Feeder
from tests.hub_process import HubProcess
from tests.proxies import Nginx

Visit = Callable[..., Dashboard]


class Proxied:
    """The hub as people find it behind nginx."""

    def __init__(self, hub: HubProcess, url: str) -> None:
        self._hub = hub
        self.url = url

    def login_link(self) -> str:
        return self._hub.login_link().replace(self._hub.url, self.url)


@pytest.fixture
def proxied(shared_hub: HubProcess, tmp_path: Path, certificate: Certificate) -> Iterator[Proxied]:
    nginx = Nginx(tmp_path, certificate)
    with nginx.before(shared_hub.url, nginx.documented()):
        yield Proxied(shared_hub, f"{nginx.url}/hub")


def test_the_page_logs_in_goes_live_and_shows_history_below_a_path(
    shared_hub: HubProcess, proxied: Proxied, visit: Visit
) -> None:
    with Feeder(shared_hub, shared_hub.add_device("press", name="Press")):
        page = visit(proxied)
        expect(page.row("Press").locator(".cell-state")).to_contain_text("Online")
        page.row("Press").click()
        page.wait_for_change(page.line("count").locator(".card-value"))
        assert page.tab.url.startswith(f"{proxied.url}/#/device/press")


def test_a_link_logs_in_below_a_path(proxied: Proxied, visit: Visit) -> None:
    page = visit(proxied, proxied.login_link().removeprefix(proxied.url), login=False)
    page.tab.get_by_role("button", name="Log in").click()
    expect(page.tab).to_have_url(f"{proxied.url}/")
    expect(page.link).to_have_text("Live")
