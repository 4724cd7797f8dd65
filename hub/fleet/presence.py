"""Who is there: from the sessions of devices and from their readings, which are online, stale or offline.

    online      a session is open, or it sends without one as often as expected (HTTP, outside broker, asleep)
    stale       it should have sent by now: a session is open and silent, or readings stopped a while ago
    offline     the last session ended, or without sessions, silent for much longer than expected
    never_seen  not a sign of it, ever

What is expected is the device's `expected_interval_s`, or the interval learnt from its readings.

A device that connects, sends and disconnects again, before its next reading is due, is asleep and not
offline: it is judged by its interval, whatever the transport, and after a restart of the hub too. So is one
whose connection broke in that time, because many cut their power without a good-bye. But one that left a will
means to stay connected: it is offline then, and so is one whose session the hub ended. The time from a
good-bye to the next report is an interval like any other, but one alone teaches nothing; after a broken
connection it is no interval.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from hub.clock import Step
from hub.feed import Feed
from hub.fleet.session import DeviceSession, EndReason, Leaving
from hub.model import Device, Presence

STALE_AFTER_INTERVALS = 3.0
OFFLINE_AFTER_INTERVALS = 10.0
STALE_MIN_S = 5.0  # a device that sends ten times a second is not stale at the first hiccup of a network
INTERVAL_UNKNOWN_S = 60.0
INTERVAL_MAX_S = 86_400.0  # learnt; what reports more rarely is given its interval by an operator
GAPS_KEPT = 8
NOTABLE_FACTOR = 1.5  # by which an interval differs from the one that is kept, before it is worth a write
CLOCK_FACTOR = 2.0  # how far the device's clock may have gone otherwise than ours between two reports
# Readings closer than this are one report: a burst says nothing of how often a device reports.
REPORT_MIN_S = 1.0


@dataclass(slots=True)
class _Seen:
    """What is known of one device's life. Times in µs UTC."""

    device: Device
    presence: Presence = Presence.NEVER_SEEN
    since: int | None = None
    last_seen: int | None = None
    gaps_s: tuple[float, ...] = ()  # between the starts of the last reports, oldest first
    interval_s: float | None = None  # learnt from them
    kept_s: float | None = None  # of that, what the registry has
    reported_at: int | None = None  # the start of the last report
    was_away: bool = False  # since that report
    entered_at: int = 0  # when the first of its sessions began
    newest: int = 0  # the time of the newest reading then, by the device's clock
    sessions: list[DeviceSession] = field(default_factory=list)


