import ssl

import pytest

from devices.client import DeviceClient
from devices.errors import KeyRefused
from devices.wire import Refusal
from tests.devices.peers import KEY, Remembering, SmallHub, quick, small_hub
from tests.waiting import free_port, until


async def test_a_reading_arrives_with_its_key_time_and_number() -> None:
    async with small_hub() as hub, DeviceClient(hub.http, KEY, backoff=quick()) as device:
        await device.send({"temperature": 20.5}, time=1451649600512, seq=17)
        await device.flush()
        assert hub.readings == [{"ts": 1451649600512, "seq": 17, "values": {"temperature": 20.5}}]
        assert hub.headers == [f"Bearer {KEY}"]
        assert device.counts.acknowledged == 1


async def test_a_reading_without_a_time_gets_the_moment_it_was_sent() -> None:
    async with (
        small_hub() as hub,
        DeviceClient(hub.http, KEY, backoff=quick(), now_ms=lambda: 1700000000123.0) as device,
    ):
        await device.send({"a": 1})
        await device.flush()
        assert [reading["ts"] for reading in hub.readings] == [1700000000123]


async def test_readings_that_gathered_go_in_one_message() -> None:
    port = free_port()
    async with DeviceClient(f"http://127.0.0.1:{port}", KEY, backoff=quick()) as device:
        for number in range(300):
            await device.send({"n": number})
        await until(lambda: device.last_error is not None)
        async with small_hub(port) as hub:
            await device.flush()
            assert hub.seen("n") == list(range(300))
            assert hub.messages == [300]


async def test_a_busy_hub_is_given_the_time_it_asks_for_and_gets_the_same_readings() -> None:
    backoff = Remembering()
    async with small_hub() as hub, DeviceClient(hub.http, KEY, backoff=backoff) as device:
        hub.post_answers.append((503, {"Retry-After": "120"}, {"detail": "starting"}))
        await device.send({"n": 1})
        await device.flush()
        assert backoff.asked == [120.0]
        assert hub.seen("n") == [1]
        assert str(device.last_error) == "HTTP 503: starting"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_readings_are_kept_while_the_hub_cannot_store_them(status: int) -> None:
    async with small_hub() as hub, DeviceClient(hub.http, KEY, backoff=quick()) as device:
        hub.post_answers.extend([(status, {}, {})] * 3)
        await device.send({"n": 1})
        await device.flush()
        assert hub.seen("n") == [1]
        assert not hub.post_answers


async def test_refused_readings_are_counted_with_the_last_reason_and_not_sent_again() -> None:
    port = free_port()
    async with DeviceClient(f"http://127.0.0.1:{port}", KEY, backoff=quick()) as device:
        for number in range(4):
            await device.send({"n": number})
        await until(lambda: device.last_error is not None)
        state = SmallHub()
        refused = [{"position": 1, "code": "range", "message": "n: 1 is above its maximum 0"}]
        state.post_answers.append((422, {}, {"title": "Invalid", "refused": refused}))
        async with small_hub(port, state) as hub:
            await device.flush()
            assert device.counts.refused == 1
            assert device.counts.acknowledged == 3
            assert device.last_refusal == Refusal(1, "range", "n: 1 is above its maximum 0")
            assert hub.readings == []


async def test_a_message_refused_whole_counts_whole() -> None:
    async with small_hub() as hub, DeviceClient(hub.http, KEY, backoff=quick()) as device:
        hub.post_answers.append((400, {}, {"title": "Unreadable", "detail": "not JSON at 1"}))
        await device.send({"n": 1})
        await device.flush()
        assert (device.counts.refused, device.counts.acknowledged) == (1, 0)
        assert device.last_refusal == Refusal(-1, "refused", "not JSON at 1")


async def test_a_message_too_large_is_sent_in_halves_and_a_lone_reading_given_up() -> None:
    port = free_port()
    async with DeviceClient(f"http://127.0.0.1:{port}", KEY, backoff=quick()) as device:
        for number in range(4):
            await device.send({"n": number})
        await until(lambda: device.last_error is not None)
        state = SmallHub()
        state.post_answers.extend([(413, {}, {})] * 3)  # 4, 2, 1
        async with small_hub(port, state) as hub:
            await device.flush()
            assert hub.seen("n") == [1, 2, 3]
            assert hub.messages == [1, 1, 1]
            assert device.counts.refused == 1
            assert device.last_refusal is not None
            assert device.last_refusal.code == "too_large"


async def test_a_wrong_key_stops_with_a_clear_error_after_one_try() -> None:
    async with small_hub() as hub:
        hub.post_answers.extend([(401, {}, {"detail": "the key is not known"})] * 5)
        async with DeviceClient(hub.http, "wrong", backoff=quick()) as device:
            await device.send({"n": 1})
            with pytest.raises(KeyRefused, match="HTTP 401: the key is not known"):
                await device.flush()
            with pytest.raises(KeyRefused):
                await device.send({"n": 2})
        assert len(hub.headers) == 1


async def test_a_wrong_key_is_told_on_the_way_out_when_no_call_told_it() -> None:
    async with small_hub() as hub:
        hub.post_answers.append((401, {}, {}))
        with pytest.raises(KeyRefused):
            async with DeviceClient(hub.http, "wrong", backoff=quick()) as device:
                await device.send({"n": 1})


async def test_another_server_at_that_address_costs_no_readings() -> None:
    async with small_hub() as hub, DeviceClient(hub.http, KEY, backoff=quick()) as device:
        hub.post_answers.extend([(404, {}, {}), (301, {"Location": "/"}, {})])
        await device.send({"n": 1})
        await device.flush()
        assert hub.seen("n") == [1]
        assert str(device.last_error) == "HTTP 301: Moved Permanently"


async def test_a_path_in_the_url_stands_before_the_hubs_own() -> None:
    async with (
        small_hub() as hub,
        DeviceClient(f"{hub.http}/elsewhere/", KEY, backoff=quick(), drain_s=0.0) as device,
    ):
        await device.send({"n": 1})
        await until(lambda: device.last_error is not None)
        assert str(device.last_error) == "HTTP 404: Not Found"
        assert device.waiting == 1


async def test_https_does_not_talk_to_a_server_without_tls() -> None:
    async with (
        small_hub() as hub,
        DeviceClient(
            hub.http.replace("http", "https"),
            KEY,
            backoff=quick(),
            drain_s=0.0,
            tls=ssl.create_default_context(),
        ) as device,
    ):
        await device.send({"n": 1})
        await until(lambda: device.last_error is not None)
        assert hub.headers == []
