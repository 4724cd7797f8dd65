import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

from devices.provision import read_keys
from tests.devices.peers import KEY, SmallHub, small_hub
from tests.hub_process import HubProcess
from tests.waiting import free_port, until


async def start(*arguments: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "devices",
        *arguments,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
    )


async def ended(process: Process) -> tuple[int | None, str, str]:
    """Exit code, and what it said."""
    async with asyncio.timeout(30):
        said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


async def run(*arguments: str, **environment: str) -> tuple[int | None, str, str]:
    return await ended(await start(*arguments, **environment))


async def stopped_by(number: int, hub: SmallHub, *arguments: str) -> tuple[int | None, str, str]:
    """Started, sent a signal once readings arrive, and ended."""
    process = await start(*arguments, HUB_DEVICE_KEY=KEY)
    try:
        await until(lambda: len(hub.readings) >= 3)
        process.send_signal(number)
        return await ended(process)
    finally:
        if process.returncode is None:
            process.kill()


def keys_file(folder: Path, count: int) -> Path:
    path = folder / "keys.csv"
    path.write_text("id,key\n" + "".join(f"pump-{number},{KEY}\n" for number in range(count)))
    return path


async def test_host_sends_what_this_machine_measures_until_sigterm() -> None:
    async with small_hub() as hub:
        code, said, _ = await stopped_by(signal.SIGTERM, hub, "host", "--url", hub.ws, "--interval", "0.1")
        assert code == 0
        assert f"{len(hub.readings)} readings acknowledged · 0 waiting" in said
        assert {"cpu_percent", "memory_percent", "disk_percent"} <= set(hub.readings[0]["values"])
        assert set(hub.headers) == {f"Bearer {KEY}"}


async def test_replay_without_a_file_sends_the_shipped_temperature_until_ctrl_c() -> None:
    async with small_hub() as hub:
        code, _, complained = await stopped_by(
            signal.SIGINT, hub, "replay", "--hub", hub.http, "--speed", "6000"
        )
        assert (code, complained) == (0, "")
        assert hub.seen("temperature")[:2] == [73.96732207, 74.93588199999998]


async def test_replay_keeps_recorded_times_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time,t\n" + "".join(f"2026-01-01 12:00:{second:02d},{second}\n" for second in range(50)))
    async with small_hub() as hub:
        arguments = ["--url", hub.http, "--speed", "1000", "--times", "recorded"]
        code, said, _ = await run("replay", str(path), *arguments, HUB_DEVICE_KEY=KEY)
        assert code == 0
        assert "50 readings acknowledged · 0 waiting" in said
        assert [reading["ts"] for reading in hub.readings] == [
            1767268800000 + 1000 * second for second in range(50)
        ]


async def test_replay_gives_readings_the_time_of_their_sending_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time,t\n0,1\n1,2\n")
    async with small_hub() as hub:
        code, _, _ = await run("replay", str(path), "--url", hub.http, "--speed", "1000", HUB_DEVICE_KEY=KEY)
        assert code == 0
        assert all(reading["ts"] > 1_700_000_000_000 for reading in hub.readings)
        assert hub.seen("t") == [1, 2]


async def test_replay_of_a_file_that_is_no_recording_says_where(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time,t\n0,1\nnever,2\n")
    async with small_hub() as hub:
        code, _, complained = await run("replay", str(path), "--url", hub.http, HUB_DEVICE_KEY=KEY)
        assert code == 1
        assert "line 3: 'never' is no time" in complained
        assert "Traceback" not in complained


async def test_a_wrong_key_ends_with_a_sentence_and_not_a_traceback() -> None:
    async with small_hub() as hub:
        hub.handshake_status = 401
        code, _, complained = await run("host", "--url", hub.ws, HUB_DEVICE_KEY="wrong")
        assert code == 1
        assert complained.strip() == "HTTP 401: Invalid response status"
        assert hub.shaken == 1


async def test_a_wrong_url_ends_with_a_sentence() -> None:
    code, _, complained = await run("host", "--url", "ftp://a", HUB_DEVICE_KEY=KEY)
    assert code == 1
    assert "the scheme must be mqtt, mqtts, ws, wss, http or https" in complained


async def test_the_help_warns_of_keys_on_the_command_line() -> None:
    for command in ("host", "replay"):
        code, said, _ = await run(command, "--help", COLUMNS="200")
        assert code == 0
        assert "everyone on this machine can read it" in said


async def test_simulate_takes_the_keys_of_a_file_and_stops_after_its_duration(tmp_path: Path) -> None:
    async with small_hub() as hub:
        arguments = ["--hub", hub.http, "--keys", str(keys_file(tmp_path, 5)), "--count", "4", "--rate", "20"]
        code, said, complained = await run(
            "simulate", *arguments, "--transport", "websocket", "--duration", "3"
        )
        assert (code, complained) == (0, "")
        assert "0/4 devices connected" in said
        assert f"{len(hub.readings)} readings acknowledged · 0 waiting" in said
        assert hub.shaken == 4


async def test_simulate_flushes_on_sigterm_and_exits_0(tmp_path: Path) -> None:
    async with small_hub() as hub:
        arguments = [
            "--hub",
            hub.http,
            "--keys",
            str(keys_file(tmp_path, 2)),
            "--rate",
            "50",
            "--transport",
            "http",
        ]
        code, said, _ = await stopped_by(signal.SIGTERM, hub, "simulate", *arguments)
        assert code == 0
        assert f"{len(hub.readings)} readings acknowledged · 0 waiting" in said


async def test_simulate_without_keys_or_token_says_what_it_needs(tmp_path: Path) -> None:
    code, _, complained = await run("simulate", "--keys", str(tmp_path / "none.csv"))
    assert code == 1
    assert complained.strip() == "give --keys FILE with the devices' keys, or --token to make devices"


async def test_simulate_with_a_hub_that_is_not_there_can_be_stopped(tmp_path: Path) -> None:
    arguments = [
        "--hub",
        f"http://127.0.0.1:{free_port()}",
        "--keys",
        str(keys_file(tmp_path, 3)),
        "--duration",
        "1",
    ]
    code, said, _ = await run("simulate", *arguments, "--transport", "mixed")
    assert code == 0
    assert "0 readings acknowledged" in said


async def test_simulate_makes_its_devices_with_a_token_and_keeps_their_keys(
    tmp_path: Path, shared_hub: HubProcess
) -> None:
    keys, mqtt = tmp_path / "keys.csv", f"mqtt://127.0.0.1:{shared_hub.mqtt_port}"
    arguments = ["--hub", shared_hub.url, "--mqtt", mqtt, "--keys", str(keys), "--count", "3", "--rate", "10"]
    ids = ["pump-01", "chiller-01", "fan-01"]

    def all_have_units(said: dict[str, Any]) -> bool:
        units = {
            device["id"]: [metric["unit"] for metric in device["metrics"] if metric["name"] == "temperature"]
            for device in said["devices"]
        }
        return all(units.get(device_id) == ["°C"] for device_id in ids)

    process = await start("simulate", *arguments, HUB_TOKEN=shared_hub.token("manager"))
    try:
        await asyncio.to_thread(shared_hub.wait_for, "/api/v1/devices?limit=1000", all_have_units, 25.0)
        process.send_signal(signal.SIGTERM)
        code, said, complained = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert (code, complained) == (0, "")
    assert " · 0 waiting" in said
    assert "refused" not in said
    assert [login.id for login in read_keys(keys)] == ids
