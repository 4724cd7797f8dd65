"""The `hub` command. docs/cli.md describes it, with its exit codes.

service  demo                              commands that run a hub
doctor                                     whether one can run here
devices  commands  metrics  keys  operators  audit  history  backup
rules  alerts  notification                commands that call one
journal                                    commands that look at files themselves
options                                    what stands before the command
calls                                      which hub a command is for
client                                     REST over its Unix socket
running_demo                               where a running demo is found
stopping                                   running until a signal says stop
tables, progress                           tables and bars, for people

What runs a hub, calls one or shows a table is imported when the command does so: `version` and `--help` are
instant, and a hub that runs keeps none of it in memory.
"""

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from hub import __version__
from hub.cli import (
    alerts,
    audit,
    backup,
    commands,
    devices,
    doctor,
    history,
    journal,
    keys,
    metrics,
    notification,
    operators,
    rules,
    service,
)
from hub.cli.options import Options
from hub.cli.tables import plain
from hub.errors import Failed, HubError, StoreError

WITHOUT_A_HUB = ("serve", "demo", "check", "doctor", "version")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Takes in sensor readings over MQTT, WebSocket and HTTP, stores them, and shows them live.",
    epilog="Exit codes: 0 done; 1 refused, or failed; 2 the command is not written right; "
    "3 no hub or store to work on; 70 the program made a mistake, or a part of a running hub failed: "
    "start it again.",
)
RUN, USE, KEEP = "Run a hub", "Devices, people and programs", "Readings and care"

app.command("serve", rich_help_panel=RUN)(service.serve)
app.command("demo", rich_help_panel=RUN)(service.demo)
app.command("check", rich_help_panel=RUN)(service.check)
app.command("doctor", rich_help_panel=RUN)(doctor.doctor)
app.command("login", rich_help_panel=USE)(keys.login)
devices.devices_app.command("command")(commands.send_command)
devices.devices_app.add_typer(metrics.metrics_app, name="metrics")
app.add_typer(devices.devices_app, name="devices", rich_help_panel=USE)
app.add_typer(keys.keys_app, name="keys", rich_help_panel=USE)
app.add_typer(keys.tokens_app, name="tokens", rich_help_panel=USE)
app.add_typer(rules.rules_app, name="rules", rich_help_panel=USE)
app.add_typer(alerts.alerts_app, name="alerts", rich_help_panel=USE)
app.add_typer(notification.targets_app, name="targets", rich_help_panel=USE)
app.add_typer(notification.routes_app, name="routes", rich_help_panel=USE)
app.add_typer(notification.deliveries_app, name="deliveries", rich_help_panel=USE)
app.command("audit", rich_help_panel=USE)(audit.audit)
app.add_typer(operators.operators_app, name="operators", rich_help_panel=USE)
app.add_typer(history.history_app, name="history", rich_help_panel=KEEP)
app.command("backup", rich_help_panel=KEEP)(backup.backup)
app.add_typer(journal.journal_app, name="journal", rich_help_panel=KEEP)


@app.command(rich_help_panel=KEEP)
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The configuration file. Without it: ./config.toml if there is one, else the defaults."
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Work on the demo that is running, even where there is a store.")
    ] = False,
) -> None:
    """Options of every command."""
    if demo and context.invoked_subcommand in WITHOUT_A_HUB:
        raise typer.BadParameter(
            f"`hub {context.invoked_subcommand}` asks no running hub: leave --demo out", param_hint="--demo"
        )
    context.obj = Options(config, demo)


# Modules stay, and readings are made and dropped without cycles, so looking for some after every 700 objects
# finds none. A start takes a seventh less, the path of a reading 3.0 µs instead of 3.7.
COLLECT_AFTER = (50_000, 20, 50)


def main() -> None:
    """The process of the command line."""
    gc.set_threshold(*COLLECT_AFTER)
    run(sys.argv[1:])


def run(arguments: Sequence[str]) -> NoReturn:
    """Run one command, and exit. Errors the hub raises on purpose become one line and an exit code."""
    try:
        app(list(arguments))
    except StoreError as error:
        typer.echo("hub: " + plain(str(error), "\n"), err=True)
        sys.exit(3)
    except Failed as error:
        typer.echo("hub: " + plain(str(error), "\n"), err=True)
        sys.exit(os.EX_SOFTWARE)
    except HubError as error:
        typer.echo("hub: " + plain(str(error), "\n"), err=True)
        sys.exit(1)
    except Exception:  # noqa: BLE001  # Python's own code for it, 1, says that to start again is of no use
        traceback.print_exc()
        sys.exit(os.EX_SOFTWARE)
    sys.exit(0)
