"""`hub backup`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.calls import call, show_json
from hub.cli.history import Json, Outcome, shown_progress


def backup(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="A folder that is not there yet.")],
    as_json: Json = False,
) -> None:
    """Copy both stores while the hub runs. Restoring is starting a hub on the copy: docs/operating.md."""
    query = {"output": str(output.absolute())}

    async def use(client: Any) -> dict[str, Any]:
        with shown_progress("Copying", bytes_=True) as progress:
            outcome = Outcome()
            async for line in client.lines("POST", "/api/v1/backup", query=query):
                outcome.take(line)
                if "bytes" in line:
                    progress(line["bytes"], line["total"])
            return outcome.summary()

    made = call(context, use)
    if as_json:
        show_json({"output": query["output"], **made})
    else:
        typer.echo(f"copied {made['devices']} devices and {made['values']} values to {output}")
