"""Logging in and out on the page, and what becomes of a session that ends while the page is open."""

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.people import PASSWORD, add_person, log_in, log_out, open_menu
from tests.hub_process import HubProcess
from tests.logins import open_link

Visit = Callable[..., Dashboard]


def test_a_wrong_password_is_said_and_the_right_one_leads_to_where_one_wanted_to_go(
    shared_hub: HubProcess, visit: Visit
) -> None:
    shared_hub.add_device("press", name="Press")
    add_person(shared_hub, "ada", "operator")
    page = visit(shared_hub, "/#/device/press/attributes", login=False)
    form = page.tab.get_by_role("form", name="Log in")
    name, password = form.get_by_label("Name"), form.get_by_role("textbox", name="Password")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("autocomplete", "username")
    expect(password).to_have_attribute("autocomplete", "current-password")
    page.assert_accessible_in_any_width()

    name.fill("ada")
    password.fill("wrong horse battery")
    password.press("Enter")
    expect(form.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(password).to_be_focused()
    page.assert_accessible()

    form.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    log_in(page, "ada")

    expect(page.device.get_by_role("form", name="Set an attribute")).to_be_visible()
    expect(page.tab).to_have_url(f"{shared_hub.url}/#/device/press/attributes")


def test_caps_lock_is_said(shared_hub: HubProcess, visit: Visit) -> None:
    page = visit(shared_hub, login=False)
    password = page.tab.get_by_role("textbox", name="Password")
    password.focus()
    password.dispatch_event("keydown", {"key": "A", "modifierCapsLock": True})
    expect(page.tab.get_by_text("Caps Lock is on.")).to_be_visible()
    password.dispatch_event("keyup", {"key": "a", "modifierCapsLock": False})
    expect(page.tab.get_by_text("Caps Lock is on.")).to_be_hidden()


def test_a_busy_hub_says_when_to_come_back(shared_hub: HubProcess, visit: Visit) -> None:
    page = visit(shared_hub, login=False)
    problem = '{"status": 429, "code": "busy", "detail": "too many passwords are being checked"}'

    def refuse(route: Route) -> None:
        route.fulfill(
            status=429,
            body=problem,
            headers={"Content-Type": "application/problem+json", "Retry-After": "2"},
        )

    page.tab.route("**/api/v1/session", lambda route: refuse(route) if is_post(route) else route.continue_())
    form = page.tab.get_by_role("form", name="Log in")
    form.get_by_label("Name").fill("ada")
    form.get_by_role("textbox", name="Password").fill(PASSWORD)
    form.get_by_role("button", name="Log in").click()

    expect(form.get_by_role("alert")).to_contain_text("Try again in 2 s.")
    expect(form.get_by_role("button", name="Again in")).to_be_disabled()
    expect(form.get_by_role("button", name="Log in")).to_be_enabled()


def test_a_hub_that_does_not_answer_is_said(shared_hub: HubProcess, visit: Visit) -> None:
    page = visit(shared_hub, login=False)
    page.tab.route("**/api/v1/session", lambda route: route.abort() if is_post(route) else route.continue_())
    form = page.tab.get_by_role("form", name="Log in")
    form.get_by_label("Name").fill("ada")
    form.get_by_role("textbox", name="Password").fill(PASSWORD)
    form.get_by_role("button", name="Log in").click()
    expect(form.get_by_role("alert")).to_contain_text("The hub does not answer.")


def is_post(route: Route) -> bool:
    return route.request.method == "POST"


def test_the_menu_says_who_is_there_and_logs_out(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("shown")
    add_person(shared_hub, "bob", "viewer")
    page = visit(shared_hub, login=False)
    log_in(page, "bob")
    expect(page.row("shown")).to_be_visible()
    menu = open_menu(page)
    expect(menu).to_contain_text("bob")
    expect(menu).to_contain_text("viewer")
    expect(menu.get_by_role("link")).to_have_text(["Account", "Tokens"])
    page.assert_accessible_in_any_width()
    page.tab.keyboard.press("Escape")

    log_out(page)

    expect(page.rows()).to_have_count(0)
    page.tab.reload()
    expect(page.tab.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_session_that_ends_says_so_and_what_was_typed_is_there_after_the_next(
    shared_hub: HubProcess, visit: Visit
) -> None:
    shared_hub.add_device("typed")
    add_person(shared_hub, "cyd", "manager")
    page = visit(shared_hub, "/#/device/typed/settings", login=False)
    log_in(page, "cyd")
    name = page.device.get_by_label("Name")
    name.fill("Half a na")
    page.tab.get_by_role("button", name="Alerts").click()
    drawer = page.tab.get_by_role("dialog", name="Needs attention")
    expect(drawer).to_be_visible()

    end_sessions(shared_hub, "cyd")

    cover = page.tab.get_by_role("dialog", name="Log in")
    expect(cover.get_by_text("Your session as cyd is over.")).to_be_visible()
    expect(cover.get_by_label("Name")).to_have_value("cyd")
    expect(cover.get_by_role("textbox", name="Password")).to_be_focused()
    page.assert_accessible_in_any_width()
    for _ in range(2):
        page.tab.keyboard.press("Escape")
    expect(cover).to_be_visible()
    log_in(page, "cyd", PASSWORD + "!")

    expect(cover).to_be_hidden()
    expect(drawer).to_be_visible()
    page.tab.keyboard.press("Escape")
    expect(name).to_have_value("Half a na")
    page.device.get_by_role("button", name="Save").click()
    expect(page.device.get_by_role("status")).to_have_text("Saved")
    assert shared_hub.call("GET", "/api/v1/devices/typed")["name"] == "Half a na"


def end_sessions(hub: HubProcess, name: str) -> None:
    """As when an admin sets another password."""
    hub.call("PATCH", f"/api/v1/operators/{name}", {"password": PASSWORD + "!"})


def test_somebody_else_who_logs_in_sees_nothing_of_the_one_before(
    shared_hub: HubProcess, visit: Visit
) -> None:
    shared_hub.add_device("secret")
    add_person(shared_hub, "dan", "viewer")
    add_person(shared_hub, "eve", "viewer", scope={"devices": ["nothing"]})
    page = visit(shared_hub, "/#/?q=secret", login=False)
    log_in(page, "dan")
    expect(page.row("secret")).to_be_visible()
    end_sessions(shared_hub, "dan")
    expect(page.tab.get_by_role("dialog", name="Log in")).to_be_visible()

    log_in(page, "eve")

    expect(page.tab.get_by_role("button", name="eve")).to_be_visible()
    expect(page.rows()).to_have_count(0)
    expect(page.search).to_have_value("secret")


def test_a_link_opened_in_another_tab_logs_the_page_in(shared_hub: HubProcess, visit: Visit) -> None:
    page = visit(shared_hub, login=False)
    page.tab.get_by_role("button", name="I have used a link").click()
    expect(page.tab.get_by_text("This browser is still logged out.")).to_be_visible()
    other = page.tab.context.new_page()
    open_link(other, shared_hub.login_link())
    expect(other).to_have_url(f"{shared_hub.url}/")
    other.close()

    page.tab.get_by_role("button", name="I have used a link").click()

    expect(page.link).to_have_text("Live")
