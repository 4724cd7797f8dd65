"""Labels, alerts and fellow viewers over the live socket; pings from the viewer; compression."""

from typing import Any

import pytest

from hub.config import Config, LiveConfig
from hub.fleet.fleet import NewDevice
from hub.model import Role
from tests.http.conftest import Hub
from tests.http.test_live import subscribe

T0 = 1_700_000_000_000


@pytest.fixture
def config() -> Config:
    return Config(live=LiveConfig(subscriptions_max=3))


async def labelled(hub: Hub, device_id: str, **labels: str) -> None:
    [(_, key)] = await hub.rooms.fleet.add([NewDevice(device_id, labels=labels)])
    hub.keys[device_id] = str(key)


async def said(socket: Any, message: object | None = None) -> dict[str, Any]:
    """Send a message, if any; the last one of the next frame."""
    if message is not None:
        await socket.send_json(message)
    found = await socket.receive_json()
    answer: dict[str, Any] = found[-1] if isinstance(found, list) else found
    return answer


async def until_type(socket: Any, kind: str) -> dict[str, Any]:
    """The last message of the first frame that ends with one of this type."""
    while (message := await said(socket))["type"] != kind:
        pass
    return message


async def test_a_label_is_watched_as_one_and_devices_come_and_go_by_rest(hub: Hub) -> None:
    await labelled(hub, "a", site="north")
    await labelled(hub, "b", site="south")
    async with hub.live_socket() as socket:
        await said(socket)
        answer = await said(socket, subscribe("label/site=north"))
        assert list(answer["devices"]) == ["a"]
        await hub.send({"ts": T0, "values": {"n": 1.0}}, "a")
        assert (await until_type(socket, "readings"))["readings"] == {"a": [[T0, {"n": 1.0}]]}
        await hub.call("PATCH", "/api/v1/devices/b", {"labels": {"site": "north"}})
        assert (await until_type(socket, "joined"))["device"] == "b"
        await hub.call("DELETE", "/api/v1/devices/a")
        assert (await until_type(socket, "left"))["device"] == "a"


async def test_a_token_for_some_devices_sees_only_those_of_a_label(hub: Hub) -> None:
    await labelled(hub, "a", site="north")
    await labelled(hub, "b", site="north")
    async with hub.live_socket(hub.bearer(Role.VIEWER, ["b"])) as socket:
        await said(socket)
        assert list((await said(socket, subscribe("label/site=north")))["devices"]) == ["b"]
        await hub.send({"n": 1.0}, "a")
        await hub.send({"ts": T0, "values": {"n": 2.0}}, "b")
        assert (await until_type(socket, "readings"))["readings"] == {"b": [[T0, {"n": 2.0}]]}


async def test_alerts_have_their_channel(hub: Hub) -> None:
    async with hub.live_socket() as socket:
        await said(socket)
        assert (await said(socket, subscribe("alerts")))["alerts"] == []
        hub.rooms.feed.alerts.publish("a", {"id": 1, "state": "firing"})
        assert (await said(socket))["alert"] == {"id": 1, "state": "firing"}


async def test_who_watches_a_device_is_told_who_else_does(hub: Hub) -> None:
    await hub.device()
    async with hub.live_socket() as first, hub.live_socket() as second:
        for socket, count in ((first, 1), (second, 2)):
            await said(socket)
            answer = await said(socket, subscribe("device/boiler"))
            assert answer["viewers"] == {"count": count, "names": ["tester"]}
        hub.rooms.feed.tick()
        assert (await until_type(first, "viewers"))["count"] == 2


async def test_a_viewers_ping_is_answered_with_the_hubs_time(hub: Hub) -> None:
    async with hub.live_socket() as socket:
        hello = await said(socket)
        pong = await said(socket, {"type": "ping"})
        assert pong["type"] == "pong"
        assert hello["time"] <= pong["time"] <= hub.clock() / 1000
        await socket.ping()
        assert (await said(socket, {"type": "ping"}))["type"] == "pong"


class TestCompressed:
    @pytest.fixture
    def config(self) -> Config:
        return Config(live=LiveConfig(compress=True))

    async def test_messages_are_compressed_for_those_who_offer_it(self, hub: Hub) -> None:
        await hub.device()
        async with (
            hub.client.ws_connect("/api/v1/live", headers=hub.bearer(), compress=15) as small,
            hub.client.ws_connect("/api/v1/live", headers=hub.bearer()) as plain,
        ):
            assert (small.compress, plain.compress) == (15, 0)
            for socket in (small, plain):
                await said(socket)
                await said(socket, subscribe("device/boiler"))
            await hub.send([{"ts": T0 + n, "values": {"n": float(n)}} for n in range(2000)])
            for socket in (small, plain):
                rows: list[Any] = []
                while len(rows) < 2000:
                    rows += (await until_type(socket, "readings"))["readings"]
                assert rows == [[T0 + n, {"n": float(n)}] for n in range(2000)]
