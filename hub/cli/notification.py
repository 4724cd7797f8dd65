"""`hub targets`, `hub routes` and `hub deliveries`: who is told of alerts."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.keys import seconds
from hub.cli.rules import moment
from hub.cli.tables import Column, show_line, show_table
from hub.errors import HubError, Invalid

TARGETS, ROUTES, DELIVERIES = "/api/v1/targets", "/api/v1/routes", "/api/v1/deliveries"

targets_app = typer.Typer(no_args_is_help=True, help="Say by what people are told of alerts.")
routes_app = typer.Typer(no_args_is_help=True, help="Say which alerts are told to which targets.")
deliveries_app = typer.Typer(no_args_is_help=True, help="See messages: queued, sent, failed.")

TargetId = Annotated[
    int, typer.Argument(metavar="TARGET", help="Its number, as `hub targets list` shows it.")
]
RouteId = Annotated[int, typer.Argument(metavar="ROUTE", help="Its number, as `hub routes list` shows it.")]


class NotDelivered(HubError):
    """A test has not arrived."""


@targets_app.command("add")
def add_target(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    url: Annotated[
        str,
        typer.Option(help="Of Apprise: mailtos://…, ntfys://…, slack://…; - reads it from standard input."),
    ] = "",
    webhook: Annotated[str, typer.Option(help="An address that gets JSON; - reads it likewise.")] = "",
    secret: Annotated[
        str, typer.Option(help="With which webhooks are signed; - reads it from the line after that.")
    ] = "",
    person: Annotated[str, typer.Option(help="The name of an operator.")] = "",
    as_json: Json = False,
) -> None:
    """Add a target, and print its number: exactly one of --url, --webhook and --person."""
    told = {"url": _read(url), "webhook": _read(webhook), "secret": _read(secret), "person": person}
    body = {"name": name, **{key: value for key, value in told.items() if value}}
    made = call(context, lambda client: client.call("POST", TARGETS, body))
    show_json(made) if as_json else typer.echo(made["id"])


def _read(told: str) -> str:
    """What was told, or the next line of standard input: other users see what a command was called with."""
    return sys.stdin.readline().rstrip("\r\n") if told == "-" else told


@targets_app.command("list")
def list_targets(context: typer.Context, as_json: Json = False) -> None:
    """List the targets, without what is secret."""
    found = call(context, lambda client: client.call("GET", TARGETS))["targets"]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            str(one["id"]),
            one["name"],
            one["kind"],
            f"{one['address']}{', signed' if one['has_secret'] else ''}",
        )
        for one in found
    ]
    columns = (
        Column("TARGET", whole=True),
        Column("NAME"),
        Column("KIND", whole=True),
        Column("ADDRESS"),
    )
    show_table(columns, rows, "No targets: hub targets add NAME --url ntfys://TOPIC")


@targets_app.command("test")
def try_target(context: typer.Context, target_id: TargetId, as_json: Json = False) -> None:
    """Send a test, and say what came of it. Exit code 1 where it did not arrive."""
    found = call(context, lambda client: client.call("POST", f"{TARGETS}/{target_id}/test"))
    if as_json:
        show_json(found)
    if found["state"] == "sent":
        if not as_json:
            typer.echo("sent")
        return
    raise NotDelivered(f"the test is {found['state']}: {found['why'] or 'no answer yet'}")


@targets_app.command("remove")
def remove_target(context: typer.Context, target_id: TargetId) -> None:
    """Remove a target that no route leads to."""
    call(context, lambda client: client.call("DELETE", f"{TARGETS}/{target_id}"))
    typer.echo(f"removed {target_id}")


@routes_app.command("add")
def add_route(
    context: typer.Context,
    to: Annotated[list[int] | None, typer.Option("--to", help="A target; several may be named.")] = None,
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    severity: Annotated[str, typer.Option(help="Only of this severity: warning or critical.")] = "",
    label: Annotated[str, typer.Option(help="Only of rules or devices with this label: k=v.")] = "",
    group: Annotated[str, typer.Option(help="Alerts of one rule within so long are one message.")] = "30s",
    remind: Annotated[str, typer.Option(help="Tell it again so often: 1h.")] = "",
    escalate: Annotated[
        str, typer.Option(help="Tell others so long after it, if nobody acknowledges: 15m.")
    ] = "",
    escalate_to: Annotated[list[int] | None, typer.Option(help="A target for that.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="The route as JSON, as REST takes it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Have alerts told to targets, and print the route's number."""
    if file is not None:
        try:
            body = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise Invalid(f"{file}: {error}") from error
    else:
        body = {
            "name": name,
            "targets": to or [],
            "match": {"severity": [severity] if severity else None, "label": label or None},
            "group_s": seconds(group),
            "remind_s": seconds(remind) if remind else None,
            "escalate": {"after_s": seconds(escalate), "targets": escalate_to or []} if escalate else None,
        }
    made = call(context, lambda client: client.call("POST", ROUTES, body))
    show_json(made) if as_json else typer.echo(made["id"])


