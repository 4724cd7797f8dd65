"""Logging in by a provider that no one here wrote: oidc-provider, certified by the OpenID Foundation."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dashboard import Dashboard
from tests.hub_process import HubProcess
from tests.waiting import free_port

PEERS = Path(__file__).parents[1] / "peers"
Visit = Callable[..., Dashboard]


class Certified:
    """The Node process."""

    def __init__(self, hub_url: str, port: int, groups_in: str) -> None:
        self._process = subprocess.Popen(
            ["node", "oidc-provider.mjs", str(port), hub_url],
            cwd=PEERS,
            env={**os.environ, "GROUPS_IN": groups_in},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url = f"http://127.0.0.1:{port}"
        assert self._said() == {"ready": True}

    def _said(self) -> Any:
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        return json.loads(next(line for line in lines if line.startswith("{")))  # it gives advice between

    def set_groups(self, **groups: list[str]) -> None:
        """Which groups people are in from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"groups": groups}) + "\n")
        self._process.stdin.flush()
        assert self._said() == {"groups": groups}

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def signing_on(
    start_hub: Callable[..., HubProcess], groups_in: str, check_s: float
) -> Iterator[tuple[HubProcess, Certified]]:
    """A hub, and the provider whose people it lets in."""
    http_port, provider_port = free_port(), free_port()
    provider = {
        "name": "company",
        "title": "The Company",
        "issuer": f"http://127.0.0.1:{provider_port}",
        "client_id": "hub",
        "client_secret": "a secret: with+signs",
        "mappings": [{"group": "north", "role": "operator"}, {"group": "it", "role": "admin"}],
        "check_s": check_s,
    }
    certified = Certified(f"http://127.0.0.1:{http_port}", provider_port, groups_in)
    try:
        hub = start_hub(
            HUB__HTTP__PORT=str(http_port),
            HUB__AUTH__OIDC=json.dumps([provider]),
            HUB__LIVE__PING_INTERVAL_S="0.5",  # so often live sockets see whether their session goes on
        )
        yield hub, certified
    finally:
        certified.stop()


def log_in_at_provider(tab: Page, name: str) -> None:
    """Type a name, and let the hub know who that is."""
    tab.get_by_role("button", name="Log in with The Company").click()
    tab.locator("input[name=login]").fill(name)
    tab.locator("input[name=password]").fill("anything")
    tab.get_by_role("button", name="Sign-in").click()
    tab.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("groups_in", ["ID token", "userinfo"])
def test_a_person_logs_in_and_out_by_a_certified_provider(
    start_hub: Callable[..., HubProcess], visit: Visit, groups_in: str
) -> None:
    with signing_on(start_hub, groups_in, check_s=900.0) as (hub, provider):
        hub.add_device("boiler")
        provider.set_groups(ada=["north"])
        page = visit(hub, "/#/device/boiler", login=False, apart=True)
        log_in_at_provider(page.tab, "ada")
        expect(page.link).to_have_text("Live")
        expect(page.tab).to_have_url(f"{hub.url}/#/device/boiler")
        _, people = _people(hub)
        assert people == {"ada (company)": "operator"}
        page.tab.goto(f"{hub.url}/#/account")
        expect(page.tab.get_by_text("is set where you come from: company")).to_be_visible()
        expect(page.tab.get_by_role("list", name="Sessions")).to_contain_text("by company")
        page.assert_accessible_in_any_width()

        page.tab.get_by_role("button", name="Log out").click()
        page.tab.get_by_role("button", name="Yes, sign me out").click()
        expect(page.tab.get_by_role("button", name="Log in with The Company")).to_be_visible()
        expect(page.tab).to_have_url(f"{hub.url}/")


def test_who_is_in_no_mapped_group_is_told_so(start_hub: Callable[..., HubProcess], visit: Visit) -> None:
    with signing_on(start_hub, "ID token", check_s=900.0) as (hub, provider):
        provider.set_groups(eve=["visitors"])
        page = visit(hub, login=False, apart=True)
        log_in_at_provider(page.tab, "eve")
        expect(page.tab.get_by_role("heading")).to_have_text("You may not come in")
        page.assert_accessible()


def test_a_session_ends_with_the_groups_or_with_that_at_the_provider(
    start_hub: Callable[..., HubProcess], visit: Visit
) -> None:
    with signing_on(start_hub, "ID token", check_s=0.5) as (hub, provider):
        provider.set_groups(ada=["it"])
        page = visit(hub, login=False, apart=True)
        log_in_at_provider(page.tab, "ada")
        expect(page.link).to_have_text("Live")
        # By the back channel: the browser tells the hub nothing.
        other = page.tab.context.new_page()
        other.goto(f"{provider.url}/session/end")
        other.get_by_role("button", name="Yes, sign me out").click()
        expect(page.tab.get_by_role("button", name="Log in with The Company")).to_be_visible()
        other.close()

        log_in_at_provider(page.tab, "ada")
        expect(page.link).to_have_text("Live")
        provider.set_groups(ada=["visitors"])
        expect(page.tab.get_by_role("button", name="Log in with The Company")).to_be_visible()
        assert _people(hub)[1] == {}


def _people(hub: HubProcess) -> tuple[int, dict[str, str]]:
    found = hub.call("GET", "/api/v1/operators")["operators"]
    return len(found), {one["name"]: one["role"] for one in found if one["issuer"]}
