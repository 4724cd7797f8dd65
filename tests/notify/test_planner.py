"""What is told to whom, and when: the planner, with time held in the hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import Alert, Severity
from hub.model.alert import Event
from hub.model.delivery import ALERTS_MAX
from hub.model.route import read_route
from hub.notify import drafts
from tests.notify.board import ACKNOWLEDGED, SILENCED, T0, Desk, S, alert_of

QUIET = {"timezone": "UTC", "from": "10:00", "to": "11:00"}  # T0 is 10:21:34
QUIET_ENDS_S = 38 * 60 + 26


def resolved(alert: Alert, desk: Desk) -> Alert:
    return replace(alert, resolved=desk.now)


def test_forty_alerts_of_one_rule_are_one_message_and_so_is_their_end() -> None:
    desk = Desk({})
    alerts = []
    for number in range(1, 41):
        alerts.append(desk.open(number))
        desk.pass_to(desk.at_s + 0.5)
    desk.pass_to(60)
    assert desk.told() == [
        ("opened", list(range(1, 31))),
        ("opened", list(range(31, 41))),
    ] or desk.told() == [("opened", list(range(1, 41)))]
    desk.sent.clear()
    for alert in alerts:
        desk.take(resolved(alert, desk), Event.RESOLVED)
    desk.pass_to(120)
    assert desk.told() == [("resolved", list(range(1, 41)))]
    assert desk.board.watches == {}


def test_alerts_of_two_rules_are_two_messages_and_of_two_sites_too_if_asked() -> None:
    desk = Desk({"group_by": "site"})
    desk.open(1, {"site": "north"})
    desk.open(2, {"site": "south"})
    desk.open(3, {"site": "north"})
    desk.open(4, {"site": "north"}, rule=8)
    desk.pass_to(30)
    assert desk.told() == [("opened", [1, 3]), ("opened", [2]), ("opened", [4])]


def test_a_message_names_so_many_alerts_and_counts_the_others() -> None:
    desk = Desk({})
    for number in range(1, ALERTS_MAX + 6):
        desk.open(number)
    desk.pass_to(30)
    [sent] = desk.sent
    assert (len(sent.alerts), sent.more) == (ALERTS_MAX, 5)


@pytest.mark.parametrize(
    "how",
    [
        {"received": T0 + 61 * S},
        {"silenced": SILENCED},
        {"acknowledged": ACKNOWLEDGED},
        {"notify": False},
        {"severity": Severity.WARNING},
    ],
    ids=["late", "silenced", "acknowledged", "to be told to nobody", "of another severity"],
)
@pytest.mark.parametrize("event", [Event.OPENED, Event.REMINDER])
def test_nobody_is_told(how: dict[str, Any], event: Event) -> None:
    desk = Desk({"match": {"severity": ["critical"]}, "escalate": {"after_s": 60, "targets": [2]}})
    alert = alert_of(1, **how)
    desk.take(alert, event)
    desk.take(replace(alert, resolved=T0 + S), Event.RESOLVED)
    desk.pass_to(200)
    assert desk.told() == []
    assert desk.board.watches == {}


@pytest.mark.parametrize("event", [Event.ACKNOWLEDGED, Event.SILENCED])
def test_what_is_acknowledged_or_silenced_before_it_is_told_is_not_told(event: Event) -> None:
    desk = Desk({"remind_s": 60, "escalate": {"after_s": 60, "targets": [2]}})
    alert, other = desk.open(1), desk.open(2)
    desk.pass_to(10)
    after = replace(alert, acknowledged=ACKNOWLEDGED if event is Event.ACKNOWLEDGED else None)
    desk.take(after, event)
    desk.pass_to(30)
    assert desk.told() == [("opened", [2])]
    desk.take(resolved(after, desk), Event.RESOLVED)
    desk.take(resolved(other, desk), Event.RESOLVED)
    desk.pass_to(100)
    assert desk.told() == [("opened", [2]), ("resolved", [2])]


def test_who_knows_of_it_is_told_who_has_seen_it_and_that_it_is_over() -> None:
    desk = Desk({})
    alert = desk.open(1)
    desk.pass_to(40)
    alert = replace(alert, acknowledged=ACKNOWLEDGED)
    desk.take(alert, Event.ACKNOWLEDGED, by="ada")
    desk.pass_to(80)
    desk.take(resolved(alert, desk), Event.RESOLVED)
    desk.pass_to(120)
    assert desk.told() == [("opened", [1]), ("acknowledged", [1]), ("resolved", [1])]
    assert [one.by for one in desk.sent] == ["", "ada", ""]
    assert len({one.key for one in desk.sent}) == 3


def test_the_end_is_never_told_before_the_beginning() -> None:
    desk = Desk({"group_s": 60})
    alert = desk.open(1)
    desk.planner.routes[1] = replace(desk.route(), group_s=0.0)
    desk.pass_to(5)
    desk.take(resolved(alert, desk), Event.RESOLVED)
    desk.pass_to(100)
    assert desk.told() == [("opened", [1]), ("resolved", [1])]


def test_quiet_hours_hold_all_in_one_message_until_they_end() -> None:
    desk = Desk({"quiet": QUIET, "escalate": {"after_s": 60, "targets": [2]}})
    first = desk.open(1)
    desk.pass_to(60)
    desk.open(2, rule=8)
    desk.take(resolved(first, desk), Event.RESOLVED)
    desk.pass_to(QUIET_ENDS_S - 1)
    assert desk.told() == []
    desk.pass_to(QUIET_ENDS_S)
    [sent] = desk.sent
    assert [(one.id, one.resolved is not None) for one in sent.alerts] == [(2, False), (1, True)] or [
        (one.id, one.resolved is not None) for one in sent.alerts
    ] == [(1, True), (2, False)]
    desk.pass_to(QUIET_ENDS_S + 61)
    assert desk.told(2) == [("escalated", [2])]  # counted from when it was told


def test_a_route_outside_its_schedule_or_switched_off_takes_nothing() -> None:
    desk = Desk(
        {"match": {"schedule": {"timezone": "UTC", "from": "11:00", "to": "12:00"}}}, {"enabled": False}
    )
    desk.open(1)
    desk.pass_to(QUIET_ENDS_S)
    desk.open(2)
    desk.pass_to(QUIET_ENDS_S + 40)
    assert desk.told() == [("opened", [2])]


@pytest.mark.parametrize(
    ("label", "of_rule", "of_device", "is_told"),
    [
        ("team=heat", {"team": "heat"}, {}, True),
        ("team=heat", {}, {"team": "heat"}, True),
        ("team=heat", {"team": "cold"}, {"site": "north"}, False),
        (None, {}, {}, True),
    ],
)
def test_a_route_is_for_a_label_of_the_rule_or_of_the_device(
    label: str | None, of_rule: dict[str, str], of_device: dict[str, str], *, is_told: bool
) -> None:
    desk = Desk({"match": {"label": label}})
    desk.open(1, of_device, labels=of_rule)
    desk.pass_to(30)
    assert bool(desk.told()) == is_told


def test_a_route_reminds_and_escalates_until_somebody_acknowledges() -> None:
    desk = Desk({"group_s": 0, "remind_s": 60, "escalate": {"after_s": 100, "targets": [2]}})
    alert = desk.open(1)
    desk.pass_to(130)
    assert desk.told(1) == [("opened", [1]), ("reminder", [1]), ("reminder", [1])]
    assert desk.told(2) == [("escalated", [1]), ("reminder", [1])]
    assert len({(one.key, one.target) for one in desk.sent}) == 5
    desk.sent.clear()
    alert = replace(alert, acknowledged=ACKNOWLEDGED)
    desk.take(alert, Event.ACKNOWLEDGED)
    desk.pass_to(400)
    desk.take(resolved(alert, desk), Event.RESOLVED)
    desk.pass_to(500)
    assert desk.told(1) == desk.told(2) == [("acknowledged", [1]), ("resolved", [1])]


def test_who_was_not_told_for_a_silence_is_told_when_it_is_over() -> None:
    desk = Desk({"group_s": 0})
    alert = desk.open(1, silenced=SILENCED)
    desk.take(replace(alert, silenced=None), Event.REMINDER)
    desk.take(resolved(replace(alert, silenced=None), desk), Event.RESOLVED)
    desk.pass_to(1)
    assert desk.told() == [("reminder", [1]), ("resolved", [1])]


def test_one_target_of_two_routes_is_told_once_and_a_person_only_of_what_they_may_see() -> None:
    desk = Desk({"targets": [1, 3], "group_s": 0}, {"targets": [1, 2], "group_s": 0}, beyond={3: "d1"})
    desk.open(1)
    desk.open(2)
    desk.pass_to(1)
    assert desk.told(1) == desk.told(2) == [("opened", [1, 2])] or desk.told(1) == [
        ("opened", [1]),
        ("opened", [2]),
    ]
    assert [alerts for _, alerts in desk.told(3)] == [[2]]


def test_a_queue_that_is_full_keeps_what_is_not_sent_and_says_why() -> None:
    desk = Desk({"group_s": 3600})
    for number in range(1, drafts.QUEUED_MAX + 2):
        alert = alert_of(number, rule=number)
        plan = desk.planner.take(_opened(number, alert), {}, T0)
        desk.board.apply(plan)
    assert len(desk.board.queued) == drafts.QUEUED_MAX
    [last] = plan.deliveries
    assert (last.state.value, "wait to be sent already" in last.why) == ("failed", True)


def _opened(number: int, alert: Alert) -> Any:
    from hub.model import AlertChange

    return AlertChange(number, alert, Event.OPENED, T0)


@pytest.mark.parametrize("hours", [{}, {"timezone": "Europe/Berlin", "from": "08:00", "to": "08:00"}])
def test_quiet_hours_that_never_end_are_refused(hours: dict[str, object]) -> None:
    with pytest.raises(Exception, match="it never ends"):
        read_route({"targets": [1], "quiet": hours})


# Whatever happens in whatever order

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "acknowledge", "silence", "loud", "resolve", "remove route", "wait"]),
        st.integers(1, 4),
        st.integers(0, 90),
    ),
    max_size=40,
)


@given(STEPS, st.sampled_from([0, 5, 60]), st.booleans())
def test_whatever_happens_messages_are_true_and_each_is_told_once(
    steps: list[tuple[str, int, int]], group_s: int, is_quiet: bool
) -> None:
    """Of one alert: an opening before all else, one end and nothing after it; no key twice to one target; and
    nobody is told of an alert that was acknowledged or silenced before.
    """
    quiet = {"quiet": QUIET} if is_quiet else {}
    more = {"remind_s": 60, "escalate": {"after_s": 70, "targets": [2]}}
    desk = Desk({"group_s": group_s, **more, **quiet}, {"targets": [1, 3], "group_s": 10})
    alerts: dict[int, Alert] = {}
    number = 0
    for what, which, seconds in steps:
        alert = alerts.get(which)
        if what == "open" and alert is None:
            number += 1
            alerts[which] = desk.open(number, rule=which)
        elif what == "remove route" and seconds > 80:
            desk.planner.routes.pop(1, None)
        elif what == "wait":
            desk.pass_to(desk.at_s + seconds)
        elif alert is not None and what == "acknowledge" and alert.acknowledged is None:
            alerts[which] = replace(alert, acknowledged=ACKNOWLEDGED)
            desk.take(alerts[which], Event.ACKNOWLEDGED)
        elif alert is not None and what == "silence" and alert.silenced is None:
            alerts[which] = replace(alert, silenced=SILENCED)
            desk.take(alerts[which], Event.SILENCED)
        elif alert is not None and what == "loud" and alert.silenced and not alert.acknowledged:
            alerts[which] = replace(alert, silenced=None)
            desk.take(alerts[which], Event.REMINDER)
        elif alert is not None and what == "resolve":
            desk.take(resolved(alerts.pop(which), desk), Event.RESOLVED)
    for alert in alerts.values():
        desk.take(resolved(alert, desk), Event.RESOLVED)
    desk.pass_to(desk.at_s + 2 * QUIET_ENDS_S)
    assert desk.board.queued == {}
    assert not [one for one in desk.board.watches.values() if one.route in desk.planner.routes]
    keys = [(one.key, one.target) for one in desk.sent]
    assert len(set(keys)) == len(keys)
    for target in (1, 2, 3):
        for one in range(1, number + 1):
            told = [event for event, ids in desk.told(target) if one in ids]
            begins = told[0] in ("opened", "reminder", "escalated") if told else True
            assert begins, told
            assert told.count("opened") <= 1, told
            assert told.count("resolved") <= 1, told
            assert "resolved" not in told[:-1], told
