"""`hub history export` and `hub history import`."""

import csv
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.progress import shown_progress
from hub.cli.tables import show_line
from hub.errors import HubError, Invalid

history_app = typer.Typer(no_args_is_help=True, help="Export and import stored values.")

CHUNK_BYTES = 262_144


class FileFormat(StrEnum):
    """How a file is written: the history's own `Format` would bring numpy, which takes long to import."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


@history_app.command("export")
def export_history(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The file to write; it must not exist.")],
    device: Annotated[list[str] | None, typer.Option(help="Only this device. May be repeated.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Only devices with this label, k=v. May be repeated.")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric. May be repeated.")] = None,
    start: Annotated[
        str, typer.Option("--from", help="From this time on: RFC 3339, or milliseconds since 1970.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="Before this time, in the same forms.")] = "",
    written: Annotated[
        FileFormat | None, typer.Option("--format", help="By the file's name if left out.")
    ] = None,
    for_spreadsheets: Annotated[
        bool, typer.Option(help="CSV with ' before texts and names that spreadsheets take for formulas.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write stored values to a CSV, NDJSON or Parquet file."""
    format_ = written or _format_of(output)
    query = [("format", str(format_)), *(("device", one) for one in device or ())]
    query += [("label", one) for one in label or ()] + [("metric", one) for one in metric or ()]
    query += [(name, text) for name, text in (("from", start), ("to", end)) if text]
    query += [("safe", "spreadsheet")] if for_spreadsheets else []
    partial = output.with_name(output.name + ".partial")
    if output.exists():
        raise Invalid(f"{output} exists already; nothing is written over")

    async def use(client: Any) -> int:
        return await _download(client, query, partial, format_)

    try:
        rows = call(context, use)
        partial.rename(output)
    finally:
        partial.unlink(missing_ok=True)  # so that half a file is never taken for a whole one
    if as_json:
        show_json({"output": str(output), "format": format_, "values": rows, "bytes": output.stat().st_size})
    else:
        typer.echo(f"wrote {rows} values to {output}")


async def _download(client: Any, query: list[tuple[str, str]], path: Path, written: FileFormat) -> int:
    """How many values it was; text is counted by its lines, which is what the progress bar shows."""
    try:
        with (
            path.open("wb") as file,
            shown_progress("Exporting", bytes_=written is FileFormat.PARQUET) as progress,
        ):
            done = 0
            async with client.download("/api/v1/export", query) as (total, chunks):
                async for chunk in chunks:
                    file.write(chunk)
                    done += len(chunk) if written is FileFormat.PARQUET else chunk.count(b"\n")
                    progress(done, None if written is FileFormat.PARQUET else max(done, total))
            file.flush()
            os.fsync(file.fileno())
            return int(total)
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror or error}") from error


@history_app.command("import")
def import_history(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, NDJSON or Parquet, as an export writes it or plain.")
    ],
    device: Annotated[str, typer.Option(help="The device of rows that name none.")] = "",
    metric: Annotated[str, typer.Option(help="The metric of rows that name none.")] = "",
    create_devices: Annotated[
        bool, typer.Option("--create-devices", help="Make devices that are not known.")
    ] = False,
    written: Annotated[
        FileFormat | None, typer.Option("--format", help="By the file's name if left out.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
    refused: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write every refused row to FILE (CSV: line,reason,text); it must not exist."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take in values from a file; what is there already is left out, so a second time adds nothing.

    Exit code 1 where something was refused; the first 20 are named, and --refused writes all of them.
    """
    query = {"format": str(written or _format_of(file)), "device": device, "metric": metric}
    query["create_devices"], query["dry_run"] = str(create_devices).lower(), str(dry_run).lower()
    query["refused"] = str(refused is not None).lower()
    try:
        size = file.stat().st_size
    except OSError as error:
        raise Invalid(f"{file}: {error.strerror}") from error

    async def use(client: Any) -> dict[str, Any]:
        told = SummaryLine()
        with (
            _refused_rows(refused) as keep,
            shown_progress("Sending", bytes_=True) as sent,
            shown_progress("Adding") as added,
        ):
            lines = client.lines("POST", "/api/v1/import", query=query, body=_chunks(file, size, sent))
            async for line in lines:
                told.take(line)
                if "done" in line:
                    added(line["done"], line["rows"])
                if "refused" in line:
                    keep(line["refused"])
            return told.summary()

    found = call(context, use)
    if as_json:
        show_json(found)
    else:
        _show_import(found, refused)
    if found["refused"]:
        raise typer.Exit(1)


async def _chunks(file: Path, size: int, told: Callable[[int, int | None], None]) -> AsyncIterator[bytes]:
    sent = 0
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            yield chunk
            sent += len(chunk)
            told(sent, size)


@contextmanager
def _refused_rows(file: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Writes refused rows to the file, which is there only when all went well; without a file, to nowhere."""
    if file is None:
        yield lambda _row: None
        return
    if file.exists():
        raise Invalid(f"{file} exists already; nothing is written over")
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(("line", "reason", "text"))
            yield lambda row: writer.writerow((row["line"], row["message"], row["text"]))
        partial.rename(file)
    except OSError as error:
        raise Invalid(f"{file}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _show_import(found: dict[str, Any], refused: Path | None) -> None:
    would = "would be " if found["dry_run"] else ""
    for device_id in found["devices"]:
        show_line(f"{would}made: device {device_id}")
    for one in found["metrics"]:
        show_line(f"{would}made: metric {one['metric']} of {one['device']}, a {one['type']}")
    typer.echo(f"{found['rows']} rows with {found['values']} values: {found['added']} {would}added")
    for count, what in (
        (found["held"], "were there already"),
        (found["empty"], "times there was no value"),
        (found["forgotten"], "are older than the readings that are kept, and left out"),
    ):
        if count:
            typer.echo(f"{count} {what}")
    for fault in found["faults"]:
        show_line(f"line {fault['line']}: {fault['message']}", err=True)
    if found["refused"]:
        unnamed = found["refused"] > len(found["faults"])
        rest = f"; every one is in {refused}" if refused else "; --refused FILE writes every one"
        told = f"{found['refused']} values {would}refused"
        typer.echo(told + (rest if refused or unnamed else ""), err=True)


def _format_of(file: Path) -> FileFormat:
    ending = file.suffix.lower().removeprefix(".")
    try:
        return FileFormat({"jsonl": "ndjson"}.get(ending, ending))
    except ValueError:
        raise Invalid(f"{file}: the name says no format; add --format csv, ndjson or parquet") from None


class SummaryLine:
    """What a long operation says at its end: a summary, or why it broke off."""

    def __init__(self) -> None:
        self._summary: dict[str, Any] | None = None

    def take(self, line: dict[str, Any]) -> None:
        """One line of its answer. Raises HubError when it says that it broke off."""
        if "error" in line:
            raise HubError(line["error"])
        self._summary = line.get("summary", self._summary)

    def summary(self) -> dict[str, Any]:
        """Raises HubError when there was none."""
        if self._summary is None:
            raise HubError("the hub ended before it was done")
        return self._summary
