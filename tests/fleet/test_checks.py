"""What operators may set, and which field is named where they may not."""

from typing import Any

import pytest

from hub.errors import Invalid
from hub.fleet.checks import check_device, check_metric
from hub.model import Device, Metric, MetricType, Retention, Thresholds

DAY_S = 86_400.0


@pytest.mark.parametrize(
    "retention",
    [
        Retention(),
        Retention(0, 0, 0),
        Retention(DAY_S, DAY_S, DAY_S),
        Retention(DAY_S, None, 2 * DAY_S),
        Retention(DAY_S, 0, 0),
        Retention(None, None, 1),
        Retention(0, None, None),
    ],
)
def test_a_coarser_tier_may_be_kept_as_long_or_longer(retention: Retention) -> None:
    check_device(Device(1, "a", "a", {}, 0, retention=retention))


@pytest.mark.parametrize(
    ("retention", "where", "says"),
    [
        (Retention(-1), "retention.raw_s", "0 \\(for ever\\) or more"),
        (Retention(None, float("inf")), "retention.minute_s", "or more"),
        (Retention(DAY_S, DAY_S - 1), "retention.minute_s", "shorter than raw_s, 86400 s"),
        (Retention(DAY_S, None, 60), "retention.hour_s", "shorter than raw_s"),
        (Retention(None, 0, DAY_S), "retention.hour_s", "shorter than minute_s, for ever"),
    ],
)
def test_a_retention_that_cannot_be_is_refused_with_its_tier(
    retention: Retention, where: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says) as error:
        check_device(Device(1, "a", "a", {}, 0, retention=retention))
    assert error.value.where == where


def number(**more: Any) -> Metric:
    return Metric(1, 1, "t", **{"type": MetricType.NUMBER, **more})


@pytest.mark.parametrize(
    "metric",
    [
        number(),
        number(unit="°C", minimum=1.0, maximum=1.0, decimals=6, thresholds=Thresholds(1, 2, 3, 4)),
        number(decimals=0, thresholds=Thresholds(critical_low=-5.5, critical_high=0.0)),
        number(type=MetricType.TEXT, unit="mode"),
    ],
)
def test_a_metric_may_be_described_in_part(metric: Metric) -> None:
    check_metric(metric)


@pytest.mark.parametrize(
    ("metric", "where"),
    [
        (number(unit="x" * 51), "unit"),
        (number(unit="a\nb"), "unit"),
        (number(minimum=2.0, maximum=1.0), "minimum"),
        (number(decimals=7), "decimals"),
        (number(decimals=-1), "decimals"),
        (number(type=MetricType.TEXT, decimals=1), "decimals"),
        (number(type=MetricType.BOOLEAN, thresholds=Thresholds(1.0)), "thresholds"),
        (number(thresholds=Thresholds(2, 1)), "thresholds.warning_low"),
        (number(thresholds=Thresholds(None, 5, None, 5)), "thresholds.critical_high"),
        (number(thresholds=Thresholds(9, None, None, 1)), "thresholds.critical_high"),
    ],
)
def test_what_a_metric_cannot_be_is_refused_with_its_field(metric: Metric, where: str) -> None:
    with pytest.raises(Invalid, match=r"^t: ") as error:
        check_metric(metric, "metrics.3.")
    assert error.value.where == f"metrics.3.{where}"
