import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from devices.client import DeviceClient
from devices.console import Stop
from devices.machines import Machine
from devices.obeying import Pace, obey
from devices.provision import DeviceKey
from devices.simulate import Addresses, Plan, QuietSpell, Simulation, addresses, methods_of
from tests.devices.peers import KEY, Mosquitto, SmallHub, Watcher, quick, small_hub, stopping
from tests.waiting import free_port, until


def logins(*ids: str) -> list[DeviceKey]:
    return [DeviceKey(device_id, f"hk_{device_id}") for device_id in ids]


def test_the_hubs_web_address_gives_the_others() -> None:
    plain = addresses("http://127.0.0.1:8080/", None)
    assert [plain.url(transport) for transport in ("mqtt", "websocket", "http")] == [
        "mqtt://127.0.0.1:1883",
        "ws://127.0.0.1:8080",
        "http://127.0.0.1:8080",
    ]
    assert addresses("https://hub.example", None).url("mqtt") == "mqtts://hub.example:8883"
    assert addresses("https://hub.example", None).url("websocket") == "wss://hub.example"
    assert addresses("http://[::1]:80", None).url("mqtt") == "mqtt://[::1]:1883"
    assert addresses("http://a", "mqtt://b:5").url("mqtt") == "mqtt://b:5"
    with pytest.raises(ValueError, match="looks like"):
        addresses("127.0.0.1:8080", None)


