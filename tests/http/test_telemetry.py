import asyncio
import gzip
import io
from typing import Any

import aiohttp
import pytest

from hub.config import Config, LimitsConfig
from tests.http.conftest import Hub

MB = 1_000_000


async def rejections(hub: Hub) -> list[dict[str, Any]]:
    _, found = await hub.call("GET", "/api/v1/devices/boiler/rejections")
    listed: list[dict[str, Any]] = found["rejections"]
    return listed


async def test_readings_are_stored_when_the_answer_comes(hub: Hub) -> None:
    await hub.device()
    body = [{"ts": 1_700_000_000_000.5, "values": {"t": 1.0, "on": True, "mode": "eco"}}, {"t": 2.0}]
    assert await hub.send(body) == (200, {"accepted": 2})
    path = "/api/v1/devices/boiler/history?from=0&metric="
    assert (await hub.call("GET", path + "t"))[1]["avg"] == [1.0, 2.0]
    assert (await hub.call("GET", path + "t"))[1]["time"][0] == 1_700_000_000_000.5
    assert (await hub.call("GET", path + "on"))[1]["avg"] == [1.0]
    assert (await hub.call("GET", path + "mode"))[1]["avg"] == ["eco"]


async def test_a_repeated_sequence_number_is_accepted_and_stored_once(hub: Hub) -> None:
    await hub.device()
    assert await hub.send({"seq": 1, "values": {"t": 1.0}}) == (200, {"accepted": 1})
    assert await hub.send({"seq": 1, "values": {"t": 1.0}}) == (200, {"accepted": 1})
    await hub.send({"seq": 5, "values": {"t": 2.0}})
    assert (await hub.call("GET", "/api/v1/devices/boiler/history?metric=t"))[1]["avg"] == [1.0, 2.0]
    assert (await hub.call("GET", "/api/v1/devices/boiler"))[1]["lost"] == 3


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer hk_wrong"}, {"Authorization": "Basic eDp5"}]
)
async def test_a_wrong_key_is_refused_with_a_problem(hub: Hub, headers: dict[str, str]) -> None:
    await hub.device()
    async with hub.client.post("/api/v1/telemetry", json={"t": 1.0}, headers=headers) as response:
        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await response.json(content_type=None))["code"] == "unauthenticated"
    assert await hub.send({"t": 1.0}) == (200, {"accepted": 1})


async def test_the_word_token_before_the_key_is_as_good_as_bearer(hub: Hub) -> None:
    key = await hub.device()
    status, _ = await hub.call("POST", "/api/v1/telemetry", {"t": 1.0}, {"Authorization": f"Token {key}"})
    assert status == 200


async def test_a_revoked_key_is_refused(hub: Hub) -> None:
    key = await hub.device()
    assert (await hub.call("DELETE", f"/api/v1/devices/boiler/keys/{key.split('_')[1]}"))[0] == 204
    assert (await hub.send({"t": 1.0}))[0] == 401


async def test_an_unreadable_body_is_refused_with_where_and_kept(hub: Hub) -> None:
    await hub.device()
    async with hub.client.post("/api/v1/telemetry", data=b'{"t": 1.0, \xff}', headers=hub.key()) as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["code"], problem["accepted"]) == (400, "unreadable", 0)
    assert "column" in problem["detail"]
    [kept] = await rejections(hub)
    assert (kept["source"], kept["raw"]) == ("http", None)
    assert kept["raw_base64"]


async def test_bad_readings_are_named_and_the_good_ones_beside_them_stored(hub: Hub) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    status, problem = await hub.send([{"t": 2.0}, {"t": "warm"}, {"values": {}}, {"t": 3.0}])
    assert (status, problem["accepted"], problem["refused_count"]) == (422, 2, 2)
    assert [(one["position"], one["code"]) for one in problem["refused"]] == [(1, "type"), (2, "empty")]
    assert (await hub.call("GET", "/api/v1/devices/boiler/history?metric=t"))[1]["avg"] == [1.0, 2.0, 3.0]
    assert len(await rejections(hub)) == 2


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_ten_megabytes_is_refused_and_others_go_on(hub: Hub, chunked: bool) -> None:
    await hub.device()

    async def pieces() -> Any:
        for _ in range(10):
            yield b"[" * MB

    async with hub.device_socket() as neighbour:
        assert (await neighbour.receive_json())["type"] == "welcome"
        body = pieces() if chunked else io.BytesIO(b"[" * 10 * MB)
        async with hub.client.post("/api/v1/telemetry", data=body, headers=hub.key()) as response:
            problem = await response.json(content_type=None)
        await neighbour.send_json({"t": 1.0})
        assert (await neighbour.receive_json())["type"] == "ack"
    assert (response.status, problem["code"]) == (413, "too_large")
    assert "http.max_body_bytes" in problem["detail"]
    [kept] = await rejections(hub)
    assert (kept["code"], kept["raw"]) == ("too_large", "[" * 2048)


