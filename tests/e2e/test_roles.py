"""What each role is offered on the page: all that it may do and nothing else, in every view."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Response, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.people import add_person, log_in, open_menu
from tests.e2e.test_sections import publish
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]
ROLES = ("viewer", "operator", "manager", "admin")
ONE, OTHER = "press", "lathe"  # an operator of a scope is one of the first alone


class Offer(NamedTuple):
    """Something to see or to do, and the least role that it is for."""

    view: str
    what: Callable[[Dashboard], Locator]
    least: str


def button(name: str) -> Callable[[Dashboard], Locator]:
    return lambda page: page.tab.get_by_role("button", name=name, exact=True)


def link(name: str) -> Callable[[Dashboard], Locator]:
    return lambda page: page.tab.get_by_role("link", name=name, exact=True)


def form(name: str) -> Callable[[Dashboard], Locator]:
    return lambda page: page.tab.get_by_role("form", name=name)


def field(name: str) -> Callable[[Dashboard], Locator]:
    return lambda page: page.device.get_by_label(name, exact=True)


def choice(name: str) -> Callable[[Dashboard], Locator]:
    return lambda page: page.tab.get_by_role("checkbox", name=name, exact=True)


def text(said: str) -> Callable[[Dashboard], Locator]:
    return lambda page: page.tab.get_by_text(said, exact=True)


# By view, with what is there for everybody once the view is whole.
WHOLE: dict[str, Callable[[Dashboard], Locator]] = {
    "#/": lambda page: page.row("press"),
    "#/add": lambda page: page.row("press"),
    "#/system": lambda page: page.device.get_by_text("Version"),
    "#/device/press": link("Attributes"),
    "#/device/press/keys": link("Attributes"),
    "#/device/press/rejections": link("Attributes"),
    "#/device/press/commands": link("Attributes"),
    "#/device/press/attributes": text("Reported by the device"),
    "#/device/press/settings": link("Attributes"),
    "#/alerts?state=all": lambda page: page.tab.get_by_role("button", name="Too hot"),
    "#/rules": text("Too hot"),
    "#/rules?rule=new": link("Rules"),
    "#/account": text("Where you are logged in"),
    "#/tokens": button("Make a token"),
    "#/people": link("Account"),
    "#/audit": link("Account"),
}
OFFERS = (
    Offer("#/", link("Add device"), "manager"),
    Offer("#/", link("System"), "viewer"),
    Offer("#/add", lambda page: page.tab.get_by_role("dialog", name="Add a device"), "manager"),
    Offer("#/device/press", link("Keys"), "manager"),
    Offer("#/device/press", link("Rejections"), "operator"),
    Offer("#/device/press", link("Commands"), "operator"),
    Offer("#/device/press", link("Settings"), "operator"),
    Offer("#/device/press/keys", button("Add key"), "manager"),
    Offer("#/device/press/rejections", text("Nothing from this device was refused."), "operator"),
    Offer("#/device/press/commands", form("Send a command"), "operator"),
    Offer("#/device/press/attributes", form("Set an attribute"), "operator"),
    Offer("#/device/press/settings", field("Unit"), "operator"),
    Offer("#/device/press/settings", button("Rename"), "operator"),
    Offer("#/device/press/settings", field("Labels"), "manager"),
    Offer("#/device/press/settings", field("Every reading"), "manager"),
    Offer("#/device/press/settings", button("Remove"), "manager"),
    Offer("#/device/press/settings", button("Remove device"), "manager"),
    Offer("#/alerts?state=all", choice("Choose Too hot, press"), "operator"),
    Offer("#/rules", link("Alerts of Too hot"), "viewer"),
    Offer("#/rules", button("Too hot is on"), "manager"),
    Offer("#/rules", button("Remove Too hot"), "manager"),
    Offer("#/rules", link("Add a rule"), "manager"),
    Offer("#/rules", link("Change Too hot"), "manager"),
    Offer("#/rules?rule=new", form("New rule"), "manager"),
    Offer("#/account", link("People"), "admin"),
    Offer("#/account", link("Audit"), "admin"),
    Offer("#/people", button("Add a person"), "admin"),
    Offer("#/audit", link("Export as CSV"), "admin"),
)


@pytest.fixture
def plant(shared_hub: HubProcess) -> HubProcess:
    """A hub with two devices that have sent something, and a rule that fires for the first."""
    if not shared_hub.call("GET", "/api/v1/devices")["devices"]:
        rule = {"name": "Too hot", "on": {"device": ONE}, "metric": "n", "when": {"above": 0}}
        for device_id in (ONE, OTHER):
            key = shared_hub.add_device(device_id, labels={"site": device_id})
            if device_id == ONE:
                shared_hub.call("POST", "/api/v1/rules", rule)
            publish(shared_hub, key, "v1/devices/me/telemetry", '{"n": 1}')
    return shared_hub


def come_in(plant: HubProcess, visit: Visit, name: str, role: str, **more: Any) -> Dashboard:
    """The page, opened by somebody new."""
    add_person(plant, name, role, **more)
    page = visit(plant, login=False)
    log_in(page, name)
    return page


def refusals_of(page: Dashboard) -> list[str]:
    """Gathers what the hub refuses this page from now on."""
    refused: list[str] = []

    def look(response: Response) -> None:
        if response.status in (401, 403, 404):
            refused.append(f"{response.status} {response.request.method} {response.url}")

    page.tab.on("response", look)
    return refused


def go(page: Dashboard, plant: HubProcess, view: str) -> None:
    page.tab.goto(f"{plant.url}/{view}")
    expect(WHOLE[view](page)).to_be_visible()
    expect(page.tab.get_by_text("Loading", exact=True)).to_have_count(0)


def assert_offered(offer: Offer, page: Dashboard, *, is_offered: bool) -> None:
    if is_offered:
        expect(offer.what(page)).to_be_visible()
    else:
        expect(offer.what(page)).to_have_count(0)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_offered_what_it_may_and_the_hub_refuses_nothing_of_it(
    plant: HubProcess, visit: Visit, role: str
) -> None:
    page = come_in(plant, visit, role, role)
    refused = refusals_of(page)
    for view in WHOLE:
        go(page, plant, view)
        for offer in OFFERS:
            if offer.view == view:
                assert_offered(offer, page, is_offered=ROLES.index(role) >= ROLES.index(offer.least))
    offered = ["Account", "Tokens", *(["People", "Audit"] if role == "admin" else [])]
    expect(open_menu(page).get_by_role("link").filter(visible=True)).to_have_text(offered)
    assert refused == []


def test_a_role_for_some_devices_is_offered_for_those_alone(plant: HubProcess, visit: Visit) -> None:
    grants = [
        {"role": "viewer", "scope": None},
        {"role": "manager", "scope": {"devices": [], "labels": [f"site={ONE}"]}},
    ]
    plant.call(
        "POST", "/api/v1/operators", {"name": "gil", "password": "correct horse battery", "grants": grants}
    )
    page = visit(plant, login=False)
    log_in(page, "gil")
    refused = refusals_of(page)
    for offer in OFFERS:
        if "/press" in offer.view:
            go(page, plant, offer.view)
            assert_offered(offer, page, is_offered=True)
    page.tab.goto(f"{plant.url}/#/add")
    expect(page.tab.get_by_role("dialog").get_by_label("Labels")).to_have_value(f"site={ONE}")
    page.tab.goto(f"{plant.url}/#/device/{OTHER}/keys")
    expect(page.tab.get_by_role("heading", name="Keys are for managers")).to_be_visible()
    expect(page.tab.get_by_text("You are one, but not for this device.")).to_be_visible()
    expect(page.device.get_by_role("navigation").get_by_role("link")).to_have_text(
        ["Readings", "Notes", "Attributes"]
    )
    page.device.get_by_role("link", name="Attributes").click()
    expect(page.tab.get_by_text("None are set.")).to_be_visible()
    expect(form("Set an attribute")(page)).to_have_count(0)

    # A label says it, and it counts at once.
    plant.call("PATCH", f"/api/v1/devices/{OTHER}", {"labels": {"site": ONE}})
    page.look_again()
    expect(form("Set an attribute")(page)).to_be_visible()
    assert refused == []
    plant.call("PATCH", f"/api/v1/devices/{OTHER}", {"labels": {"site": OTHER}})


def test_who_sees_some_devices_only_is_not_offered_what_is_of_the_whole_hub(
    plant: HubProcess, visit: Visit
) -> None:
    page = come_in(plant, visit, "hal", "viewer", scope={"devices": [ONE], "labels": []})
    refused = refusals_of(page)
    go(page, plant, "#/")
    expect(page.rows()).to_have_count(1)
    expect(link("System")(page)).to_have_count(0)
    page.tab.goto(f"{plant.url}/#/system")
    expect(page.tab.get_by_text("are for those who see the whole hub")).to_be_visible()
    assert refused == []


def test_a_role_that_changes_counts_at_once_on_a_page_that_is_open(plant: HubProcess, visit: Visit) -> None:
    page = come_in(plant, visit, "ida", "viewer")
    go(page, plant, "#/device/press/attributes")
    expect(form("Set an attribute")(page)).to_have_count(0)

    plant.call("PATCH", "/api/v1/operators/ida", {"role": "operator"})

    expect(form("Set an attribute")(page)).to_be_visible()
    expect(link("Commands")(page)).to_be_visible()
