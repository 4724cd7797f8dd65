import asyncio
from typing import Any

import aiohttp
import pytest

from hub.config import Config, LimitsConfig, LiveConfig
from hub.http.live.viewers import VIEWERS
from hub.model import Grant, Role
from tests.http.conftest import Hub
from tests.logins import use_link
from tests.waiting import until

T0 = 1_700_000_000_000


@pytest.fixture
def config() -> Config:
    return Config(
        live=LiveConfig(subscriptions_max=2, max_message_bytes=1_000),
    )


async def said(socket: Any, message: object | None = None) -> dict[str, Any]:
    """Send a message, if any; the next one that comes. Frames of several messages are not expected here."""
    if message is not None:
        await socket.send_json(message)
    answer: dict[str, Any] = await socket.receive_json()
    return answer


async def greeted(socket: Any) -> None:
    hello = await said(socket)
    assert (hello["type"], hello["limits"]["subscriptions_max"]) == ("hello", 2)


async def closed(socket: Any) -> tuple[int, str]:
    message = await socket.receive()
    assert message.type is aiohttp.WSMsgType.CLOSE
    return message.data, message.extra


def subscribe(channel: str, **more: object) -> dict[str, object]:
    return {"type": "subscribe", "channel": channel, **more}


async def test_a_viewer_gets_the_snapshot_then_readings(hub: Hub) -> None:
    await hub.device()
    await hub.send({"ts": T0, "values": {"temperature": 20.5}})
    async with hub.live_socket() as socket:
        assert socket.protocol == "hub.v1"
        await greeted(socket)
        subscribed = await said(socket, subscribe("device/boiler"))
        await hub.send({"ts": T0 + 1.5, "values": {"temperature": 21.0, "on": True}})
        readings = await said(socket)
    assert subscribed["snapshot"] == {"temperature": [T0, 20.5]}
    assert (subscribed["presence"], subscribed["recovered"], subscribed["readings"]) == ("online", False, [])
    assert readings["type"] == "readings"
    assert readings["readings"] == [[T0 + 1.5, {"temperature": 21.0, "on": True}]]
    assert readings["offset"] == subscribed["offset"] + 1


async def test_a_viewer_that_comes_back_gets_exactly_what_it_missed(hub: Hub) -> None:
    await hub.device()
    async with hub.live_socket() as socket:
        await greeted(socket)
        before = await said(socket, subscribe("device/boiler"))
    await hub.send([{"ts": T0, "values": {"n": 1.0}}, {"ts": T0 + 1, "values": {"n": 2.0}}])
    resume = {"epoch": before["epoch"], "offset": before["offset"]}
    async with hub.live_socket() as socket:
        await greeted(socket)
        after = await said(socket, subscribe("device/boiler", resume=resume))
    assert after["recovered"] is True
    assert after["readings"] == [[T0, {"n": 1.0}], [T0 + 1, {"n": 2.0}]]


async def test_a_viewer_sees_a_device_come_and_go(hub: Hub) -> None:
    await hub.device()
    async with hub.live_socket() as socket:
        await greeted(socket)
        assert (await said(socket, subscribe("device/boiler")))["presence"] == "never_seen"
        async with hub.device_socket() as device:
            assert (await device.receive_json())["type"] == "welcome"
            assert (await said(socket))["status"] == "online"
        assert (await said(socket))["status"] == "offline"


async def test_the_overview_tells_what_changed(hub: Hub) -> None:
    await hub.device("a")
    await hub.device("b")
    async with hub.live_socket() as socket:
        await greeted(socket)
        whole = await said(socket, subscribe("overview"))
        await hub.send({"ts": T0, "values": {"n": 1.0}}, "b")
        hub.rooms.feed.overview.tick()
        change = await said(socket)
    assert whole["devices"]["a"] == {"snapshot": {}, "presence": "never_seen", "since": None}
    assert change["type"] == "overview"
    assert change["devices"]["b"]["snapshot"] == {"n": [T0, 1.0]}