async def test_a_compressed_body_is_measured_as_what_it_holds(hub: Hub) -> None:
    await hub.device()
    headers = {**hub.key(), "Content-Encoding": "gzip"}
    for body, status in ((b'{"t": 1.0}', 200), (b"[" * 10 * MB, 413), (b"[" * 10, 400)):
        async with hub.client.post(
            "/api/v1/telemetry", data=gzip.compress(body), headers=headers
        ) as response:
            assert response.status == status
    async with hub.client.post("/api/v1/telemetry", data=b"no gzip", headers=headers) as response:
        assert response.status == 400


async def test_a_body_that_breaks_off_costs_only_its_own_connection(hub: Hub) -> None:
    await hub.device()
    host, port = hub.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/v1/telemetry HTTP/1.1\r\nHost: hub\r\nContent-Length: 100\r\n"
        b"Authorization: Bearer " + hub.keys["boiler"].encode() + b'\r\n\r\n{"t": '
    )
    await writer.drain()
    writer.close()
    assert await hub.send({"t": 1.0}) == (200, {"accepted": 1})
    assert await rejections(hub) == []


class TestOverTheRate:
    @pytest.fixture
    def config(self) -> Config:
        return Config(limits=LimitsConfig(readings_per_s=1, readings_burst=5))

    async def test_a_device_over_its_rate_is_told_when_to_come_back(self, hub: Hub) -> None:
        await hub.device()
        assert (await hub.send([{"t": 1.0}] * 20))[0] == 200
        async with hub.client.post("/api/v1/telemetry", json={"t": 2.0}, headers=hub.key()) as response:
            problem = await response.json(content_type=None)
        assert (response.status, problem["code"], problem["limit"]) == (429, "rate", "limits.readings_per_s")
        assert 0 < problem["retry_after_s"] <= 15
        assert 1 <= int(response.headers["Retry-After"]) <= 16
        hub.clock.ahead_s = 60.0
        assert (await hub.send({"t": 2.0}))[0] == 200


async def test_many_requests_at_once_each_get_their_answer(hub: Hub) -> None:
    await hub.device()
    answers = await asyncio.gather(*(hub.send({"n": float(number)}) for number in range(200)))
    assert answers == [(200, {"accepted": 1})] * 200


async def test_a_kept_alive_connection_goes_on_after_an_error(hub: Hub) -> None:
    await hub.device()
    async with aiohttp.ClientSession(hub.url, connector=aiohttp.TCPConnector(limit=1)) as client:
        for body, status in ((b"{", 400), (b'{"t":1}', 200), (b"[]", 422), (b'{"t":2}', 200)):
            async with client.post("/api/v1/telemetry", data=body, headers=hub.key()) as response:
                assert response.status == status


async def test_a_byte_order_mark_before_a_body_is_passed_over(hub: Hub) -> None:
    await hub.device()
    body = b'\xef\xbb\xbf{"name":"Boiler"}'
    async with hub.client.patch("/api/v1/devices/boiler", data=body, headers=hub.bearer()) as response:
        assert (response.status, (await response.json())["name"]) == (200, "Boiler")
    async with hub.client.post(
        "/api/v1/telemetry", data=b'\xef\xbb\xbf{"t":1}', headers=hub.key()
    ) as response:
        assert (response.status, await response.json()) == (200, {"accepted": 1})


async def test_a_reading_that_is_taken_in_part_is_accepted_and_what_was_not_is_named(hub: Hub) -> None:
    await hub.device()
    assert await hub.send({"t": 1.0}) == (200, {"accepted": 1})
    body = [{"t": "warm", "h": 50, "serial": 2**63 - 1}, {"t": "warm"}, {"t": "2"}]
    status, problem = await hub.call("POST", "/api/v1/telemetry", body, hub.key())
    assert (status, problem["accepted"]) == (422, 2)
    assert [(one["position"], one["code"], one.get("metric")) for one in problem["refused"]] == [
        (0, "inexact", "serial"),
        (0, "type", "t"),
        (1, "type", None),
    ]
    _, latest = await hub.call("GET", "/api/v1/devices/boiler/latest")
    assert {name: value for name, (_, value) in latest["snapshot"].items()} == {"t": 2.0, "h": 50.0}
