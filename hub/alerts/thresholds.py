"""The thresholds of a metric as rules.

One truth: where values begin to be a matter of concern is set at the metric, and colours charts and lists.
The same bounds are rules, one for warning and one for critical, without being written down a second time. A
value that is critical is not a warning as well. Where somebody has made a rule with bounds for the metric, of
the same severity, that rule has their place.
"""

import math
from collections.abc import Iterator

from hub.model import Device, Metric
from hub.model.condition import Beyond
from hub.model.rule import Rule, Severity, Which


def rules_of(device: Device, metric: Metric) -> Iterator[Rule]:
    """The rules that its thresholds are. A threshold is reached by a value that is equal to it."""
    critical = Beyond(*_bounds(metric.thresholds.critical_low, metric.thresholds.critical_high))
    warning = Beyond(
        *_bounds(metric.thresholds.warning_low, metric.thresholds.warning_high),
        worse_low=critical.low,
        worse_high=critical.high,
    )
    for severity, when in ((Severity.CRITICAL, critical), (Severity.WARNING, warning)):
        if when.low is not None or when.high is not None:
            name = f"{metric.name}: {severity} threshold"
            yield Rule(0, name, severity, Which(device=device.id), metric.name, when, thresholds=True)


def _bounds(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    below = None if low is None else math.nextafter(low, math.inf)
    return below, None if high is None else math.nextafter(high, -math.inf)
