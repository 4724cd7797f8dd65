"""Readings keep coming while the broker, the hub, or both stop and start."""

import asyncio
import itertools
from pathlib import Path

from tests.bridge.house import House, running, taken
from tests.bridge.mosquitto import DEADLINE_S, Mosquitto, Publisher
from tests.waiting import until

TOPIC = "devices/boiler/telemetry"


async def test_what_is_published_while_the_hub_is_away_is_stored_when_it_is_back(
    mosquitto: Mosquitto, house: House
) -> None:
    await house.add("boiler")
    async with running(house.broker(mosquitto.port)) as broker:
        await until(lambda: broker.connected, "connected")
    assert not broker.connected

    async with Publisher.connected(mosquitto.port) as publisher:
        for n in range(100):
            publisher.publish(TOPIC, f'{{"n": {n}}}', n)
        await until(lambda: len(publisher.taken()) == 100, "published")
    async with running(house.broker(mosquitto.port)) as broker:
        await until(taken(broker, 100), "acknowledged")

        assert await house.stored("boiler") == [float(n) for n in range(100)]


class Stream:
    """Numbered readings of one device, published as fast as the broker takes them."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._numbers = itertools.count()

    def more(self) -> None:
        for n in itertools.islice(self._numbers, 1000):
            self._publisher.publish(TOPIC, f'{{"n": {n}}}', n)

    async def reached(self, count: int) -> None:
        await until(lambda: len(self._publisher.taken()) >= count, f"the broker took {count} messages")

    async def all_stored(self, house: House, count: int) -> None:
        """Wait until the broker has all, and all that it has is on disk."""
        await self.reached(count)
        async with asyncio.timeout(DEADLINE_S):
            while not self._publisher.taken() <= set(await house.stored("boiler")):
                await asyncio.sleep(0.05)
        assert set(await house.stored("boiler")) == {float(n) for n in range(count)}


async def test_every_acknowledged_message_is_stored_though_broker_and_hub_stop_and_start_mid_stream(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with Publisher.connected(mosquitto.port) as publisher:
        stream = Stream(publisher)
        async with House.open(tmp_path) as house:
            await house.add("boiler")
            async with running(house.broker(mosquitto.port, group="")) as broker:
                await until(lambda: broker.connected, "connected")
                stream.more()
                await stream.reached(200)

                await mosquitto.stop()  # the hub and the publisher lose it mid-stream
                stream.more()
                await until(lambda: not broker.connected, "the hub sees that the broker is gone")
                await mosquitto.start()
                await stream.reached(1200)

            stream.more()  # the hub's client is stopped; Mosquitto keeps what comes
            await stream.reached(2200)
            await mosquitto.stop()  # and is itself restarted with messages in its store
            await mosquitto.start()
            async with running(house.broker(mosquitto.port, group="")) as broker:
                stream.more()
                await until(taken(broker, 500), "the hub takes up what was kept")

        # The hub went down mid-stream, its stores closed; here it starts again on the same files.
        async with House.open(tmp_path) as house, running(house.broker(mosquitto.port, group="")):
            await stream.all_stored(house, 4000)


async def test_with_a_shared_subscription_too_a_hub_that_stops_and_starts_mid_stream_stores_all(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with Publisher.connected(mosquitto.port) as publisher:
        stream = Stream(publisher)
        async with House.open(tmp_path) as house:
            await house.add("boiler")
            async with running(house.broker(mosquitto.port)) as broker:
                await until(lambda: broker.connected, "connected")
                stream.more()
                await until(taken(broker, 200), "the stream runs")
            stream.more()
            await stream.reached(2000)
            # Nothing is being published: Mosquitto 2.0.11 forgets who shared a subscription.
            await mosquitto.stop()
            await mosquitto.start()
            async with running(house.broker(mosquitto.port)) as broker:
                await until(taken(broker, 500), "the hub takes up what was kept")
                stream.more()

        async with House.open(tmp_path) as house, running(house.broker(mosquitto.port)):
            await stream.all_stored(house, 3000)
