"""Commands over the device WebSocket and REST, and each step of them on the live channel."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hub.feed.commands import ENDED_KEPT
from hub.feed.steps import WAITING_MAX
from hub.model import Role
from tests.http.conftest import Hub

PATH = "/api/v1/devices/boiler/commands"
ENDED = ("done", "failed", "expired", "cancelled")


async def send(hub: Hub, method: str = "blink", **more: Any) -> dict[str, Any]:
    status, command = await hub.call("POST", PATH, {"method": method, **more})
    assert status == 201
    found: dict[str, Any] = command
    return found


class Watcher:
    """A dashboard on the device's channel: what came, message by message."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._came: list[dict[str, Any]] = []

    async def next(self, kind: str) -> dict[str, Any]:
        """The next message of this type; others are passed over."""
        while True:
            while not self._came:
                found = await self._socket.receive_json()
                self._came = found if isinstance(found, list) else [found]
            message = self._came.pop(0)
            if message["type"] == kind:
                return message

    async def subscribe(self, resume: dict[str, Any] | None = None) -> dict[str, Any]:
        asked: dict[str, Any] = {"type": "subscribe", "channel": "device/boiler"}
        await self._socket.send_json(asked if resume is None else {**asked, "resume": resume})
        return await self.next("subscribed")

    async def states(self, command_id: int, last: str) -> list[str]:
        """The states that the command goes through, up to this one."""
        found: list[str] = []
        while last not in found:
            message = await self.next("command")
            assert message["channel"] == "device/boiler"
            if message["command"]["id"] == command_id:
                found.append(message["command"]["state"])
        return found


@asynccontextmanager
async def watching(hub: Hub, role: Role = Role.OPERATOR) -> AsyncIterator[Watcher]:
    async with hub.live_socket(hub.bearer(role)) as socket:
        yield Watcher(socket)


@asynccontextmanager
async def connected(hub: Hub) -> AsyncIterator[Any]:
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        yield socket


async def test_each_step_is_told_on_the_channel_with_its_time(hub: Hub) -> None:
    await hub.device()
    async with watching(hub) as viewer:
        assert "commands" not in await viewer.subscribe()
        queued = await send(hub, params={"n": 1})
        assert await viewer.states(queued["id"], "queued") == ["queued"]
        async with connected(hub) as socket:
            assert (await socket.receive_json())["id"] == queued["id"]
            assert await viewer.states(queued["id"], "sent") == ["sent"]
            await socket.send_json({"type": "ack", "id": queued["id"]})
            assert await viewer.states(queued["id"], "delivered") == ["delivered"]
            await socket.send_json({"type": "response", "id": queued["id"], "response": {"error": "stuck"}})
            told = (await viewer.next("command"))["command"]
    _, shown = await hub.call("GET", f"{PATH}/{queued['id']}")
    assert told == shown
    assert (shown["state"], shown["response"], shown["params"]) == ("failed", {"error": "stuck"}, {"n": 1})
    times = [shown[name] for name in ("created_at", "sent_at", "delivered_at", "ended_at")]
    assert times == sorted(times)


async def test_what_a_socket_did_not_acknowledge_comes_again_and_says_so(hub: Hub) -> None:
    await hub.device()
    sent = [await send(hub, method) for method in "abc"]
    async with connected(hub) as socket:
        assert [(await socket.receive_json())["id"] for _ in sent] == [one["id"] for one in sent]
        await socket.send_json({"type": "ack", "id": sent[1]["id"]})
        await socket.send_json({"type": "ack", "id": 999})  # was never sent: nothing to say to that
        await socket.send_json({"id": 1, "t": 1})
        assert (await socket.receive_json())["type"] == "ack"
    async with connected(hub) as socket:
        again = [await socket.receive_json() for _ in range(2)]
        assert [(one["method"], one["again"]) for one in again] == [("a", True), ("c", True)]
        await socket.send_json({"type": "response", "id": sent[0]["id"], "response": None})
        await socket.send_json({"id": 1, "t": 2})
        assert (await socket.receive_json())["type"] == "ack"
    _, found = await hub.call("GET", PATH)
    assert [one["state"] for one in found["commands"]][1:] == ["delivered", "done"]


@pytest.mark.parametrize("wrong", [{"type": "ack"}, {"type": "ack", "id": "7"}])
async def test_an_acknowledgement_of_no_command_is_refused(hub: Hub, wrong: dict[str, Any]) -> None:
    await hub.device()
    async with connected(hub) as socket:
        await socket.send_json(wrong)
        assert (await socket.receive_json())["type"] == "error"


async def test_who_comes_back_is_told_what_changed_meanwhile(hub: Hub) -> None:
    await hub.device()
    old = await send(hub, "old")
    async with watching(hub) as viewer:
        begun = await viewer.subscribe()
        assert [one["id"] for one in begun["commands"]] == [old["id"]]
    await hub.send({"t": 1.0})
    await hub.call("DELETE", f"{PATH}/{old['id']}")
    new = await send(hub, "new")
    async with watching(hub) as viewer:
        back = await viewer.subscribe({"epoch": begun["epoch"], "offset": begun["offset"]})
        assert back["recovered"] is True
        steps = [(one["id"], one["state"]) for one in back["commands"]]
        assert steps == [(old["id"], "cancelled"), (new["id"], "queued")]
    await hub.send({"t": 2.0})
    async with watching(hub) as viewer:
        later = await viewer.subscribe({"epoch": begun["epoch"], "offset": back["offset"] + 1})
        assert (later["recovered"], later.get("commands")) == (True, None)  # nothing since then
        fresh = await hub.call("GET", PATH)
    assert len(fresh[1]["commands"]) == 2


