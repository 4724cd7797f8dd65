"""`hub devices`."""

import csv
import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from hub.cli.calls import call, show_json
from hub.cli.progress import shown_progress
from hub.cli.tables import Column, plain, show_line, show_table
from hub.errors import Invalid

devices_app = typer.Typer(
    no_args_is_help=True, help="Add, list, show and remove devices, one at a time or many from a file."
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DeviceId = Annotated[str, typer.Argument(metavar="ID", help="The device's id.")]
IMPORT_CHUNK = 1000


def path_of(device_id: str, rest: str = "") -> str:
    """Where REST has the device, and what is below it."""
    return f"/api/v1/devices/{quote(device_id, safe='')}{rest}"


def _when(ms: float | None) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if ms else "never"


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, value = part.partition("=")
        if not equals:
            raise Invalid(f"labels are written k=v;k=v, got {part!r}")
        labels[key.strip()] = value.strip()
    return labels


def _labels_text(labels: dict[str, str]) -> str:
    return ";".join(f"{key}={value}" for key, value in labels.items())


@devices_app.command("add")
def add_device(
    context: typer.Context,
    device_id: DeviceId,
    name: Annotated[str, typer.Option(help="What people call it; without it, its id.")] = "",
    labels: Annotated[str, typer.Option(help="Such as hall=A;floor=2")] = "",
    as_json: Json = False,
) -> None:
    """Add a device, and print its API key, which is not shown again."""
    body = {"id": device_id, "name": name, "labels": _labels(labels)}
    made = call(context, lambda client: client.call("POST", "/api/v1/devices", body))
    if as_json:
        show_json(made)
    else:
        typer.echo(made["key"])
        typer.echo(
            f"Added {typer.style(device_id, bold=True)}. This is its key; it is not shown again.", err=True
        )


@devices_app.command("list")
def list_devices(context: typer.Context, as_json: Json = False) -> None:
    """List all devices, with their state."""

    async def use(client: Any) -> list[dict[str, Any]]:
        return [row async for row in client.pages("/api/v1/devices", "devices")]

    found = call(context, use)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["presence"].replace("_", " "),
            _when(one["last_seen"]),
            _labels_text(one["labels"]),
        )
        for one in found
    ]
    columns = (
        Column("ID", whole=True),
        Column("NAME"),
        Column("PRESENCE", whole=True),
        Column("LAST SEEN (UTC)", whole=True),
        Column("LABELS"),
    )
    show_table(columns, rows, "No devices yet: hub devices add ID")


@devices_app.command("show")
def show_device(context: typer.Context, device_id: DeviceId, as_json: Json = False) -> None:
    """Show one device: its state, settings and latest values."""

    async def use(client: Any) -> dict[str, Any]:
        return {
            **await client.call("GET", path_of(device_id)),
            **await client.call("GET", path_of(device_id, "/latest")),
        }

    found = call(context, use)
    if as_json:
        show_json(found)
        return
    presence = found["presence"].replace("_", " ")
    show_line(f"{found['id']}  {found['name']}  {presence}  {_labels_text(found['labels'])}")
    if kept := _retention_text(found["retention"]):
        typer.echo(f"kept: {kept}")
    if repeated := _repeated_text(device_id, found["sequence"]):
        typer.echo(repeated)
    metrics = {metric["name"]: metric for metric in found["metrics"]}
    rows = [
        (
            name,
            _value_text(value, metrics.get(name, {})),
            _when(time),
            _range_text(metrics.get(name, {})),
            _thresholds_text(metrics.get(name, {})),
        )
        for name, (time, value) in found["snapshot"].items()
    ]
    columns = (
        Column("METRIC", whole=True),
        Column("LATEST"),
        Column("TIME (UTC)", whole=True),
        Column("ALLOWED"),
        Column("THRESHOLDS"),
    )
    show_table(columns, rows, "No readings yet.")


def _repeated_text(device_id: str, sequence: dict[str, Any]) -> str:
    """What becomes of its readings while nothing else comes; "" where all is well."""
    if not sequence["repeated"]:
        return ""
    return (
        f"{sequence['repeated']} readings since {_when(sequence['repeated_since'])} were acknowledged "
        "and dropped as "
        f"repeated: their seq is not above {sequence['highest']}. If the device counts again: "
        f"hub devices reset-sequence {device_id}"
    )


def _value_text(value: float | str | bool, metric: dict[str, Any]) -> str:
    decimals = metric.get("decimals")
    shown = f"{value:.{decimals}f}" if decimals is not None and isinstance(value, float) else str(value)
    return f"{shown} {metric.get('unit') or ''}".strip()