async def test_mixed_devices_arrive_over_all_three_transports(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with stopping(broker):
        await broker.start()
        watcher = Watcher(broker.port, "v1/devices/me/telemetry")
        with stopping(watcher):
            await watcher.start()
            async with small_hub() as hub:
                plan = Plan(
                    Addresses(hub.http, broker.url), "mixed", rate_hz=20.0, seed=1, start_within_s=0.0
                )
                simulation = Simulation(plan, logins("pump-01", "greenhouse-01", "fan-01"))
                stop = Stop()
                async with asyncio.TaskGroup() as group:
                    group.create_task(simulation.run(stop))
                    await until(lambda: len(watcher.messages) > 5)
                    await until(lambda: len(hub.readings) > 20)
                    await until(lambda: {frozenset(r["values"]) for r in hub.readings} >= {GREENHOUSE, FAN})
                    assert simulation.describe().startswith("3/3 devices connected · ")
                    stop.now()
    said = json.loads(watcher.messages[0].payload)
    first = said[0] if isinstance(said, list) else said  # several at once, where they had to wait
    assert set(first["values"]) == PUMP
    assert set(hub.headers) == {"Bearer hk_greenhouse-01", "Bearer hk_fan-01"}


PUMP = frozenset({"temperature", "pressure", "vibration", "flow", "state"})
GREENHOUSE = frozenset({"temperature", "humidity", "light", "door_open"})
FAN = frozenset({"speed", "vibration", "temperature"})


async def simulated(seed: int, count: int) -> list[dict[str, Any]]:
    """The first readings of one machine that starts at a given time."""
    async with small_hub() as hub:
        plan = Plan(Addresses(hub.http, ""), "http", rate_hz=100.0, seed=seed, start_within_s=0.0)
        stop = Stop()
        async with asyncio.TaskGroup() as group:
            group.create_task(Simulation(plan, logins("pump-01"), lambda: 1_000_000.0).run(stop))
            await until(lambda: len(hub.readings) >= count)
            stop.now()
        return hub.readings[:count]


async def test_the_same_seed_sends_the_same_readings() -> None:
    first = await simulated(1, 20)
    assert first == await simulated(1, 20)
    assert first != await simulated(2, 20)
    assert [reading["ts"] for reading in first] == [1_000_000 + 10 * number for number in range(20)]


async def test_everything_measured_before_the_stop_is_sent_and_numbered(tmp_path: Path) -> None:
    async with small_hub() as hub:
        plan = Plan(
            Addresses(hub.http, ""), "websocket", rate_hz=200.0, seed=1, spool=tmp_path, start_within_s=0.0
        )
        simulation = Simulation(plan, logins("pump-01"))
        stop = Stop()
        async with asyncio.TaskGroup() as group:
            group.create_task(simulation.run(stop))
            await until(lambda: len(hub.readings) >= 50)
            stop.now()
        assert " · 0 waiting" in simulation.describe()
        assert [reading["seq"] for reading in hub.readings] == list(range(1, len(hub.readings) + 1))


async def test_a_refused_key_ends_that_device_and_no_other() -> None:
    async with small_hub() as hub:
        hub.post_answers.append((401, {}, {"detail": "revoked"}))
        plan = Plan(Addresses(hub.http, ""), "http", rate_hz=20.0, seed=1, start_within_s=0.0)
        simulation = Simulation(plan, logins("pump-01", "pump-02"))
        stop = Stop()
        async with asyncio.TaskGroup() as group:
            group.create_task(simulation.run(stop))
            await until(lambda: len(hub.readings) > 10)
            stop.now()
        assert len(simulation.refused_keys) == 1
        assert simulation.describe().endswith("1 keys refused")


async def test_when_all_keys_are_refused_the_simulation_ends_by_itself() -> None:
    async with small_hub() as hub:
        hub.handshake_status = 401
        plan = Plan(Addresses(hub.http, ""), "websocket", rate_hz=20.0, seed=1, start_within_s=0.0)
        simulation = Simulation(plan, logins("pump-01", "pump-02"))
        async with asyncio.timeout(20):
            await simulation.run(Stop())
        assert sorted(simulation.refused_keys) == ["pump-01", "pump-02"]


async def test_a_simulated_machine_answers_commands() -> None:
    async with (
        small_hub() as hub,
        DeviceClient(hub.ws, KEY, backoff=quick()) as device,
        asyncio.TaskGroup() as group,
    ):
        pace, silence = Pace(1.0), QuietSpell(lambda: 0.0)
        methods = methods_of(Machine("fan", Random(1)), pace, silence)
        obeying = group.create_task(obey(device, methods, pace, {"model": "fan"}))
        await until(lambda: device.connected)
        asked: list[tuple[str, object]] = [
            ("identify", None),
            ("explode", None),
            ("set_interval", {"interval_s": 0.5}),
            ("set_interval", {"interval_s": 0}),
            ("fall_silent", {"seconds": 5}),
        ]
        for number, (method, params) in enumerate(asked):
            await hub.sockets[0].send_json(
                {"type": "command", "id": number, "method": method, "params": params}
            )
        await until(lambda: len(hub.responses) == len(asked))
        wished = {"interval_s": 2, "place": "hall"}
        await hub.sockets[0].send_json({"type": "attributes", "values": wished})
        await until(lambda: reported(hub)[-1] == wished)
        await hub.sockets[0].send_json({"type": "attributes", "values": {"interval_s": "often", "a": 1}})
        await until(lambda: reported(hub)[-1] == {"a": 1})
        obeying.cancel()
    answers = [one["response"] for one in hub.responses]
    assert answers[0] == {"kind": "fan", "simulated": True}
    assert "no command 'explode'" in answers[1]["error"]
    assert (answers[2], "interval_s" in answers[3]["error"]) == ({"interval_s": 0.5}, True)
    assert (answers[4], bool(silence), pace.interval_s) == ({"silent_s": 5}, True, 2.0)
    assert [one["name"] for one in reported(hub)[0]["methods"]] == [one.name for one in methods]
    assert {"interval_s": 0.5} in reported(hub)
    acknowledged = [one["id"] for one in hub.said if one["type"] == "ack"]
    assert acknowledged == list(range(len(asked)))


def reported(hub: SmallHub) -> list[dict[str, Any]]:
    return [one["values"] for one in hub.said if one["type"] == "attributes"]


async def test_a_hub_that_is_away_at_the_start_gets_everything_later() -> None:
    port = free_port()
    plan = Plan(Addresses(f"http://127.0.0.1:{port}", ""), "http", rate_hz=50.0, seed=1, start_within_s=0.0)
    simulation = Simulation(plan, logins("pump-01"), lambda: 0.0)
    stop = Stop()
    async with asyncio.TaskGroup() as group:
        group.create_task(simulation.run(stop))
        await until(lambda: "0 readings acknowledged" in simulation.describe())
        async with small_hub(port) as hub:
            await until(lambda: len(hub.readings) > 60)
            assert hub.readings[0]["ts"] == 0
            stop.now()
            await until(lambda: " 0 waiting" in simulation.describe())
