"""Who keeps what for how long."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hub.config import RetentionConfig, RetentionOverride
from hub.history.contract import KeptFor
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.history.duckdb.ranges import HOUR_US
from hub.history.policy import kept_for
from hub.model import Device, Metric, MetricType, Retention
from tests.history.rows import folded

DAY_US = 24 * HOUR_US

PUMP = Device(1, "pump-1", "Pump", {"kind": "pump", "hall": "2"}, 0)
FAN = Device(2, "fan-1", "Fan", {"kind": "fan"}, 0)


def kept(**more: Any) -> dict[int, KeptFor]:
    config = RetentionConfig(**{"raw_s": 10, "minute_s": 20, "hour_s": 30, **more})
    return kept_for(config, [PUMP, FAN])


def us(*seconds: int) -> KeptFor:
    return KeptFor(*(1_000_000 * one for one in seconds))


def test_every_device_keeps_what_the_section_says() -> None:
    assert kept() == {1: us(10, 20, 30), 2: us(10, 20, 30)}


def test_an_override_is_for_a_label_or_for_a_device_and_the_first_that_fits_decides() -> None:
    overrides = (
        RetentionOverride(device="pump-1", raw_s=11),
        RetentionOverride(label="kind=pump", raw_s=12, hour_s=33),
        RetentionOverride(label="kind=fan", minute_s=0),
    )
    assert kept(overrides=overrides) == {1: us(11, 20, 33), 2: us(10, 0, 0)}


def test_what_is_set_of_the_device_stands_over_every_override() -> None:
    overrides = (
        RetentionOverride(device="pump-1", raw_s=11),
        RetentionOverride(label="kind=pump", hour_s=33),
    )
    config = RetentionConfig(raw_s=10, minute_s=20, hour_s=30, overrides=overrides)
    assert kept_for(config, [replace(PUMP, retention=Retention(raw_s=5, minute_s=6))]) == {1: us(5, 6, 33)}
    assert kept_for(config, [replace(PUMP, retention=Retention(raw_s=0))]) == {1: us(0, 0, 0)}


def test_a_coarser_tier_is_kept_at_least_as_long_as_a_finer_one() -> None:
    assert kept(raw_s=100) == {1: us(100, 100, 100), 2: us(100, 100, 100)}
    assert kept(raw_s=0)[1] == us(0, 0, 0)


@pytest.mark.parametrize(
    "override",
    [{}, {"device": "a", "label": "k=v"}, {"label": "kind"}, {"device": "a", "raw_s": -1}, {"devise": "a"}],
)
def test_an_override_that_says_nothing_clear_is_refused(override: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RetentionOverride(**override)


async def test_a_retention_set_of_a_device_takes_effect_while_the_hub_runs(tmp_path: Path) -> None:
    now = 40 * DAY_US
    fleet = [PUMP, FAN]
    config = RetentionConfig(raw_s=0, overrides=(RetentionOverride(device="pump-1", raw_s=0),))
    async with EmbeddedHistory.open(tmp_path / "history.duckdb", 128, 20) as history:
        for device in fleet:
            history.batch.metrics[device.number] = Metric(
                device.number, device.number, "t", MetricType.NUMBER
            )
            days = [DAY_US * day for day in range(40)]
            history.batch.add(device.number, now, [device.number] * 40, days, [1.0] * 40)
        await folded(history)
        keeper = Keeper(
            history.database, lambda: kept_for(config, fleet), lambda: now, Bounds(1, HOUR_US, 50)
        )

        async def kept_now() -> list[tuple[int, int]]:
            while await keeper.step():
                pass
            counted = "SELECT metric, count(*) FROM sealed GROUP BY metric ORDER BY metric"
            return await history.database.keep(lambda cursor: cursor.execute(counted).fetchall())

        assert await kept_now() == [(1, 40), (2, 40)]
        fleet[0] = replace(PUMP, retention=Retention(raw_s=10 * 86_400))
        now += HOUR_US  # the time at which the keeper looks again has come
        assert await kept_now() == [(1, 9), (2, 40)]
