"""REST: values from a file into the history, by the history's one writer, beside what devices send."""

import asyncio
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import orjson
import structlog
from aiohttp import web
from pydantic import Field

from hub.errors import Busy, HubError, NotFound, StoreError
from hub.fleet.fleet import NewDevice
from hub.history.duckdb.export import Format
from hub.history.duckdb.importing import Defaults, Found, Known, Rows, Staging, missing
from hub.http.body import unpacked
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import Asked
from hub.model import Device, Metric, MetricType

IMPORTS_MAX = 1  # at once; beyond, one is told to come back
IMPORTS = web.AppKey("imports", asyncio.Semaphore)
RETRY_AFTER_S = 10.0
PAGE_ROWS = 20_000  # compared, handed over and stored before the next
SHOWN_MAX = 10
NDJSON = "application/x-ndjson"

_log = structlog.get_logger("http")


class ImportQuery(Asked):
    """How to read the file. CSV: columns as an export has them, or time,value, or time and a column for each metric."""

    format: Format = Format.CSV
    device: str = Field("", description="of rows that name none")
    metric: str = Field("", description="of rows that name none")
    create_devices: Annotated[
        bool, Field(description="make the devices that are not known, else they are refused")
    ] = False


class _Owned(NamedTuple):
    """A series of the file, as the hub has it."""

    device: Device
    metric: Metric


async def import_values(call: Call[ImportQuery, Nothing]) -> web.StreamResponse:
    """Take in values from CSV, NDJSON or Parquet; what the history has already is left out.

    Answers lines of JSON: {"done","rows"} as it goes, at the end {"summary": …} or, if it broke off, {"error": …}.
    """
    call.refuse_scoped()
    imports = call.request.app[IMPORTS]
    if imports.locked():
        raise Busy("an import is running; one more when it is done", RETRY_AFTER_S)
    async with imports:
        with tempfile.TemporaryDirectory(prefix="hub-import-") as folder:
            file = Path(folder) / "file"
            await _spool(call.request, file)
            staging = await asyncio.to_thread(Staging, Path(folder))
            try:
                return await _Import(call, staging).run(file)
            finally:
                await asyncio.to_thread(staging.close)


async def _spool(request: web.Request, file: Path) -> None:
    """The body, as it comes, into a file: in memory there is never more than a piece. Raises StoreError."""
    try:
        with file.open("wb") as spool:
            async for chunk in unpacked(request):
                await asyncio.to_thread(spool.write, chunk)
    except OSError as error:
        raise StoreError(f"import: {error.strerror} ({tempfile.gettempdir()})") from error


