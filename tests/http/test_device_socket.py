import asyncio
from typing import Any

import aiohttp
import pytest

from hub.config import Config, LimitsConfig, LiveConfig
from hub.flow import TURN_BYTES
from hub.model import Presence
from tests.http.conftest import Hub
from tests.waiting import until

MB = 1_000_000


async def answers(socket: Any, *messages: object) -> list[dict[str, Any]]:
    """Send messages after the welcome; one answer each."""
    assert (await socket.receive_json())["type"] == "welcome"
    for message in messages:
        await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_json(message))
    return [await socket.receive_json() for _ in messages]


async def stored(hub: Hub, metric: str, device_id: str = "boiler") -> list[float]:
    status, found = await hub.call("GET", f"/api/v1/devices/{device_id}/history?metric={metric}&points=10000")
    assert status == 200
    values: list[float] = found["avg"]
    return values


async def rejections(hub: Hub, device_id: str = "boiler") -> list[dict[str, Any]]:
    _, found = await hub.call("GET", f"/api/v1/devices/{device_id}/rejections")
    listed: list[dict[str, Any]] = found["rejections"]
    return listed


async def test_a_reading_is_acknowledged_once_it_is_stored(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        welcome = await socket.receive_json()
        await socket.send_json({"id": 7, "temperature": 20.5})
        ack = await socket.receive_json()
    assert (welcome["type"], welcome["device"]) == ("welcome", "boiler")
    assert ack == {"type": "ack", "accepted": 1, "id": 7}
    assert await stored(hub, "temperature") == [20.5]


async def test_every_shape_of_message_is_read(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        said = await answers(
            socket,
            {"t": 1.0},
            {"ts": 1_700_000_000_000, "values": {"t": 2.0}, "id": "two"},
            [{"t": 3.0}, {"t": 4.0}],
            {"id": 5, "readings": [{"t": 5.0}, {"ts": 1_700_000_000_001, "seq": 1, "values": {"t": 6.0}}]},
            b'{"t": 7.0}',
        )
    assert said == [
        {"type": "ack", "accepted": 1},
        {"type": "ack", "accepted": 1, "id": "two"},
        {"type": "ack", "accepted": 2},
        {"type": "ack", "accepted": 2, "id": 5},
        {"type": "ack", "accepted": 1},
    ]


async def test_answers_come_in_the_order_of_the_messages(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        said = await answers(socket, *({"id": number, "n": float(number)} for number in range(500)))
    assert [answer["id"] for answer in said] == list(range(500))
    assert sorted(await stored(hub, "n")) == [float(number) for number in range(500)]


async def test_good_readings_beside_bad_ones_are_stored_and_the_bad_ones_named(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        [first, said] = await answers(
            socket, {"t": 1.0}, {"id": 2, "readings": [{"t": []}, {"t": 2.0}, {"t": "warm"}, {"t": 3.0}, 17]}
        )
    assert first["type"] == "ack"
    assert (said["type"], said["id"], said["accepted"]) == ("error", 2, 2)
    assert [(one["position"], one["code"]) for one in said["refused"]] == [
        (0, "type"),
        (2, "type"),
        (4, "type"),
    ]
    assert (said["code"], said["message"]) == (said["refused"][0]["code"], said["refused"][0]["message"])
    assert await stored(hub, "t") == [1.0, 2.0, 3.0]
    assert {one["source"] for one in await rejections(hub)} == {"websocket"}
    assert len(await rejections(hub)) == 3


async def test_a_message_that_is_no_json_is_refused_and_the_socket_lives(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        said = await answers(socket, b"{oops", {"id": 2, "t": 1.0})
    assert [answer["type"] for answer in said] == ["error", "ack"]
    assert said[0]["code"] == "unreadable"
    assert (await rejections(hub))[0]["raw"] == "{oops"


async def test_a_wrong_key_in_the_header_is_refused_at_the_handshake(hub: Hub) -> None:
    await hub.device()
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with hub.client.ws_connect(
            "/api/v1/device/socket", headers={"Authorization": "Bearer hk_wrong"}
        ):
            pass
    assert caught.value.status == 401


async def test_a_device_that_cannot_set_headers_says_its_key_first(hub: Hub) -> None:
    key = await hub.device()
    async with hub.device_socket(None) as socket:
        await socket.send_json({"type": "auth", "key": key})
        said = await answers(socket, {"id": 1, "t": 1.0})
    assert said == [{"type": "ack", "accepted": 1, "id": 1}]


@pytest.mark.parametrize("first", [{"type": "auth", "key": "hk_wrong"}, {"t": 1.0}])
async def test_without_a_key_the_socket_is_closed_and_others_go_on(hub: Hub, first: object) -> None:
    await hub.device()
    async with hub.device_socket() as neighbour, hub.device_socket(None) as socket:
        await socket.send_json(first)
        said = await socket.receive_json()
        closed = await socket.receive()
        assert [answer["type"] for answer in await answers(neighbour, {"t": 1.0})] == ["ack"]
    assert (said["type"], said["code"]) == ("error", "unauthenticated")
    assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 4401)
    assert closed.extra


async def test_a_message_of_ten_megabytes_closes_its_socket_with_a_reason_and_no_other(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as neighbour, hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        sending = asyncio.create_task(socket.send_bytes(b" " * 10 * MB))
        closed = await socket.receive()
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1009)
        assert "1048576 bytes" in closed.extra
        await asyncio.wait([sending])
        sending.exception()  # the hub hangs up at some point of it
        assert [answer["type"] for answer in await answers(neighbour, {"t": 1.0})] == ["ack"]
    await until(lambda: rejections(hub))
    assert [one["code"] for one in await rejections(hub)] == ["too_large"]


async def test_a_command_goes_down_and_its_answer_comes_back(hub: Hub) -> None:
    await hub.device()
    path = "/api/v1/devices/boiler/commands"
    _, queued = await hub.call("POST", path, {"method": "before", "params": [1]})
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        assert await socket.receive_json() == {
            "type": "command",
            "id": queued["id"],
            "method": "before",
            "params": [1],
        }
        _, sent = await hub.call("POST", path, {"method": "now", "timeout_s": 5})
        assert (await socket.receive_json())["id"] == sent["id"]
        await socket.send_json({"type": "response", "id": sent["id"], "response": {"done": True}})

        async def is_answered() -> bool:
            _, found = await hub.call("GET", path)
            newest = found["commands"][0]
            return bool((newest["state"], newest["response"]) == ("done", {"done": True}))

        await until(is_answered)
        await socket.send_json({"type": "response", "id": sent["id"], "response": 2})
        late = await socket.receive_json()
        await socket.send_json({"type": "response", "id": 999, "response": 2})
        unknown = await socket.receive_json()
    assert (late["type"], late["id"], late["code"]) == ("response_refused", sent["id"], "conflict")
    assert (unknown["type"], unknown["code"]) == ("response_refused", "not_found")


async def test_a_command_for_a_device_that_reads_nothing_stays_queued_until_it_does(hub: Hub) -> None:
    await hub.device()
    path = "/api/v1/devices/boiler/commands"
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        sent: list[int] = []
        state = "sent"
        while state == "sent":  # until the buffers between hub and device are full
            for number in range(100):
                shared = {"shared": {"filling": f"{number:016000}"}}
                assert (await hub.call("PUT", "/api/v1/devices/boiler/attributes", shared))[0] == 200
            status, command = await hub.call("POST", path, {"method": "look"})
            assert status == 201
            sent.append(command["id"])
            state = command["state"]
        assert state == "queued"
        got: list[int] = []
        while len(got) < len(sent):
            said = await socket.receive_json()
            if said["type"] == "command":
                got.append(said["id"])
        assert got == sent
        _, found = await hub.call("GET", path)
        assert {command["state"] for command in found["commands"]} == {"sent"}


async def test_attributes_go_both_ways(hub: Hub) -> None:
    await hub.device()
    path = "/api/v1/devices/boiler/attributes"
    async with hub.device_socket() as socket:
        said = await answers(
            socket,
            {"type": "attributes", "id": 1, "values": {"firmware": "1.2"}},
            {"type": "attributes", "id": 2, "values": {"": 1}},
        )
        status, found = await hub.call("PUT", path, {"shared": {"interval_s": 5}})
        pushed = await socket.receive_json()
    assert said[0] == {"type": "ack", "id": 1}
    assert (said[1]["type"], said[1]["id"], said[1]["code"]) == ("error", 2, "invalid")
    assert (status, found) == (
        200,
        {"device": {"firmware": "1.2"}, "shared": {"interval_s": 5}, "pending": ["interval_s"]},
    )
    assert pushed == {"type": "attributes", "values": {"interval_s": 5}}


async def test_revoking_the_key_ends_its_socket_at_once_and_no_other(hub: Hub) -> None:
    await hub.device()
    _, second = await hub.call("POST", "/api/v1/devices/boiler/keys")
    other = {"Authorization": f"Bearer {second['key']}"}
    async with (
        hub.device_socket() as socket,
        hub.client.ws_connect("/api/v1/device/socket", headers=other) as neighbour,
    ):
        assert (await socket.receive_json())["type"] == "welcome"
        key_id = hub.keys["boiler"].split("_")[1]
        status, _ = await hub.call("DELETE", f"/api/v1/devices/boiler/keys/{key_id}")
        closed = await socket.receive()
        assert [answer["type"] for answer in await answers(neighbour, {"t": 1.0})] == ["ack"]
    assert (status, closed.data, closed.extra) == (204, 4401, "the key was revoked")


async def test_removing_the_device_ends_its_socket(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        await hub.call("DELETE", "/api/v1/devices/boiler")
        closed = await socket.receive()
    assert (closed.data, closed.extra) == (4401, "the device was removed")


async def test_a_stopping_hub_acknowledges_what_it_has_and_says_when_to_come_back(new_hub: Hub) -> None:
    await new_hub.device()
    async with new_hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        for number in range(100):
            await socket.send_json({"id": number, "n": float(number)})
        await until(lambda: new_hub.rooms.ingest.counts.readings > 0)
        stopping = asyncio.create_task(new_hub.server.stop())
        said = []
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            said.append(message.json())
        await stopping
    acknowledged = [one["id"] for one in said if one["type"] == "ack"]
    assert acknowledged == list(range(len(acknowledged)))
    assert len(acknowledged) == new_hub.rooms.ingest.counts.readings
    assert said[-1]["type"] == "shutdown"
    assert said[-1]["retry_after_s"] > 0
    assert message.data == 1012


class TestSayingNothing:
    @pytest.fixture
    def config(self) -> Config:
        return Config(limits=LimitsConfig(connect_timeout_s=1.0))

    async def test_without_a_first_message_the_socket_is_closed(self, hub: Hub) -> None:
        async with hub.device_socket(None) as socket:
            said = await socket.receive_json()
            assert (said["code"], "limits.connect_timeout_s" in said["message"]) == ("unauthenticated", True)
            assert (await socket.receive()).data == 4408


class TestSilence:
    @pytest.fixture
    def config(self) -> Config:
        return Config(live=LiveConfig(ping_interval_s=0.05))

    async def test_a_peer_that_answers_no_ping_is_taken_for_gone(self, hub: Hub) -> None:
        await hub.device()
        host, port = hub.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /api/v1/device/socket HTTP/1.1\r\nHost: hub\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Authorization: Bearer " + hub.keys["boiler"].encode() + b"\r\n\r\n"
        )
        channel = hub.rooms.feed.device("boiler")
        await until(lambda: channel.presence is Presence.ONLINE)
        await until(lambda: channel.presence is Presence.OFFLINE)
        writer.close()
        del reader


async def test_much_that_comes_at_once_is_taken_in_turns_and_in_order(hub: Hub) -> None:
    """A burst after a reconnect: others are served in between, and nothing is dropped."""
    await hub.device()
    count = 3 * TURN_BYTES // 100
    async with hub.device_socket() as socket:
        told = await answers(socket, *({"id": n, "n": float(n), "note": "x" * 80} for n in range(count)))
    assert [one["id"] for one in told if one["type"] == "ack"] == list(range(count))
    assert sorted(await stored(hub, "n")) == [float(number) for number in range(count)]


class TestFarOverTheRate:
    @pytest.fixture
    def config(self) -> Config:
        """25 readings over the burst wait longer than any test takes."""
        return Config(limits=LimitsConfig(readings_per_s=1, readings_burst=5))

    async def test_a_device_is_not_read_from_while_others_are(self, hub: Hub) -> None:
        await hub.device()
        await hub.device("neighbour")
        async with hub.device_socket() as socket, hub.device_socket("neighbour") as neighbour:
            await answers(socket, {"readings": [{"n": float(n)} for n in range(30)]})
            await socket.send_json({"n": 30.0})
            await answers(neighbour, {"n": 1.0})
            assert (await hub.call("GET", "/api/v1/devices"))[0] == 200
            assert hub.rooms.ingest.counts.readings == 31


class TestOverTheRate:
    @pytest.fixture
    def config(self) -> Config:
        """What is over the burst waits far longer than a peer may be silent."""
        return Config(
            limits=LimitsConfig(readings_per_s=50, readings_burst=5), live=LiveConfig(ping_interval_s=0.02)
        )

    async def test_a_device_is_neither_cut_off_nor_loses_anything(self, hub: Hub) -> None:
        await hub.device()
        async with hub.device_socket() as socket:
            await answers(socket, {"readings": [{"n": float(n)} for n in range(30)]})
            await socket.send_json({"n": 30.0})
            limited = await socket.receive_json()
            assert (limited["type"], limited["limit"]) == ("limited", "limits.readings_per_s")
            assert 0 < limited["retry_after_s"] <= 0.5
            assert await socket.receive_json() == {"type": "ack", "accepted": 1}
        assert sorted(await stored(hub, "n")) == [float(number) for number in range(31)]


class TestDiskBehind:
    @pytest.fixture
    def config(self) -> Config:
        """One reading on its way to the disk is all there may be."""
        return Config(limits=LimitsConfig(pending_readings=1))

    async def test_the_hub_stops_reading_until_there_is_room_and_loses_nothing(self, hub: Hub) -> None:
        await hub.device()
        async with hub.device_socket() as socket:
            said = await answers(socket, *({"id": number, "n": float(number)} for number in range(200)))
        assert [answer["id"] for answer in said] == list(range(200))
        assert len(await stored(hub, "n")) == 200


class TestTooMany:
    @pytest.fixture
    def config(self) -> Config:
        return Config(limits=LimitsConfig(connections_max=1))

    async def test_one_more_device_than_allowed_is_told_to_come_back(self, hub: Hub) -> None:
        await hub.device()
        async with hub.device_socket() as socket:
            assert (await socket.receive_json())["type"] == "welcome"
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with hub.device_socket():
                    pass
            assert caught.value.status == 503
            assert caught.value.headers is not None
            assert int(caught.value.headers["Retry-After"]) >= 1
