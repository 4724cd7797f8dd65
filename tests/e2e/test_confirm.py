"""The hub asks once more who it is, before keys, tokens and people are changed."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.people import PASSWORD, add_person, log_in
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread
from tests.logins import open_link

STEP_UP_S = 2.0

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that asks again soon."""
    folder = tmp_path_factory.mktemp("wary") / "data"
    hub = HubThread(folder, HUB__AUTH__STEP_UP_S=str(STEP_UP_S)).start()
    hub.add_device("press")
    yield hub
    hub.stop()


def wait_until_unconfirmed(page: Dashboard) -> None:
    """Until the last proof of who this is counts no more."""
    origin = page.tab.evaluate("location.origin")
    until_ms = page.tab.context.request.get(f"{origin}/api/v1/session").json()["confirmed_until"]
    page.tab.wait_for_function("until => Date.now() > until", arg=until_ms)


def asked(page: Dashboard) -> Locator:
    return page.tab.get_by_role("dialog", name="Confirm that it is you")


def test_what_was_asked_for_goes_on_once_it_is_confirmed_and_nothing_typed_is_lost(
    wary: HubProcess, visit: Visit
) -> None:
    add_person(wary, "ada", "admin")
    page = visit(wary, "/#/tokens", login=False)
    log_in(page, "ada")
    page.tab.get_by_role("button", name="Make a token").click()
    form = page.tab.get_by_role("dialog", name="Make a token")
    form.get_by_label("Name").fill("wall display")
    wait_until_unconfirmed(page)

    form.get_by_role("button", name="Make", exact=True).click()
    password = asked(page).get_by_role("textbox", name="Your password")
    expect(password).to_be_focused()
    page.assert_accessible_in_any_width()
    password.fill("not the right one")
    password.press("Enter")
    expect(asked(page).get_by_role("alert")).to_contain_text("the password is wrong")
    asked(page).get_by_role("button", name="Cancel").click()
    expect(form.get_by_label("Name")).to_have_value("wall display")
    expect(form.get_by_role("alert")).to_contain_text("proof")
    form.get_by_role("button", name="Make", exact=True).click()
    password.fill(PASSWORD)
    password.press("Enter")

    shown = page.tab.get_by_role("dialog", name="The new token")
    expect(shown.get_by_role("region", name="token")).to_contain_text("ht_")
    expect(asked(page)).to_be_hidden()
    assert [one["name"] for one in wary.call("GET", "/api/v1/tokens")["tokens"]] == ["wall display"]


def test_keys_of_a_device_ask_too(wary: HubProcess, visit: Visit) -> None:
    add_person(wary, "bob", "manager")
    page = visit(wary, "/#/device/press/keys", login=False)
    log_in(page, "bob")
    wait_until_unconfirmed(page)
    page.device.get_by_role("button", name="Add key").click()
    asked(page).get_by_role("textbox", name="Your password").fill(PASSWORD)
    asked(page).get_by_role("button", name="Confirm").click()
    expect(page.tab.get_by_role("dialog", name="The new key")).to_be_visible()


def test_who_has_no_password_confirms_by_a_new_link(wary: HubProcess, visit: Visit) -> None:
    page = visit(wary, "/#/people")
    wait_until_unconfirmed(page)
    page.tab.get_by_role("button", name="Add a person").click()
    form = page.tab.get_by_role("dialog", name="Add a person")
    form.get_by_label("Name").fill("cyd")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(asked(page)).to_contain_text("log in once more")
    other = page.tab.context.new_page()
    open_link(other, wary.login_link())
    expect(other).to_have_url(f"{wary.url}/")
    other.close()
    expect(page.tab.get_by_role("dialog", name="Log in")).to_be_visible()

    page.look_again()

    expect(page.tab.get_by_role("dialog", name="A link for cyd")).to_be_visible()