@routes_app.command("list")
def list_routes(context: typer.Context, as_json: Json = False) -> None:
    """List the routes, oldest first."""

    async def use(client: Any) -> tuple[Any, Any]:
        return await client.call("GET", ROUTES), await client.call("GET", TARGETS)

    routes, targets = call(context, use)
    if as_json:
        show_json(routes["routes"])
        return
    names = {one["id"]: one["name"] for one in targets["targets"]}
    rows = [
        (
            str(one["id"]),
            one["name"] if one["enabled"] else f"{one['name']} (off)".strip(),
            " ".join([*one["match"]["severity"], one["match"]["label"] or ""]).strip(),
            ", ".join(names.get(target, str(target)) for target in one["targets"]),
            _then(one, names),
        )
        for one in routes["routes"]
    ]
    columns = (
        Column("ROUTE", whole=True),
        Column("NAME"),
        Column("ALERTS"),
        Column("TO"),
        Column("THEN"),
    )
    show_table(columns, rows, "No routes: hub routes add --to TARGET")


def _then(route: dict[str, Any], names: dict[int, str]) -> str:
    """What follows while nobody acknowledges."""
    parts = [] if route["remind_s"] is None else [f"again every {route['remind_s']:g} s"]
    if escalate := route["escalate"]:
        others = ", ".join(names.get(one, str(one)) for one in escalate["targets"])
        parts.append(f"{others} after {escalate['after_s']:g} s")
    return "; ".join(parts)


@routes_app.command("remove")
def remove_route(context: typer.Context, route_id: RouteId) -> None:
    """Remove a route; what it has queued is still sent."""
    call(context, lambda client: client.call("DELETE", f"{ROUTES}/{route_id}"))
    typer.echo(f"removed {route_id}")


@deliveries_app.command("list")
def list_deliveries(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Only these: queued, sent or failed.")] = "",
    alert: Annotated[int | None, typer.Option(help="Only those about this alert.")] = None,
    limit: Annotated[int, typer.Option(help="So many, newest first.", min=1, max=1000)] = 50,
    as_json: Json = False,
) -> None:
    """List messages, newest first, and why those failed that did."""
    query = {"limit": str(limit), **({"state": state} if state else {})}
    query |= {} if alert is None else {"alert": str(alert)}
    page = call(context, lambda client: client.call("GET", DELIVERIES, query=query))
    if as_json:
        show_json(page["deliveries"])
        return
    rows = [
        (
            moment(one["made_at"]),
            one["target_name"],
            one["key"],
            f"{one['state']}, {one['tries']} tries" if one["tries"] > 1 else one["state"],
            one["why"],
        )
        for one in page["deliveries"]
    ]
    columns = (
        Column("MADE (UTC)", whole=True),
        Column("TARGET"),
        Column("MESSAGE"),
        Column("STATE"),
        Column("WHY"),
    )
    show_table(columns, rows, "No messages.")
    if page["next"] is not None:
        show_line(f"these are the newest {limit}: --limit shows more", err=True)
