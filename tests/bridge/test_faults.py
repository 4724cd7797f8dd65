"""What the hub's place at a broker does when something behind it, or before it, fails."""

import asyncio
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from tests.bridge.house import House, running, taken
from tests.bridge.mosquitto import Mosquitto, Publisher
from tests.captured_logs import captured_logs
from tests.mqtt.rooms import SlowDisk
from tests.waiting import free_port, until

TOPIC = "devices/boiler/telemetry"


@contextmanager
def no_files_left() -> Iterator[None]:
    """This process can open nothing more."""
    lowest_free = os.dup(0)
    os.close(lowest_free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def no_file_for_tls() -> Iterator[None]:
    """The file that TLS is told to write its keys to cannot be opened."""
    os.environ["SSLKEYLOGFILE"] = "/nowhere/keys"
    try:
        yield
    finally:
        del os.environ["SSLKEYLOGFILE"]


@pytest.mark.parametrize(
    ("scheme", "fault", "why"),
    [
        ("mqtt", no_files_left, "Too many open files"),
        ("mqtts", no_files_left, "Too many open files"),
        ("mqtts", no_file_for_tls, "No such file or directory"),
    ],
)
async def test_without_a_file_for_the_connection_it_goes_on_trying(
    house: House, scheme: str, fault: Callable[[], AbstractContextManager[None]], why: str
) -> None:
    tries: list[float] = []

    def draw(low: float, high: float) -> float:
        tries.append(high)
        return low

    broker = house.broker(1, uniform=draw, url=f"{scheme}://127.0.0.1:{free_port()}")
    with captured_logs() as logs, fault():
        task = asyncio.create_task(broker.run())
        await until(lambda: len(tries) >= 3 or task.done(), "it tries again")
        assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert any(why in log["why"] for log in logs if log["event"] == "no connection to the broker")


async def test_what_the_store_gives_up_on_comes_again_with_the_next_connection(
    mosquitto: Mosquitto, house: House
) -> None:
    await house.add("boiler")
    disk = SlowDisk(house.ingest)
    async with (
        running(replace(house, ingest=disk).broker(mosquitto.port)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"n": 1}')
        await until(lambda: broker.counts.messages == 1, "it came")
        assert disk.held is not None
        disk.held.abandon()
        disk.held = None
        await until(lambda: broker.counts.messages == 2, "it comes again")
        assert broker.counts.acknowledged == 0
        disk.let_go()
        await until(taken(broker, 1), "acknowledged")


async def test_a_stopping_hub_acknowledges_what_is_stored_in_time(mosquitto: Mosquitto, house: House) -> None:
    await house.add("boiler")
    disk = SlowDisk(house.ingest)
    broker = replace(house, ingest=disk).broker(mosquitto.port)
    async with Publisher.connected(mosquitto.port) as publisher:
        task = asyncio.create_task(broker.run())
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"n": 1}')
        await until(lambda: broker.counts.messages == 1, "it came")
        task.cancel()
        await asyncio.sleep(0)
        assert (broker.counts.acknowledged, task.done()) == (0, False)
        disk.let_go()
        await asyncio.wait([task])
        assert broker.counts.acknowledged == 1
