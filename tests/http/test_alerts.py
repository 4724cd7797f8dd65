"""Rules, alerts and silences over REST and the live channel, on a real hub."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from hub.model import Role
from tests.http.conftest import Hub
from tests.http.test_live import subscribe
from tests.http.test_live_channels import said
from tests.principals import grant

HOT = {
    "name": "Too hot",
    "severity": "critical",
    "on": {"device": "boiler"},
    "metric": "t",
    "when": {"above": 90},
}


@pytest.fixture
async def boiler(hub: Hub) -> AsyncIterator[str]:
    await hub.device(labels={"site": "north"})
    yield "boiler"
    for rule in hub.rooms.alerts.rules.all():
        await hub.rooms.alerts.rules.remove(rule.id)
    for silence in hub.rooms.alerts.silences.all():
        await hub.rooms.alerts.silences.remove(silence.id)


async def add(hub: Hub, **more: Any) -> Any:
    status, rule = await hub.call("POST", "/api/v1/rules", {**HOT, **more})
    assert status == 201, rule
    return rule


async def alerts(hub: Hub, query: str = "?state=firing", headers: dict[str, str] | None = None) -> Any:
    _, listed = await hub.call("GET", f"/api/v1/alerts{query}", headers=headers)
    return listed["alerts"]


async def until(hub: Hub, count: int, query: str = "?state=firing") -> Any:
    """The alerts, when there are so many."""
    async with asyncio.timeout(10):
        while len(found := await alerts(hub, query)) != count:
            await asyncio.sleep(0.02)
    return found


async def test_a_rule_is_made_changed_listed_and_removed(hub: Hub, boiler: str) -> None:
    rule = await add(
        hub, schedule={"timezone": "Europe/Berlin", "days": ["mon"], "from": "22:00", "to": "06:00"}
    )
    path = f"/api/v1/rules/{rule['id']}"
    assert (await hub.call("GET", path))[1] == rule
    assert (rule["by"], rule["when"], rule["builtin"]) == ("tester", {"above": 90.0}, False)
    _, changed = await hub.call("PATCH", path, {"when": {"above": 80, "for_s": 5}, "schedule": None})
    assert (changed["when"], changed["schedule"], changed["name"]) == (
        {"above": 80.0, "for_s": 5.0},
        None,
        "Too hot",
    )
    _, listed = await hub.call("GET", "/api/v1/rules?limit=1")
    assert (listed["rules"], listed["next"]) == ([changed], None)
    assert (await hub.call("DELETE", path))[0] == 204
    assert (await hub.call("GET", path))[0] == 404


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"when": {}}, "when"),
        ({"when": {"above": 1, "below": 2}}, "when"),
        ({"when": {"above": "hot"}}, "when.above"),
        ({"when": {"above": 1, "clear_below": 2}}, "when.clear_below"),
        ({"when": {"above": 1, "for_s": -1}}, "when.for_s"),
        ({"when": {"above": 1, "epsilon": 1}}, "when.epsilon"),
        ({"when": {"outside": [5, 1]}}, "when.outside"),
        ({"when": {"rising_s": {"by": 1}}}, "when.rising_s.within_s"),
        ({"when": {"silent_s": "soon"}}, "when.silent_s"),
        ({"when": {"presence": "gone"}}, "when.presence"),
        ({"when": {"presence": "offline"}}, "metric"),
        ({"when": {"count": {"above": 1, "times": 0, "within_s": 5}}}, "when.count.times"),
        ({"when": {"differs": {"metric": "", "by": 1}}}, "when.differs.metric"),
        ({"on": {"label": "kind"}}, "on.label"),
        ({"on": {}}, "on"),
        ({"metric": ""}, "metric"),
        ({"name": ""}, "name"),
        ({"schedule": {"timezone": "Mars/Base"}}, "schedule.timezone"),
        ({"schedule": {"days": ["someday"]}}, "schedule.days"),
        ({"schedule": {"from": "25:00"}}, "schedule.from"),
        ({"depends_on": {"all": True}}, "depends_on.all"),
        ({"remind_s": 1}, "remind_s"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_rule_that_is_wrong_is_refused_with_the_field(
    hub: Hub, boiler: str, wrong: dict[str, object], where: str
) -> None:
    status, problem = await hub.call("POST", "/api/v1/rules", {**HOT, **wrong})
    assert (status, problem["where"]) == (422, where)
    assert where in problem["detail"]


async def test_an_alert_comes_is_acknowledged_commented_and_ends_with_its_history(
    hub: Hub, boiler: str
) -> None:
    rule = await add(hub, when={"above": 90, "clear_below": 85}, labels={"team": "heat"})
    before_ms = time.time() * 1000
    await hub.send({"t": 91.2})
    await hub.send({"t": 93.0})
    [alert] = await until(hub, 1)
    shown = {name: alert[name] for name in ("rule", "name", "severity", "device", "metric", "state", "value")}
    assert shown == {
        "rule": rule["id"],
        "name": "Too hot",
        "severity": "critical",
        "device": "boiler",
        "metric": "t",
        "state": "firing",
        "value": 91.2,
    }
    assert abs(alert["opened"] - before_ms) < 60_000
    assert (alert["late"], alert["count"], alert["labels"]) == (False, 1, {"team": "heat"})
    path = f"/api/v1/alerts/{alert['id']}"
    operator = hub.bearer(Role.OPERATOR)
    status, done = await hub.call("POST", f"{path}/acknowledge", {"comment": "on my way"}, operator)
    assert (status, done["acknowledged"]["by"], done["acknowledged"]["comment"]) == (
        200,
        "tester",
        "on my way",
    )
    await hub.call("POST", f"{path}/comment", {"comment": "the valve"}, operator)
    await hub.send({"t": 84.0})
    assert await until(hub, 0) == []
    _, detail = await hub.call("GET", path)
    assert (detail["state"], detail["peak"][1]) == ("resolved", 93.0)
    told = [(one["event"], one["by"], one["text"]) for one in detail["history"]]
    assert told == [
        ("opened", "", ""),
        ("acknowledged", "tester", "on my way"),
        ("commented", "tester", "the valve"),
        ("resolved", "", ""),
    ]


async def test_several_alerts_are_acknowledged_at_once(hub: Hub, boiler: str) -> None:
    for name in ("one", "two"):
        await add(hub, name=name)
    await hub.send({"t": 95.0})
    ids = [one["id"] for one in await until(hub, 2)]
    _, answer = await hub.call("POST", "/api/v1/alerts/acknowledge", {"ids": [*ids, 10**9]})
    assert answer == {"acknowledged": ids, "unknown": [10**9]}
    assert [one["acknowledged"]["by"] for one in await alerts(hub)] == ["tester", "tester"]


async def test_alerts_are_listed_by_state_time_rule_and_page(hub: Hub, boiler: str) -> None:
    rule = await add(hub)
    now_ms = int(time.time() * 1000)
    await hub.send(
        [{"ts": now_ms - 1000 * (20 - at), "values": {"t": 95.0 if at in (1, 3) else 1.0}} for at in range(6)]
    )
    first, second = await until(hub, 2, f"?state=resolved&rule={rule['id']}")
    assert first["id"] > second["id"]
    _, page = await hub.call("GET", f"/api/v1/alerts?rule={rule['id']}&limit=1")
    assert ([one["id"] for one in page["alerts"]], page["next"]) == ([first["id"]], first["id"])
    _, page = await hub.call("GET", f"/api/v1/alerts?rule={rule['id']}&limit=1&before={page['next']}")
    assert ([one["id"] for one in page["alerts"]], page["next"]) == ([second["id"]], None)
    listed = await alerts(hub, f"?rule={rule['id']}&from={now_ms - 17_500}")
    assert [one["id"] for one in listed] == [first["id"]]


async def test_a_silence_holds_for_open_and_new_alerts_and_ends(hub: Hub, boiler: str) -> None:
    await add(hub)
    await hub.send({"t": 95.0})
    await until(hub, 1)
    soon = round(time.time() + 3600) * 1000  # whole ms: what is finer than a µs is not kept
    status, silence = await hub.call(
        "POST", "/api/v1/silences", {"label": "site=north", "until": soon, "comment": "repairs"}
    )
    assert (status, silence["label"], silence["by"]) == (201, "site=north", "tester")
    [alert] = await alerts(hub)
    assert alert["silenced"] == {"by": "tester", "until": soon, "comment": "repairs"}
    await add(hub, name="second")
    assert [one["silenced"]["by"] for one in await until(hub, 2)] == ["tester", "tester"]
    hub.clock.ahead_s += 3601
    async with asyncio.timeout(10):
        while [one["silenced"] for one in await alerts(hub)] != [None, None]:
            await asyncio.sleep(0.05)
    _, detail = await hub.call("GET", f"/api/v1/alerts/{alert['id']}")
    assert [one["event"] for one in detail["history"]] == ["opened", "silenced", "reminder"]
    assert (await hub.call("GET", "/api/v1/silences"))[1] == {"silences": []}


async def test_the_channel_has_what_fires_and_every_change_and_resumes(hub: Hub, boiler: str) -> None:
    await add(hub)
    await hub.send({"t": 95.0})
    await until(hub, 1)
    async with hub.live_socket() as socket:
        await said(socket)
        begun = await said(socket, subscribe("alerts"))
        assert [(one["device"], one["state"]) for one in begun["snapshot"]] == [("boiler", "firing")]
        await hub.call("POST", f"/api/v1/alerts/{begun['snapshot'][0]['id']}/acknowledge", {})
        seen = await said(socket)
        assert (seen["type"], seen["offset"]) == ("alert", begun["offset"] + 1)
        assert seen["alert"]["acknowledged"]["by"] == "tester"
    await hub.send({"t": 1.0})
    await until(hub, 0)
    async with hub.live_socket() as socket:
        await said(socket)
        resume = {"epoch": begun["epoch"], "offset": seen["offset"]}
        again = await said(socket, {"type": "subscribe", "channel": "alerts", "resume": resume})
        assert (again["recovered"], again["snapshot"]) == (True, [])
        assert [one["state"] for one in again["alerts"]] == ["resolved"]


async def test_what_is_beyond_a_scope_is_not_there(hub: Hub, boiler: str) -> None:
    await hub.device("hidden", labels={"site": "south"})
    hidden_rule = await add(hub, name="secret", on={"device": "hidden"})
    everywhere = await add(hub, name="everywhere", on={"all": True})
    await hub.send({"t": 95.0}, "hidden")
    await hub.send({"t": 95.0})
    [hidden] = [one for one in await until(hub, 3) if one["rule"] == hidden_rule["id"]]

    def headers(role: Role) -> dict[str, str]:
        token = hub.rooms.tokens.sign("north", grant(role, labels={"site": "north"}), 600)
        return {"Authorization": f"Bearer {token}"}

    manager = headers(Role.MANAGER)
    assert [one["device"] for one in await alerts(hub, headers=manager)] == ["boiler"]
    assert (await hub.call("GET", "/api/v1/rules", headers=manager))[1]["rules"] == []
    for method, path in (
        ("GET", f"/api/v1/alerts/{hidden['id']}"),
        ("POST", f"/api/v1/alerts/{hidden['id']}/acknowledge"),
        ("GET", f"/api/v1/rules/{hidden_rule['id']}"),
        ("DELETE", f"/api/v1/rules/{everywhere['id']}"),
    ):
        assert (await hub.call(method, path, headers=manager))[0] == 404, path
    for on, status in (({"all": True}, 403), ({"label": "kind=pump"}, 404), ({"device": "hidden"}, 404)):
        assert (await hub.call("POST", "/api/v1/rules", {**HOT, "on": on}, manager))[0] in (status, 403)
    assert (await hub.call("POST", "/api/v1/rules", {**HOT, "on": {"label": "site=north"}}, manager))[
        0
    ] == 201
    spying = {**HOT, "when": {"differs": {"metric": "t", "device": "hidden", "by": 1}}}
    assert (await hub.call("POST", "/api/v1/rules", spying, manager))[0] == 404
    # By what is held back, one would learn who is offline.
    for label, status in (("site=south", 403), ("site=north", 201)):
        leaning = {**HOT, "depends_on": {"label": label}}
        assert (await hub.call("POST", "/api/v1/rules", leaning, manager))[0] == status, label


async def test_alerts_in_sight_are_found_behind_any_number_of_others(new_hub: Hub) -> None:
    for name, site in (("boiler", "north"), ("hidden", "south")):
        await new_hub.device(name, labels={"site": site})
    await add(new_hub, on={"all": True})
    for name in ("boiler", "hidden"):
        await new_hub.send({"t": 95.0}, name)
    stored = new_hub.rooms.alerts.stored
    await until(new_hub, 2)
    [other] = await stored.find(0, 10**17, 1, device="hidden")
    await stored.write([replace(other, id=1000 + number) for number in range(20_000)], [])
    north = {"site": "north"}
    for held in (grant(Role.VIEWER, labels=north), grant(Role.VIEWER, ["boiler", "absent"])):
        token = new_hub.rooms.tokens.sign("north", held, 600)
        status, found = await new_hub.call(
            "GET", "/api/v1/alerts", headers={"Authorization": f"Bearer {token}"}
        )
        assert (status, [one["device"] for one in found["alerts"]], found["next"]) == (200, ["boiler"], None)


async def test_a_rule_is_played_over_history_before_it_is_saved(hub: Hub, boiler: str) -> None:
    now_ms = int(time.time() * 1000) - 100_000
    await hub.send(
        [{"ts": now_ms + at * 1000, "values": {"t": 95.0 + at if 20 <= at < 40 else 1.0}} for at in range(60)]
    )
    body = {"rule": {**HOT, "when": {"above": 90, "for_s": 5}}, "from": now_ms, "to": now_ms + 60_000}
    before = await alerts(hub, "?state=all")
    status, answer = await hub.call("POST", "/api/v1/rules/test", body, hub.bearer(Role.VIEWER))
    assert (status, answer["tier"], answer["readings"]) == (200, "raw", 60)
    assert answer["alerts"] == [
        {
            "device": "boiler",
            "metric": "t",
            "opened": now_ms + 25_000,
            "resolved": now_ms + 40_000,
            "peak": [now_ms + 39_000, 134.0],
            "count": 1,
        }
    ]
    assert await alerts(hub, "?state=all") == before


async def test_the_thresholds_of_a_metric_are_rules_until_one_of_somebody_has_their_place(
    hub: Hub, boiler: str
) -> None:
    await hub.send({"t": 1.0})
    bounds = {"warning_high": 50.0, "critical_high": 90.0}
    await hub.call("PUT", "/api/v1/devices/boiler/metrics/t", {"thresholds": bounds})
    _, listed = await hub.call("GET", "/api/v1/rules?builtin=true")
    assert [(one["severity"], one["builtin"], one["id"]) for one in listed["rules"]] == [
        ("critical", True, None),
        ("warning", True, None),
    ]
    await hub.send({"t": 50.0})
    [warning] = await until(hub, 1)
    assert (warning["severity"], warning["rule"], warning["notify"]) == ("warning", None, False)
    await hub.send({"t": 95.0})
    async with asyncio.timeout(10):
        while [one["severity"] for one in await alerts(hub)] != ["critical"]:
            await asyncio.sleep(0.02)
    own = await add(hub)
    [alert] = await until(hub, 1)
    assert alert["rule"] == own["id"]
