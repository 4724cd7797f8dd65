"""`hub alerts`: what rules have to tell."""

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.keys import seconds
from hub.cli.rules import moment
from hub.cli.tables import Column, show_table
from hub.errors import Invalid, NotFound

PATH = "/api/v1/alerts"
PAGE = 1000

alerts_app = typer.Typer(
    no_args_is_help=True, help="See alerts, acknowledge them, and silence them for a while."
)


class ShownAlerts(StrEnum):
    """Which alerts are listed."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ALL = "all"


@alerts_app.command("list")
def list_alerts(
    context: typer.Context,
    state: Annotated[
        ShownAlerts, typer.Option(help="Those that fire, those that are over, or all.")
    ] = ShownAlerts.FIRING,
    device: Annotated[str, typer.Option(help="Only those of this device.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=PAGE, help="So many at most.")] = 100,
    as_json: Json = False,
) -> None:
    """List alerts, newest first."""
    query = {"state": str(state), "limit": str(limit), **({"device": device} if device else {})}
    found = call(context, lambda client: client.call("GET", PATH, query=query))["alerts"]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            str(one["id"]),
            one["device"],
            one["name"],
            moment(one["opened"]),
            f"{one['severity']}, {_state(one)}",
        )
        for one in found
    ]
    columns = (
        Column("ALERT", whole=True),
        Column("DEVICE", whole=True),
        Column("NAME"),
        Column("SINCE (UTC)", whole=True),
        Column("STATE"),
    )
    show_table(columns, rows, "No alerts fire." if state is ShownAlerts.FIRING else "No alerts.")


@alerts_app.command("ack")
def acknowledge(
    context: typer.Context,
    alerts: Annotated[list[int], typer.Argument(metavar="ALERT…", help="As `hub alerts list` shows them.")],
    comment: Annotated[str, typer.Option(help="What to say with it.")] = "",
) -> None:
    """Say that somebody sees to them: nobody is reminded any more."""
    body = {"ids": alerts, "comment": comment}
    done = call(context, lambda client: client.call("POST", f"{PATH}/acknowledge", body))
    for one in done["acknowledged"]:
        typer.echo(f"acknowledged {one}")
    if done["unknown"]:
        raise NotFound(f"there is no alert {', '.join(map(str, done['unknown']))}")


@alerts_app.command("silence")
def silence(
    context: typer.Context,
    last: Annotated[str, typer.Argument(metavar="FOR", help="How long: 30m, 2h, 7d.")],
    device: Annotated[str, typer.Option(help="A device.")] = "",
    label: Annotated[str, typer.Option(help="The devices with this label, k=v.")] = "",
    rule: Annotated[int, typer.Option(help="A rule, by its number.")] = 0,
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: Json = False,
) -> None:
    """Have nobody told of a device, of what carries a label, or of a rule for a while."""
    named = {"device": device, "label": label, "rule": rule}
    chosen = {name: value for name, value in named.items() if value}
    if len(chosen) != 1:
        raise Invalid("one of --device, --label and --rule is wanted")
    until = round((time.time() + seconds(last)) * 1000)
    body: dict[str, Any] = {**chosen, "until": until, "comment": comment}
    made = call(context, lambda client: client.call("POST", "/api/v1/silences", body))
    show_json(made) if as_json else typer.echo(f"silenced until {moment(made['until'])} UTC")


def _state(one: dict[str, Any]) -> str:
    """In a word or two."""
    if one["resolved"] is not None:
        return f"until {moment(one['resolved'])}"
    marks = [
        "flapping" if one["flapping"] else "",
        "silenced" if one["silenced"] else "",
        f"seen by {one['acknowledged']['by']}" if one["acknowledged"] else "",
    ]
    return ", ".join(filter(None, marks)) or "firing"
