import pytest

from devices.client import DeviceClient
from devices.errors import Closed
from tests.devices.peers import KEY, quick, small_hub
from tests.waiting import free_port, until


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


async def test_a_full_queue_drops_the_oldest_and_counts_it() -> None:
    port = free_port()
    async with DeviceClient(f"http://127.0.0.1:{port}", KEY, queue_max=10, backoff=quick()) as device:
        for number in range(25):
            await device.send({"n": number})
        assert device.waiting == 10
        assert device.counts.dropped == 15
        async with small_hub(port) as hub:
            await device.flush()
            # Up to half may have been on its way when the queue filled; it is the rest that was dropped from.
            assert len(hub.readings) == 10
            assert hub.seen("n")[5:] == [20, 21, 22, 23, 24]


async def test_a_full_queue_can_be_waited_for_instead() -> None:
    async with small_hub() as hub, DeviceClient(hub.http, KEY, queue_max=10, backoff=quick()) as device:
        for number in range(500):
            await device.send({"n": number}, wait=True)
        await device.flush()
        assert hub.seen("n") == list(range(500))
        assert device.counts.dropped == 0


async def test_a_reading_that_cannot_be_sent_pushes_nothing_out_of_the_queue() -> None:
    async with DeviceClient(nowhere(), KEY, queue_max=2, drain_s=0.0) as device:
        await device.send({"n": 1})
        await device.send({"n": 2})
        with pytest.raises(ValueError, match="JSON compliant"):
            await device.send({"n": float("nan")})
        assert (device.waiting, device.counts.dropped) == (2, 0)


async def test_leaving_waits_for_the_acknowledgement_of_what_is_left() -> None:
    async with small_hub() as hub:
        async with DeviceClient(hub.ws, KEY, backoff=quick()) as device:
            for number in range(100):
                await device.send({"n": number})
        assert hub.seen("n") == list(range(100))


async def test_what_is_lost_by_leaving_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with DeviceClient(nowhere(), KEY, drain_s=0.0) as device:
        await device.send({"n": 1})
    assert "1 readings were not acknowledged and are lost" in caplog.text


async def test_a_client_can_be_used_only_inside_its_block() -> None:
    device = DeviceClient(nowhere(), KEY)
    with pytest.raises(Closed):
        await device.send({"n": 1})
    async with device:
        pass
    with pytest.raises(Closed):
        await device.flush()


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    async def measure() -> None:
        async with DeviceClient(nowhere(), KEY) as device:
            await device.send({"n": 1})
            raise RuntimeError("the sensor broke")

    with pytest.raises(RuntimeError, match="the sensor broke"):
        await measure()


async def test_numbers_start_where_they_are_told_to() -> None:
    async with small_hub() as hub:
        async with DeviceClient(hub.http, KEY, numbered=True, first_seq=41) as device:
            await device.send({"n": 1})
            await device.send({"n": 2})
            with pytest.raises(ValueError, match="leave out seq"):
                await device.send({"n": 3}, seq=3)
        assert [reading["seq"] for reading in hub.readings] == [41, 42]


async def test_readings_dropped_by_a_full_queue_show_as_a_jump_in_the_numbers() -> None:
    port = free_port()
    async with DeviceClient(
        f"http://127.0.0.1:{port}", KEY, numbered=True, first_seq=1, queue_max=4, backoff=quick()
    ) as device:
        for number in range(8):
            await device.send({"n": number})
        async with small_hub(port) as hub:
            await device.flush()
            assert [reading["seq"] - 1 for reading in hub.readings] == hub.seen("n")
            assert hub.seen("n")[-2:] == [6, 7]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("ftp://hub.example", "the scheme must be"),
        ("hub.example:1883", "names no host"),
        ("mqtt://", "names no host"),
        ("mqtt://key@hub.example", "no place in a URL"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused_at_once(url: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        DeviceClient(url, KEY)


def test_settings_that_contradict_each_other_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="needs spool or first_seq"):
        DeviceClient(nowhere(), KEY, numbered=True)
    with pytest.raises(ValueError, match="first_seq goes with"):
        DeviceClient(nowhere(), KEY, first_seq=5)
    with pytest.raises(ValueError, match="queue_max"):
        DeviceClient(nowhere(), KEY, queue_max=1)


async def test_connected_tells_how_it_is() -> None:
    port = free_port()
    async with DeviceClient(f"ws://127.0.0.1:{port}", KEY, backoff=quick()) as device:
        await until(lambda: device.last_error is not None)
        assert not device.connected
        async with small_hub(port):
            await until(lambda: device.connected)
        await until(lambda: not device.connected)
