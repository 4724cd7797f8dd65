"""People, tokens and one's account on the page."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.people import PASSWORD, add_person, log_in, open_menu
from tests.hub_process import HubProcess
from tests.logins import open_link

Visit = Callable[..., Dashboard]
OPERATORS = "/api/v1/operators"
LONG_NAME = "emil-with-a-name-that-is-wider-than-a-phone-has-room-for"


def come_in(shared_hub: HubProcess, visit: Visit, path: str, name: str, role: str = "admin") -> Dashboard:
    """The page, opened by somebody new."""
    add_person(shared_hub, name, role)
    page = visit(shared_hub, path, login=False)
    log_in(page, name)
    return page


def person(hub: HubProcess, name: str) -> dict[str, object] | None:
    found = hub.call("GET", OPERATORS)["operators"]
    return next((one for one in found if one["name"] == name), None)


def test_a_person_is_added_with_grants_and_comes_by_the_link_shown_once(
    shared_hub: HubProcess, visit: Visit
) -> None:
    shared_hub.add_device("pump", name="Pump", labels={"site": "north"})
    page = come_in(shared_hub, visit, "/#/people", "anna")
    opener = page.tab.get_by_role("button", name="Add a person")
    opener.click()
    dialog = page.tab.get_by_role("dialog", name="Add a person")
    expect(dialog.get_by_label("Name")).to_be_focused()
    dialog.get_by_label("Name").fill("ben")
    dialog.get_by_role("button", name="And for other devices").click()
    second = dialog.get_by_role("group", name="May, 2")
    second.get_by_label("Role").select_option("operator")
    second.get_by_label("Devices that have all of these labels").fill("north")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Labels are written like site=north")
    second.get_by_label("Devices that have all of these labels").fill("site=north")
    expect(second.get_by_role("status")).to_contain_text("At present that is Pump.")
    page.assert_accessible_in_any_width()

    dialog.get_by_role("button", name="Add", exact=True).click()

    shown = page.tab.get_by_role("dialog", name="A link for ben")
    link = shown.get_by_role("region", name="login link").inner_text().strip()
    shown.get_by_role("button", name="Done").click()
    expect(opener).to_be_focused()
    assert link not in page.tab.content()
    record = page.tab.get_by_role("list", name="People").get_by_role("listitem").filter(has_text="ben")
    expect(record).to_contain_text("viewer of the whole hub; operator of what has site=north")
    expect(record).to_contain_text("comes by one-time links")
    made = person(shared_hub, "ben")
    assert made is not None
    assert made["grants"] == [
        {"role": "viewer", "scope": None},
        {"role": "operator", "scope": {"devices": [], "labels": ["site=north"]}},
    ]
    open_link(page.tab, link)
    expect(page.tab.get_by_role("button", name="ben")).to_be_visible()


def test_what_a_person_may_is_changed_and_they_are_removed_after_their_name_was_typed(
    shared_hub: HubProcess, visit: Visit
) -> None:
    add_person(shared_hub, "carl", "viewer")
    page = come_in(shared_hub, visit, "/#/people", "carla")
    page.tab.get_by_role("button", name="Change carl", exact=True).click()
    dialog = page.tab.get_by_role("dialog", name="What carl may")
    dialog.get_by_label("Role").select_option("manager")
    dialog.get_by_role("button", name="Save").click()
    record = page.tab.get_by_role("listitem").filter(has_text="manager of the whole hub")
    expect(record).to_contain_text("carl")

    page.tab.get_by_role("button", name="Password of carl", exact=True).click()
    dialog = page.tab.get_by_role("dialog", name="How carl logs in")
    dialog.get_by_role("textbox", name="New password").fill("another horse battery")
    dialog.get_by_role("textbox", name="The same again").fill("another horse")
    expect(dialog.get_by_text("They differ.")).to_be_visible()
    dialog.get_by_role("textbox", name="The same again").fill("another horse battery")
    expect(dialog.get_by_text("They are the same.")).to_be_visible()
    dialog.get_by_role("button", name="Set password").click()
    expect(dialog).to_be_hidden()

    page.tab.get_by_role("button", name="Remove carl", exact=True).click()
    dialog = page.tab.get_by_role("dialog", name="Remove carl?")
    expect(dialog.get_by_role("button", name="Remove for good")).to_be_disabled()
    dialog.get_by_label("Type carl to confirm").fill("carl")
    dialog.get_by_role("button", name="Remove for good").click()
    expect(record).to_have_count(0)
    assert person(shared_hub, "carl") is None


def test_the_last_admin_is_not_removed_and_the_hub_says_why(hub: HubProcess, visit: Visit) -> None:
    page = come_in(hub, visit, "/#/people", "only")
    page.tab.get_by_role("button", name="Remove only").click()
    dialog = page.tab.get_by_role("dialog", name="Remove only?")
    dialog.get_by_label("Type only to confirm").fill("only")
    dialog.get_by_role("button", name="Remove for good").click()
    expect(dialog.get_by_role("alert")).to_contain_text("'only' is the last admin")
    expect(page.link).to_have_text("Live")


def test_a_token_is_made_for_a_part_shown_once_and_revoked(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("gauge")
    page = come_in(shared_hub, visit, "/#/tokens", "dora", "operator")
    expect(page.tab.get_by_text("No program has a token yet.")).to_be_visible()
    page.tab.get_by_role("button", name="Make a token").click()
    dialog = page.tab.get_by_role("dialog", name="Make a token")
    dialog.get_by_label("Name").fill("wall display")
    assert dialog.get_by_label("Role").locator("option").all_inner_texts() == ["viewer", "operator"]
    dialog.get_by_text("Some devices").click()
    dialog.get_by_label("And these, by id").fill("gauge")
    dialog.get_by_text("With all rights of the role").click()
    dialog.get_by_role("checkbox", name="history:read").uncheck()
    dialog.get_by_label("It ends after").select_option("1 day")
    page.assert_accessible_in_any_width()
    dialog.get_by_role("button", name="Make", exact=True).click()

    shown = page.tab.get_by_role("dialog", name="The new token")
    token = shown.get_by_role("region", name="token").inner_text().strip()
    expect(shown.get_by_role("region", name="curl")).to_contain_text(f"{shared_hub.url}/api/v1/devices")
    asked = page.tab.context.request.get(
        f"{shared_hub.url}/api/v1/session", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert asked["scope"] == {"devices": ["gauge"], "labels": []}
    assert asked["rights"] == ["devices:read", "live:read", "metrics:scrape"]
    shown.get_by_role("button", name="Done").click()
    record = page.tab.get_by_role("list", name="Tokens").get_by_role("listitem")
    expect(record).to_contain_text("viewer of gauge, for devices:read, live:read, metrics:scrape only")
    assert token not in page.tab.content()

    record.get_by_role("button", name="Revoke wall display").click()
    page.tab.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(record).to_contain_text("Revoked")
    page.assert_accessible()


def test_one_sets_a_password_and_ends_the_other_sessions(shared_hub: HubProcess, visit: Visit) -> None:
    page = come_in(shared_hub, visit, "/#/", LONG_NAME, "viewer")
    log_in_elsewhere(shared_hub, page, LONG_NAME)
    log_in_elsewhere(shared_hub, page, LONG_NAME)
    open_menu(page).get_by_role("link", name="Account").click()
    expect(page.tab.get_by_role("heading", name="Account")).to_be_focused()
    sessions = page.tab.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(sessions).to_have_count(3)
    expect(sessions.filter(has_text="This browser")).to_have_count(1)
    page.assert_accessible_in_any_width()

    sessions.get_by_role("button", name="End the session").first.click()
    expect(sessions).to_have_count(2)
    page.tab.get_by_role("button", name="End all others").click()
    page.tab.get_by_role("dialog").get_by_role("button", name="End them").click()
    expect(sessions).to_have_count(1)

    form = page.tab.get_by_role("form", name="Password")
    form.get_by_role("textbox", name="Old password").fill("not this one")
    form.get_by_role("textbox", name="New password").fill(" with spaces around ")
    form.get_by_role("textbox", name="The same again").fill(" with spaces around ")
    form.get_by_role("button", name="Change password").click()
    expect(form.get_by_role("alert")).to_contain_text("wrong")
    form.get_by_role("textbox", name="Old password").fill(PASSWORD)
    form.get_by_role("button", name="Change password").click()
    expect(page.tab.get_by_text("The password is set.")).to_be_visible()
    assert log_in_elsewhere(shared_hub, page, LONG_NAME, PASSWORD) == 401
    assert log_in_elsewhere(shared_hub, page, LONG_NAME, " with spaces around ") == 204


def log_in_elsewhere(hub: HubProcess, page: Dashboard, name: str, password: str = PASSWORD) -> int:
    """As another browser does; the status."""
    browser = page.tab.context.browser
    assert browser is not None
    other = browser.new_context()
    answer = other.request.post(
        f"{hub.url}/api/v1/session", data={"name": name, "password": password}, headers={"Origin": hub.url}
    )
    other.close()
    return answer.status


def test_the_audit_is_searched_and_paged_and_exported(shared_hub: HubProcess, visit: Visit) -> None:
    for number in range(60):
        shared_hub.call("PATCH", "/api/v1/devices/audited", {"name": f"n{number}"}) if number else (
            shared_hub.add_device("audited")
        )
    page = visit(shared_hub, "/#/audit", login=False)
    add_person(shared_hub, "fred", "admin")
    form = page.tab.get_by_role("form", name="Log in")
    form.get_by_label("Name").fill("fred")
    form.get_by_role("textbox", name="Password").fill("not this one")
    form.get_by_role("button", name="Log in").click()
    expect(form.get_by_role("alert")).to_be_visible()
    shared_hub.wait_for("/api/v1/audit?who=fred", lambda audit: audit["entries"])  # within a second
    log_in(page, "fred")
    entries = page.tab.get_by_role("list", name="What was done").get_by_role("listitem")
    expect(entries.first).to_contain_text("fred logged in")
    expect(entries.filter(has_text="Not done: fred logged in")).to_contain_text("what was shown is wrong")
    expect(entries).to_have_count(50)
    expect(entries.nth(6)).to_contain_text("local changed settings of audited")
    expect(entries.nth(6)).not_to_contain_text("Not done")
    page.assert_accessible_in_any_width()
    page.tab.get_by_role("button", name="Older").click()
    expect(entries).not_to_have_count(50)

    form = page.tab.get_by_role("form", name="Look for")
    form.get_by_label("Device").fill("audited")
    form.get_by_label("What").fill("POST")
    form.get_by_role("button", name="Look").click()
    expect(entries).to_have_count(1)
    expect(entries).to_contain_text("local added a device")
    form.get_by_label("What").fill("PATCH")
    form.get_by_label("Until").fill("2001-01-01T00:00:00")
    form.get_by_role("button", name="Look").click()
    expect(page.tab.get_by_text("Nothing of that was done.")).to_be_visible()
    form.get_by_label("Until").fill("")
    form.get_by_role("button", name="Look").click()
    expect(entries).to_have_count(50)
    page.tab.get_by_role("button", name="Older").click()
    expect(entries).to_have_count(59)
    expect(page.tab.get_by_role("button", name="Older")).to_have_count(0)

    with page.tab.expect_download() as download:
        page.tab.get_by_role("link", name="Export as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 60
    assert re.search(r"fred|local", lines[1])
