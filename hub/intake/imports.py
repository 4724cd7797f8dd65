"""Values from a file into the history: read, compared with what is there, added page by page.

A file takes a while, and the hub goes on meanwhile: devices and metrics are removed, renamed, made. So
nothing that was known before an await is taken for true after it. Each page asks again whether its devices
and metrics are still what they were.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hub.config import LimitsConfig, ReadingsConfig
from hub.errors import Busy, Invalid, NotFound
from hub.history.contract import Format, History, Rows
from hub.history.duckdb.records import FAULTS_MAX, RowFault
from hub.history.duckdb.refused import RefusedRow
from hub.history.duckdb.staging import Defaults, Found, Known, Staging
from hub.intake.accept import Ingest
from hub.intake.receipts import until_stored
from hub.model import Device, Metric, MetricType

REFUSED_PAGE_ROWS = 1000
PAGE_ROWS = 20_000  # compared, handed over and stored before the next
RETRY_AFTER_S = 10.0
SHOWN_MAX = 10
MADE_MAX = 200  # new metrics named in a summary


class Wanted(NamedTuple):
    """How a file is to be read, and what may come of it."""

    format: Format = Format.CSV
    device: str = ""  # of rows that name none
    metric: str = ""  # of rows that name none
    create_devices: bool = False
    dry_run: bool = False  # say what would happen, and change nothing
    refused: bool = False  # tell every refused row


class ImportProgress(NamedTuple):
    """So many of the file's values are done."""

    done: int
    values: int


class RefusedRows(NamedTuple):
    """Some of the refused rows, by line."""

    rows: Sequence[RefusedRow]


@dataclass
class Summary:
    """What became of a file. `values` = `added` + `held` + `forgotten` + `refused`.

    A row has one value, or one for each column of metrics. One that cannot be read counts as a refused value.
    """

    rows: int
    empty: int  # rows with no value in any column, and values that are a word for none
    values: int
    added: int = 0
    held: int = 0  # there already
    forgotten: int = 0  # from before what retention has taken away
    refused: int = 0
    faults: list[RowFault] = field(default_factory=list)  # the first ones
    devices: list[str] = field(default_factory=list)  # made
    metrics: list[dict[str, str]] = field(default_factory=list)  # made, with the type that was decided
    dry_run: bool = False

    def refuse(self, faults: Sequence[RowFault]) -> None:
        """Values that could be read, and have no place any more."""
        self.refused += len(faults)
        room = max(0, FAULTS_MAX - len(self.faults))
        self.faults.extend(sorted(faults)[:room])


ImportStep = ImportProgress | RefusedRows | Summary


class _Owner(NamedTuple):
    """Whose a series of the file is; without a metric in a dry run, where it would be made."""

    device: Device | None
    metric: Metric | None


