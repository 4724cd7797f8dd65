"""`hub demo`: a hub in a scratch folder, with devices of four kinds beside it."""

import asyncio
import csv
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hub.cli.client import Client
from hub.cli.running_demo import RunningDemo, findable
from hub.cli.stopping import run_until_stopped
from hub.config import Config, HttpConfig, LogConfig, MqttConfig, StoreConfig
from hub.private_files import UMASK

if TYPE_CHECKING:
    from hub.serve import Hub

KINDS = ("pump", "chiller", "fan", "greenhouse", "cold-store", "compressor")
PLACES = ("Hall A", "Hall B", "Boiler house", "Yard", "Roof")
HOST_ID = "this-machine"
RECORDING_ID = "recorded-machine"
UNITS = {
    "temperature": "°C",
    "humidity": "%",
    "pressure": "bar",
    "vibration": "mm/s",
    "flow": "m³/h",
    "power": "kW",
    "speed": "rpm",
    "light": "lx",
}
UNITS_BY_ENDING = {"_percent": "%", "_mb": "MB", "_gb": "GB", "_kb_s": "kB/s"}
STOP_TIMEOUT_S = 3.0  # for devices to bring in what they have measured
UNITS_INTERVAL_S = 0.5
# So that there is something to see within a minute: the first machine gets too hot, and is well again; later
# it says nothing for a while.
FAILURES = "overheat@20s+25s,dropout@90s+60s"
RULES = (
    {
        "name": "A pump is too hot",
        "severity": "critical",
        "on": {"label": "kind=pump"},
        "metric": "temperature",
        "when": {"above": 80, "clear_below": 70, "for_s": 5},
        "note": "Look whether it pumps against a closed valve.",
    },
    {
        "name": "A machine is silent",
        "severity": "warning",
        "on": {"all": True},
        "metric": "temperature",
        "when": {"silent_s": 30},
    },
)
FIRST_ROUNDS = 20  # before the address is told
LATER_ROUNDS = 40


def run_demo(keep: Path | None, count: int) -> None:
    """Run until told to stop. The scratch folder goes at the end unless it was named."""
    from hub.logs import set_up_logs
    from hub.serve import serve

    with tempfile.TemporaryDirectory(prefix="sensor-hub-demo-") as scratch:
        os.umask(UMASK)
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        config = _demo_config(folder)
        set_up_logs(LogConfig(level="warning", format=config.log.format))

        @asynccontextmanager
        async def beside(hub: "Hub") -> AsyncIterator[None]:
            with findable(RunningDemo(os.getpid(), hub.url, config.data_dir)) as found:
                async with _devices(hub, folder, count, found=found):
                    yield

        run_until_stopped(lambda stop: serve(config, beside, stop))


def _demo_config(folder: Path) -> Config:
    """The defaults, on the usual ports where they are free and on free ones where not."""
    http, mqtt = HttpConfig(), MqttConfig()
    config = Config(
        store=StoreConfig(path=str(folder / "data")),
        http=http.model_copy(update={"port": _free(http.host, http.port)}),
        mqtt=mqtt.model_copy(update={"port": _free(mqtt.host, mqtt.port)}),
    )
    if config.http.port == 0 or config.mqtt.port == 0:
        typer.echo("A usual port (8080, 1883) is in use here, so the demo takes free ones.")
    return config


