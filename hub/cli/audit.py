"""`hub audit`: what people and programs did."""

from typing import Annotated, Any

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.tables import Column, show_table

PAGE = 1000


def audit(
    context: typer.Context,
    who: Annotated[str, typer.Option(help="Only what this person or token did.")] = "",
    what: Annotated[str, typer.Option(help="Only where this is in method and path: DELETE, /keys.")] = "",
    device: Annotated[str, typer.Option(help="Only what concerns this device.")] = "",
    start: Annotated[str, typer.Option("--from", help="RFC 3339.")] = "",
    end: Annotated[str, typer.Option("--to", help="RFC 3339, not included.")] = "",
    as_json: Json = False,
) -> None:
    """List what people and programs did: who, with what, from where, what, when. Newest first."""
    asked = {"who": who, "what": what, "device": device, "from": start, "to": end, "limit": str(PAGE)}
    query = {name: value for name, value in asked.items() if value}

    async def all_of(client: Any) -> list[dict[str, Any]]:
        page = await client.call("GET", "/api/v1/audit", query=query)
        found: list[dict[str, Any]] = page["entries"]
        while page["next"] is not None:
            page = await client.call("GET", "/api/v1/audit", query={**query, "before": str(page["next"])})
            found += page["entries"]
        return found

    found = call(context, all_of)
    if as_json:
        show_json(found)
        return
    rows = [(one["at"][:19], one["who"], one["credential"], one["address"], one["what"]) for one in found]
    columns = (Column("AT (UTC)", whole=True), Column("WHO"), Column("BY"), Column("FROM"), Column("WHAT"))
    show_table(columns, rows, "Nothing was done.")
