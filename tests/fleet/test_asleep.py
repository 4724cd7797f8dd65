"""Devices that connect, send and disconnect: asleep, not offline, until they are overdue."""

import pytest

from hub.fleet.session import Leaving
from hub.model import Device, Presence, Run
from tests.fleet.watch import Watch
from tests.rooms import T0

EVERY_S = 600


def wake(watch: Watch, how: Leaving = Leaving.GOODBYE, stays_s: float = 2.0) -> None:
    """It connects, sends a reading, and is gone again."""
    session = watch.connect()
    watch.hear(watch.clock.now)
    watch.clock.pass_s(stays_s)
    watch.roster.leave(session, how)


def cycles(watch: Watch, count: int, how: Leaving = Leaving.GOODBYE) -> list[Presence]:
    """So many wakings and sleeps; every presence there was."""
    found: list[Presence] = []
    for _ in range(count):
        wake(watch, how)
        found.append(watch.shown())
        found += watch.wait(EVERY_S - 2)
    return found


@pytest.mark.parametrize("how", [Leaving.GOODBYE, Leaving.LOST])
def test_with_its_interval_set_a_device_that_sleeps_is_online_until_it_is_overdue(how: Leaving) -> None:
    watch = Watch(expected_interval_s=EVERY_S)
    assert set(cycles(watch, 6, how)) == {Presence.ONLINE}
    found = watch.wait(EVERY_S * 10)
    assert found == sorted(found, key=[Presence.ONLINE, Presence.STALE, Presence.OFFLINE].index)
    assert (found.count(Presence.ONLINE), found[-1]) == (EVERY_S * 2, Presence.OFFLINE)


def test_its_interval_is_learnt_by_its_second_sleep() -> None:
    watch = Watch()
    first = cycles(watch, 2)
    assert Presence.OFFLINE in first  # nothing says yet that it will come again
    wake(watch)
    assert set(cycles(watch, 6)) == {Presence.ONLINE}
    assert watch.wait(EVERY_S * 3)[-1] is Presence.STALE


def test_one_absence_is_no_interval() -> None:
    watch = Watch()
    wake(watch)
    watch.wait(EVERY_S)
    wake(watch)
    assert watch.shown() is Presence.OFFLINE


@pytest.mark.parametrize("how", [Leaving.WILL, Leaving.ENDED])
def test_one_that_left_a_will_or_was_sent_away_is_offline_at_once(how: Leaving) -> None:
    watch = Watch(expected_interval_s=EVERY_S)
    cycles(watch, 3)
    wake(watch, how)
    assert watch.shown() is Presence.OFFLINE


@pytest.mark.parametrize("how", list(Leaving))
@pytest.mark.parametrize("expected_s", [None, 1.0, float(EVERY_S)])
def test_one_that_stayed_for_longer_than_its_interval_is_offline_when_it_leaves(
    how: Leaving, expected_s: float | None
) -> None:
    watch = Watch(expected_interval_s=expected_s)
    session = watch.connect()
    watch.report(1, EVERY_S + 60)
    watch.roster.leave(session, how)
    assert watch.shown() is Presence.OFFLINE


def test_absences_after_a_broken_connection_teach_nothing() -> None:
    watch = Watch()
    for _ in range(3):
        session = watch.connect()
        watch.report(10, 8)
        watch.roster.leave(session, Leaving.LOST)
        watch.clock.pass_s(EVERY_S)
    watch.connect()
    watch.report(10, 3)
    assert watch.wait(40)[-1] is Presence.STALE


def test_the_hub_may_be_restarted_while_a_device_sleeps() -> None:
    watch = Watch(expected_interval_s=EVERY_S, last_seen=T0 - 300_000_000)
    assert watch.shown() is Presence.ONLINE
    assert watch.wait(EVERY_S * 3 - 300)[-1] is Presence.ONLINE
    assert watch.wait(1)[-1] is Presence.STALE
    late = Watch(expected_interval_s=EVERY_S, last_seen=T0 - 4 * EVERY_S * 1_000_000)
    assert late.shown() is Presence.OFFLINE


def test_a_backlog_sent_on_waking_is_one_report() -> None:
    watch = Watch(expected_interval_s=None)
    for _ in range(6):
        session = watch.connect()
        for minute in range(10):
            watch.feed.device("boiler-1").publish(
                Run([watch.clock.now - (9 - minute) * 60_000_000], [{"n": 1.0}], alike=True)
            )
            watch.roster.heard(watch.device, watch.clock.now)
        watch.roster.leave(session)
        watch.clock.pass_s(EVERY_S)
        watch.roster.tick()
    assert watch.shown() is Presence.ONLINE


def test_an_interval_set_while_it_sleeps_counts_at_its_next_sleep() -> None:
    watch = Watch()
    wake(watch)
    assert watch.shown() is Presence.OFFLINE
    watch.roster.update(Device(1, "boiler-1", "Boiler", {}, T0, EVERY_S))
    wake(watch)
    assert watch.shown() is Presence.ONLINE