def _free(host: str, port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return 0
    return port


@asynccontextmanager
async def _devices(hub: "Hub", folder: Path, count: int, *, found: bool) -> AsyncIterator[None]:
    """The devices, made and started; they end before the hub does."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client.connect(hub.config.socket_path))
        keys = await _make_devices(client, count)
        await _make_rules(client)
        machines = folder / "machines.csv"
        _write_keys(machines, {one: key for one, key in keys.items() if one not in (HOST_ID, RECORDING_ID)})
        mqtt = f"mqtt://127.0.0.1:{hub.mqtt_port}"
        ways = (
            (
                "simulate",
                "",
                [
                    "--hub",
                    hub.local_url,
                    "--mqtt",
                    mqtt,
                    "--keys",
                    str(machines),
                    "--transport",
                    "mixed",
                    "--fail",
                    FAILURES,
                ],
            ),
            ("host", keys[HOST_ID], ["--url", mqtt]),
            (
                "replay",
                keys[RECORDING_ID],
                ["--url", hub.local_url.replace("http", "ws", 1), "--speed", "300", "--loop"],
            ),
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        started: list[tuple[asyncio.subprocess.Process, asyncio.Task[None]]] = []
        stack.push_async_callback(_end_all, started)
        for name, key, arguments in ways:
            log = folder / f"{name}.log"
            process = await _start(name, key, arguments, log)
            started.append((process, tasks.create_task(_watch(name, process, log))))
        units = _Units(client)
        for _ in range(FIRST_ROUNDS):  # bounded: if some do not send, the page is of use all the same
            if await units.name() == len(keys):
                break
            await asyncio.sleep(UNITS_INTERVAL_S)
        later = tasks.create_task(units.keep())
        stack.callback(later.cancel)
        await _announce(hub, len(keys), found=found)
        yield


async def _make_devices(client: Client, count: int) -> dict[str, str]:
    """Their keys by id. In a folder that was kept, those that exist get one more key."""
    wanted = [
        {
            "id": f"{kind}-{number:02d}",
            "name": f"{kind.replace('-', ' ').capitalize()} {number:02d}",
            "labels": {"place": PLACES[(number + len(kind)) % len(PLACES)], "kind": kind},
        }
        for index in range(count)
        for kind, number in [(KINDS[index % len(KINDS)], index // len(KINDS) + 1)]
    ]
    wanted.append({"id": HOST_ID, "name": "This machine", "labels": {"place": "Here", "kind": "host"}})
    wanted.append(
        {"id": RECORDING_ID, "name": "Recorded machine", "labels": {"place": "Archive", "kind": "recording"}}
    )
    known = {row["id"] async for row in client.pages("/api/v1/devices", "devices")}
    new = [one for one in wanted if one["id"] not in known]
    made = await client.call("POST", "/api/v1/devices", {"devices": new}) if new else {"devices": []}
    keys = {one["id"]: one["key"] for one in made["devices"]}
    for one in wanted:
        if one["id"] in known:
            keys[str(one["id"])] = (await client.call("POST", f"/api/v1/devices/{one['id']}/keys"))["key"]
    return keys


async def _make_rules(client: Client) -> None:
    """Two sensible ones; in a folder that was kept, those that were deleted stay so."""
    if not (await client.call("GET", "/api/v1/alerts"))["alerts"]:
        known = {one["name"] for one in (await client.call("GET", "/api/v1/rules"))["rules"]}
        for rule in RULES:
            if rule["name"] not in known:
                await client.call("POST", "/api/v1/rules", rule)


def _write_keys(path: Path, keys: dict[str, str]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="") as lines:
        csv.writer(lines).writerows([("id", "key"), *keys.items()])


async def _start(name: str, key: str, arguments: list[str], log: Path) -> asyncio.subprocess.Process:
    with log.open("w") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "devices", "--until-eof", name, *arguments),
            env={**os.environ, **({"HUB_DEVICE_KEY": key} if key else {})},
            stdin=asyncio.subprocess.PIPE,  # nothing is written: its end tells them that the demo is gone
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the hub, which then ends them in order
        )


async def _watch(name: str, process: asyncio.subprocess.Process, log: Path) -> None:
    """Devices that end by themselves are told of, with their last words."""
    code = await process.wait()
    words = log.read_text(errors="replace").strip().splitlines()[-3:]
    typer.echo(f"`devices {name}` ended ({code}): {' '.join(words)}", err=True)


async def _end_all(started: Sequence[tuple[asyncio.subprocess.Process, "asyncio.Task[None]"]]) -> None:
    await asyncio.gather(*(_end(process, watch) for process, watch in started))


async def _end(process: asyncio.subprocess.Process, watch: "asyncio.Task[None]") -> None:
    watch.cancel()
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


class _Units:
    """Gives each metric its unit, as an operator would, once a device has sent it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._named: set[tuple[str, str]] = set()

    async def name(self) -> int:
        """Name what is new; how many devices have sent something."""
        sent = 0
        async for device in self._client.pages("/api/v1/devices", "devices"):
            sent += bool(device["metrics"])
            for metric in device["metrics"]:
                unit, place = _unit(metric["name"]), (device["id"], metric["name"])
                if unit and place not in self._named:
                    self._named.add(place)
                    path = f"/api/v1/devices/{device['id']}/metrics/{metric['name']}"
                    await self._client.call("PUT", path, {"unit": unit, "minimum": None, "maximum": None})
        return sent

    async def keep(self) -> None:
        """Some metrics come later, such as rates, which need two looks at a counter."""
        for _ in range(LATER_ROUNDS):
            await asyncio.sleep(UNITS_INTERVAL_S)
            await self.name()


def _unit(name: str) -> str | None:
    if name in UNITS:
        return UNITS[name]
    return next((unit for ending, unit in UNITS_BY_ENDING.items() if name.endswith(ending)), None)


async def _announce(hub: "Hub", count: int, *, found: bool) -> None:
    typer.echo(
        f"{count} devices are sending: simulated machines (MQTT, WebSocket, HTTP), this machine, a recording."
    )
    typer.echo(f"\n    {await hub.login_link()}\n")
    typer.echo(f"The link logs you in, once. Later on {hub.url} is enough.")
    if found:
        typer.echo("Commands typed in another terminal find the demo: `hub login`, `hub devices list`.")
    else:
        typer.echo(f"Commands for it: HUB__STORE__PATH={hub.config.data_dir} hub login")
    typer.echo("Ctrl-C stops everything.")
    sys.stdout.flush()
