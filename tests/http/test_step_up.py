"""Keys, tokens and people are changed by those who proved a moment ago who they are."""

import json
from typing import Any

from hub.http.api import ENDPOINTS
from hub.model import Grant, Role
from tests.http.conftest import Hub
from tests.http.rights import ROWS
from tests.http.test_rights import ask, headers_of, lay_out, renew, without_name

SESSION, CONFIRM = "/api/v1/session", "/api/v1/session/confirm"
TOKENS, TOKEN = "/api/v1/tokens", {"name": "wall", "ttl_s": 60}
WORDS = "correct horse battery"


async def browser(hub: Hub, name: str = "admin") -> dict[str, str]:
    """The headers of a page that came by a link."""
    operators = hub.rooms.operators
    return {"Cookie": f"hub={await operators.use_link(await operators.make_link(name))}", "Origin": hub.url}


def code_of(answer: tuple[int, Any, bytes]) -> str | None:
    status, headers, body = answer
    is_problem = headers.get("Content-Type", "").startswith("application/problem")
    return f"{status} {json.loads(body)['code']}" if is_problem else None


def test_the_routes_that_take_a_proof_of_a_moment_ago_are_those_of_the_tests_table() -> None:
    declared = {(one.method, one.path) for one in ENDPOINTS if one.step_up}
    assert declared == {(row.method, row.path) for row in ROWS if row.step_up}
    assert {path for method, path in declared if method == "GET"} == set()


async def test_every_route_that_takes_a_proof_of_a_moment_ago_refuses_without_and_no_other_does(
    hub: Hub,
) -> None:
    await lay_out(hub)
    for row in ROWS:
        fresh = await ask(hub, row, await browser(hub), "mine", "mine")
        assert code_of(fresh) != "403 step_up", row
        await renew(hub)
        stale = await browser(hub)
        hub.clock.ahead_s += 601.0
        answer = await ask(hub, row, stale, "mine", "mine")
        assert (code_of(answer) == "403 step_up") == row.step_up, (row, answer)
        if row.step_up and row.is_of_devices:
            hidden = await ask(hub, row, stale, "hidden")
            assert without_name(hidden) == await ask(hub, row, stale, "absent")
        token = headers_of(hub, Grant(Role.ADMIN))
        await renew(hub)
        assert code_of(await ask(hub, row, token, "mine", "mine")) != "403 step_up", row
        await renew(hub)


async def test_a_proof_is_good_for_ten_minutes_and_a_password_renews_it(hub: Hub) -> None:
    shown = await browser(hub, "grace")
    _, session = await hub.call("GET", SESSION, headers=shown)
    assert 590_000 < session["confirmed_until"] - hub.rooms.hub_clock() / 1000 <= 600_000
    assert session["confirm_by"] == []
    assert (await hub.call("PUT", f"{SESSION}/password", {"new": WORDS}, shown))[0] == 204
    hub.clock.ahead_s = 599.0
    assert (await hub.call("POST", TOKENS, TOKEN, shown))[0] == 201
    hub.clock.ahead_s = 601.0
    status, problem = await hub.call("POST", TOKENS, TOKEN, shown)
    assert (status, problem["code"], problem["confirm_by"]) == (403, "step_up", ["password"])
    assert "POST /api/v1/session/confirm" in problem["detail"]
    status, problem = await hub.call("POST", CONFIRM, {"password": "wrong"}, shown)
    assert (status, problem["code"]) == (403, "forbidden")
    assert (await hub.call("POST", TOKENS, TOKEN, shown))[0] == 403
    assert (await hub.call("POST", CONFIRM, {"password": WORDS}, {"Cookie": shown["Cookie"]}))[0] == 403
    assert (await hub.call("POST", CONFIRM, {"password": WORDS}, shown))[0] == 204
    assert (await hub.call("POST", TOKENS, TOKEN, shown))[0] == 201
    _, session = await hub.call("GET", SESSION, headers=shown)
    assert session["confirm_by"] == ["password"]
    assert session["confirmed_until"] > hub.rooms.hub_clock() / 1000


async def test_who_has_neither_password_nor_passkey_is_told_to_come_by_a_new_link(hub: Hub) -> None:
    shown = await browser(hub, "edsger")
    hub.clock.ahead_s = 601.0
    status, problem = await hub.call("PUT", f"{SESSION}/password", {"new": WORDS}, shown)
    assert (status, problem["code"], problem["confirm_by"]) == (403, "step_up", [])
    assert "link" in problem["detail"]
    assert (await hub.call("POST", CONFIRM, {"password": WORDS}, shown))[0] == 403
    again = await browser(hub, "edsger")
    assert (await hub.call("PUT", f"{SESSION}/password", {"new": WORDS}, again))[0] == 204


async def test_a_wrong_confirmation_counts_as_a_wrong_log_in(hub: Hub) -> None:
    shown = await browser(hub, "barbara")
    throttle = hub.rooms.accounts._throttle
    before = throttle._failures.get("name barbara", (0, 0.0))[0]
    assert (await hub.call("POST", CONFIRM, {"password": "wrong"}, shown))[0] == 403
    assert throttle._failures["name barbara"][0] == before + 1


async def test_a_token_needs_no_proof_and_can_show_none(hub: Hub) -> None:
    _, session = await hub.call("GET", SESSION)
    assert (session["confirmed_until"], session["confirm_by"]) == (None, [])
    assert (await hub.call("POST", CONFIRM, {"password": WORDS}))[0] == 403
