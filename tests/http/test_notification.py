"""Messages from a real hub to real receivers: webhooks, ntfy, mail."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.config import AlertsConfig, Config, HttpConfig
from hub.model import Role
from tests.http.conftest import Hub
from tests.notify.receivers import SECRET, HttpReceiver, http_receiver, mail_receiver
from tests.waiting import free_port, until

HOT = {"name": "Too hot", "severity": "critical", "on": {"all": True}, "metric": "t", "when": {"above": 90}}


@pytest.fixture
def config() -> Config:
    return Config(
        alerts=AlertsConfig(private_targets=("127.0.0.1",)),
        http=HttpConfig(public_url="https://ops.example.org/hub"),
    )


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with http_receiver() as receiver:
        yield receiver


async def made(hub: Hub, path: str, body: dict[str, Any]) -> Any:
    status, answer = await hub.call("POST", f"/api/v1/{path}", body)
    assert status == 201, answer
    return answer


async def webhook(hub: Hub, receiver: HttpReceiver, path: str = "/hook") -> int:
    target = await made(hub, "targets", {"name": "ops", "webhook": receiver.url + path, "secret": SECRET})
    return int(target["id"])


async def route(hub: Hub, *targets: int, **more: Any) -> int:
    return int((await made(hub, "routes", {"targets": list(targets), "group_s": 0, **more}))["id"])


async def deliveries(hub: Hub, query: str = "") -> Any:
    status, listed = await hub.call("GET", f"/api/v1/deliveries{query}")
    assert status == 200, listed
    return listed["deliveries"]


async def test_a_webhook_is_told_what_happens_signed_and_each_once(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    await hub.device()
    await route(hub, await webhook(hub, receiver))
    rule = await made(hub, "rules", HOT)
    await hub.send({"t": 95.0})
    await until(lambda: len(receiver.got) == 1)
    [alert] = (await hub.call("GET", "/api/v1/alerts"))[1]["alerts"]
    await hub.call("POST", f"/api/v1/alerts/{alert['id']}/acknowledge", {"comment": "on my way"})
    await until(lambda: len(receiver.got) == 2)
    await hub.send({"t": 20.0})
    await until(lambda: len(receiver.got) == 3)
    assert receiver.events == [(one, "boiler") for one in ("opened", "acknowledged", "resolved")]
    assert all(one.is_signed for one in receiver.got)
    first = receiver.got[0]
    assert first.json["alert"] == {**alert, "acknowledged": None}
    assert (first.json["alert"]["rule"], first.json["alert"]["value"]) == (rule["id"], 95.0)
    opened = alert["opened"]
    around = f"from={int(opened - 900_000)}&to={int(opened + 900_000)}"
    assert first.json["link"] == f"https://ops.example.org/hub/#/device/boiler?{around}"
    assert len(set(receiver.keys)) == 3
    assert [key.rsplit("-", 1)[0] for key in receiver.keys] == [
        f"{alert['id']}-{event}" for event in ("opened", "acknowledged", "resolved")
    ]
    async with asyncio.timeout(10):
        while [one["state"] for one in await deliveries(hub)] != ["sent"] * 3:
            await asyncio.sleep(0.02)
    assert [one["key"] for one in await deliveries(hub, f"?alert={alert['id']}")] == receiver.keys[::-1]


async def test_a_webhook_that_fails_asks_to_wait_and_is_down_gets_the_message_with_one_key(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    await hub.device()
    await route(hub, await webhook(hub, receiver))
    await made(hub, "rules", HOT)
    receiver.answers = [(500, {}), (429, {"Retry-After": "1"})]
    await hub.send({"t": 95.0})
    await until(lambda: len(receiver.got) == 2)
    async with asyncio.timeout(10):
        while (found := (await deliveries(hub))[0])["tries"] != 2:
            await asyncio.sleep(0.02)
    assert (found["state"], found["why"]) == ("queued", "status 429")
    assert found["next_try"] - hub.clock() / 1000 > 0
    await until(lambda: len(receiver.got) == 3)
    assert len(set(receiver.keys)) == 1


@pytest.mark.parametrize("by_s", [-7200.0, 7200.0])
async def test_what_waits_does_so_no_longer_and_no_shorter_when_the_clock_is_set(
    new_hub: Hub, receiver: HttpReceiver, by_s: float
) -> None:
    hub = new_hub
    await hub.device()
    await route(hub, await webhook(hub, receiver), group_s=2)
    await made(hub, "rules", HOT)
    await hub.send({"t": 95.0})
    async with asyncio.timeout(10):
        while not (found := await deliveries(hub)):
            await asyncio.sleep(0.02)
    hub.clock.set_by_s += by_s
    await hub.rooms.look_at_clock()
    assert (await deliveries(hub))[0]["state"] == "queued"
    await until(lambda: receiver.got)
    assert receiver.keys == [found[0]["key"]]


async def test_a_target_that_says_no_is_not_asked_again_and_the_delivery_says_so(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    target = await webhook(hub, receiver)
    for answer, why in (((404, {}), "status 404"), ((302, {"Location": receiver.url}), "elsewhere")):
        receiver.answers = [answer]
        status, tested = await hub.call("POST", f"/api/v1/targets/{target}/test")
        assert (status, tested["state"], tested["tries"]) == (200, "failed", 1)
        assert why in tested["why"]
    assert len(receiver.got) == 2
    assert (await hub.call("POST", f"/api/v1/targets/{target}/test"))[1]["state"] == "sent"
    assert receiver.got[-1].json["event"] == "test"


async def test_a_slow_target_delays_no_other(new_hub: Hub, receiver: HttpReceiver) -> None:
    hub = new_hub
    await hub.device()
    receiver.free.clear()
    async with http_receiver() as quick:
        await route(hub, await webhook(hub, receiver), await webhook(hub, quick))
        await made(hub, "rules", HOT)
        await hub.send({"t": 95.0})
        await hub.send({"t": 1.0})
        await until(lambda: len(quick.got) == 2)
        assert len(receiver.got) == 1
        receiver.free.set()
        await until(lambda: len(receiver.got) == 2)
        assert receiver.events == quick.events == [("opened", "boiler"), ("resolved", "boiler")]


async def test_ntfy_and_mail_get_title_and_body_and_a_preview_says_the_same(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    await hub.device()
    async with mail_receiver() as mail:
        ntfy = await made(hub, "targets", {"url": f"ntfy://127.0.0.1:{receiver.port}/plant"})
        by_mail = await made(
            hub, "targets", {"url": f"mailto://127.0.0.1:{mail.port}?from=hub@example.org&to=ada@example.org"}
        )
        templates = {"opened": {"title": "{name} at {device}", "body": "{value} on {metric}: {link}"}}
        await route(hub, ntfy["id"], by_mail["id"], templates=templates)
        await made(hub, "rules", HOT)
        await hub.send({"t": 95.0})
        await until(lambda: receiver.got and mail.mails)
        assert receiver.got[0].path == "/plant" or b"plant" in receiver.got[0].body
        assert "Too hot at boiler" in receiver.got[0].headers.get("title", "") + receiver.got[0].body.decode()
        assert mail.mails[0]["Subject"] == "Too hot at boiler"
        assert mail.mails[0]["To"] == "ada@example.org"
        [alert] = (await hub.call("GET", "/api/v1/alerts"))[1]["alerts"]
        status, preview = await hub.call(
            "POST", "/api/v1/routes/preview", {"templates": templates, "alert": alert["id"]}
        )
        assert (status, preview["title"]) == (200, "Too hot at boiler")
        assert preview["body"].startswith("95 on t: https://ops.example.org/hub/#/device/boiler?from=")


async def test_an_apprise_target_that_is_down_says_why_without_its_secrets(new_hub: Hub) -> None:
    hub, port = new_hub, free_port()
    target = await made(hub, "targets", {"url": f"ntfy://ada:h1dden@127.0.0.1:{port}/plant-topic"})
    assert target["address"] == f"ntfy://127.0.0.1:{port}/…"
    _, tested = await hub.call("POST", f"/api/v1/targets/{target['id']}/test")
    assert tested["state"] == "failed"
    assert tested["why"]
    assert not any(one in tested["why"] for one in ("h1dden", "plant-topic"))


async def test_people_are_told_in_their_scope_and_two_routes_to_one_target_are_one_message(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    await hub.device(labels={"site": "south"})
    await made(hub, "operators", {"name": "ada", "role": "operator", "scope": {"labels": ["site=north"]}})
    await made(hub, "operators", {"name": "eve", "role": "operator"})
    ada, eve = [(await made(hub, "targets", {"person": one}))["id"] for one in ("ada", "eve")]
    ops = await webhook(hub, receiver)
    await route(hub, ops, ada, eve)
    await route(hub, ops, match={"severity": ["critical"], "label": "site=south"})
    await route(hub, ops, match={"severity": ["warning"]})
    await made(hub, "rules", HOT)
    await hub.send({"t": 95.0})
    await until(lambda: receiver.got)
    async with asyncio.timeout(10):
        while not (found := await deliveries(hub)) or any(one["state"] != "sent" for one in found):
            await asyncio.sleep(0.02)
    assert sorted(one["target"] for one in found) == [eve, ops]
    assert (await hub.call("POST", "/api/v1/targets", {"person": "nobody"}))[0] == 404


async def test_who_is_silenced_is_not_told_until_the_silence_is_over(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    await hub.device()
    await route(hub, await webhook(hub, receiver))
    rule = await made(hub, "rules", HOT)
    soon = hub.clock() / 1000 + 3_600_000
    silence = await made(hub, "silences", {"rule": rule["id"], "until": soon})
    await hub.send({"t": 95.0})
    async with asyncio.timeout(10):
        while not (await hub.call("GET", "/api/v1/alerts"))[1]["alerts"]:
            await asyncio.sleep(0.02)
    await hub.call("DELETE", f"/api/v1/silences/{silence['id']}")
    await until(lambda: receiver.got)
    assert receiver.events == [("reminder", "boiler")]


async def test_what_nobody_acknowledges_escalates_and_the_history_says_to_whom(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    await hub.device()
    async with http_receiver() as boss:
        escalate = {"after_s": 1, "targets": [await webhook(hub, boss)]}
        await route(hub, await webhook(hub, receiver), escalate=escalate)
        await made(hub, "rules", HOT)
        await hub.send({"t": 95.0})
        await until(lambda: boss.got)
        await hub.send({"t": 1.0})
        await until(lambda: len(boss.got) == 2)
        assert [event for event, _ in boss.events] == ["escalated", "resolved"]
        await until(lambda: len(receiver.got) == 2)
        assert [event for event, _ in receiver.events] == ["opened", "resolved"]
    [alert] = (await hub.call("GET", "/api/v1/alerts"))[1]["alerts"]
    _, detail = await hub.call("GET", f"/api/v1/alerts/{alert['id']}")
    [told] = [one["text"] for one in detail["history"] if one["event"] == "escalated"]
    assert told == "nobody has acknowledged it: told ops"


async def test_secrets_are_in_no_answer_and_not_in_the_audit(new_hub: Hub, receiver: HttpReceiver) -> None:
    hub = new_hub
    secrets = ("h1dden", "t0ken", SECRET)
    bodies = (
        {"name": "a", "webhook": f"{receiver.url}/t0ken", "secret": SECRET},
        {"name": "b", "url": "mailto://ada:h1dden@example.org"},
        {"name": "c", "webhook": "http://ada:h1dden@example.org"},
        {"name": "d", "url": "nothing://h1dden"},
        {"name": "e", "url": "h1dden"},
    )
    answers = [await hub.call("POST", "/api/v1/targets", body) for body in bodies]
    assert [status for status, _ in answers] == [201, 201, 422, 422, 422]
    first = answers[0][1]["id"]
    answers.append(await hub.call("PATCH", f"/api/v1/targets/{first}", {"name": "new"}))
    answers.append(await hub.call("GET", "/api/v1/targets"))
    answers.append(await hub.call("GET", "/api/v1/audit"))
    assert not [secret for secret in secrets if secret in repr(answers)]
    await hub.call("POST", f"/api/v1/targets/{first}/test")
    assert receiver.got[-1].is_signed  # the change of the name has kept it
    assert (await hub.call("GET", "/api/v1/targets", headers=hub.bearer(Role.MANAGER)))[0] == 403


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"targets": []}, "targets"),
        ({"match": {"severity": ["bad"]}}, "match.severity"),
        ({"match": {"label": "x"}}, "match.label"),
        ({"match": {"schedule": {"days": ["someday"]}}}, "match.schedule.days"),
        ({"match": {"colour": "red"}}, "match.colour"),
        ({"group_s": -1}, "group_s"),
        ({"group_s": "soon"}, "group_s"),
        ({"quiet": {}}, "quiet"),
        ({"quiet": {"timezone": "Mars/Base"}}, "quiet.timezone"),
        ({"remind_s": 1}, "remind_s"),
        ({"escalate": {"after_s": 60}}, "escalate.targets"),
        ({"escalate": {"after_s": 0, "targets": [1]}}, "escalate.after_s"),
        ({"events": ["exploded"]}, "events"),
        ({"templates": {"opened": {"title": "{colour}"}}}, "templates.opened.title"),
    ],
)
async def test_a_route_that_is_wrong_is_refused_with_the_field(
    hub: Hub, wrong: dict[str, object], where: str
) -> None:
    status, problem = await hub.call("POST", "/api/v1/routes", {"targets": [1], **wrong})
    assert (status, problem["where"]) == (422, where)
    assert where in problem["detail"]


async def test_a_route_is_made_changed_and_removed_and_keeps_its_targets(
    new_hub: Hub, receiver: HttpReceiver
) -> None:
    hub = new_hub
    target = await webhook(hub, receiver)
    assert (await hub.call("POST", "/api/v1/routes", {"targets": [target, 99]}))[0] == 404
    quiet = {"timezone": "Europe/Berlin", "days": ["sat", "sun"], "from": "22:00", "to": "06:00"}
    made_id = await route(hub, target, name="Night", quiet=quiet)
    path = f"/api/v1/routes/{made_id}"
    _, changed = await hub.call("PATCH", path, {"match": {"label": "site=north"}, "group_s": 60})
    assert (changed["name"], changed["quiet"], changed["group_s"]) == ("Night", quiet, 60.0)
    assert changed["match"] == {"severity": ["warning", "critical"], "label": "site=north", "schedule": None}
    assert (await hub.call("GET", path))[1] == changed
    assert (await hub.call("GET", "/api/v1/routes"))[1] == {"routes": [changed]}
    assert (await hub.call("DELETE", f"/api/v1/targets/{target}"))[0] == 409
    assert (await hub.call("DELETE", path))[0] == 204
    assert (await hub.call("DELETE", f"/api/v1/targets/{target}"))[0] == 204
    assert (await hub.call("GET", "/api/v1/targets"))[1] == {"targets": []}