def _range_text(metric: dict[str, Any]) -> str:
    minimum, maximum = metric.get("minimum"), metric.get("maximum")
    parts = [
        f"from {minimum:g}" if minimum is not None else "",
        f"to {maximum:g}" if maximum is not None else "",
    ]
    return " ".join(filter(None, parts))


def _thresholds_text(metric: dict[str, Any]) -> str:
    bounds = metric.get("thresholds", {})
    said = []
    for severity in ("warning", "critical"):
        low, high = bounds.get(f"{severity}_low"), bounds.get(f"{severity}_high")
        sides = [
            f"below {low:g}" if low is not None else "",
            f"above {high:g}" if high is not None else "",
        ]
        if any(sides):
            said.append(f"{severity} " + " or ".join(filter(None, sides)))
    return "; ".join(said)


def _retention_text(retention: dict[str, float | None]) -> str:
    """What is set of the device itself; nothing where all is as the configuration says."""
    tiers = {"raw_s": "readings", "minute_s": "minutes", "hour_s": "hours"}
    said = []
    for tier, words in tiers.items():
        span_s = retention[tier]
        if span_s is not None:
            said.append(f"{words} for ever" if span_s == 0 else f"{words} {span_s / 86_400:g} days")
    return ", ".join(said)


@devices_app.command("remove")
def remove_device(
    context: typer.Context,
    device_id: DeviceId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Remove a device with its keys and all its readings, after asking."""
    if not yes:
        found = call(context, lambda client: client.call("GET", path_of(device_id)))
        typer.confirm(
            plain(f"Remove {_called(found)} with its keys and all its readings?"), abort=True, err=True
        )
    call(context, lambda client: client.call("DELETE", path_of(device_id)))
    typer.echo(f"removed {device_id}")


@devices_app.command("reset-sequence")
def reset_sequence(context: typer.Context, device_id: DeviceId) -> None:
    """Take the device's next `seq` as its first, where its readings are dropped as repeated."""
    call(context, lambda client: client.call("DELETE", f"{path_of(device_id)}/sequence"))
    typer.echo(f"the next seq of {device_id} is taken as its first")


def _called(device: dict[str, Any]) -> str:
    """Its id, with the name where it has one."""
    return device["id"] if device["name"] in ("", device["id"]) else f"{device['id']} ({device['name']})"


@devices_app.command("import")
def import_devices(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="With the columns id,name,labels; labels are k=v;k=v.")
    ],
    output: Annotated[
        Path, typer.Option(help="Where to write the keys, as id,key; the file must not exist.")
    ],
) -> None:
    """Add many devices from a CSV file, and write their keys into another."""
    wanted = _read_devices(file)
    try:
        # Closed below.
        keys_file = open(output, "x", newline="", encoding="utf-8", opener=_private)  # noqa: SIM115
    except OSError as error:
        raise Invalid(f"{output}: {error.strerror}; keys are never written over") from error
    writer = csv.writer(keys_file)

    async def use(client: Any) -> None:
        with shown_progress("Adding devices") as progress:
            for start in range(0, len(wanted), IMPORT_CHUNK):
                chunk = wanted[start : start + IMPORT_CHUNK]
                made = await client.call("POST", "/api/v1/devices", {"devices": chunk})
                if start == 0:
                    writer.writerow(("id", "key"))
                writer.writerows((one["id"], one["key"]) for one in made["devices"])
                keys_file.flush()
                progress(start + len(chunk), len(wanted))

    try:
        with keys_file:
            call(context, use)
    finally:
        if output.stat().st_size == 0:
            output.unlink()  # nothing was added, so a second try may use the same name
    count = len(wanted)
    typer.echo(f"added {count} devices; their keys are in {output}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read_devices(file: Path) -> list[dict[str, object]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if "id" not in (reader.fieldnames or ()):
                raise Invalid(
                    f"{file}: the first line names the columns id,name,labels; got {reader.fieldnames}"
                )
            return [
                {"id": row["id"], "name": row.get("name") or "", "labels": _labels(row.get("labels") or "")}
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{file}: {error}") from error


@devices_app.command("export")
def export_devices(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it, standard output.")
    ] = None,
) -> None:
    """Write all devices as CSV, in the form that `hub devices import` reads."""

    async def use(client: Any) -> list[dict[str, Any]]:
        return [row async for row in client.pages("/api/v1/devices", "devices")]

    rows = [(one["id"], one["name"], _labels_text(one["labels"])) for one in call(context, use)]
    try:
        with output.open("w", newline="", encoding="utf-8") if output else nullcontext(sys.stdout) as lines:
            csv.writer(lines).writerows([("id", "name", "labels"), *rows])
    except OSError as error:
        raise Invalid(f"{output}: {error.strerror or error}") from error
    if output:
        typer.echo(f"wrote {len(rows)} devices to {output}")