class Imports:
    """Takes files in, one at a time. `devices` gives those there are, `add` makes more, `clock` is µs UTC."""

    def __init__(
        self,
        history: History,
        ingest: Ingest,
        devices: Callable[[], Mapping[str, Device]],
        add: Callable[[Sequence[str]], Awaitable[object]],
        limits: LimitsConfig,
        readings: ReadingsConfig,
        clock: Callable[[], int],
        page_rows: int = PAGE_ROWS,
    ) -> None:
        self._page_rows = page_rows
        self._history = history
        self._ingest = ingest
        self._devices = devices
        self._add = add
        self._limits = limits
        self._no_value = readings.no_value
        self._clock = clock
        self.running = asyncio.Lock()

    def refuse_second(self) -> None:
        """Raises Busy while an import runs."""
        if self.running.locked():
            raise Busy(
                "an import is running; one more when it is done", RETRY_AFTER_S, "fixed.imports_at_once"
            )

    async def run(self, file: Path, folder: Path, wanted: Wanted) -> AsyncGenerator[ImportStep]:
        """Tells how far it is, and at the end what became of the file. `folder` is for what it writes.

        Raises Unreadable, NotFound, Invalid, Busy before anything is stored, StoreError.
        """
        self.refuse_second()
        async with self.running:
            staging = await asyncio.to_thread(Staging, folder)
            try:
                found = await self._read(staging, file, wanted)
                summary = _summary(found, wanted)
                owners = await self._find_owners(found, wanted, summary)
                yield ImportProgress(0, found.values)
                for start in range(0, found.values, self._page_rows):
                    rows = await asyncio.to_thread(staging.page, start, self._page_rows)
                    if gone := await self._take(owners, rows, summary):
                        summary.refuse(gone)
                        await asyncio.to_thread(staging.refuse, gone)
                    yield ImportProgress(min(found.values, start + self._page_rows), found.values)
                summary.held = summary.values - summary.added - summary.forgotten - summary.refused
                if wanted.refused:
                    pages = staging.refused(file, wanted.format, REFUSED_PAGE_ROWS)
                    while page := await asyncio.to_thread(next, pages, None):
                        yield RefusedRows(page)
                yield summary
            finally:
                await asyncio.to_thread(staging.close)

    async def _read(self, staging: Staging, file: Path, wanted: Wanted) -> Found:
        """In a thread, which ends early when nobody waits any more."""
        known = [
            Known(
                device.id,
                metric.name,
                metric.type,
                -math.inf if metric.minimum is None else metric.minimum,
                math.inf if metric.maximum is None else metric.maximum,
            )
            for device in self._devices().values()
            for metric in self._ingest.metrics(device).values()
        ]
        latest = self._ingest.latest_allowed
        defaults = Defaults(wanted.device, wanted.metric)
        reading = asyncio.ensure_future(
            asyncio.to_thread(staging.read, file, wanted.format, defaults, known, latest, self._no_value)
        )
        try:
            return await asyncio.shield(reading)
        finally:
            while not reading.done():
                staging.interrupt()
                await asyncio.wait([reading], timeout=0.1)

    async def _find_owners(self, found: Found, wanted: Wanted, summary: Summary) -> list[_Owner]:
        """The devices and metrics, made where that is asked for.

        Raises NotFound, Conflict, Invalid, before anything is stored.
        """
        known = self._devices()
        unknown = sorted({one.device for one in found.series} - known.keys())
        if unknown and not wanted.create_devices:
            more = f" and {len(unknown) - SHOWN_MAX} more" if len(unknown) > SHOWN_MAX else ""
            raise NotFound(
                f"there is no device {', '.join(unknown[:SHOWN_MAX])}{more}; "
                "add them, or ask for create_devices"
            )
        self._refuse_too_many_metrics(found, known)
        summary.devices = unknown
        if unknown and not wanted.dry_run:
            await self._add(unknown)
            known = self._devices()
        owners = []
        for one in found.series:
            device = known.get(one.device)
            if device is None and not wanted.dry_run:
                raise NotFound(f"the device {one.device!r} was removed meanwhile")
            metric = None if device is None else self._ingest.metrics(device).get(one.metric)
            if metric is None:
                _tell_made(summary, one)
            if device is not None and not wanted.dry_run:
                metric = self._ingest.adopt(device, one.metric, one.type)
            owners.append(_Owner(device, metric))
        return owners

    def _refuse_too_many_metrics(self, found: Found, known: Mapping[str, Device]) -> None:
        names: dict[str, set[str]] = {}
        for one in found.series:
            names.setdefault(one.device, set()).add(one.metric)
        for device_id, metrics in names.items():
            if device_id in known:
                metrics |= self._ingest.metrics(known[device_id]).keys()
            if len(metrics) > self._limits.metrics_max:
                raise Invalid(
                    f"{device_id}: a device has at most {self._limits.metrics_max} metrics "
                    "(limits.metrics_max), "
                    f"and with this file it would have {len(metrics)}"
                )

    async def _take(self, owners: Sequence[_Owner], rows: Rows, summary: Summary) -> list[RowFault]:
        """One page: stored when it returns, so that the next one is compared with it. Raises StoreError.

        Returns what is refused because it has no place any more.
        """
        if summary.dry_run:
            new = np.array([owners[place].metric is None for place in rows.series], bool)
            summary.added += int(new.sum())
            rows = rows.take(np.flatnonzero(~new))
        rows, gone = self._without_gone(owners, rows)
        if not len(rows.time):
            return gone
        lacking = await self._history.lacking(rows, _metrics(owners, rows))
        summary.forgotten += lacking.forgotten
        chosen = rows.take(lacking.chosen)
        if not summary.dry_run:
            chosen, gone_since = self._without_gone(owners, chosen)  # asked again: that took a while
            gone += gone_since
            if len(chosen.time):
                self._append(owners, chosen)
                stored = self._history.stored
                self._supplement(owners, chosen)
                await until_stored(stored)
        summary.added += len(chosen.time)
        return gone

    def _without_gone(self, owners: Sequence[_Owner], rows: Rows) -> tuple[Rows, list[RowFault]]:
        """Only the rows whose device and metric are still there, as they were; the others are refused."""
        left = np.ones(len(rows.time), bool)
        gone: list[RowFault] = []
        for place in np.unique(rows.series).tolist():
            why = self._gone(owners[place])
            if why:
                mine = rows.series == place
                left &= ~mine
                gone += [RowFault(line, why) for line in rows.line[mine].tolist()]
        return (rows if left.all() else rows.take(np.flatnonzero(left))), gone

    def _gone(self, owner: _Owner) -> str:
        device, metric = owner
        if device is None or metric is None:
            return ""  # of a dry run
        try:
            known = self._ingest.metrics(device).values()
        except NotFound:
            return f"the device {device.id!r} was removed meanwhile"
        if any(one.number == metric.number and one.type is metric.type for one in known):
            return ""
        return f"the metric {metric.name!r} of {device.id!r} was removed or changed meanwhile"

    def _append(self, owners: Sequence[_Owner], rows: Rows) -> None:
        batch = self._history.batch
        received_at = np.where(rows.received_at > 0, rows.received_at, self._clock())
        numbers = {place: owners[place] for place in np.unique(rows.series).tolist()}
        of_device = {place: owner.device.number for place, owner in numbers.items() if owner.device}
        devices = np.array([of_device[place] for place in rows.series.tolist()], np.int64)
        metrics = _metrics(owners, rows)
        worded = np.array([text is not None for text in rows.text], bool)
        plain = ~worded
        if plain.any():
            batch.add_rows(
                devices[plain], received_at[plain], metrics[plain], rows.time[plain], rows.value[plain]
            )
        columns = (devices, metrics, rows.time, received_at, rows.text)
        batch.texts.extend(zip(*(column[worded].tolist() for column in columns), strict=True))
        batch.readings += len(rows.time)

    def _supplement(self, owners: Sequence[_Owner], rows: Rows) -> None:
        """The newest value of each series may be the latest one that its metric has."""
        for place in np.unique(rows.series).tolist():
            device, metric = owners[place]
            if device is None or metric is None:
                continue
            last = int(np.flatnonzero(rows.series == place)[-1])  # by time within a series
            number, text = float(rows.value[last]), rows.text[last]
            truth = metric.type is MetricType.BOOLEAN
            value = text if text is not None else bool(number) if truth else number
            names = {one.number: one.name for one in self._ingest.metrics(device).values()}
            # Its name as it is by now: it may have been renamed since the file was read.
            self._ingest.supplement(device, names[metric.number], int(rows.time[last]), value)


def _metrics(owners: Sequence[_Owner], rows: Rows) -> np.ndarray:
    numbers = [0 if owner.metric is None else owner.metric.number for owner in owners]
    found: np.ndarray = np.array(numbers, np.int32)[rows.series]
    return found


def _summary(found: Found, wanted: Wanted) -> Summary:
    return Summary(
        rows=found.rows,
        empty=found.empty,
        values=found.values + found.fault_count,
        refused=found.fault_count,
        faults=list(found.faults),
        dry_run=wanted.dry_run,
    )


def _tell_made(summary: Summary, one: Known) -> None:
    if len(summary.metrics) < MADE_MAX:
        summary.metrics.append({"device": one.device, "metric": one.metric, "type": str(one.type)})
