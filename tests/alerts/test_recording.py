"""Sensible rules on the recording that comes with the project: a machine's temperature over 79 days. When it
failed the makers of the recording say (Numenta Anomaly Benchmark, combined_windows.json).
"""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

import devices
from hub.alerts.machine import RuleMachine
from hub.alerts.play import play
from hub.model.condition import read_condition
from hub.model.rule import ALL, Rule, Severity

RECORDING = Path(devices.__file__).parent / "recordings" / "machine_temperature.csv"
FAILED = (
    ("2013-12-15 09:55", "2013-12-18 00:55"),  # it was shut down
    ("2014-01-27 06:25", "2014-01-29 21:25"),  # a change that is hard to see, from which the next one came
    ("2014-02-07 07:00", "2014-02-09 22:00"),  # it broke
)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("when", "found", "false_alarms"),
    [
        ({"below": 45, "clear_above": 55, "for_s": 1800}, [True, False, True], []),
        (
            {"below": 53, "clear_above": 63, "for_s": 3600},
            [True, True, True],
            ["2013-12-10", "2014-01-30", "2014-02-03"],
        ),
    ],
)
def test_sensible_rules_find_the_known_failures(
    when: dict[str, object], found: list[bool], false_alarms: list[str]
) -> None:
    with RECORDING.open(newline="") as rows:
        readings = sorted((at(row["timestamp"]), float(row["value"])) for row in csv.DictReader(rows))
    rule = Rule(1, "Too cold", Severity.WARNING, ALL, "temperature", read_condition(when))
    end = readings[-1][0]
    alerts = [(one.opened, one.resolved or end) for one in play(RuleMachine(rule), readings, end)]
    windows = [(at(start), at(stop)) for start, stop in FAILED]
    hits = [any(opened <= stop and ended >= start for opened, ended in alerts) for start, stop in windows]
    false = [
        datetime.fromtimestamp(opened / 1e6, UTC).strftime("%Y-%m-%d")
        for opened, ended in alerts
        if not any(opened <= stop and ended >= start for start, stop in windows)
    ]
    assert (hits, false) == (found, false_alarms)
