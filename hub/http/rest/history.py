"""REST: what was stored of a device, and what was refused."""

import asyncio
import base64
import re
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web

from hub.errors import Invalid, NotFound
from hub.feed.channel import wire_ms
from hub.history.contract import Columns, PagePlace
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import (
    HistoriesOut,
    HistoryAnswer,
    HistoryOut,
    HistoryQuery,
    LimitQuery,
    RawOut,
    RejectionOut,
    RejectionsOut,
)
from hub.http.rest.texts import TEXTS_MAX, characters, fit
from hub.http.rest.times import read_time
from hub.http.rooms import CLOCK, HISTORY, INGEST
from hub.http.slots import SLOTS
from hub.model import Metric, MetricType, Rejection

T = TypeVar("T")

ROWS_MAX = 50_000  # of one answer, over all of its metrics: some 5 MB, if they are numbers

HOUR_US = 3_600_000_000
LOOK_EVERY_S = 0.1  # whether the client is still there
CURSOR_PART = r"[0-9]{1,18}"  # fits into what the history counts with


async def history(call: Call[HistoryQuery, Nothing]) -> HistoryAnswer:
    """A range of one metric or several, in columns; or page by page, every reading of one."""
    query = call.query
    metrics = _metrics(call)
    end = read_time(query.end, "to") if query.end else call.app[CLOCK]()
    start = read_time(query.start, "from") if query.start else end - HOUR_US
    if start >= end:
        raise Invalid("from: it is not before to", "from")
    if query.tier == "raw":
        return HistoryAnswer(await _page(call, metrics, start, end))
    if query.points * len(metrics) > ROWS_MAX:
        most = ROWS_MAX // len(metrics)
        raise Invalid(f"points: of {len(metrics)} metrics at most {most} at once", "points")
    found = await _ranges(call, metrics, start, end)
    shown = [_columns(metric, found[metric.name]) for metric in metrics]
    if len(shown) == 1:
        return HistoryAnswer(shown[0])
    return HistoryAnswer(HistoriesOut(metrics={one.metric: one for one in shown}))


async def _ranges(
    call: Call[HistoryQuery, Nothing], metrics: list[Metric], start: int, end: int
) -> dict[str, Columns]:
    """By metric. Those of texts are asked one after another, so that none is asked for nothing.

    Raises Invalid where the texts are too much for one answer.
    """
    texts = [[metric] for metric in metrics if metric.type is MetricType.TEXT]
    others = [metric for metric in metrics if metric.type is not MetricType.TEXT]
    found: dict[str, Columns] = {}
    length = 0
    for asked in (others, *texts) if others else texts:
        columns = await _ask(call, call.app[HISTORY].ranges(asked, start, end, call.query.points))
        found |= zip((metric.name for metric in asked), columns, strict=True)
        length += sum(3 * characters(one.avg) for one in columns)  # each is in three columns
        if length > TEXTS_MAX:
            raise Invalid(
                f"points: an answer has at most {TEXTS_MAX} characters of texts, and these are {length} or "
                "more; ask for fewer points or metrics, or page by page (tier=raw)",
                "points",
            )
    return found


async def _ask(call: Call[Any, Nothing], query: Coroutine[Any, Any, T]) -> T:
    """The query's answer, when its turn comes. It is not asked for any more when the client goes away."""

    async def in_turn() -> T:
        async with call.app[SLOTS].queries.taken(call.proof):
            return await query

    try:
        return await while_wanted(call.request, in_turn())
    finally:
        query.close()


def _metrics(call: Call[HistoryQuery, Nothing]) -> list[Metric]:
    device = call.device()
    known = call.app[INGEST].metrics(device)
    names = list(dict.fromkeys(call.query.metric))
    for name in names:
        if name not in known:
            raise NotFound(f"metric: {device.id!r} has no metric {name!r}")
    return [known[name] for name in names]


def _columns(metric: Metric, found: Columns) -> HistoryOut:
    return HistoryOut(
        metric=metric.name,
        unit=metric.unit,
        tier=found.tier,
        step=None if found.step is None else wire_ms(found.step),
        time=[wire_ms(time) for time in found.time],
        min=found.min,
        max=found.max,
        avg=found.avg,
        count=found.counts,
    )


async def _page(call: Call[HistoryQuery, Nothing], metrics: list[Metric], start: int, end: int) -> RawOut:
    if len(metrics) > 1:
        raise Invalid("metric: readings are paged for one metric at a time", "metric")
    [metric] = metrics
    after = _read_cursor(call.query.cursor) if call.query.cursor else None
    page = await _ask(call, call.app[HISTORY].raw(metric, start, end, after, call.query.limit))
    fitting = fit(page.value)
    if fitting < len(page.value):
        page = await _ask(call, call.app[HISTORY].raw(metric, start, end, after, fitting))
    return RawOut(
        metric=metric.name,
        unit=metric.unit,
        tier="raw",
        time=[wire_ms(time) for time in page.time],
        value=page.value,
        next=f"{page.next.time}.{page.next.given}" if page.next else None,
    )


def _read_cursor(text: str) -> PagePlace:
    time, dot, given = text.partition(".")
    if not (dot and all(re.fullmatch(CURSOR_PART, part) for part in (time, given))):
        raise Invalid("cursor: not one that this list gave", "cursor")
    return PagePlace(int(time), int(given))


async def while_wanted(request: web.Request, query: Coroutine[Any, Any, T]) -> T:
    """The query's answer. It is stopped when the client goes away, which aiohttp does not tell a handler."""
    asked = asyncio.ensure_future(query)
    try:
        while not (await asyncio.wait([asked], timeout=LOOK_EVERY_S))[0]:
            if request.transport is None or request.transport.is_closing():
                break
    finally:
        asked.cancel()
        await asyncio.wait([asked])
    return asked.result()


async def rejections(call: Call[LimitQuery, Nothing]) -> RejectionsOut:
    """What was refused of a device, newest first."""
    found = await _ask(call, call.app[HISTORY].rejections(call.device(), call.query.limit))
    return RejectionsOut(rejections=[_shown(rejection) for rejection in found])


def _shown(rejection: Rejection) -> RejectionOut:
    try:
        text = rejection.raw.decode()
    except UnicodeDecodeError:
        text = None
    return RejectionOut(
        received_at=wire_ms(rejection.received_at),
        code=rejection.code,
        message=rejection.message,
        source=rejection.source,
        raw=text,
        raw_base64=base64.b64encode(rejection.raw).decode() if text is None else None,
    )