async def test_only_so_many_that_ended_are_told_to_who_comes(hub: Hub) -> None:
    await hub.device()
    for _ in range(ENDED_KEPT + 5):
        await hub.call("DELETE", f"{PATH}/{(await send(hub))['id']}")
    waiting = await send(hub)
    async with watching(hub) as viewer:
        told = (await viewer.subscribe())["commands"]
    assert len(told) == ENDED_KEPT + 1
    assert told[-1]["id"] == waiting["id"]


async def test_what_is_in_a_command_is_told_to_those_who_may_read_it(hub: Hub) -> None:
    await hub.device()
    async with watching(hub, Role.VIEWER) as viewer, watching(hub) as operator:
        await viewer.subscribe()
        await operator.subscribe()
        sent = await send(hub, "open", params={"pin": 1234})
        seen = (await viewer.next("command"))["command"]
        assert (seen["method"], seen["params"]) == ("open", None)
        assert (await operator.next("command"))["command"]["params"] == {"pin": 1234}
    for role, params in ((Role.VIEWER, None), (Role.OPERATOR, {"pin": 1234})):
        async with watching(hub, role) as viewer:
            assert (await viewer.subscribe())["commands"][0]["params"] == params
        _, shown = await hub.call("GET", f"{PATH}/{sent['id']}", headers=hub.bearer(role))
        assert shown["params"] == params


@pytest.mark.parametrize("size", [1, 8_000])
async def test_a_viewer_that_does_not_read_is_told_to_ask_and_costs_little(hub: Hub, size: int) -> None:
    await hub.device()
    device = hub.rooms.fleet.devices.find("boiler")
    async with watching(hub) as viewer:
        await viewer.subscribe()
        (subscription,) = hub.rooms.feed.device("boiler").subscriptions
        for _ in range(2 * WAITING_MAX):
            sent = await hub.rooms.commands.send(device, "m", "x" * size, 60)
            subscription.viewer._woken.pop(subscription, None)  # as if its connection were full
            await hub.rooms.commands.cancel(device, sent.id)
            subscription.viewer._woken.pop(subscription, None)
            waiting = [len(one) for one in subscription.notices.values()]
            assert len(waiting) <= WAITING_MAX + 2
            assert sum(waiting) < 300_000
        subscription.viewer.wake(subscription)
        while "skipped" not in (message := await viewer.next("command")):
            pass
        assert message["skipped"] is True


async def test_a_queued_command_can_be_taken_back_and_others_not(hub: Hub) -> None:
    await hub.device()
    queued = await send(hub)
    status, cancelled = await hub.call("DELETE", f"{PATH}/{queued['id']}")
    assert (status, cancelled["state"], cancelled["ended_at"] is not None) == (200, "cancelled", True)
    async with connected(hub) as socket:
        sent = await send(hub)
        assert (await socket.receive_json())["id"] == sent["id"]
        for command, word in ((queued, "cancelled"), (sent, "sent")):
            status, problem = await hub.call("DELETE", f"{PATH}/{command['id']}")
            assert (status, problem["code"]) == (409, "conflict")
            assert word in problem["detail"]
    for wrong in ("999", "x", "1" * 30, "-1"):
        for method in ("GET", "DELETE"):
            assert (await hub.call(method, f"{PATH}/{wrong}"))[0] == 404


async def test_a_request_that_comes_again_is_one_command(hub: Hub) -> None:
    await hub.device()
    headers = {**hub.bearer(), "Idempotency-Key": "k"}
    asked = [hub.call("POST", PATH, {"method": "m"}, headers) for _ in range(3)]
    found = await asyncio.gather(*asked)
    assert len({command["id"] for _, command in found}) == 1
    status, problem = await hub.call("POST", PATH, {"method": "other"}, headers)
    assert (status, problem["code"]) == (422, "invalid")


async def until_ended(hub: Hub, command_id: int, holds: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """The command once it has ended."""
    while True:
        _, found = await hub.call("GET", f"{PATH}/{command_id}")
        if found["state"] in ENDED and holds():
            shown: dict[str, Any] = found
            return shown
        await asyncio.sleep(0.01)


async def test_a_command_that_nobody_answers_expires_and_says_so(hub: Hub) -> None:
    await hub.device()
    async with watching(hub) as viewer, connected(hub) as socket:
        await viewer.subscribe()
        sent = await send(hub, timeout_s=0.3)
        assert (await socket.receive_json())["id"] == sent["id"]
        assert await viewer.states(sent["id"], "expired") == ["queued", "sent", "expired"]
    expired = await until_ended(hub, sent["id"])
    assert expired["ended_at"] >= expired["expires_at"]
