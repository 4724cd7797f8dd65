"""The machines against a slow oracle, and what each condition means in a few plain cases."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.alerts.machine import Fired, Resolved, RuleMachine, Step, Worse
from hub.alerts.play import play, silences_of, steps_of
from hub.alerts.series import DeviceWatch, WatchedMetric
from hub.model import Device, Run, Value
from hub.model.condition import Beyond, Condition, read_condition, write_condition
from hub.model.rule import ALL, Rule, Severity
from tests.alerts.conditions import OF_NUMBERS, READINGS
from tests.alerts.oracle import spans
from tests.alerts.posts import Told

S = 1_000_000
END = 300 * S


def rule_of(when: Condition, **more: Any) -> Rule:
    return Rule(1, "rule", Severity.WARNING, ALL, "t", when, **more)


def spans_of(steps: list[Step]) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for step in steps:
        if isinstance(step, Fired):
            found.append((step.at, None))
        elif isinstance(step, Resolved):
            found[-1] = (found[-1][0], step.at)
    return found


def said(
    machine: RuleMachine, readings: list[tuple[int, Value]], end: int = END
) -> list[tuple[int, int | None]]:
    return spans_of([*steps_of(machine, readings), *machine.pass_to(end)])


@given(OF_NUMBERS, READINGS)
def test_a_machine_says_what_the_oracle_says(when: Condition, readings: list[tuple[int, Value]]) -> None:
    assert said(RuleMachine(rule_of(when)), readings) == spans(when, readings, END)


@given(OF_NUMBERS, READINGS, st.lists(st.integers(0, 120)))
def test_time_that_passes_between_readings_changes_nothing_of_what_is_said(
    when: Condition, readings: list[tuple[int, Value]], looks: list[int]
) -> None:
    machine, steps = RuleMachine(rule_of(when)), []
    moments: list[tuple[int, Value | None]] = [*readings, *((at * S - 1, None) for at in looks)]
    for time, value in sorted(moments, key=lambda one: one[0]):
        steps += machine.pass_to(time) if value is None else machine.take(time, value)
    assert spans_of([*steps, *machine.pass_to(END)]) == spans(when, readings, END)


@given(st.lists(OF_NUMBERS, min_size=1, max_size=4), READINGS, st.lists(st.integers(1, 12)))
def test_many_machines_behind_one_band_say_what_each_says_alone(
    conditions: list[Condition], readings: list[tuple[int, Value]], sizes: list[int]
) -> None:
    told = Told()
    series = WatchedMetric(told, Device(1, "d", "d", {}, 0), "t", 0)
    watch = DeviceWatch(told, series.device)
    watch.series["t"] = series
    posts = [told.post(series, rule_of(when)) for when in conditions]
    series.rebound()
    left = list(readings)
    for size in [*sizes, len(left) or 1]:
        batch, left = left[:size], left[size:]
        if len(batch) == 1:
            series.take_one(*batch[0], 0)
        elif batch:
            times, values = [time for time, _ in batch], [value for _, value in batch]
            numbers = [float(value) for value in values]
            spans_known = [(min(numbers), max(numbers))] if size % 2 else []
            watch.take(Run(times, [{"t": value} for value in values], alike=True), 0, spans_known)
    for post, when in zip(posts, conditions, strict=True):
        steps = [*told.steps[id(post)], *post.machine.pass_to(END)]
        assert spans_of(steps) == spans(when, readings, END)


@given(OF_NUMBERS)
def test_a_condition_is_written_as_it_is_read(when: Condition) -> None:
    assert read_condition(write_condition(when)) == when


def test_a_value_that_is_beyond_for_long_enough_fires_though_no_reading_comes() -> None:
    machine = RuleMachine(rule_of(Beyond(high=90, clear_high=85, for_s=30)))
    assert said(machine, [(0, 95.0)], 29 * S) == []
    assert spans_of(machine.pass_to(31 * S)) == [(30 * S, None)]
    assert machine.take(40 * S, 87.0) == []
    assert machine.take(41 * S, 84.0) == [Resolved(41 * S)]


def test_the_worst_value_is_kept() -> None:
    found = play(
        RuleMachine(rule_of(Beyond(high=90))), [(S, 91.0), (2 * S, 97.0), (3 * S, 94.0), (4 * S, 1.0)], END
    )
    assert [(one.peak_at, one.peak, one.value) for one in found] == [(2 * S, 97.0, 91.0)]


@pytest.mark.parametrize(
    ("when", "values", "fires"),
    [
        ({"is": "fault"}, ["ok", "fault", "fault", "ok"], (1, 3)),
        ({"is_not": "ok"}, ["ok", "fault", "ok"], (1, 2)),
        ({"is": True}, [False, True, False], (1, 2)),
        ({"is_not": True}, [True, False, True], (1, 2)),
    ],
)
def test_texts_and_truth_values(when: dict[str, object], values: list[Value], fires: tuple[int, int]) -> None:
    readings = [(at * S, value) for at, value in enumerate(values)]
    assert said(RuleMachine(rule_of(read_condition(when))), readings) == [(fires[0] * S, fires[1] * S)]


def test_what_opens_again_and_again_is_one_alert_that_flaps() -> None:
    readings: list[tuple[int, Value]] = [(at * 10 * S, 95.0 if at % 2 else 1.0) for at in range(20)]
    found = play(RuleMachine(rule_of(Beyond(high=90))), readings, END)
    assert [(one.count, one.flapping) for one in found] == [(1, False), (9, True)]


def test_a_silence_is_a_gap_between_readings_or_after_the_last() -> None:
    found = silences_of([(10 * S, 1.0), (100 * S, 1.0)], 0, 200 * S, 60 * S)
    assert [(one.opened, one.resolved) for one in found] == [(70 * S, 100 * S), (160 * S, None)]


def test_steps_tell_a_worse_value_once() -> None:
    machine = RuleMachine(rule_of(Beyond(high=90)))
    steps = list(steps_of(machine, [(S, 91.0), (2 * S, 95.0), (3 * S, 92.0)]))
    assert steps == [Fired(S, 91.0), Worse(S, 91.0), Worse(2 * S, 95.0)]
