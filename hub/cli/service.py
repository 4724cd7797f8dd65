"""`hub serve`, `hub demo`, `hub check`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.options import Options
from hub.cli.stopping import run_until_stopped
from hub.private_files import UMASK

if TYPE_CHECKING:
    from hub.serve import Hub


def serve(context: typer.Context) -> None:
    """Run the hub until Ctrl-C or SIGTERM. Where there is no store yet, it makes one."""
    config = Options.of(context).config()
    from hub.logs import set_up_logs
    from hub.serve import serve as run_hub

    set_up_logs(config.log)
    os.umask(UMASK)
    # Until there is something to reload: the files are read at the start anyway.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run_until_stopped(lambda stop: run_hub(config, _announced, stop))


@asynccontextmanager
async def _announced(hub: "Hub") -> AsyncIterator[None]:
    if await hub.rooms.operators.has_admin():  # a log is read by more people than may come in
        typer.echo(f"The page:  {hub.url}  (`hub login` prints a link that logs you in)")
    else:
        typer.echo(f"The page:  {await hub.login_link()}")
        typer.echo(
            f"           (the link logs you in, once; `hub login` prints another; later {hub.url} will do)"
        )
    if hub.mqtt_port is not None:
        typer.echo(
            f"Devices:   mqtt port {hub.mqtt_port}, or {hub.url}/api/v1/telemetry; "
            "`hub devices add ID` makes a key"
        )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, _hung_up, hub, os.isatty(0))
    typer.echo("Ready. Ctrl-C stops it.")
    sys.stdout.flush()
    yield
    loop.remove_signal_handler(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _hung_up(hub: "Hub", from_terminal: bool) -> None:
    """Read the certificate again; or stop, where the signal says that the terminal has been closed."""
    if from_terminal and not os.isatty(0):
        signal.raise_signal(signal.SIGTERM)
    else:
        hub.reload()


def check(context: typer.Context) -> None:
    """Check the configuration: say that it is right, or all that is wrong in it."""
    config = Options.of(context).config()
    if config.broker.url:
        from hub.bridge.target import Target

        Target.read(config.broker, "check")
    if config.auth.oidc:
        from hub.http.oidc.provider import read_secret

        for provider in config.auth.oidc:
            read_secret(provider)
    typer.echo(
        f"ok: the page on {config.http.host}:{config.http.port}, stores in {config.data_dir.resolve()}"
    )


def demo(
    context: typer.Context,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep the store in this folder, for the next time; without it, it is removed at the end."
        ),
    ] = None,
    devices: Annotated[int, typer.Option(min=20, max=5000, help="How many machines to simulate.")] = 24,
) -> None:
    """Run a hub with simulated devices, and print a link to its page. Only --keep leaves anything of it."""
    del context  # the demo runs on the embedded defaults
    from hub.cli.demo import run_demo

    run_demo(keep, devices)
