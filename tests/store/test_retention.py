"""Who keeps what for how long."""

from typing import Any

import pytest
from pydantic import ValidationError

from hub.config import RetentionConfig, RetentionOverride
from hub.model import Device
from hub.store.retention import Kept, policy

PUMP = Device(1, "pump-1", "Pump", {"kind": "pump", "hall": "2"}, 0)
FAN = Device(2, "fan-1", "Fan", {"kind": "fan"}, 0)


def kept(**more: Any) -> dict[int, Kept]:
    config = RetentionConfig(**{"raw_s": 10, "minute_s": 20, "hour_s": 30, **more})
    return policy(config, [PUMP, FAN])


def us(*seconds: int) -> Kept:
    return Kept(*(1_000_000 * one for one in seconds))


def test_every_device_keeps_what_the_section_says() -> None:
    assert kept() == {1: us(10, 20, 30), 2: us(10, 20, 30)}


def test_an_override_is_for_a_label_or_for_a_device_and_the_first_that_fits_decides() -> None:
    overrides = (
        RetentionOverride(device="pump-1", raw_s=11),
        RetentionOverride(label="kind=pump", raw_s=12, hour_s=33),
        RetentionOverride(label="kind=fan", minute_s=0),
    )
    assert kept(overrides=overrides) == {1: us(11, 20, 33), 2: us(10, 0, 0)}


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
