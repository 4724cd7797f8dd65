"""REST: values from a file into the history."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field

from hub.errors import HubError, StoreError
from hub.history.contract import Format
from hub.http.body import unpacked
from hub.http.endpoint import Call, Nothing
from hub.http.rest.history import while_wanted
from hub.http.rest.shapes import Asked
from hub.http.rooms import IMPORTS
from hub.intake.imports import ImportProgress, ImportStep, RefusedRows, Wanted
from hub.logs import Logger

NDJSON = "application/x-ndjson"

_log = Logger("http")


class ImportQuery(Asked):
    """How to read the file. CSV: columns as an export has them, or time,value, or time and a column for each
    metric.
    """

    format: Format = Format.CSV
    device: str = Field("", description="of rows that name none")
    metric: str = Field("", description="of rows that name none")
    create_devices: Annotated[
        bool, Field(description="make the devices that are not known, else they are refused")
    ] = False
    dry_run: Annotated[bool, Field(description="say what would happen, and change nothing")] = False
    refused: Annotated[
        bool, Field(description="tell every refused row, by line, before the summary, which names the first")
    ] = False


async def import_values(call: Call[ImportQuery, Nothing]) -> web.StreamResponse:
    """Take in values from CSV, NDJSON or Parquet; what the history has already is left out.

    Answers lines of JSON: {"done","rows"} as it goes, if asked for {"refused": {"line","message","text"}} for
    every refused row, at the end {"summary": …} or, if it broke off, {"error": …}.
    """
    imports = call.app[IMPORTS]
    imports.refuse_second()
    with tempfile.TemporaryDirectory(prefix="hub-import-") as folder:
        file = Path(folder) / "file"
        await _spool(call.request, file)
        async with aclosing(imports.run(file, Path(folder), Wanted(**dict(call.query)))) as steps:
            return await _tell(call.request, steps)


async def _spool(request: web.Request, file: Path) -> None:
    """The body, as it comes, into a file: in memory there is never more than a piece. Raises StoreError."""
    try:
        with file.open("wb") as spool:
            async for chunk in unpacked(request):
                await asyncio.to_thread(spool.write, chunk)
    except OSError as error:
        raise StoreError(f"import: {error.strerror} ({tempfile.gettempdir()})") from error


async def _tell(request: web.Request, steps: AsyncGenerator[ImportStep]) -> web.StreamResponse:
    """A file that cannot be read at all is an ordinary problem; what comes later is told in the stream."""
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    first = await while_wanted(request, steps.asend(None))
    await response.prepare(request)
    try:
        await _say(response, first)
        async for step in steps:
            await _say(response, step)
    except ConnectionError:
        _log.info("the client of an import went away; what was read so far is stored")
    except HubError as error:
        await response.write(orjson.dumps({"error": str(error), "code": error.code}) + b"\n")
    return response


async def _say(response: web.StreamResponse, step: ImportStep) -> None:
    said: list[dict[str, object]]
    if isinstance(step, ImportProgress):
        said = [{"done": step.done, "rows": step.values}]
    elif isinstance(step, RefusedRows):
        said = [{"refused": row._asdict()} for row in step.rows]
    else:
        said = [{"summary": {**asdict(step), "faults": [fault._asdict() for fault in step.faults]}}]
    await response.write(b"".join(orjson.dumps(line) + b"\n" for line in said))
