"""Readings through a real Mosquitto."""

import asyncio
import subprocess
from itertools import combinations
from pathlib import Path

import aiomqtt
import pytest

from hub.bridge.client import INBOX_MAX, Inbox
from hub.errors import Invalid
from hub.model import KeyRight, Presence
from tests.bridge.house import House, running, taken
from tests.bridge.mosquitto import Mosquitto, Publisher
from tests.conftest import Certificate
from tests.history.disks import full_journal
from tests.waiting import until

TOPIC = "devices/boiler/telemetry"
DYNAMIC_SECURITY = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))  # comes with Mosquitto


async def test_a_reading_published_to_the_broker_is_in_the_history_when_the_broker_may_forget_it(
    mosquitto: Mosquitto, house: House
) -> None:
    await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"temperature": 20.5}')
        await until(taken(broker, 1), "acknowledged")

        assert await house.stored("boiler", "temperature") == [20.5]


async def test_a_store_that_cannot_write_holds_back_the_acknowledgements(
    mosquitto: Mosquitto, house: House
) -> None:
    await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port, receive_max=5)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"n": 0}')
        await until(taken(broker, 1), "acknowledged")
        with full_journal(house.history):
            for n in range(1, 21):
                publisher.publish(TOPIC, f'{{"n": {n}}}', n)
            await until(lambda: len(publisher.taken()) == 20, "the broker has them all")
            await until(lambda: house.history.failure is not None, "the store says no")
            await until(lambda: broker.counts.messages == 6, "as many as may be in flight came")

            assert broker.counts.acknowledged == 1
            assert broker.connected

        await until(taken(broker, 21), "acknowledged")

        assert await house.stored("boiler") == [float(n) for n in range(21)]


async def test_what_was_never_acknowledged_comes_again_to_the_next_hub(
    mosquitto: Mosquitto, house: House
) -> None:
    await house.add("boiler")
    async with Publisher.connected(mosquitto.port) as publisher:
        with full_journal(house.history):
            async with running(house.broker(mosquitto.port)) as stopped:
                await until(lambda: stopped.connected, "connected")
                publisher.publish(TOPIC, '{"seq": 7, "values": {"n": 1}}')
                await until(lambda: stopped.counts.messages == 1, "it came")
            assert stopped.counts.acknowledged == 0

        async with running(house.broker(mosquitto.port)) as broker:
            await until(taken(broker, 1), "acknowledged by the next")

            assert await house.stored("boiler") == [1.0]


async def test_a_bad_reading_is_kept_as_a_rejection_and_the_good_ones_beside_it_are_stored(
    mosquitto: Mosquitto, house: House
) -> None:
    device, _ = await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '[{"n": 1}, {"n": "warm"}, {"n": 2}]')
        publisher.publish(TOPIC, "not json")
        publisher.publish(TOPIC, '{"n": 3}')
        await until(taken(broker, 3), "acknowledged")

        assert await house.stored("boiler") == [1.0, 2.0, 3.0]
        rejections = await house.history.rejections(device, 10)
        assert {("type", "broker"), ("unreadable", "broker")} == {(r.code, r.source) for r in rejections}
        assert b"not json" in [r.raw for r in rejections]


async def test_messages_of_unknown_devices_are_counted_and_acknowledged(
    mosquitto: Mosquitto, house: House
) -> None:
    await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish("devices/nobody/telemetry", '{"n": 1}')
        publisher.publish(TOPIC, '{"n": 2}')
        await until(taken(broker, 2), "acknowledged")

        assert broker.counts.unknown == 1
        assert await house.stored("boiler") == [2.0]


