"""A roster with one device, whose time the test holds."""

from hub.config import LiveConfig
from hub.feed import Feed
from hub.fleet.presence import Roster
from hub.model import Device, Presence, Run
from tests.rooms import T0, Clock, FakeSession


class Watch:
    """A roster with one device, second by second."""

    def __init__(self, expected_interval_s: float | None = None, last_seen: int | None = None) -> None:
        self.clock = Clock()
        self.feed = Feed(LiveConfig(), "k3f9", self.clock.monotonic_s)
        self.feed.add("boiler-1")
        self.device = Device(1, "boiler-1", "Boiler", {}, T0, expected_interval_s)
        self.roster = Roster(self.feed, self.clock, 4, 100)
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

    def hear(self, time: int) -> None:
        """A reading of the device's time `time` comes now."""
        self.feed.device("boiler-1").publish(Run([time], [{"n": 1.0}], alike=True))
        self.roster.heard(self.device, self.clock.now)

    def report(self, every_s: int, times: int, burst: int = 1) -> list[Presence]:
        """Readings at a steady pace; every presence there was between them."""
        found = []
        for _ in range(times):
            for _ in range(burst):
                self.hear(self.clock.now)
                self.clock.now += 20_000
            found += self.wait(every_s)
        return found
