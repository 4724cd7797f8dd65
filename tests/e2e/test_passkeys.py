"""Passkeys on the page, with the authenticator that Chromium has for tests."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.people import PASSWORD, add_person, log_in, log_out, open_menu
from tests.e2e.test_confirm import asked, wait_until_unconfirmed, wary
from tests.hub_process import HubProcess

Visit = Callable[..., Dashboard]
__all__ = ["wary"]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


# What older browsers lack.
WITHOUT_JSON = """
    delete PublicKeyCredential.parseCreationOptionsFromJSON;
    delete PublicKeyCredential.parseRequestOptionsFromJSON;
    delete PublicKeyCredential.prototype.toJSON;
"""


def come_in(hub: HubProcess, visit: Visit, name: str, role: str, *, is_old: bool = False) -> Dashboard:
    """The page by a name, for there are no passkeys for bare addresses, opened by somebody new whose computer
    has an authenticator.
    """
    add_person(hub, name, role)
    page = visit(hub, login=False)
    devtools = page.tab.context.new_cdp_session(page.tab)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    if is_old:
        page.tab.add_init_script(WITHOUT_JSON)
    page.tab.goto(f"{hub.url.replace('127.0.0.1', 'localhost')}/#/account")
    log_in(page, name)
    return page


def add_passkey(page: Dashboard, name: str) -> None:
    page.tab.get_by_role("button", name="Add a passkey").click()
    dialog = page.tab.get_by_role("dialog", name="Add a passkey")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Go on").click()


def test_a_passkey_is_added_logs_in_and_is_removed(shared_hub: HubProcess, visit: Visit) -> None:
    page = come_in(shared_hub, visit, "ada", "viewer")
    expect(page.tab.get_by_text("None yet.")).to_be_visible()
    add_passkey(page, "Phone")
    keys = page.tab.get_by_role("list", name="Passkeys").get_by_role("listitem")
    expect(keys).to_have_count(1)
    expect(keys).to_contain_text("Phone")
    expect(keys).to_contain_text("not used yet")
    page.assert_accessible_in_any_width()
    add_passkey(page, "The same")
    again = page.tab.get_by_role("dialog", name="Add a passkey")
    expect(again.get_by_role("alert")).to_have_text("This device has a passkey for the hub already.")
    page.tab.keyboard.press("Escape")

    log_out(page)
    page.assert_accessible()
    page.tab.get_by_role("button", name="Log in with a passkey").click()
    expect(page.link).to_have_text("Live")
    expect(open_menu(page)).to_contain_text("ada")
    page.tab.keyboard.press("Escape")
    expect(keys).to_contain_text("last used")
    expect(page.tab.get_by_role("list", name="Sessions")).to_contain_text("by a passkey")

    keys.get_by_role("button", name="Remove Phone").click()
    page.tab.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.tab.get_by_text("None yet.")).to_be_visible()
    log_out(page)
    expect(page.tab.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    expect(page.tab.get_by_role("button", name="Log in with a passkey")).to_have_count(0)


def test_a_passkey_confirms_who_somebody_is_in_an_older_browser_too(wary: HubProcess, visit: Visit) -> None:
    page = come_in(wary, visit, "dan", "operator", is_old=True)
    wait_until_unconfirmed(page)
    add_passkey(page, "Laptop")
    asked(page).get_by_role("textbox", name="Your password").fill(PASSWORD)
    asked(page).get_by_role("button", name="Confirm").click()
    expect(page.tab.get_by_role("list", name="Passkeys")).to_contain_text("Laptop")

    page.tab.get_by_role("link", name="Tokens").click()
    wait_until_unconfirmed(page)
    page.tab.get_by_role("button", name="Make a token").click()
    form = page.tab.get_by_role("dialog", name="Make a token")
    form.get_by_label("Name").fill("by passkey")
    form.get_by_role("button", name="Make", exact=True).click()
    asked(page).get_by_role("button", name="Use a passkey").click()
    expect(page.tab.get_by_role("dialog", name="The new token")).to_be_visible()