async def test_other_topics_are_taken_by_their_templates(mosquitto: Mosquitto, house: House) -> None:
    await house.add("plug")
    await house.add("pump")
    topics = ("tele/{id}/SENSOR", "plant/+/{id}/#")
    async with (
        running(house.broker(mosquitto.port, topics=topics)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish("devices/plug/telemetry", '{"n": 0}')
        publisher.publish("tele/plug/SENSOR", '{"n": 1}')
        publisher.publish("plant/hall-2/pump/motor/state", '{"n": 2}')
        await until(taken(broker, 2), "acknowledged")

        assert await house.stored("plug") == [1.0]
        assert await house.stored("pump") == [2.0]


async def test_with_device_keys_each_message_shows_its_devices_own_key(
    mosquitto: Mosquitto, house: House
) -> None:
    boiler, right = await house.add("boiler")
    _, of_another = await house.add("pump")
    async with (
        running(house.broker(mosquitto.port, device_keys=True)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"n": 1}', key=right)
        publisher.publish(TOPIC, '{"n": 2}')
        publisher.publish(TOPIC, '{"n": 3}', key=of_another)
        publisher.publish(TOPIC, '{"n": 4}', key="not a key")
        await until(taken(broker, 4), "acknowledged")
        await house.fleet.keys.revoke(boiler, house.fleet.keys.of(boiler)[0].id)
        publisher.publish(TOPIC, '{"n": 5}', key=right)
        publisher.publish(TOPIC, '{"n": 6}', key=str(await house.fleet.keys.add(boiler)))
        await until(taken(broker, 6), "acknowledged")

        assert await house.stored("boiler") == [1.0, 6.0]
        assert broker.counts.unauthenticated == 4


async def test_with_device_keys_a_key_has_to_be_for_telemetry(mosquitto: Mosquitto, house: House) -> None:
    boiler, _ = await house.add("boiler")
    sets = [frozenset(some) for count in (1, 2, 3) for some in combinations(sorted(KeyRight), count)]
    keys = [(rights, await house.fleet.keys.add(boiler, rights)) for rights in sets]
    async with (
        running(house.broker(mosquitto.port, device_keys=True)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        for number, (_, key) in enumerate(keys):
            publisher.publish(TOPIC, f'{{"n": {number}}}', key=str(key))
        await until(taken(broker, len(keys)), "acknowledged")

        may = [float(number) for number, (rights, _) in enumerate(keys) if KeyRight.TELEMETRY in rights]
        assert await house.stored("boiler") == may
        assert broker.counts.unauthenticated == len(keys) - len(may)


async def test_a_message_with_a_wrong_key_does_not_make_its_device_look_alive(
    mosquitto: Mosquitto, house: House
) -> None:
    device, _ = await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port, device_keys=True)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"n": 1}', key="wrong")
        publisher.publish(TOPIC, "not json", key="wrong")
        await until(taken(broker, 2), "acknowledged")

        assert house.roster.last_seen(device) is None
        assert house.roster.count()[Presence.NEVER_SEEN] == 1


async def test_two_hubs_of_one_group_share_the_messages(mosquitto: Mosquitto, house: House) -> None:
    await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port, "one", group="plant")) as one,
        running(house.broker(mosquitto.port, "two", group="plant")) as two,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: one.connected and two.connected, "both are connected")
        for n in range(200):
            publisher.publish(TOPIC, f'{{"n": {n}}}')
        await until(lambda: one.counts.acknowledged + two.counts.acknowledged == 200, "acknowledged")

        assert await house.stored("boiler") == [float(n) for n in range(200)]
        assert one.counts.messages > 0
        assert two.counts.messages > 0
        assert one.connected
        assert two.connected


