"""A hub that is killed at any moment tells each change of an alert, and none of them twice."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from tests.hub_process import HubProcess
from tests.notify.receivers import SECRET, HttpReceiver, http_receiver
from tests.rounds import rounds
from tests.waiting import until

KILLS = rounds(4)
RULE = {"name": "hot", "on": {"all": True}, "metric": "t", "when": {"above": 90}}
ALLOWED = {"HUB__ALERTS__PRIVATE_TARGETS": '["127.0.0.1"]'}


async def call(hub: HubProcess, method: str, path: str, body: object = None) -> Any:
    return await asyncio.to_thread(hub.call, method, f"/api/v1/{path}", body)


async def send(hub: HubProcess, key: str, value: float) -> None:
    import aiohttp

    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{hub.url}/api/v1/telemetry", json={"t": value}, headers=headers) as response,
    ):
        assert response.status == 200


async def add_route(hub: HubProcess, receiver: HttpReceiver) -> None:
    target = await call(hub, "POST", "targets", {"webhook": receiver.url, "secret": SECRET})
    await call(hub, "POST", "routes", {"targets": [target["id"]], "group_s": 0})


async def all_changes(hub: HubProcess) -> list[tuple[str, int]]:
    """What has happened to alerts."""
    alerts = (await call(hub, "GET", "alerts?limit=1000"))["alerts"]
    ends = [("resolved", one["id"]) for one in alerts if one["state"] == "resolved"]
    return sorted([("opened", one["id"]) for one in alerts] + ends)


def all_told(receiver: HttpReceiver) -> list[tuple[str, int]]:
    """The same, as messages say it. One that was on its way at a kill comes again with its key, and counts
    once.
    """
    messages = {one.key: one.json for one in receiver.got}.values()
    return sorted(
        (one["event"], alert["id"]) for one in messages for alert in one.get("alerts", [one["alert"]])
    )


async def test_nothing_is_lost_and_nothing_is_told_twice_by_kills(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    chance = random.Random(7)
    async with http_receiver() as receiver:
        hub = await asyncio.to_thread(lambda: start_hub_process(**ALLOWED))
        keys = [await asyncio.to_thread(hub.add_device, f"d{number}") for number in range(4)]
        await add_route(hub, receiver)
        await call(hub, "POST", "rules", RULE)
        for turn in range(KILLS):
            receiver.answers = [(503, {})] * chance.randrange(3)
            for key in keys:
                await send(hub, key, 95.0 if turn % 2 == 0 else 1.0)
            await asyncio.sleep(chance.uniform(0.0, 0.05))  # where the kill comes is left to chance
            await asyncio.to_thread(hub.kill)
            await asyncio.to_thread(hub.start)
        for key in keys:
            await send(hub, key, 1.0)

        async def is_over() -> bool:
            found = await call(hub, "GET", "alerts?state=firing")
            queued = await call(hub, "GET", "deliveries?state=queued")
            return not found["alerts"] and not queued["deliveries"] and len(receiver.got) > 0

        await until(is_over, "all alerts end and are told")
        wanted = await all_changes(hub)
        await until(lambda: len(all_told(receiver)) >= len(wanted), "all is told")
        delivered = (await call(hub, "GET", "deliveries?limit=1000"))["deliveries"]
    assert all_told(receiver) == wanted
    assert sorted(one["key"] for one in delivered) == sorted(set(receiver.keys))
    assert {one["state"] for one in delivered} == {"sent"}
    assert all(one.is_signed for one in receiver.got)


async def test_what_waits_for_a_target_that_is_down_arrives_after_a_kill_and_in_order(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    async with http_receiver() as receiver:
        port = receiver.port
    hub = await asyncio.to_thread(lambda: start_hub_process(**ALLOWED))
    key = await asyncio.to_thread(hub.add_device, "boiler")
    await add_route(hub, receiver)
    await call(hub, "POST", "rules", RULE)
    await send(hub, key, 95.0)
    await send(hub, key, 1.0)
    deadline = time.monotonic() + 20
    while True:
        queued = (await call(hub, "GET", "deliveries?state=queued"))["deliveries"]
        if len(queued) == 2 and queued[1]["tries"]:
            break
        assert time.monotonic() < deadline, queued
        await asyncio.sleep(0.02)
    assert queued[1]["why"].startswith("cannot connect")
    await asyncio.to_thread(hub.kill)
    async with http_receiver(port) as receiver:
        await asyncio.to_thread(hub.start)
        await until(lambda: len(receiver.got) == 2)
        assert [one.json["event"] for one in receiver.got] == ["opened", "resolved"]
        await asyncio.to_thread(hub.stop)
        await asyncio.to_thread(hub.start)
        assert (await call(hub, "GET", "deliveries?state=queued"))["deliveries"] == []
        assert len(receiver.got) == 2
