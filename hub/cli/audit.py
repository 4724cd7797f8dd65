"""`hub audit`: what people and programs did, and what was refused them."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.tables import Column, show_table
from hub.errors import Invalid

PATH = "/api/v1/audit"
PAGE = 1000
TOKEN_WIDTH = 18  # "token f3k9a1b2c3d4"


class AuditFormat(StrEnum):
    """How entries are written for programs."""

    CSV = "csv"
    NDJSON = "ndjson"


def audit(
    context: typer.Context,
    who: Annotated[str, typer.Option(help="Only what this person or token did.")] = "",
    what: Annotated[str, typer.Option(help="Only where this is in method and path: DELETE, /keys.")] = "",
    device: Annotated[str, typer.Option(help="Only what concerns this device.")] = "",
    start: Annotated[str, typer.Option("--from", help="RFC 3339.")] = "",
    end: Annotated[str, typer.Option("--to", help="RFC 3339, not included.")] = "",
    written: Annotated[
        AuditFormat | None, typer.Option("--format", help="Print all of it as CSV or NDJSON.")
    ] = None,
    for_spreadsheets: Annotated[
        bool, typer.Option(help="CSV with ' before texts that spreadsheets take for formulas.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what people and programs did, and what was refused them: who, with what, from where, what, when.
    Newest first.
    """
    asked = {"who": who, "what": what, "device": device, "from": start, "to": end}
    query = {name: value for name, value in asked.items() if value}
    if written is not None:
        if as_json:
            raise Invalid("--json and --format: one of them")
        _print_all(context, query, written, for_spreadsheets=for_spreadsheets)
        return
    if for_spreadsheets:
        raise Invalid("--for-spreadsheets goes with --format csv")
    found = call(context, lambda client: _all_of(client, {**query, "limit": str(PAGE)}))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["at"][:19].replace("T", " "),
            one["who"] or "-",
            f"{one['credential']} {one['address']}",
            f"{one['what']} {one['detail']}".rstrip(),
            one["result"] if one["count"] == 1 else f"{one['result']} × {one['count']}",
        )
        for one in found
    ]
    columns = (
        Column("AT (UTC)", whole=True),
        Column("WHO"),
        Column("BY, FROM", least=TOKEN_WIDTH),
        Column("WHAT"),
        Column("RESULT", least=len("not_found")),
    )
    show_table(columns, rows, "Nothing was done.")


async def _all_of(client: Any, query: dict[str, str]) -> list[dict[str, Any]]:
    page = await client.call("GET", PATH, query=query)
    found: list[dict[str, Any]] = page["entries"]
    while page["next"] is not None:
        page = await client.call("GET", PATH, query={**query, "before": str(page["next"])})
        found += page["entries"]
    return found


def _print_all(
    context: typer.Context, query: dict[str, str], written: AuditFormat, *, for_spreadsheets: bool
) -> None:
    asked = {**query, "format": str(written), **({"safe": "spreadsheet"} if for_spreadsheets else {})}

    async def use(client: Any) -> None:
        async for chunk in client.text(PATH, asked):
            typer.echo(chunk, nl=False)

    call(context, use)