async def test_a_device_over_its_rate_is_read_more_slowly_and_loses_nothing(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with House.open(tmp_path, readings_per_s=100, readings_burst=10) as house:
        await house.add("boiler")
        async with (
            running(house.broker(mosquitto.port, receive_max=10)) as broker,
            Publisher.connected(mosquitto.port) as publisher,
        ):
            await until(lambda: broker.connected, "connected")
            start_s = asyncio.get_running_loop().time()
            for n in range(60):
                publisher.publish(TOPIC, f'{{"n": {n}}}')
            await until(taken(broker, 60), "acknowledged")

            # 10 are free, the last 10 need not be paid for before they are taken: 40 take 0.4 s, however
            # fast the machine.
            assert asyncio.get_running_loop().time() - start_s >= 0.4
            assert await house.stored("boiler") == [float(n) for n in range(60)]


async def test_user_and_password_of_the_address_are_shown_to_the_broker(tmp_path: Path, house: House) -> None:
    subprocess.run(["mosquitto_passwd", "-c", "-b", tmp_path / "passwords", "hub", "p@ss/word"], check=True)
    lines = ("allow_anonymous false", f"password_file {tmp_path / 'passwords'}")
    async with Mosquitto.running(tmp_path, *lines) as guarded:
        right = house.broker(guarded.port, url=f"mqtt://hub:p%40ss%2Fword@127.0.0.1:{guarded.port}")
        async with running(right):
            await until(lambda: right.connected, "connected")


async def test_a_broker_that_says_no_is_asked_again_with_growing_pauses_up_to_the_limit(
    tmp_path: Path, house: House
) -> None:
    longest: list[float] = []

    def draw(low: float, high: float) -> float:
        assert low == 0.0
        longest.append(high)
        return 0.0

    async with Mosquitto.running(tmp_path, "allow_anonymous false") as guarded:
        async with running(house.broker(guarded.port, uniform=draw, backoff_max_s=1.0)) as broker:
            await until(lambda: len(longest) >= 5, "several tries")

            assert not broker.connected
        assert longest[:5] == [0.4, 0.8, 1.0, 1.0, 1.0]


async def test_a_subscription_the_broker_forbids_is_not_taken_for_a_connection(
    tmp_path: Path, house: House
) -> None:
    (tmp_path / "rules.json").write_text('{"defaultACLAccess": {"subscribe": false}}')
    (tmp_path / "rules.json").chmod(0o600)
    tries: list[float] = []

    def draw(low: float, high: float) -> float:
        tries.append(high)
        return low

    lines = (
        "allow_anonymous true",
        f"plugin {DYNAMIC_SECURITY}",
        f"plugin_opt_config_file {tmp_path / 'rules.json'}",
    )
    async with (
        Mosquitto.running(tmp_path, *lines) as guarded,
        running(house.broker(guarded.port, uniform=draw)) as broker,
    ):
        await until(lambda: len(tries) >= 2, "it tries again")

        assert not broker.connected


# paho leaves it to the garbage collector to close a socket whose TLS handshake failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_mqtts_checks_the_brokers_certificate(
    tmp_path: Path, house: House, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.add("boiler")
    lines = ("allow_anonymous true", f"certfile {certificate.path}", f"keyfile {certificate.key}")
    async with Mosquitto.running(tmp_path, *lines) as guarded:
        tries: list[float] = []

        def draw(low: float, high: float) -> float:
            tries.append(high)
            return low

        url = f"mqtts://127.0.0.1:{guarded.port}"
        async with running(house.broker(guarded.port, url=url, uniform=draw)) as broker:
            await until(lambda: len(tries) >= 2, "it tries again")
            assert not broker.connected
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        async with running(house.broker(guarded.port, url=url)) as broker:
            await until(lambda: broker.connected, "connected")


async def test_what_waits_is_bounded_whatever_a_broker_sends() -> None:
    inbox = Inbox()
    for _ in range(INBOX_MAX + 5):
        inbox.put_nowait(aiomqtt.Message(TOPIC, b"{}", 0, retain=False, mid=0, properties=None))

    assert inbox.dropped == 5
    assert inbox.qsize() == INBOX_MAX
    with pytest.raises(aiomqtt.MqttError, match="receive maximum"):
        inbox.put_nowait(aiomqtt.Message(TOPIC, b"{}", 1, retain=False, mid=7, properties=None))


async def test_a_message_of_qos_0_is_stored_too(mosquitto: Mosquitto, house: House) -> None:
    await house.add("boiler")
    async with (
        running(house.broker(mosquitto.port)) as broker,
        Publisher.connected(mosquitto.port) as publisher,
    ):
        await until(lambda: broker.connected, "connected")
        publisher.publish(TOPIC, '{"n": 1}', qos=0)
        await until(taken(broker, 1), "taken in")

        assert await house.stored("boiler") == [1.0]


def test_settings_that_cannot_work_are_refused_at_once(house: House) -> None:
    with pytest.raises(Invalid, match=r"broker\.topics"):
        house.broker(1, topics=("devices/telemetry",))