class _Import:
    def __init__(self, call: Call[ImportQuery, Nothing], staging: Staging) -> None:
        self._call = call
        self._services = call.services
        self._staging = staging
        self._newest: dict[int, tuple[int, float, str | None]] = {}  # by series: time, value, text
        self._added = 0
        self._forgotten = 0

    async def run(self, file: Path) -> web.StreamResponse:
        """Read, then compare and add page by page, telling how far it is."""
        found = await self._read(file)
        owned = await self._own(found)
        response = web.StreamResponse(headers={"Content-Type": NDJSON})
        await response.prepare(self._call.request)
        try:
            for start in range(0, found.rows, PAGE_ROWS):
                await self._add(owned, await asyncio.to_thread(self._staging.page, start, PAGE_ROWS))
                await _say(response, {"done": min(found.rows, start + PAGE_ROWS), "rows": found.rows})
            self._supplement(owned)
            await _say(response, {"summary": self._summary(found)})
        except ConnectionError:
            _log.info("the client of an import went away; what it sent so far is stored", added=self._added)
        except HubError as error:
            await _say(response, {"error": str(error), "code": error.code})
        return response

    async def _read(self, file: Path) -> Found:
        query, services = self._call.query, self._services
        known = [
            Known(
                device.id,
                metric.name,
                metric.type,
                -math.inf if metric.minimum is None else metric.minimum,
                math.inf if metric.maximum is None else metric.maximum,
            )
            for device in services.fleet.devices.all()
            for metric in services.ingest.metrics(device).values()
        ]
        latest = services.clock() + round(services.config.limits.future_max_s * 1e6)
        defaults = Defaults(query.device, query.metric)
        return await asyncio.to_thread(self._staging.read, file, query.format, defaults, known, latest)

    async def _own(self, found: Found) -> list[_Owned]:
        """The devices and metrics, made where they are to be. Raises NotFound, Conflict, Invalid, before anything is stored."""
        fleet, ingest = self._services.fleet, self._services.ingest
        known = {device.id for device in fleet.devices.all()}
        unknown = sorted({one.device for one in found.series} - known)
        if unknown and not self._call.query.create_devices:
            more = f" and {len(unknown) - SHOWN_MAX} more" if len(unknown) > SHOWN_MAX else ""
            raise NotFound(
                f"there is no device {', '.join(unknown[:SHOWN_MAX])}{more}; add them, or ask for create_devices"
            )
        if unknown:
            await fleet.add([NewDevice(device_id) for device_id in unknown])
        devices = {one.device: fleet.devices.find(one.device) for one in found.series}
        return [
            _Owned(devices[one.device], ingest.adopt(devices[one.device], one.metric, one.type))
            for one in found.series
        ]

    async def _add(self, owned: Sequence[_Owned], rows: Rows) -> None:
        """One page: stored when it returns, so that the next one is compared with it. Raises StoreError."""
        history = self._services.history
        metrics = np.array([owned[place].metric.number for place in rows.series], np.int32)
        lacking = await history.move(lambda cursor: missing(cursor, rows, metrics))
        self._forgotten += lacking.forgotten
        if not len(lacking.chosen):
            return
        chosen = rows.take(lacking.chosen)
        self._append(owned, chosen)
        self._added += len(chosen.time)
        for place in np.unique(chosen.series).tolist():
            last = int(np.flatnonzero(chosen.series == place)[-1])  # by time within a series
            self._newest[place] = (int(chosen.time[last]), float(chosen.value[last]), chosen.text[last])
        await asyncio.wait([history.stored])

    def _append(self, owned: Sequence[_Owned], rows: Rows) -> None:
        batch = self._services.history.batch
        received_at = np.where(rows.received_at > 0, rows.received_at, self._services.clock())
        devices = np.array([owned[place].device.number for place in rows.series], np.int64)
        metrics = np.array([owned[place].metric.number for place in rows.series], np.int32)
        worded = np.array([text is not None for text in rows.text], bool)
        numbers = ~worded
        if numbers.any():
            batch.add_rows(
                devices[numbers],
                received_at[numbers],
                metrics[numbers],
                rows.time[numbers],
                rows.value[numbers],
            )
        columns = (devices, metrics, rows.time, received_at, rows.text)
        batch.texts.extend(zip(*(column[worded].tolist() for column in columns), strict=True))
        batch.readings += len(rows.time)
        self._services.history.pending += len(rows.time)

    def _supplement(self, owned: Sequence[_Owned]) -> None:
        for place, (time, number, text) in self._newest.items():
            device, metric = owned[place]
            truth = metric.type is MetricType.BOOLEAN
            value = text if text is not None else bool(number) if truth else number
            self._services.ingest.supplement(device, metric.name, time, value)

    def _summary(self, found: Found) -> dict[str, object]:
        return {
            "rows": found.rows + found.fault_count,
            "added": self._added,
            "held": found.rows - self._added - self._forgotten,
            "forgotten": self._forgotten,
            "refused": found.fault_count,
            "faults": [fault._asdict() for fault in found.faults],
        }


async def _say(response: web.StreamResponse, line: dict[str, object]) -> None:
    await response.write(orjson.dumps(line) + b"\n")