async def test_after_unsubscribing_nothing_more_comes(hub: Hub) -> None:
    await hub.device()
    async with hub.live_socket() as socket:
        await greeted(socket)
        await said(socket, subscribe("device/boiler"))
        left = await said(socket, {"type": "unsubscribe", "channel": "device/boiler"})
        await hub.send({"n": 1.0})
        again = await said(socket, {"type": "unsubscribe", "channel": "device/boiler"})
    assert left == {"type": "unsubscribed", "channel": "device/boiler"}
    assert (again["type"], again["code"]) == ("error", "not_found")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{oops", "invalid"),
        ("[]", "invalid"),
        ('{"type":"dance"}', "invalid"),
        ('{"type":"subscribe"}', "invalid"),
        ('{"type":"subscribe","channel":"device/none"}', "not_found"),
        ('{"type":"subscribe","channel":"weather"}', "not_found"),
        ('{"type":"subscribe","channel":"overview","resume":{"epoch":1}}', "invalid"),
    ],
)
async def test_a_wrong_request_is_answered_and_the_socket_lives(hub: Hub, message: str, code: str) -> None:
    async with hub.live_socket() as socket:
        await greeted(socket)
        await socket.send_str(message)
        error = await said(socket)
        assert (error["type"], error["code"]) == ("error", code)
        assert error["message"]
        assert (await said(socket, subscribe("overview")))["type"] == "subscribed"


async def test_subscribing_twice_or_too_often_is_refused(hub: Hub) -> None:
    for name in ("a", "b", "c"):
        await hub.device(name)
    async with hub.live_socket() as socket:
        await greeted(socket)
        kinds = [await said(socket, subscribe(f"device/{name}")) for name in ("a", "a", "b", "c")]
    assert [kind["type"] for kind in kinds] == ["subscribed", "error", "subscribed", "error"]
    assert [kinds[1]["code"], kinds[3]["code"], kinds[3]["channel"]] == ["conflict", "invalid", "device/c"]


async def test_a_message_over_the_limit_is_refused_and_the_socket_lives(hub: Hub) -> None:
    async with hub.live_socket() as socket:
        await greeted(socket)
        await socket.send_str(" " * 1_001)
        assert (await said(socket))["code"] == "too_large"
        assert (await said(socket, subscribe("overview")))["type"] == "subscribed"


async def test_a_message_of_over_a_mebibyte_closes_the_socket_with_a_reason(hub: Hub) -> None:
    async with hub.live_socket() as neighbour, hub.live_socket() as socket:
        await greeted(neighbour)
        await greeted(socket)
        await socket.send_str(" " * 1_048_577)
        assert await closed(socket) == (1009, "a message is over 1048576 bytes")
        assert (await said(neighbour, subscribe("overview")))["type"] == "subscribed"


async def test_a_token_for_some_devices_sees_only_those(hub: Hub) -> None:
    await hub.device("mine")
    await hub.device("other")
    async with hub.live_socket(hub.bearer(Role.VIEWER, ["mine"])) as socket:
        await greeted(socket)
        overview = await said(socket, subscribe("overview"))
        hidden = await said(socket, subscribe("device/other"))
        absent = await said(socket, subscribe("device/absent"))
        assert (await said(socket, subscribe("device/mine")))["type"] == "subscribed"
    assert list(overview["devices"]) == ["mine"]
    assert hidden["code"] == "not_found"
    assert hidden["message"].replace("other", "absent") == absent["message"]


async def test_a_tool_says_its_token_in_the_first_message(hub: Hub) -> None:
    async with hub.live_socket({}) as socket:
        await socket.send_json({"type": "auth", "token": hub.token(Role.VIEWER)})
        await greeted(socket)


@pytest.mark.parametrize("first", [{"type": "auth", "token": "no"}, subscribe("overview")])
async def test_without_a_token_the_socket_is_closed(hub: Hub, first: object) -> None:
    async with hub.live_socket({}) as socket:
        assert (await said(socket, first))["code"] == "unauthenticated"
        assert (await closed(socket))[0] == 4401


