"""Failures that simulated machines have on purpose."""

import pytest

from devices.failures import Failure, failing, read_failures


def test_failures_are_read_as_they_are_written() -> None:
    assert read_failures("overheat@60s,dropout@90s+20s") == [
        Failure("overheat", 60.0, 30.0),
        Failure("dropout", 90.0, 20.0),
    ]
    assert read_failures("") == []
    for wrong in ("fire@5s", "overheat", "dropout@soon"):
        with pytest.raises(ValueError, match="a failure is overheat@60s"):
            read_failures(wrong)


def test_a_machine_gets_hot_and_well_again_and_then_says_nothing() -> None:
    failures = read_failures("overheat@10s+20s,dropout@40s+10s")
    values: dict[str, float | str | bool] = {"temperature": 50.0, "flow": 3.0}
    told = [failing(values, time_s, failures) for time_s in (9.0, 12.5, 20.0, 31.0, 45.0, 51.0)]
    assert [None if one is None else one["temperature"] for one in told] == [50, 70, 90, 50, None, 50]
    assert failing({"speed": 900.0}, 20.0, failures) == {"speed": 900.0}
