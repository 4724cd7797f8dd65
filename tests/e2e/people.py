"""People who log in to the page."""

from typing import Any

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.hub_process import HubProcess

PASSWORD = "correct horse battery"  # of people who exist in tests only


def add_person(hub: HubProcess, name: str, role: str, *, password: str | None = PASSWORD, **more: Any) -> str:
    """Let there be somebody, with a `scope` if that is said; the name."""
    hub.call("POST", "/api/v1/operators", {"name": name, "role": role, "password": password, **more})
    return name


def log_in(page: Dashboard, name: str, password: str = PASSWORD) -> None:
    """By the form, and wait until the page is live."""
    form = page.tab.get_by_role("form", name="Log in")
    form.get_by_label("Name").fill(name)
    form.get_by_role("textbox", name="Password").fill(password)
    form.get_by_role("button", name="Log in").click()
    expect(page.link).to_have_text("Live")


def log_out(page: Dashboard) -> None:
    """By the menu, and wait until the page asks who is there."""
    open_menu(page).get_by_role("button", name="Log out").click()
    expect(page.tab.get_by_role("heading", name="Log in")).to_be_visible()


def open_menu(page: Dashboard) -> Any:
    """The menu of who is logged in."""
    page.tab.get_by_role("button", name="account").click()
    menu = page.tab.get_by_role("dialog", name="Your account")
    expect(menu.get_by_role("button", name="Log out")).to_be_visible()
    return menu
