"""REST: stored values as a stream, for other programs and for `hub history import`."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

from aiohttp import web
from pydantic import ConfigDict, Field

from hub.errors import HubError, Invalid, NotFound
from hub.formats.json import MS_MAX
from hub.history.contract import Format, Held, Series
from hub.http.endpoint import Call, Nothing
from hub.http.rest.devices import chosen
from hub.http.rest.history import while_wanted
from hub.http.rest.shapes import Asked, LabelQuery, MetricName
from hub.http.rest.times import read_time
from hub.http.rooms import HISTORY, INGEST
from hub.http.slots import SLOTS, write_in_time
from hub.logs import Logger

COUNT_HEADER = "X-Total-Count"
CHUNK_BYTES = 262_144
MEDIA = {
    Format.CSV: "text/csv",
    Format.NDJSON: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
}

_log = Logger("http")


class ExportQuery(Asked):
    """Which values. Times are RFC 3339 or milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    device: list[str] = Field([], description="an id; several may be named; all devices if left out")
    label: list[LabelQuery] = Field([], description="k=v; of several, all must hold")
    metric: list[MetricName] = Field([], description="a name; several may be named; all metrics if left out")
    start: Annotated[str, Field(alias="from", description="RFC 3339 or ms")] = ""
    end: Annotated[str, Field(alias="to", description="RFC 3339 or ms, not included")] = ""
    format: Format = Format.CSV
    safe: Literal["", "spreadsheet"] = Field(
        "", description="spreadsheet: CSV with ' before texts and names that spreadsheets take for formulas"
    )


async def export(call: Call[ExportQuery, Nothing]) -> web.StreamResponse:
    """Every stored value of a range, as a stream of CSV, NDJSON or Parquet.

    `X-Total-Count` says beforehand how many there are. One that cannot be finished breaks off, so that it is
    not taken for whole.
    """
    query = call.query
    start = read_time(query.start, "from") if query.start else 0
    end = read_time(query.end, "to") if query.end else MS_MAX * 1000
    if start >= end:
        raise Invalid("from: it is not before to", "from")
    if query.safe and query.format is not Format.CSV:
        raise Invalid("safe: spreadsheets read CSV; the other formats tell texts from formulas", "safe")
    series = _series(call)
    async with call.app[SLOTS].exports.taken(call.proof):
        history = call.app[HISTORY]
        found = await while_wanted(call.request, history.held(series, start, end))
        if query.format is Format.PARQUET:
            return await _send_parquet(call, found)
        return await _send(
            call, found, history.pages(found, query.format, guarded=query.safe == "spreadsheet")
        )


def _series(call: Call[ExportQuery, Nothing]) -> list[Series]:
    """What is asked for. Raises NotFound for a metric that none of the devices has."""
    metrics = set(call.query.metric)
    found = [
        Series(metric.number, device.id, metric.name, metric.type)
        for device in chosen(call, call.query.device, call.query.label)
        for metric in call.app[INGEST].metrics(device).values()
        if not metrics or metric.name in metrics
    ]
    lacking = sorted(metrics - {series.metric for series in found})
    if lacking:
        raise NotFound(f"metric: no device that was asked for has a metric {lacking[0]!r}")
    return found


async def _send_parquet(call: Call[ExportQuery, Nothing], found: list[Held]) -> web.StreamResponse:
    """By way of a file in the system's folder for such: a full one there does not trouble the stores."""
    with tempfile.TemporaryDirectory(prefix="hub-export-") as folder:
        path = Path(folder) / "readings.parquet"
        await while_wanted(call.request, call.app[HISTORY].write_parquet(found, path))
        return await _send(call, found, _chunks(path))


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


async def _send(
    call: Call[ExportQuery, Nothing], found: list[Held], chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    """A client that takes them slowly is waited for, and only one page held; one that goes away ends it."""
    written = call.query.format
    response = web.StreamResponse()
    response.content_type = MEDIA[written]
    response.headers[COUNT_HEADER] = str(sum(one.rows for one in found))
    response.headers["Content-Disposition"] = f'attachment; filename="readings.{written}"'
    await response.prepare(call.request)
    try:
        async for chunk in chunks:
            await write_in_time(call.request, response, chunk)
        await response.write_eof()
    except ConnectionError:
        _log.debug("the client of an export went away")
    except (HubError, OSError) as error:
        _log.error("an export broke off", why=str(error))
        if call.request.transport is not None:
            call.request.transport.abort()
    return response
