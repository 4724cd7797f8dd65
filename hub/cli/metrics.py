"""`hub devices metrics`."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import DeviceId, Json, path_of
from hub.model import MetricType

metrics_app = typer.Typer(
    no_args_is_help=True, help="Rename a device's metrics, change their types, or remove them."
)

MetricName = Annotated[str, typer.Argument(metavar="METRIC", help="The metric's name.")]
Preview = Annotated[bool, typer.Option("--preview", help="Only say what would become of the stored values.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]


@metrics_app.command("edit")
def edit_metric(
    context: typer.Context,
    device_id: DeviceId,
    metric: MetricName,
    name: Annotated[str | None, typer.Option("--name", help="What it is called from now on.")] = None,
    kind: Annotated[
        MetricType | None, typer.Option("--type", help="What its values are from now on.")
    ] = None,
    preview: Preview = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Rename a metric or change its type, with its history, after asking where values would be lost."""
    wanted = {"name": name, "type": kind}
    body = {key: value for key, value in wanted.items() if value is not None}
    if preview or not yes:
        found = _ask(context, device_id, metric, "PATCH", body, preview=True)
        if not preview and found["lost"]:
            typer.confirm(f"{_lost(found)}. Go on?", abort=True, err=True)
    if not preview:
        found = _ask(context, device_id, metric, "PATCH", body)
    if as_json:
        show_json(found)
    else:
        after = found["metric"]
        does = "would be" if preview else "is now"
        typer.echo(f"{metric} of {device_id} {does} {after['name']}, {after['type']}; {_lost(found)}")


@metrics_app.command("remove")
def remove_metric(
    context: typer.Context,
    device_id: DeviceId,
    metric: MetricName,
    preview: Preview = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove a metric with its history, after asking. Sent again it is a new one."""
    if preview or not yes:
        found = _ask(context, device_id, metric, "DELETE", preview=True)
        if not preview:
            told = f"Remove {metric} of {device_id} with its {found['values']} values?"
            typer.confirm(told, abort=True, err=True)
    if not preview:
        found = _ask(context, device_id, metric, "DELETE")
    if as_json:
        show_json(found)
    else:
        does = "would be" if preview else "were"
        typer.echo(f"{found['values']} values of {metric} of {device_id} {does} removed with it")


def _ask(
    context: typer.Context,
    device_id: str,
    metric: str,
    method: str,
    body: dict[str, Any] | None = None,
    *,
    preview: bool = False,
) -> dict[str, Any]:
    path = path_of(device_id, f"/metrics/{quote(metric, safe='')}{'?preview=true' if preview else ''}")
    answer: dict[str, Any] = call(context, lambda client: client.call(method, path, body))
    return answer


def _lost(found: dict[str, Any]) -> str:
    """How many of its values do not read as the new type, and which."""
    if not found["lost"]:
        return f"all {found['values']} values stay"
    shown = ", ".join(f"{one['value']!r} ({one['count']})" for one in found["examples"])
    return (
        f"{found['lost']} of {found['values']} values are no {found['metric']['type']} and are lost: {shown}"
    )
