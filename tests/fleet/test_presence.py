"""Who is online, stale, offline or never seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fleet.session import EndReason
from hub.model import Device, Presence
from tests.fleet.watch import Watch
from tests.rooms import T0, FakeSession


def test_a_device_is_never_seen_until_it_is() -> None:
    watch = Watch()
    assert set(watch.wait(1000)) == {Presence.NEVER_SEEN}
    watch.connect()
    assert watch.shown() is Presence.ONLINE
    assert watch.roster.last_seen(watch.device) == watch.clock.now


def test_a_device_known_from_history_is_offline_since_then() -> None:
    watch = Watch(last_seen=T0 - 5)
    assert (watch.shown(), watch.feed.device("boiler-1").since) == (Presence.OFFLINE, T0 - 5)


def test_one_session_too_many_ends_the_oldest() -> None:
    watch = Watch()
    sessions = [watch.connect() for _ in range(5)]
    assert [session.ended for session in sessions] == [[EndReason.TOO_MANY], [], [], [], []]
    watch.roster.leave(sessions[0])
    watch.connect()
    assert sessions[1].ended == [EndReason.TOO_MANY]
    assert watch.shown() is Presence.ONLINE


def test_a_device_is_offline_when_its_last_session_ends() -> None:
    watch = Watch()
    first, second = watch.connect(), watch.connect()
    watch.roster.leave(first)
    watch.roster.leave(first)  # twice changes nothing
    assert watch.shown() is Presence.ONLINE
    watch.roster.leave(second)
    assert watch.shown() is Presence.OFFLINE
    assert watch.roster.sessions(watch.device) == []


def test_a_silent_session_is_stale_and_one_reading_brings_it_back() -> None:
    watch = Watch(expected_interval_s=10)
    watch.connect()
    found = watch.wait(3600)
    assert found[:30] == [Presence.ONLINE] * 30
    assert set(found[31:]) == {Presence.STALE}  # while the session is open, never offline
    watch.roster.heard(watch.device, watch.clock.now)
    assert watch.shown() is Presence.ONLINE


def test_without_a_session_silence_is_stale_then_offline() -> None:
    watch = Watch(expected_interval_s=10)
    watch.roster.heard(watch.device, watch.clock.now)
    found = watch.wait(200)
    assert found == sorted(found, key=[Presence.ONLINE, Presence.STALE, Presence.OFFLINE].index)
    assert (found.count(Presence.ONLINE), found[99], found[101]) == (30, Presence.STALE, Presence.OFFLINE)


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("every_s", [1, 15, 60, 600])
@pytest.mark.parametrize("burst", [1, 10])
def test_a_device_that_keeps_its_pace_stays_online(connected: bool, every_s: int, burst: int) -> None:
    watch = Watch()
    if connected:
        watch.connect()
        watch.clock.pass_s(0.05)  # its first reading comes right after it connects
    watch.report(every_s, 3, burst)  # learning
    assert set(watch.report(every_s, 10, burst)) == {Presence.ONLINE}


@pytest.mark.parametrize("slower_s", [30, 300])
def test_a_device_that_slows_down_is_believed_after_a_few_readings(slower_s: int) -> None:
    watch = Watch()
    watch.connect()
    watch.report(1, 30)
    watch.report(slower_s, 8)
    assert set(watch.report(slower_s, 5)) == {Presence.ONLINE}


def test_an_absence_is_no_interval() -> None:
    watch = Watch()
    session = watch.connect()
    watch.report(1, 30)
    watch.roster.leave(session)
    watch.clock.pass_s(86_400)
    watch.connect()
    watch.report(1, 5)
    assert watch.wait(10)[-1] is Presence.STALE  # as soon as before


def test_a_longer_interval_set_by_an_operator_ends_staleness() -> None:
    watch = Watch(expected_interval_s=10)
    watch.connect()
    assert watch.wait(40)[-1] is Presence.STALE
    watch.roster.update(Device(1, "boiler-1", "Boiler", {}, T0, 3600.0))
    assert watch.wait(1) == [Presence.ONLINE]


def test_removing_a_device_ends_its_sessions_and_what_comes_late_has_no_effect() -> None:
    watch = Watch()
    session = watch.connect()
    watch.roster.remove(watch.device)
    assert session.ended == [EndReason.REMOVED]
    watch.roster.leave(session)
    watch.roster.update(watch.device)
    assert watch.roster.sessions(watch.device) == []
    late = watch.connect()
    assert late.ended == [EndReason.REMOVED]
    assert list(watch.roster.all_sessions()) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["heard", "enter", "leave", "tick"]), st.integers(-5, 500)), max_size=40
    )
)
def test_whatever_happens_an_open_session_is_never_offline_and_a_closed_one_not_online_for_ever(
    steps: list[tuple[str, int]],
) -> None:
    watch = Watch()
    sessions: list[FakeSession] = []
    for step, seconds in steps:
        watch.clock.pass_s(seconds)  # clocks go back, too
        if step == "heard":
            watch.roster.heard(watch.device, watch.clock.now)
        elif step == "enter":
            sessions.append(watch.connect())
        elif step == "leave" and sessions:
            watch.roster.leave(sessions.pop())
        else:
            watch.roster.tick()
        if sessions:
            assert watch.shown() in (Presence.ONLINE, Presence.STALE)
    for session in sessions:
        watch.roster.leave(session)
    watch.clock.pass_s(1e6)
    watch.roster.tick()
    assert watch.shown() in (Presence.OFFLINE, Presence.NEVER_SEEN)


def test_a_backlog_after_an_outage_teaches_nothing() -> None:
    watch = Watch()
    watch.connect()
    watch.report(60, 10)
    old = watch.clock.now - 86_400_000_000
    for number in range(600):  # ten minutes of readings from yesterday, as fast as it goes
        watch.clock.pass_s(1.5)
        watch.hear(old + number * 60_000_000)
    assert Presence.STALE not in watch.report(60, 3)


def test_a_backlog_that_catches_up_with_now_teaches_nothing() -> None:
    watch = Watch()
    watch.report(60, 10)
    watch.clock.pass_s(36_000)
    behind = watch.clock.now - 36_000_000_000
    for number in range(600):
        watch.clock.pass_s(1.5)
        watch.hear(behind + number * 60_000_000)
    assert Presence.STALE not in watch.report(60, 3)


def test_a_device_that_reports_in_clusters_is_not_stale_between_them() -> None:
    watch = Watch()
    watch.connect()
    for _ in range(3):
        watch.report(5, 3)
        watch.wait(295)
    found = []
    for _ in range(5):
        found += watch.report(5, 3) + watch.wait(295)
    assert set(found) == {Presence.ONLINE}


def test_one_long_absence_without_a_session_does_not_hide_the_next_silence() -> None:
    watch = Watch()
    watch.report(10, 20)
    watch.wait(20_000)
    watch.report(10, 5)
    assert watch.wait(60)[-1] is Presence.STALE
    assert watch.wait(100)[-1] is Presence.OFFLINE


def test_messages_without_readings_teach_nothing() -> None:
    watch = Watch()
    watch.connect()
    watch.report(60, 5)
    for _ in range(30):
        watch.clock.pass_s(2)
        watch.roster.heard(watch.device, watch.clock.now)
    assert Presence.STALE not in watch.report(60, 3)


@given(
    every_s=st.integers(1, 3600),
    jitter=st.lists(st.floats(0.7, 1.4), min_size=25, max_size=25),
    bursts=st.lists(st.integers(1, 5), min_size=25, max_size=25),
    skew_s=st.integers(-100_000, 100_000),
    connected=st.booleans(),
)
def test_whatever_the_jitter_the_bursts_and_the_clock_a_steady_device_is_online_and_a_silent_one_is_not(
    every_s: int, jitter: list[float], bursts: list[int], skew_s: int, connected: bool
) -> None:
    watch = Watch()
    if connected:
        watch.connect()
    for number, (factor, burst) in enumerate(zip(jitter, bursts, strict=True)):
        for _ in range(burst):
            watch.hear(watch.clock.now + skew_s * 1_000_000)
            watch.clock.now += 10_000
        watch.clock.pass_s(every_s * factor)
        watch.roster.tick()
        assert number < 4 or watch.shown() is Presence.ONLINE
    watch.clock.pass_s(max(5, every_s * 1.4 * 3) + 1)
    watch.roster.tick()
    assert watch.shown() in (Presence.STALE, Presence.OFFLINE)
    if connected:
        assert watch.shown() is Presence.STALE
