"""Failed log ins and refused writes are noted, what is asked for too, and never a secret."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from hub.http.access import SAFE_METHODS
from hub.http.api import ENDPOINTS
from hub.http.endpoint import Endpoint, Nothing
from hub.model import Grant, Role
from hub.people.audit import COUNTED_S
from tests.captured_logs import captured_logs
from tests.http.conftest import Hub
from tests.http.rights import DEVICE, ROWS
from tests.http.test_rights import ask, headers_of, lay_out, renew
from tests.logins import use_link
from tests.waiting import until

AUDIT, OPERATORS, SESSION = "/api/v1/audit", "/api/v1/operators", "/api/v1/session"
WORDS = "correct horse battery"
SECRET = "s3cr3tOfSomebodyThatMayBeNowhereElse"  # of no use anywhere
OF_SECRETS = frozenset({"password", "old", "new", "credential", "params", "shared", "value"})


async def refusals(hub: Hub, what: str = "") -> list[dict[str, Any]]:
    _, found = await hub.call("GET", f"{AUDIT}?limit=1000&what={what}")
    return [one for one in found["entries"] if one["result"] != "done"]


async def refused(hub: Hub, what: str, count: int = 1) -> list[tuple[str, ...]]:
    """Who, by what, what came of it, oldest first, as soon as there are so many."""
    found: list[dict[str, Any]] = []

    async def are_there() -> bool:
        found[:] = await refusals(hub, what)
        return len(found) >= count

    await until(are_there)
    return [(one["who"], one["credential"].split()[0], one["result"]) for one in reversed(found)]


async def test_failed_log_ins_are_noted_by_reason(hub: Hub) -> None:
    await hub.call("POST", OPERATORS, {"name": "ada", "role": "viewer", "password": WORDS})
    own = {"Origin": hub.url}
    for name in ("ada", WORDS):
        assert (await hub.call("POST", SESSION, {"name": name, "password": "wrong"}, own))[0] == 401
    evil = {"Origin": "http://evil.example"}
    assert (await hub.call("POST", SESSION, {"name": "ada", "password": WORDS}, evil))[0] == 403
    assert await refused(hub, f"POST {SESSION}", 3) == [
        ("ada", "password", "wrong"),
        ("", "password", "wrong"),  # a password typed where the name was wanted is not told
        ("", "password", "forbidden"),
    ]
    assert (await use_link(hub.client, f"{hub.url}/login?code=wrong")).status == 401
    assert (await use_link(hub.client, f"{hub.url}/login?code=wrong", evil)).status == 403
    assert await refused(hub, "POST /login", 2) == [("", "link", "wrong"), ("", "link", "forbidden")]
    assert (await hub.call("GET", "/api/v1/latest", headers={"Authorization": "Bearer ht_wrong"}))[0] == 401
    assert await refused(hub, "GET /api/v1/latest") == [("", "token", "wrong")]
    async with hub.live_socket({}) as socket:
        await socket.send_json({"type": "auth", "token": "ht_wrong"})
        await socket.receive()
    assert await refused(hub, "GET /api/v1/live") == [("", "token", "wrong")]


async def test_a_wrong_confirmation_and_a_lack_of_proof_are_noted(hub: Hub) -> None:
    shown = {**await hub.session(), "Origin": hub.url}
    assert (await hub.call("POST", f"{SESSION}/confirm", {"password": "wrong"}, shown))[0] == 403
    assert await refused(hub, "session/confirm") == [("admin", "session", "forbidden")]
    hub.clock.ahead_s = 601.0
    assert (await hub.call("POST", "/api/v1/tokens", {"name": "a", "ttl_s": 60}, shown))[0] == 403
    assert await refused(hub, "POST /api/v1/tokens") == [("admin", "session", "step_up")]


async def test_writes_that_are_refused_are_noted_and_reads_are_not(hub: Hub) -> None:
    await lay_out(hub)
    viewer, north = (
        headers_of(hub, Grant(Role.VIEWER)),
        hub.bearer(Role.MANAGER, ["mine"]),
    )
    assert (await hub.call("DELETE", "/api/v1/devices/mine", None, viewer))[0] == 403
    assert (await hub.call("PATCH", "/api/v1/devices/hidden", {"name": "x"}, north))[0] == 404
    assert (await hub.call("GET", "/api/v1/devices/hidden", headers=north))[0] == 404
    assert (await hub.call("GET", "/api/v1/audit", headers=north))[0] == 403
    assert await refused(hub, "DELETE /api/v1/devices/mine") == [("tester", "token", "forbidden")]
    assert await refused(hub, "/api/v1/devices/hidden") == [("tester", "token", "not_found")]
    assert await refusals(hub, "GET /api/v1") == []


async def test_wrong_keys_of_devices_are_none_of_it(hub: Hub) -> None:
    await hub.device()
    wrong = {"Authorization": "Bearer hk_wrong"}
    assert (await hub.call("POST", "/api/v1/telemetry", {"t": 1.0}, wrong))[0] == 401
    assert (await hub.call("POST", "/api/v1/devices", {"id": "x"}, wrong))[0] == 401
    assert (await use_link(hub.client, f"{hub.url}/login?code=last")).status == 401
    await refused(hub, "POST /login")
    assert await refusals(hub, "telemetry") == await refusals(hub, "POST /api/v1/devices") == []


async def test_an_entry_says_what_was_asked_for_and_made(hub: Hub) -> None:
    await hub.call("POST", OPERATORS, {"name": "bob", "role": "manager", "password": WORDS})
    await hub.call("PATCH", f"{OPERATORS}/bob", {"role": "admin"})
    _, token = await hub.call("POST", "/api/v1/tokens", {"name": "wall", "ttl_s": 60})
    _, found = await hub.call("GET", f"{AUDIT}?limit=3")
    assert [one["detail"] for one in found["entries"]] == [
        f'name="wall"; ttl_s=60.0; made {token["id"]}',
        'role="admin"',
        'role="manager"; password; name="bob"; made bob',
    ]


async def test_what_is_only_tried_out_is_not_noted(hub: Hub) -> None:
    await lay_out(hub)
    path = f"{DEVICE.format(device='mine')}/metrics/t"
    assert (await hub.call("PATCH", f"{path}?preview=true", {"type": "text"}))[0] == 200
    _, found = await hub.call("GET", f"{AUDIT}?device=mine&what=/metrics/t")
    assert found["entries"] == []


# Secrets


def with_secrets(model: type[BaseModel], body: object) -> object:
    """The body with a secret in each place where one belongs, or somebody may put one."""
    fields = set(getattr(model, "model_fields", ())) & OF_SECRETS
    added = {name: {"a": SECRET} if name in ("params", "shared") else SECRET for name in fields}
    return {**body, **added} if isinstance(body, Mapping) else added or body


async def test_no_secret_that_is_sent_to_any_route_is_noted_or_logged(hub: Hub) -> None:
    await lay_out(hub)
    by_route: dict[tuple[str, str], Endpoint] = {(one.method, one.path): one for one in ENDPOINTS}
    writes = [row for row in ROWS if row.method not in SAFE_METHODS]
    bodies = {(row.method, row.path) for row in ROWS if row.body is not None}
    lacking = {
        route
        for route, one in by_route.items()
        if one.body is not Nothing and set(one.body.model_fields) & OF_SECRETS
    }
    assert lacking - bodies <= {("POST", SESSION), ("POST", f"{SESSION}/passkey")}  # asked below
    browser = {**await hub.session(), "Origin": hub.url}
    token, text = await hub.rooms.tokens.make("wall", Grant(Role.ADMIN), 600, owner="local")
    shown = ({"Authorization": f"Bearer {text}"}, browser, hub.bearer(Role.VIEWER))
    with captured_logs() as logs:
        for row in writes:
            endpoint = by_route.get((row.method, row.path))
            body = row.body if endpoint is None else with_secrets(endpoint.body, row.body)
            for headers in shown:
                if (row.method, row.path) != ("DELETE", SESSION):
                    await ask(hub, row._replace(body=body), headers, "mine", "mine")
                await renew(hub)
        for name in ("admin", SECRET):
            await hub.call("POST", SESSION, {"name": name, "password": SECRET}, {"Origin": hub.url})
        await hub.call("POST", f"{SESSION}/passkey", {"credential": {"id": SECRET}}, {"Origin": hub.url})
        await use_link(hub.client, f"{hub.url}/login?code={SECRET}")
        for made in (f"hk_{'a' * 12}_{SECRET}", f"ht_{token.id}_{SECRET}"):
            for path in (f"/api/v1/tokens/{made}", f"/api/v1/devices/mine/keys/{made}"):
                await hub.call("DELETE", path, None, shown[0])
            await hub.call("GET", "/api/v1/devices", headers={"Authorization": f"Bearer {made}"})
        found: Any = {}

        async def all_are_noted() -> bool:
            _, told = await hub.call("GET", f"{AUDIT}?limit=1000")
            found.update(told)
            return len(found["entries"]) > len(writes)

        await until(all_are_noted)
    cookie = browser["Cookie"].partition("=")[2]
    kept = json.dumps(found) + str(logs)
    for secret in (SECRET, text.rpartition("_")[2], cookie, hub.keys["mine"].rpartition("_")[2]):
        assert secret not in kept


# Other forms


async def test_all_of_it_comes_as_csv_and_ndjson_by_name_or_by_accept(hub: Hub) -> None:
    await hub.device()
    for number in range(3):
        await hub.call("PUT", f"{DEVICE.format(device='boiler')}/attributes", {"shared": {"a": number}})
    _, listed = await hub.call("GET", f"{AUDIT}?device=boiler&limit=1000")
    for form, media in (("csv", "text/csv"), ("ndjson", "application/x-ndjson")):
        asked: list[tuple[str, dict[str, str]]] = [(f"&format={form}", {}), ("", {"Accept": f"{media}, */*"})]
        for query, accept in asked:
            url = f"{AUDIT}?device=boiler&limit=1{query}"
            async with hub.client.get(url, headers={**hub.bearer(), **accept}) as response:
                assert (response.status, response.content_type) == (200, media)
                text = await response.text()
            if form == "csv":
                rows: list[Any] = list(csv.DictReader(io.StringIO(text)))
                assert [int(row["id"]) for row in rows] == [one["id"] for one in listed["entries"]]
            else:
                assert [json.loads(line) for line in text.splitlines()] == listed["entries"]
    assert len(listed["entries"]) >= 3


@pytest.mark.parametrize("query", ["safe=spreadsheet", "safe=spreadsheet&format=ndjson", "format=xml"])
async def test_what_cannot_be_written_is_refused(hub: Hub, query: str) -> None:
    assert (await hub.call("GET", f"{AUDIT}?{query}"))[0] == 422


async def test_a_spreadsheet_takes_no_entry_for_a_formula(hub: Hub) -> None:
    await hub.call("DELETE", "/api/v1/devices/=1+2", None, headers_of(hub, Grant(Role.ADMIN)))
    _, text = await hub.rooms.tokens.make("=cmd|' /C calc'!A0", Grant(Role.ADMIN), 60, owner="local")
    await hub.call("POST", "/api/v1/devices", {"id": "x"}, {"Authorization": f"Bearer {text}"})
    url = f"{AUDIT}?format=csv&safe=spreadsheet"
    async with hub.client.get(url, headers=hub.bearer()) as response:
        rows = list(csv.reader(io.StringIO(await response.text())))
    assert [row for row in rows if any(cell.startswith(("=", "+", "-", "@")) for cell in row)] == []
    assert any(cell.startswith("'=cmd") for row in rows for cell in row)


async def test_an_entry_holds_no_control_character(hub: Hub) -> None:
    hub.clock.ahead_s += COUNTED_S  # the kinds that tests before this one made count no more
    await hub.rooms.audit.look()
    await hub.call("DELETE", "/api/v1/devices/%1B%5D52%3Bc%07%0A%C2%9B", None, hub.bearer())
    what = "%5Cx1b"  # written out
    await refused(hub, what)
    [entry] = await refusals(hub, what)
    assert entry["what"] == "DELETE /api/v1/devices/\\x1b]52;c\\x07\\n\\x9b"
    assert all(one.isprintable() for one in entry.values() if isinstance(one, str))
