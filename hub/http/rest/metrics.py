"""REST: the metrics of a device: what is said of them, their names and types, and their end."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from hub.errors import Conflict, Invalid, NotFound
from hub.fleet.devices import MetricEdit
from hub.http.endpoint import Call, Nothing
from hub.http.rest.metric_shapes import (
    LostValue,
    MetricAlteration,
    MetricEdited,
    MetricIn,
    MetricOut,
    MetricRemoved,
    MetricsRemoved,
    PreviewQuery,
    RemovedQuery,
)
from hub.http.rooms import FLEET, HISTORY, INGEST
from hub.model import Metric, Thresholds


async def describe_metric(call: Call[Nothing, MetricIn]) -> MetricOut:
    """Set all that operators say of a metric; what is left out is not set any more."""
    device = call.device()
    name = call.request.match_info["metric"]
    edit = MetricEdit(name, edit_of(call.body, MetricIn.model_fields))
    await call.app[FLEET].devices.change(device, metrics=[edit])
    return MetricOut.model_validate(shown_metric(call.app[INGEST].metric(device, name)))


async def edit_metric(call: Call[PreviewQuery, MetricAlteration]) -> MetricEdited:
    """Rename a metric or change its type, with its history."""
    asked, preview, ingest = call.body, call.query.preview, call.app[INGEST]
    async with call.app[FLEET].devices.held(call.device()) as device:
        metric = ingest.metric(device, call.request.match_info["metric"])
        edited = replace(metric.with_type(asked.type or metric.type), name=asked.name or metric.name)
        if edited.name != metric.name and edited.name in ingest.metrics(device):
            raise Conflict(f"{device.id!r} has a metric {edited.name!r} already")
        found = await call.app[HISTORY].preview(metric, edited.type)
        if not preview:
            ingest.refuse_while_failing()
            await ingest.edit(device, metric, edited)
    examples = [LostValue(value=value, count=count) for value, count in found.examples]
    return MetricEdited(
        preview=preview,
        metric=MetricOut.model_validate(shown_metric(edited)),
        values=found.values,
        lost=found.lost,
        examples=examples,
    )


async def remove_metric(call: Call[PreviewQuery, Nothing]) -> MetricRemoved:
    """Remove a metric with its history; sent again it is a new one."""
    ingest, preview = call.app[INGEST], call.query.preview
    async with call.app[FLEET].devices.held(call.device()) as device:
        metric = ingest.metric(device, call.request.match_info["metric"])
        values = await call.app[HISTORY].count(metric)
        if not preview:
            ingest.refuse_while_failing()
            await ingest.drop(device, metric)
    return MetricRemoved(preview=preview, values=values)


async def remove_metrics(call: Call[RemovedQuery, Nothing]) -> MetricsRemoved:
    """Remove many metrics with their history, by name or by a pattern; sent again they are new ones."""
    query, ingest = call.query, call.app[INGEST]
    if not (query.metric or query.match):
        raise Invalid("metric, match: name the metrics, or give a pattern of their names", "match")
    async with call.app[FLEET].devices.held(call.device()) as device:
        known = ingest.metrics(device)
        for name in query.metric:
            if name not in known:
                raise NotFound(f"metric: {device.id!r} has no metric {name!r}")
        chosen = [
            metric
            for name, metric in known.items()
            if name in query.metric or (query.match and fnmatchcase(name, query.match))
        ]
        values = await call.app[HISTORY].count(*chosen)
        if chosen and not query.preview:
            ingest.refuse_while_failing()
            await ingest.drop(device, *chosen)
    return MetricsRemoved(preview=query.preview, metrics=[one.name for one in chosen], values=values)


def edit_of(asked: MetricIn, names: Iterable[str]) -> Callable[[Metric], Metric]:
    """The change of a metric that was asked for under these names."""
    wanted = {name: getattr(asked, name) for name in names}
    if "thresholds" in wanted:
        wanted["thresholds"] = Thresholds(**dict(asked.thresholds or ()))
    return lambda metric: replace(metric, **wanted)


def shown_metric(metric: Metric) -> dict[str, object]:
    """A metric as REST shows it."""
    return {
        "name": metric.name,
        "type": metric.type,
        "unit": metric.unit,
        "minimum": metric.minimum,
        "maximum": metric.maximum,
        "decimals": metric.decimals,
        "thresholds": metric.thresholds._asdict(),
    }
