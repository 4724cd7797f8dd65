"""REST: what was stored of a device, and what was refused."""

import base64

from hub.errors import Invalid, NotFound
from hub.feed.channel import wire_ms
from hub.http.endpoint import Call, Nothing
from hub.http.shapes import HistoryOut, HistoryQuery, LimitQuery, RejectionOut, RejectionsOut
from hub.http.times import read_time
from hub.model import Rejection

HOUR_US = 3_600_000_000


async def history(call: Call[HistoryQuery, Nothing]) -> HistoryOut:
    """A range of one metric, in columns, in at most about so many points."""
    device, query = call.device(), call.query
    metric = call.services.ingest.metrics(device).get(query.metric)
    if metric is None:
        raise NotFound(f"metric: {device.id!r} has no metric {query.metric!r}")
    end = read_time(query.end, "to") if query.end else call.services.clock()
    start = read_time(query.start, "from") if query.start else end - HOUR_US
    if start >= end:
        raise Invalid("from: it is not before to", "from")
    found = await call.services.history.range(metric, start, end, query.points)
    return HistoryOut(
        metric=metric.name,
        unit=metric.unit,
        tier=found.tier,
        time=[wire_ms(time) for time in found.time],
        min=found.min,
        max=found.max,
        avg=found.avg,
    )


async def rejections(call: Call[LimitQuery, Nothing]) -> RejectionsOut:
    """What was refused of a device, newest first."""
    found = await call.services.history.rejections(call.device(), call.query.limit)
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