async def test_a_devices_key_does_not_open_the_live_socket(hub: Hub) -> None:
    await hub.device()
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with hub.live_socket(hub.key()):
            pass
    assert caught.value.status == 401


async def test_the_hubs_own_page_comes_in_with_its_session(hub: Hub) -> None:
    async with hub.live_socket({**await hub.session(), "Origin": hub.url}) as socket:
        await greeted(socket)


async def test_a_foreign_page_does_not_come_in_with_the_session(hub: Hub) -> None:
    session = await hub.session()
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with hub.live_socket({**session, "Origin": "http://evil.example"}):
            pass
    assert caught.value.status == 403


async def test_a_session_that_is_over_is_told_so(hub: Hub) -> None:
    async with hub.live_socket({"Cookie": "hub=old", "Origin": hub.url}) as socket:
        assert (await said(socket))["code"] == "unauthenticated"
        assert (await closed(socket))[0] == 4401


async def test_a_stopping_hub_tells_viewers_when_to_come_back(new_hub: Hub) -> None:
    async with new_hub.live_socket() as socket:
        await greeted(socket)
        stopping = asyncio.create_task(new_hub.server.stop())
        shutdown = await said(socket)
        assert await closed(socket) == (1012, "the hub is stopping")
        await stopping
    assert shutdown["type"] == "shutdown"
    assert shutdown["retry_after_s"] > 0


async def test_a_slow_viewer_gets_the_latest_and_is_told_what_it_missed(hub: Hub) -> None:
    await hub.device()
    await hub.send({"n": -1.0})
    async with hub.live_socket() as slow, hub.live_socket() as quick:
        for socket in (slow, quick):
            await greeted(socket)
            await said(socket, subscribe("device/boiler"))
        filling = "x" * 4000
        seen = 0
        for number in range(60):  # 14 MB: more than the buffers between hub and viewer hold
            body = [{"n": float(number), "f": filling}] * 60
            assert (await hub.send(body))[0] == 200
            hub.clock.ahead_s += 1  # within its rate
            while seen < (number + 1) * 60:
                seen += len((await said(quick))["readings"])
        frames = [await said(slow)]
        while frames[-1]["readings"][-1][1].get("n") != 59.0:
            frames.append(await said(slow))
    skipped = sum(frame.get("skipped", 0) for frame in frames)
    assert skipped > 0
    assert skipped + sum(len(frame["readings"]) for frame in frames) == 3600
    assert [frame["offset"] for frame in frames] == sorted(frame["offset"] for frame in frames)


class TestLoggingOut:
    """With the usual intervals, so that nothing but logging out ends what it ends."""

    async def test_logging_out_ends_what_the_session_watches_and_nothing_else(self, hub: Hub) -> None:
        session, other = [{**await hub.session(), "Origin": hub.url} for _ in range(2)]
        async with (
            hub.live_socket(session) as first,
            hub.live_socket(session) as second,
            hub.live_socket(other) as neighbour,
            hub.client.get("/api/v1/live/sse", params={"channel": "overview"}, headers=session) as stream,
        ):
            for socket in (first, second, neighbour):
                await greeted(socket)
            assert (await hub.call("DELETE", "/api/v1/session", headers=session))[0] == 204
            assert await closed(first) == (4401, "logged out")
            assert await closed(second) == (4401, "logged out")
            await stream.read()
            assert (await said(neighbour, subscribe("overview")))["type"] == "subscribed"

    async def test_logging_in_anew_ends_the_browsers_old_session(self, hub: Hub) -> None:
        session = await hub.session()
        code = await hub.rooms.operators.make_link()
        async with hub.live_socket({**session, "Origin": hub.url}) as socket:
            await greeted(socket)
            assert (await use_link(hub.client, f"{hub.url}/login?code={code}", session)).status == 303
            assert (await closed(socket))[0] == 4401
        assert (await hub.call("GET", "/api/v1/session", headers=session))[0] == 401

    async def test_a_link_that_is_over_ends_no_session(self, hub: Hub) -> None:
        session = await hub.session()
        assert (await use_link(hub.client, f"{hub.url}/login?code=old", session)).status == 401
        assert (await hub.call("GET", "/api/v1/session", headers=session))[0] == 200


