"""`hub devices metrics`."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import DeviceId, Json, path_of
from hub.cli.tables import plain, show_line
from hub.errors import Invalid
from hub.model import MetricType

metrics_app = typer.Typer(
    no_args_is_help=True, help="Rename a device's metrics, change their types, or remove them."
)

NAMED_MAX = 10

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
            typer.confirm(plain(f"{_lost(found)}. Go on?"), abort=True, err=True)
    if not preview:
        found = _ask(context, device_id, metric, "PATCH", body)
    if as_json:
        show_json(found)
    else:
        after = found["metric"]
        does = "would be" if preview else "is now"
        show_line(f"{metric} of {device_id} {does} {after['name']}, {after['type']}; {_lost(found)}")


@metrics_app.command("remove")
def remove_metrics(
    context: typer.Context,
    device_id: DeviceId,
    metrics: Annotated[
        list[str] | None, typer.Argument(metavar="METRIC", help="A metric's name; several may be named.")
    ] = None,
    match: Annotated[
        str, typer.Option(help="And all whose names are like this: * is any text, ? one character.")
    ] = "",
    preview: Preview = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove metrics with their history, after asking. Sent again they are new ones."""
    if not (metrics or match):
        raise Invalid("name the metrics to remove, or give a pattern of their names: --match 'v*'")
    query = [("metric", one) for one in metrics or ()] + ([("match", match)] if match else [])

    def ask(*, preview: bool) -> dict[str, Any]:
        asked = urlencode([*query, ("preview", str(preview).lower())])
        path = path_of(device_id, f"/metrics?{asked}")
        answer: dict[str, Any] = call(context, lambda client: client.call("DELETE", path))
        return answer

    if preview or not yes:
        found = ask(preview=True)
        if not preview and found["metrics"]:
            told = f"Remove {_named(found['metrics'])} of {device_id} with {found['values']} values?"
            typer.confirm(plain(told), abort=True, err=True)
    if not preview:
        found = ask(preview=False)
    if as_json:
        show_json(found)
    else:
        does = "would be" if preview else "were"
        show_line(f"{_named(found['metrics'])} of {device_id} with {found['values']} values {does} removed")


def _named(metrics: list[str]) -> str:
    """All of them, where that can be read."""
    if not metrics:
        return "no metric"
    rest = f" and {len(metrics) - NAMED_MAX} more" if len(metrics) > NAMED_MAX else ""
    return ", ".join(metrics[:NAMED_MAX]) + rest


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
