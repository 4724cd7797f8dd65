"""`python -m devices simulate|host|replay`."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console

from devices.client import DeviceClient
from devices.console import Stop, report, stop_at_end_of_input, stop_on_signals
from devices.errors import DeviceError
from devices.failures import read_failures
from devices.host import Host
from devices.machines import device_ids
from devices.obeying import Pace, common_methods, obey
from devices.provision import DeviceKey, DeviceMetric, Provisioner, read_keys, write_keys
from devices.replay import SHIPPED, Recording, paced
from devices.simulate import Plan, Simulation, addresses

Made = TypeVar("Made")
Show = Callable[[Callable[[], str]], Coroutine[None, None, None]]
Work = Callable[[Stop, Show], Coroutine[None, None, None]]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a key may be among them
    help="Devices for a hub: simulated machines, this machine, or a recording. Ctrl-C stops them.",
)


class TransportChoice(StrEnum):
    """How simulated devices connect."""

    MQTT = "mqtt"
    WEBSOCKET = "websocket"
    HTTP = "http"
    MIXED = "mixed"


class TimesChoice(StrEnum):
    """Which time replayed readings carry."""

    NOW = "now"
    RECORDED = "recorded"


Url = Annotated[
    str,
    typer.Option(
        "--url",
        "--hub",
        envvar="HUB_DEVICE_URL",
        help="The hub: mqtt(s)://, ws(s):// or http(s)://host:port.",
    ),
]
Key = Annotated[
    str,
    typer.Option(
        envvar="HUB_DEVICE_KEY",
        help="The device's API key. On the command line everyone on this machine can read it: "
        "set the environment variable instead.",
    ),
]
Spool = Annotated[
    Path | None,
    typer.Option(help="A file that keeps readings until they are acknowledged, over restarts too."),
]
Ca = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Trust the certificates in this PEM file.")
]
Keys = Annotated[
    Path | None,
    typer.Option(
        help="CSV with the columns id,key, as `hub devices import --output` writes it. "
        "With --token and no such file, it is written for the next time."
    ),
]
Fail = Annotated[
    str,
    typer.Option(
        help="What the first device suffers after so long: overheat@60s,dropout@90s; +20s is how long."
    ),
]
Duration = Annotated[float | None, typer.Option(min=0, help="Stop by itself after so many seconds.")]


@app.callback()
def main(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    until_eof: Annotated[
        bool,
        typer.Option("--until-eof", help="Stop when standard input ends, as with the program behind it."),
    ] = False,
) -> None:
    """Set up what is said, and how; and what ends it beside signals."""
    if until_eof:
        stop_at_end_of_input()
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(message)s")


@app.command()
def simulate(
    *,
    hub: Annotated[
        str, typer.Option(envvar="HUB_URL", help="The hub's web address.")
    ] = "http://127.0.0.1:8080",
    mqtt: Annotated[
        str | None, typer.Option(help="The hub's MQTT address; the same host, port 1883, if not given.")
    ] = None,
    keys: Keys = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="HUB_TOKEN",
            help="An operator's token: makes the devices. Others can read it on a command line.",
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many devices: 20, or all of --keys.")
    ] = None,
    transport: TransportChoice = TransportChoice.MIXED,
    rate: Annotated[float, typer.Option(min=0.001, max=1000.0, help="Readings per second and device.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same machines.")] = 1,
    duration: Duration = None,
    spool: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="A folder: devices number their readings and keep the unsent there."
        ),
    ] = None,
    fail: Fail = "",
    ca: Ca = None,
) -> None:
    """Many machines at once: pumps, chillers, fans, greenhouses, cold stores, compressors."""
    tls = _or_exit(lambda: _tls(ca))
    plan = _or_exit(
        lambda: Plan(
            addresses(hub, mqtt), transport.value, rate, seed, spool, tls=tls, failures=read_failures(fail)
        )
    )
    if spool is not None:
        spool.mkdir(parents=True, exist_ok=True)

    async def work(stop: Stop, show: Show) -> None:
        provisioner = Provisioner(plan.addresses.web, token, tls=tls) if token is not None else None
        logins = await _logins(provisioner, keys, count)
        simulation = Simulation(plan, logins)
        async with asyncio.TaskGroup() as group:
            group.create_task(show(simulation.describe))
            if provisioner is not None:
                group.create_task(_tell_units(provisioner, simulation.units(), stop))
            await simulation.run(stop)
            stop.now()
        _console().print(simulation.describe(), highlight=False, markup=False)
        if simulation.refused_keys:
            raise DeviceError(f"keys refused: {', '.join(simulation.refused_keys[:5])}")

    _run(work, duration)


async def _logins(provisioner: Provisioner | None, keys: Path | None, count: int | None) -> list[DeviceKey]:
    if keys is not None and keys.exists():
        return read_keys(keys)[:count]
    if provisioner is None:
        raise ValueError("give --keys FILE with the devices' keys, or --token to make devices")
    logins = await provisioner.devices(device_ids(count or 20))
    if keys is not None:
        write_keys(keys, logins)
    return logins


async def _tell_units(provisioner: Provisioner, metrics: list[DeviceMetric], stop: Stop) -> None:
    """A hub knows a metric from its first reading on, so ask again for those it does not know yet."""
    while metrics and not await stop.pause(1.0):
        metrics = await provisioner.units(metrics)


@app.command()
def host(
    *,
    key: Key,
    url: Url = "mqtt://127.0.0.1:1883",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between readings.")] = 2.0,
    disk: Annotated[Path, typer.Option(exists=True, help="The file system to report on.")] = Path("/"),
    spool: Spool = None,
    ca: Ca = None,
    duration: Duration = None,
) -> None:
    """This machine: processor, memory, disk, network and temperatures. It answers commands: ping, identify,
    set_interval.
    """
    device = _or_exit(lambda: _client(url, key, spool, ca))
    measuring = Host(str(disk), time.monotonic)

    pace = Pace(interval)
    methods = common_methods(pace, measuring.about)

    async def send(stop: Stop) -> None:
        async with asyncio.TaskGroup() as group:
            obeying = group.create_task(obey(device, methods, pace, measuring.about()))
            while not await stop.pause(pace.interval_s):
                await device.send(measuring.read())
            obeying.cancel()

    _run(_one_device(device, send), duration)


@app.command()
def replay(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV: timestamp,value or time,metric,…",
            show_default="the recording shipped with this",
        ),
    ] = SHIPPED,
    *,
    key: Key,
    url: Url = "mqtt://127.0.0.1:1883",
    speed: Annotated[float, typer.Option(min=0.001, help="So many times the recording's own pace.")] = 60.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    times: Annotated[
        TimesChoice, typer.Option(help="Send each reading as of now, or as recorded.")
    ] = TimesChoice.NOW,
    metric: Annotated[
        str | None, typer.Option(help="Rename the only column, or pick one of several.")
    ] = None,
    spool: Spool = None,
    ca: Ca = None,
    duration: Duration = None,
) -> None:
    """A recording, sent again; without a file, the temperature of a machine until it failed."""
    if loop and times is TimesChoice.RECORDED:
        _exit("--loop needs --times now: the second pass would repeat the first")
    if metric is None and file == SHIPPED:
        metric = "temperature"
    recording = _or_exit(lambda: Recording(file, metric))
    device = _or_exit(lambda: _client(url, key, spool, ca))

    async def send(stop: Stop) -> None:
        clock = asyncio.get_running_loop()
        began_s = clock.time()
        for due_s, moment in paced(recording, speed, loop=loop):
            if await stop.pause(began_s + due_s - clock.time()):
                return
            at_ms = moment.time_ms if times is TimesChoice.RECORDED else None
            # A recording can wait, so it does rather than lose lines: at a high speed, or while the hub is
            # away.
            await device.send(moment.values, time=at_ms, wait=True)
        stop.now()

    _run(_one_device(device, send), duration)


def _client(url: str, key: str, spool: Path | None, ca: Path | None) -> DeviceClient:
    return DeviceClient(url, key, numbered=spool is not None, spool=spool, tls=_tls(ca))


def _tls(ca: Path | None) -> ssl.SSLContext | None:
    """Raises ValueError for a file without a certificate."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise ValueError(f"{ca}: no certificate in PEM in it") from error


