"""Alerts that are routed to a person, in that person's inbox: live, in scope, seen, after a restart."""

import asyncio
from pathlib import Path

from hub.config import Config
from hub.model import Role
from tests.http.conftest import Hub, running_hub
from tests.http.test_live_channels import until_type
from tests.http.test_notes import inbox, log_in
from tests.http.test_notification import HOT, deliveries, made, route
from tests.principals import grant


async def ends(hub: Hub, count: int) -> None:
    """Wait until so many deliveries have been sent, and none is left."""
    async with asyncio.timeout(10):
        while [one["state"] for one in await deliveries(hub)] != ["sent"] * count:
            await asyncio.sleep(0.02)


async def test_an_alert_routed_to_a_person_is_in_their_inbox_live_and_unread_until_seen(
    new_hub: Hub,
) -> None:
    hub = new_hub
    await hub.device()
    ada, eve = await log_in(hub, "ada"), await log_in(hub, "eve")
    target = (await made(hub, "targets", {"person": "ada"}))["id"]
    await route(hub, target)
    await made(hub, "rules", HOT)
    async with hub.live_socket(ada) as first, hub.live_socket(ada) as second:
        await hub.send({"t": 95.0})
        told = [await until_type(socket, "inbox") for socket in (first, second)]
        [alert] = (await hub.call("GET", "/api/v1/alerts"))[1]["alerts"]
        [entry] = (await inbox(hub, ada))["entries"]
        assert [(one["unread"], one["newest"]) for one in told] == [(1, entry)] * 2
        title, line = entry["text"].split("\n")
        assert title == "[critical] Too hot: boiler"
        assert line.startswith("boiler t was 95 at ")
        named = {name: entry[name] for name in ("kind", "by", "device", "note", "message", "alert", "at")}
        about = {"device": "boiler", "alert": alert["id"], "at": alert["opened"]}
        assert named == {"kind": "alert", "by": "", "note": None, "message": None, **about}
        await hub.call("POST", f"/api/v1/alerts/{alert['id']}/acknowledge", {"comment": "on my way"}, ada)
        acknowledged = (await until_type(first, "inbox"))["newest"]
        assert (acknowledged["by"], acknowledged["alert"]) == ("ada", alert["id"])
        assert "ada: on my way" in acknowledged["text"]
        await hub.call("POST", "/api/v1/inbox/seen", {"upto": acknowledged["id"]}, ada)
        assert (await until_type(first, "inbox"))["unread"] == 0
    assert (await hub.call("POST", f"/api/v1/targets/{target}/test"))[1]["state"] == "sent"
    found = await inbox(hub, ada)
    assert (found["unread"], found["entries"][0]["device"], found["entries"][0]["alert"]) == (1, None, None)
    assert found["entries"][0]["text"].startswith("Test of the sensor hub\nThis target works.")
    assert (await inbox(hub, eve))["entries"] == []


async def test_an_alert_is_out_of_the_inbox_while_one_of_its_devices_is_out_of_the_persons_scope(
    new_hub: Hub,
) -> None:
    hub = new_hub
    north: dict[str, object] = {"labels": {"site": "north"}}
    for device in ("boiler", "pump"):
        await hub.device(device, labels={"site": "north"})
    ada = await log_in(hub, "ada", grant(Role.OPERATOR, labels={"site": "north"}))
    await route(hub, (await made(hub, "targets", {"person": "ada"}))["id"], group_s=1)
    await made(hub, "rules", HOT)
    for device in ("boiler", "pump"):
        await hub.send({"t": 95.0}, device)
    await ends(hub, 1)
    [entry] = (await inbox(hub, ada))["entries"]
    assert entry["text"].startswith("[critical] Too hot: 2 devices\n")
    assert entry["device"] in ("boiler", "pump")
    for device in ("boiler", "pump"):
        for labels, found in (({"labels": {}}, []), (north, [entry])):
            await hub.call("PATCH", f"/api/v1/devices/{device}", labels)
            assert (await inbox(hub, ada))["entries"] == found
    # It is kept while one of them is there, and then leads to that one.
    assert (await hub.call("DELETE", f"/api/v1/devices/{entry['device']}"))[0] in (200, 202, 204)
    other = {"boiler": "pump", "pump": "boiler"}[entry["device"]]
    assert (await inbox(hub, ada))["entries"] == [{**entry, "device": other}]


async def test_an_alert_waits_in_the_inbox_of_who_is_away_once_also_after_a_restart(
    tmp_path: Path, config: Config
) -> None:
    async with running_hub(tmp_path, config) as hub:
        await hub.device()
        ada = await log_in(hub, "ada")
        at_once = (await made(hub, "targets", {"person": "ada"}))["id"]
        await route(hub, at_once)
        await route(hub, (await made(hub, "targets", {"person": "ada"}))["id"], group_s=2)
        await made(hub, "rules", HOT)
        await hub.send({"t": 95.0})
        async with asyncio.timeout(10):
            while len(found := await deliveries(hub)) != 2 or "sent" not in [one["state"] for one in found]:
                await asyncio.sleep(0.02)
    async with running_hub(tmp_path, config) as hub:
        await ends(hub, 2)
        async with hub.live_socket(ada | {"Origin": hub.url}) as socket:
            while (told := await until_type(socket, "inbox"))["unread"] != 2:
                pass
        entries = (await inbox(hub, ada))["entries"]
        assert entries[0] == told["newest"]
        assert [one["text"].split("\n")[0] for one in entries] == ["[critical] Too hot: boiler"] * 2
