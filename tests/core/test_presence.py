"""Who is online, stale, offline or never seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config import LiveConfig
from hub.feed import Feed
from hub.model import Device, Presence
from hub.presence import EndReason, Roster
from tests.core.rooms import T0, Clock, FakeSession


class Watch:
    """A roster with one device, second by second."""

    def __init__(self, expected_interval_s: float | None = None, last_seen: int | None = None) -> None:
        self.clock = Clock()
        self.feed = Feed(LiveConfig(), "k3f9", self.clock.monotonic_s)
        self.feed.add("boiler-1")
        self.device = Device(1, "boiler-1", "Boiler", {}, T0, expected_interval_s)
        self.roster = Roster(self.feed, self.clock)
        self.roster.add(self.device, last_seen)

    def shown(self) -> Presence:
        channel = self.feed.device("boiler-1")
        assert self.roster.count()[channel.presence] == 1
        return channel.presence

    def connect(self) -> FakeSession:
        session = FakeSession(self.device)
        self.roster.enter(session)
        return session

    def wait(self, seconds: int) -> list[Presence]:
        """Let time pass with a tick a second; the presence after each."""
        found = []
        for _ in range(seconds):
            self.clock.pass_s(1)
            self.roster.tick()
            found.append(self.shown())
        return found

    def report(self, every_s: int, times: int, burst: int = 1) -> list[Presence]:
        """Readings at a steady pace; every presence there was between them."""
        found = []
        for _ in range(times):
            for _ in range(burst):
                self.roster.heard(self.device, self.clock.now)
                self.clock.now += 20_000
            found += self.wait(every_s)
        return found


def test_a_device_is_never_seen_until_it_is() -> None:
    watch = Watch()
    assert set(watch.wait(1000)) == {Presence.NEVER_SEEN}
    watch.connect()
    assert watch.shown() is Presence.ONLINE
    assert watch.roster.last_seen(watch.device) == watch.clock.now


def test_a_device_known_from_history_is_offline_since_then() -> None:
    watch = Watch(last_seen=T0 - 5)
    assert (watch.shown(), watch.feed.device("boiler-1").since) == (Presence.OFFLINE, T0 - 5)


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