class Roster:
    """The devices' sessions and presence. `clock` gives µs UTC; `tell` is told of every change.

    There are at most `connections_max` sessions, over all transports: who lets a device in asks `has_place`
    first. A device has at most `sessions_max` of them, so that one key cannot take the places of all.
    """

    def __init__(
        self,
        feed: Feed,
        clock: Callable[[], int],
        sessions_max: int,
        connections_max: int,
        tell: Callable[[Device, Presence], None] = lambda _device, _presence: None,
    ) -> None:
        self._tell = tell
        self._sessions_max = sessions_max
        self.connections_max = connections_max
        self._feed = feed
        self._clock = clock
        self._seen: dict[int, _Seen] = {}
        self._open = 0  # sessions
        self.connected = 0  # devices with a session

    def has_place(self, device: Device) -> bool:
        """Whether one more session of the device may begin. One that ends the device's oldest always may:
        what is left of broken connections must not keep their device out of a full hub.
        """
        return self._open < self.connections_max or len(self.sessions(device)) >= self._sessions_max

    def add(self, device: Device, last_seen: int | None = None, interval_s: float | None = None) -> None:
        """Know a device. `last_seen` is when the history last heard of it: it may be asleep since then.
        `interval_s` is what an earlier run of the hub has learnt.
        """
        seen = self._seen[device.number] = _Seen(device, last_seen=last_seen)
        if interval_s is not None:
            seen.interval_s = seen.kept_s = interval_s
            seen.gaps_s = (interval_s, interval_s)  # so that the first gap alone does not stand over it
        self._feed.set_labels(device.id, device.labels)
        if last_seen is not None:
            seen.presence, seen.since = Presence.OFFLINE, last_seen
            expected_s = device.expected_interval_s or interval_s
            if expected_s is not None and not _is_overdue(seen, self._clock()):
                seen.presence = Presence.ONLINE
            self._feed.set_presence(device.id, seen.presence, last_seen)
            self._tell(device, seen.presence)

    def update(self, device: Device) -> None:
        """The device's settings changed. Without effect when it was removed meanwhile."""
        if device.number in self._seen:
            self._seen[device.number].device = device
            self._feed.set_labels(device.id, device.labels)

    def remove(self, device: Device) -> None:
        """End the device's sessions and forget it."""
        for session in list(self._seen[device.number].sessions):
            session.end(EndReason.REMOVED)
        left = self._seen.pop(device.number).sessions
        self._open -= len(left)
        self.connected -= bool(left)

    def enter(self, session: DeviceSession) -> None:
        """A session began. That of a device removed meanwhile ends at once; one too many ends the oldest."""
        seen = self._seen.get(session.device.number)
        if seen is None:
            session.end(EndReason.REMOVED)
            return
        now = self._clock()
        if not seen.sessions:
            self.connected += 1
            seen.entered_at = now
        seen.sessions.append(session)
        self._open += 1
        if len(seen.sessions) > self._sessions_max:
            seen.sessions[0].end(EndReason.TOO_MANY)
        seen.last_seen = now
        self._set(seen, Presence.ONLINE, now)

    def leave(self, session: DeviceSession, how: Leaving = Leaving.GOODBYE) -> None:
        """A session ended. Without effect when it is gone already."""
        seen = self._seen.get(session.device.number)
        if seen is None or session not in seen.sessions:
            return
        seen.sessions.remove(session)
        self._open -= 1
        if seen.sessions:
            return
        self.connected -= 1
        if how is Leaving.GOODBYE:
            seen.was_away = True
        else:
            seen.reported_at = None  # what passes until it comes back is no interval
        now = self._clock()
        expected_s = seen.device.expected_interval_s or seen.interval_s
        slept = expected_s is not None and now - seen.entered_at < expected_s * 1e6
        if slept and how in (Leaving.GOODBYE, Leaving.LOST):
            self._judge(seen, now)
        else:
            self._set(seen, Presence.OFFLINE, now)

    def heard(self, device: Device, now: int) -> None:
        """Readings came. On the path of every message: a few comparisons."""
        seen = self._seen[device.number]
        if seen.reported_at is None or now - seen.reported_at >= REPORT_MIN_S * 1e6:
            self._report(seen, now)
        seen.last_seen = now
        if seen.presence is not Presence.ONLINE:
            self._set(seen, Presence.ONLINE, now)

    def _report(self, seen: _Seen, now: int) -> None:
        """A report begins. The gap before it is learnt from, if the device's clock went on as ours did. After
        an outage a backlog comes as fast as it can, and some messages hold no reading: both teach nothing.
        """
        newest = self._feed.device(seen.device.id).newest
        if seen.reported_at is not None:
            gap_s = (now - seen.reported_at) / 1e6
            moved_s = (newest - seen.newest) / 1e6
            if gap_s / CLOCK_FACTOR <= moved_s <= gap_s * CLOCK_FACTOR:
                self._learn(seen, gap_s)
        seen.reported_at, seen.newest, seen.was_away = now, newest, False

    def _learn(self, seen: _Seen, gap_s: float) -> None:
        """The second longest of the last gaps: devices that report in clusters are silent between them, one
        absence is no interval, and a device that slows down is believed at the second of its longer gaps.
        """
        seen.gaps_s = (*seen.gaps_s, gap_s)[-GAPS_KEPT:]
        if len(seen.gaps_s) > 1:
            seen.interval_s = min(sorted(seen.gaps_s)[-2], INTERVAL_MAX_S)
        elif not seen.was_away:
            seen.interval_s = min(gap_s, INTERVAL_MAX_S)

    def newly_learnt(self) -> dict[int, float]:
        """The intervals, by device number, that differ notably from those that are kept."""
        return {
            number: seen.interval_s
            for number, seen in self._seen.items()
            if seen.interval_s is not None and seen.device.counted and _differs(seen.interval_s, seen.kept_s)
        }

    def kept(self, learnt: Mapping[int, float]) -> None:
        """These intervals are on disk."""
        for number, interval_s in learnt.items():
            if number in self._seen:
                self._seen[number].kept_s = interval_s

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set: a silence is as long as it was."""
        for seen in self._seen.values():
            if seen.last_seen is not None:
                seen.last_seen = step.moved(seen.last_seen)
            if seen.reported_at is not None:
                seen.reported_at = step.moved(seen.reported_at)
            seen.entered_at = step.moved(seen.entered_at)
            if seen.since is not None:
                seen.since = step.moved(seen.since)
                self._feed.set_presence(seen.device.id, seen.presence, seen.since)

    def tick(self) -> None:
        """Find who has gone silent. Called about once a second; 0.1 µs for each that was heard just now."""
        now = self._clock()
        heard_lately = now - round(STALE_MIN_S * 1e6)
        for seen in self._seen.values():
            presence = seen.presence
            if presence is Presence.ONLINE and seen.last_seen is not None and seen.last_seen >= heard_lately:
                continue
            if presence is Presence.ONLINE or presence is Presence.STALE:
                self._judge(seen, now)

    def _judge(self, seen: _Seen, now: int) -> None:
        longest_s = max(STALE_MIN_S, _expected_s(seen)) * OFFLINE_AFTER_INTERVALS
        if not seen.sessions and _silent_s(seen, now) > longest_s:
            self._set(seen, Presence.OFFLINE, now)
        elif _is_overdue(seen, now):
            self._set(seen, Presence.STALE, now)
        else:
            self._set(seen, Presence.ONLINE, now)  # stale by a shorter interval than is expected now

    def _set(self, seen: _Seen, presence: Presence, since: int) -> None:
        if seen.presence is not presence:
            seen.presence, seen.since = presence, since
            self._feed.set_presence(seen.device.id, presence, since)
            self._tell(seen.device, presence)

    def overdue_s(self, device: Device) -> float:
        """After how long a silence the device is stale."""
        seen = self._seen.get(device.number)
        return _overdue_s(seen) if seen else INTERVAL_UNKNOWN_S * STALE_AFTER_INTERVALS

    def last_seen(self, device: Device) -> int | None:
        """When anything came of the device, µs UTC."""
        return self._seen[device.number].last_seen

    def sessions(self, device: Device) -> list[DeviceSession]:
        """The device's open sessions, oldest first."""
        seen = self._seen.get(device.number)
        return list(seen.sessions) if seen else []

    def all_sessions(self) -> Iterator[DeviceSession]:
        """Every open session."""
        for seen in self._seen.values():
            yield from list(seen.sessions)

    def count(self) -> dict[Presence, int]:
        """How many devices are in each state."""
        counts = dict.fromkeys(Presence, 0)
        for seen in self._seen.values():
            if seen.device.counted:
                counts[seen.presence] += 1
        return counts


def _differs(interval_s: float, kept_s: float | None) -> bool:
    return kept_s is None or not kept_s / NOTABLE_FACTOR <= interval_s <= kept_s * NOTABLE_FACTOR


def _expected_s(seen: _Seen) -> float:
    return seen.device.expected_interval_s or seen.interval_s or INTERVAL_UNKNOWN_S


def _silent_s(seen: _Seen, now: int) -> float:
    return 0.0 if seen.last_seen is None else (now - seen.last_seen) / 1e6


def _overdue_s(seen: _Seen) -> float:
    return max(STALE_MIN_S, _expected_s(seen) * STALE_AFTER_INTERVALS)


def _is_overdue(seen: _Seen, now: int) -> bool:
    return _silent_s(seen, now) > _overdue_s(seen)
