"""What operators may set of devices and metrics. Each check raises Invalid with the field at fault."""

import itertools
import math
import re
from collections.abc import Mapping
from decimal import Decimal

import orjson

from hub.errors import Invalid
from hub.model import NO_THRESHOLDS, Device, Metric, MetricType, Retention

ID_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
ID_WORDS = "an id has 1 to 100 letters, digits, or . _ : - and begins with a letter or digit"
NAME_MAX = 200
LABELS_MAX = 32
LABEL_MAX = 100
UNIT_MAX = 50
DECIMALS_MAX = 6
INTERVAL_MAX_S = 86_400 * 366
DEPTH_MAX = 32  # of JSON; what is much deeper cannot be written as JSON again
ATTRIBUTE_MAX_BYTES = 16_384
ATTRIBUTES_MAX_BYTES = 262_144  # of one device, names and values, both kinds together
RETENTION_MAX_S = 86_400 * 366 * 1000


def check_device(device: Device) -> None:
    """Whether a device may be as it is described."""
    if not ID_SHAPE.fullmatch(device.id):
        raise Invalid(ID_WORDS, "id")
    if len(device.name) > NAME_MAX or not device.name.isprintable():
        raise Invalid(f"a name has at most {NAME_MAX} printable characters", "name")
    _check_labels(device.labels)
    interval_s = device.expected_interval_s
    if interval_s is not None and not 0 < interval_s <= INTERVAL_MAX_S:
        raise Invalid("an interval is over 0 and at most a year", "expected_interval_s")
    _check_retention(device.retention)


def _check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > LABELS_MAX:
        raise Invalid(f"a device has at most {LABELS_MAX} labels", "labels")
    for key, value in labels.items():
        if not 1 <= len(key) <= LABEL_MAX or len(value) > LABEL_MAX or set("=;/") & set(key) or ";" in value:
            raise Invalid(
                f"a label is key=value of at most {LABEL_MAX} characters each, no ; and no = or / in the key",
                "labels",
            )
        if not (key + value).isprintable():
            raise Invalid("a label has no control characters", "labels")


def _check_retention(retention: Retention) -> None:
    """Of tiers that are set, a coarser one is kept at least as long; others are lifted to that."""
    finer_name, finer_s = "", 0.0
    for name, span_s in retention._asdict().items():
        if span_s is None:
            continue
        where = f"retention.{name}"
        if not 0 <= span_s <= RETENTION_MAX_S:
            raise Invalid(f"{where}: a time of 0 (for ever) or more, in seconds, is wanted", where)
        if finer_name and span_s and (finer_s == 0 or span_s < finer_s):
            finer = "for ever" if finer_s == 0 else f"{finer_s:g} s"
            raise Invalid(
                f"{where}: {span_s:g} s is shorter than {finer_name}, {finer}; "
                "a coarser tier is kept at least as long",
                where,
            )
        finer_name, finer_s = name, span_s


def check_json(value: object, name: str, bytes_max: int | None = None) -> None:
    """Whether a value that is kept as JSON is neither too deep to be written and read again, nor too long,
    and holds no number that JSON, or who reads it, would change.
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH_MAX + 1:
            raise Invalid(
                f"{name[:40]}: objects and arrays may lie {DEPTH_MAX} deep in each other", name[:40]
            )
        if any(isinstance(one, float) and not math.isfinite(one) for one in level):
            raise Invalid(f"{name[:40]}: finite numbers are wanted", name[:40])
        if wide := [one for one in level if isinstance(one, int) and not -(2**63) <= one < 2**64]:
            raise Invalid(f"{name[:40]}: {str(wide[0])[:40]} has over 64 bits; send it as a text", name[:40])
        if changed := [one for one in level if isinstance(one, Decimal)]:
            told = "has more digits than a number holds; send it as a text"
            raise Invalid(f"{name[:40]}: {str(changed[0])[:40]} {told}", name[:40])
        inner = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [value for values in inner for value in values]
    if bytes_max is not None and (size := len(orjson.dumps(value))) > bytes_max:
        raise Invalid(f"{name[:40]}: {size} bytes of JSON; at most {bytes_max}", name[:40])


def check_metric(metric: Metric, where: str = "") -> None:
    """Whether a metric may be as it is described; `where` leads to it in what was asked."""
    if metric.unit is not None and (len(metric.unit) > UNIT_MAX or not metric.unit.isprintable()):
        raise Invalid(f"{metric.name}: a unit has at most {UNIT_MAX} printable characters", f"{where}unit")
    if metric.minimum is not None and metric.maximum is not None and metric.minimum > metric.maximum:
        raise Invalid(
            f"{metric.name}: the minimum {metric.minimum:g} is over the maximum {metric.maximum:g}",
            f"{where}minimum",
        )
    if metric.decimals is not None:
        _refuse_other_than_numbers(metric, "decimals", where)
        if not 0 <= metric.decimals <= DECIMALS_MAX:
            raise Invalid(f"{metric.name}: 0 to {DECIMALS_MAX} decimals can be shown", f"{where}decimals")
    if metric.thresholds != NO_THRESHOLDS:
        _refuse_other_than_numbers(metric, "thresholds", where)
        _check_ascending(metric, where)


def _refuse_other_than_numbers(metric: Metric, what: str, where: str) -> None:
    if metric.type is not MetricType.NUMBER:
        raise Invalid(f"{metric.name}: {what} are for numbers, and this is a {metric.type}", f"{where}{what}")


def _check_ascending(metric: Metric, where: str) -> None:
    bounds = [(name, bound) for name, bound in metric.thresholds._asdict().items() if bound is not None]
    for (lower_name, lower), (name, bound) in itertools.pairwise(bounds):
        if lower >= bound:
            raise Invalid(
                f"{metric.name}: thresholds ascend, and {lower_name} {lower:g} is not below {name} {bound:g}",
                f"{where}thresholds.{name}",
            )