class TestSayingNothing:
    @pytest.fixture
    def config(self) -> Config:
        return Config(limits=LimitsConfig(connect_timeout_s=0.5))

    async def test_without_a_first_message_the_socket_is_closed(self, hub: Hub) -> None:
        async with hub.live_socket({}) as socket:
            assert (await said(socket))["code"] == "unauthenticated"
            assert (await closed(socket))[0] == 4408

    async def test_a_session_without_an_origin_is_worth_nothing(self, hub: Hub) -> None:
        async with hub.live_socket(await hub.session()) as socket:
            assert (await said(socket))["code"] == "unauthenticated"
            assert (await closed(socket))[0] == 4408


class TestEnding:
    """With the usual intervals: whatever has ended otherwise is looked for each 25 s only."""

    @pytest.mark.parametrize("by", ["session", "token", "jwt"])
    async def test_what_runs_out_ends_what_it_watches_at_once(self, hub: Hub, by: str) -> None:
        _, text = await hub.rooms.tokens.make("wall", Grant(Role.VIEWER), 600, owner="local")
        shown = {
            "session": {**await hub.session(), "Origin": hub.url},
            "token": {"Authorization": f"Bearer {text}"},
            "jwt": hub.bearer(),
        }[by]
        params = {"channel": "overview"}
        async with (
            hub.live_socket(shown) as socket,
            hub.client.get("/api/v1/live/sse", params=params, headers=shown) as stream,
        ):
            await greeted(socket)
            hub.clock.ahead_s = hub.rooms.config.auth.session_s if by == "session" else 600.0
            async with asyncio.timeout(10.0):
                assert (await closed(socket))[0] == 4401
                await stream.read()

    async def test_a_clock_that_was_set_ends_no_session_early(self, hub: Hub) -> None:
        session = {**await hub.session(), "Origin": hub.url}
        async with hub.live_socket(session) as socket:
            await greeted(socket)
            hub.clock.set_by_s = hub.rooms.config.auth.session_s
            await hub.rooms.look_at_clock()
            [connection] = hub.app[VIEWERS]._open
            before = connection.viewer.principal.expires_at
            await until(lambda: connection.viewer.principal.expires_at != before)
            assert (await said(socket, subscribe("overview")))["type"] == "subscribed"


class TestHeartbeat:
    @pytest.fixture
    def config(self) -> Config:
        return Config(live=LiveConfig(ping_interval_s=0.1, subscriptions_max=2))

    async def test_a_token_that_runs_out_ends_the_socket(self, hub: Hub) -> None:
        async with hub.live_socket() as socket:
            await greeted(socket)
            hub.clock.ahead_s = 3600.0
            assert await closed(socket) == (4401, "the token has expired")


class TestTooMany:
    @pytest.fixture
    def config(self) -> Config:
        return Config(live=LiveConfig(viewers_max=1, subscriptions_max=2))

    async def test_one_more_viewer_than_allowed_is_told_to_come_back(self, hub: Hub) -> None:
        async with hub.live_socket() as socket:
            await greeted(socket)
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with hub.live_socket():
                    pass
            assert caught.value.status == 503
            async with hub.client.get("/metrics", headers=hub.bearer()) as response:
                assert "\nhub_viewers 1.0\n" in await response.text()
        await until(lambda: self.is_open(hub))

    async def is_open(self, hub: Hub) -> bool:
        """Whether there is room for a viewer (again)."""
        try:
            async with hub.live_socket() as socket:
                await greeted(socket)
        except aiohttp.WSServerHandshakeError:
            return False
        return True
