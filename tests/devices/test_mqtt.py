import json
import ssl
import subprocess
from pathlib import Path

import pytest

from devices.client import DeviceClient
from devices.errors import KeyRefused
from tests.conftest import Certificate
from tests.devices.peers import KEY, Mosquitto, Watcher, quick, stopping
from tests.waiting import until

TELEMETRY = "v1/devices/me/telemetry"


async def test_a_reading_arrives_on_the_telemetry_topic_with_qos_1(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with stopping(broker):
        await broker.start()
        watcher = Watcher(broker.port, TELEMETRY)
        with stopping(watcher):
            await watcher.start()
            async with DeviceClient(broker.url, KEY, backoff=quick()) as device:
                await device.send({"temperature": 20.5, "state": "running"}, time=1451649600512, seq=17)
                await device.flush()
                await until(lambda: watcher.messages)
        message = watcher.messages[0]
        assert message.qos == 1
        assert json.loads(message.payload) == {
            "ts": 1451649600512,
            "seq": 17,
            "values": {"temperature": 20.5, "state": "running"},
        }


async def test_nothing_is_lost_when_the_broker_stops_and_starts_mid_stream(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with stopping(broker):
        await broker.start()
        watcher = Watcher(broker.port, TELEMETRY)
        with stopping(watcher):
            await watcher.start()
            async with DeviceClient(broker.url, KEY, backoff=quick(), drain_s=20.0) as device:
                for number in range(6_000):
                    await device.send({"n": number}, wait=True)
                    if number in {1_500, 3_500}:
                        await until(lambda: device.counts.acknowledged > 1_000)
                        broker.stop()
                        await until(lambda: not device.connected)
                    elif number in {2_500, 4_500}:
                        await broker.start()
                        await until(lambda: device.connected)
                await device.flush()
                assert device.counts.connections >= 3
                assert device.counts.dropped == 0
                await until(lambda: len(set(watcher.values("n"))) == 6_000)


async def test_readings_that_gathered_while_away_go_in_few_messages(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with stopping(broker):
        async with DeviceClient(broker.url, KEY, backoff=quick()) as device:
            for number in range(1_000):
                await device.send({"n": number})
            await broker.start()
            watcher = Watcher(broker.port, TELEMETRY)
            with stopping(watcher):
                await watcher.start()
                for number in range(1_000, 2_000):
                    await device.send({"n": number})
                await device.flush()
                await until(lambda: 1_999 in watcher.values("n"))
                assert device.counts.acknowledged == 2_000


async def test_a_broker_that_takes_only_small_packets_gets_small_ones(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous true\nmax_packet_size 400")
    with stopping(broker):
        async with DeviceClient(broker.url, KEY, backoff=quick()) as device:
            for number in range(200):
                await device.send({"n": number})
            await broker.start()
            await device.flush()
            assert device.counts.acknowledged == 200
            assert device.counts.connections == 1


async def test_a_wrong_key_stops_with_a_clear_error_after_one_try(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "someone", "secret"], check=True)
    broker = Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}")
    with stopping(broker):
        await broker.start()
        async with DeviceClient(broker.url, "hk_wrong", backoff=quick()) as device:
            await device.send({"n": 1})
            with pytest.raises(KeyRefused, match=r"Not authorized \(0x87\)"):
                await device.flush()
        tries = (tmp_path / "mosquitto.log").read_text().count("New connection")
        assert tries <= 2  # the one that saw the broker start, and the device's


async def test_a_refused_topic_is_a_refusal_with_the_brokers_reason(tmp_path: Path) -> None:
    rights = tmp_path / "acl"
    rights.write_text("topic read #\n")
    broker = Mosquitto(tmp_path, f"allow_anonymous true\nacl_file {rights}")
    with stopping(broker):
        await broker.start()
        async with DeviceClient(broker.url, KEY, backoff=quick()) as device:
            await device.send({"n": 1})
            await device.flush()
            assert (device.counts.refused, device.counts.acknowledged) == (1, 0)
            assert device.last_refusal is not None
            assert device.last_refusal.code == "mqtt_0x87"
            assert device.connected


async def test_a_command_comes_by_its_topic_and_its_answer_goes_back(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with stopping(broker):
        await broker.start()
        watcher = Watcher(broker.port, "v1/devices/me/rpc/response/+")
        with stopping(watcher):
            await watcher.start()
            async with DeviceClient(broker.url, KEY, backoff=quick()) as device:
                asked = device.commands()
                first = anext(asked)
                # Retained, so that it is there whenever the device subscribes.
                watcher.say("v1/devices/me/rpc/request/42", '{"method":"set_rate","params":{"rate_hz":2}}')
                command = await first
                assert (command.id, command.method, command.params) == ("42", "set_rate", {"rate_hz": 2})
                await command.answer({"ok": True})
                await until(lambda: watcher.messages)
                await asked.aclose()  # type: ignore[attr-defined]
            assert watcher.messages[0].topic == "v1/devices/me/rpc/response/42"
            assert json.loads(watcher.messages[0].payload) == {"ok": True}


async def test_the_device_says_goodbye(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous true\nlog_type all")
    with stopping(broker):
        await broker.start()
        async with DeviceClient(broker.url, KEY, backoff=quick()) as device:
            await until(lambda: device.connected)
        await until(lambda: "Received DISCONNECT" in (tmp_path / "mosquitto.log").read_text())


async def test_mqtts_works_with_a_trusted_certificate_and_not_without(
    tmp_path: Path, certificate: Certificate
) -> None:
    broker = Mosquitto(
        tmp_path, f"allow_anonymous true\ncertfile {certificate.path}\nkeyfile {certificate.key}"
    )
    with stopping(broker):
        await broker.start()
        url = broker.url.replace("mqtt", "mqtts")
        async with DeviceClient(url, KEY, backoff=quick(), drain_s=0.0) as stranger:
            await until(lambda: stranger.last_error is not None)
            assert "certificate verify failed" in str(stranger.last_error)
        trusted = ssl.create_default_context(cafile=certificate.path)
        async with DeviceClient(url, KEY, backoff=quick(), tls=trusted) as device:
            for number in range(3_000):
                await device.send({"n": number, "text": "x" * 50})
            await device.flush()
            assert device.counts.acknowledged == 3_000