def _one_device(device: DeviceClient, send: Callable[[Stop], Coroutine[None, None, None]]) -> Work:
    """Run `send` with the device open, telling how it goes, until it is to stop, which `send` says itself at
    its end.
    """

    def describe() -> str:
        counts = device.counts
        parts = [
            "connected" if device.connected else "not connected",
            f"{counts.acknowledged:,} readings acknowledged",
            f"{device.waiting:,} waiting",
        ]
        if counts.refused and device.last_refusal is not None:
            parts.append(f"{counts.refused:,} refused, last: {device.last_refusal.message}")
        if counts.dropped:
            parts.append(f"{counts.dropped:,} dropped")
        if not device.connected and device.last_error is not None:
            parts.append(str(device.last_error))
        return " · ".join(parts)

    async def work(stop: Stop, show: Show) -> None:
        async with device, asyncio.TaskGroup() as group:
            group.create_task(show(describe))
            sending = group.create_task(send(stop))
            await stop.wait()
            sending.cancel()  # it may be waiting for room in a queue that a hub which is away does not empty
        _console().print(describe(), highlight=False, markup=False)

    return work


def _run(work: Work, duration_s: float | None) -> None:
    """Run to the end, or to the first signal; exit 0, or 1 with a sentence."""

    async def run() -> None:
        async with stop_on_signals(duration_s) as stop:
            await work(stop, lambda describe: report(_console(), stop, describe))

    try:
        asyncio.run(run())
    except* (DeviceError, ValueError) as errors:
        reason: BaseException = errors
        while isinstance(reason, BaseExceptionGroup):
            reason = reason.exceptions[0]
        _exit(str(reason))


def _or_exit(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except ValueError as error:
        _exit(str(error))


def _exit(sentence: str) -> NoReturn:
    Console(stderr=True).print(sentence, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1)


def _console() -> Console:
    return Console()
