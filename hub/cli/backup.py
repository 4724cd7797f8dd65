"""`hub backup`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.history import SummaryLine
from hub.cli.progress import shown_progress


def backup(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The folder to make; it must not exist.")],
    as_json: Json = False,
) -> None:
    """Copy all that the hub stores into a new folder, while it runs. To restore, start a hub on the copy."""
    query = {"output": str(output.absolute())}

    async def use(client: Any) -> dict[str, Any]:
        with shown_progress("Copying", bytes_=True) as progress:
            told = SummaryLine()
            async for line in client.lines("POST", "/api/v1/backup", query=query):
                told.take(line)
                if "bytes" in line:
                    progress(line["bytes"], line["total"])
            return told.summary()

    made = call(context, use)
    if as_json:
        show_json({"output": query["output"], **made})
    else:
        typer.echo(f"copied {made['devices']} devices and {made['values']} values to {output}")
