"""The `hub` command.

Exit codes: 0 done; 1 the hub refused, or it failed; 2 the command was written wrongly; 3 no hub or store to work on.
Modules of commands are imported when the command runs, so that `hub version` and `--help` are instant.
"""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub import __version__
from hub.cli import backup, devices, history, service
from hub.errors import HubError, StoreError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Sensor Hub: takes sensor readings in over MQTT, WebSocket and HTTP, keeps them, shows them live.",
)
app.add_typer(devices.devices_app, name="devices")
app.add_typer(devices.keys_app, name="keys")
app.add_typer(devices.tokens_app, name="tokens")
app.add_typer(history.history_app, name="history")
app.command("backup")(backup.backup)
app.command("login")(devices.login)
app.command("serve")(service.serve)
app.command("demo")(service.demo)
app.command("check")(service.check)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="The configuration file; ./config.toml if it is there, else the defaults."),
    ] = None,
) -> None:
    """Options of every command."""
    context.obj = config


# Modules stay, and readings are made and dropped without cycles: to look for some after every 700 objects is in vain. A start
# takes a seventh less, the path of a reading 3.0 µs instead of 3.7.
COLLECT_AFTER = (50_000, 20, 50)


def main() -> None:
    """Run the command line; errors the hub raises on purpose become one line and an exit code."""
    gc.set_threshold(*COLLECT_AFTER)
    try:
        app()
    except StoreError as error:
        typer.echo(f"hub: {error}", err=True)
        sys.exit(3)
    except HubError as error:
        typer.echo(f"hub: {error}", err=True)
        sys.exit(1)
