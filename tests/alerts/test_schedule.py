"""When alerts may open: by the clocks of a place, over midnight, and when summer begins and ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.alerts.machine import Fired, Resolved, RuleMachine
from hub.model.condition import Beyond
from hub.model.rule import ALL, Rule, Severity
from hub.model.schedule import Schedule, read_schedule

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = read_schedule({"timezone": "Europe/Berlin", "days": ["sat"], "from": "22:00", "to": "06:00"})


def us(text: str) -> int:
    """A time of Berlin's clocks."""
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-27 12:00", "2026-03-28 22:00"),
        ("2026-03-28 23:30", "2026-03-28 23:30"),
        ("2026-03-29 05:59", "2026-03-29 05:59"),  # summer begins in this night, which has seven hours
        ("2026-03-29 06:00", "2026-04-04 22:00"),
        ("2026-10-25 05:59", "2026-10-25 05:59"),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(at: str, opens: str) -> None:
    assert NIGHTS.opens_at(us(at)) == us(opens)


@pytest.mark.parametrize(("sunday", "hours"), [("2026-03-29", 7), ("2026-10-25", 9), ("2026-11-01", 8)])
def test_a_night_in_which_clocks_are_set_is_as_long_as_they_say(sunday: str, hours: int) -> None:
    start, end = next(span for span in NIGHTS.spans(us(f"{sunday} 01:00")) if span[1] > us(f"{sunday} 01:00"))
    assert (end - start) / 3_600_000_000 == hours


@given(
    st.integers(0, 366 * 24 * 60),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_it_opens_when_the_clocks_of_the_place_say_so(
    minute: int, days: set[int], begin: int, end: int
) -> None:
    schedule = Schedule("Europe/Berlin", frozenset(days), begin, end)
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    local = at.astimezone(BERLIN)
    now = local.hour * 60 + local.minute
    yesterday = (local.weekday() - 1) % 7
    if end > begin:
        is_open = local.weekday() in days and begin <= now < end
    else:
        is_open = (local.weekday() in days and now >= begin) or (yesterday in days and now < end)
    found = schedule.opens_at(round(at.timestamp() * 1e6))
    is_odd_night = any(local.date().isoformat() in day for day in ("2026-03-29", "2026-10-25"))
    if not is_odd_night:  # an hour that is skipped or comes twice is told of above
        assert (found == round(at.timestamp() * 1e6)) == is_open


def test_what_holds_when_the_schedule_opens_fires_then() -> None:
    rule = Rule(1, "r", Severity.WARNING, ALL, "t", Beyond(high=90), schedule=NIGHTS)
    machine = RuleMachine(rule)
    assert machine.take(us("2026-03-28 12:00"), 95.0) == []
    opens = us("2026-03-28 22:00")
    assert machine.deadline == opens
    assert machine.pass_to(opens)[0] == Fired(opens, 95.0)
    assert machine.take(us("2026-03-29 12:00"), 1.0) == [Resolved(us("2026-03-29 12:00"))]
