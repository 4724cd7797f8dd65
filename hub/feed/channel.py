"""The channel of one device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import repeat
from typing import NamedTuple, Protocol

import orjson

from hub.config import LiveConfig
from hub.feed.crowd import Crowd
from hub.feed.log import Log, Resume
from hub.feed.viewer import Subscription
from hub.model import Presence, Reading, Run, Sample, Value


def wire_ms(time: int) -> int | float:
    """A time in µs as the wire has it: milliseconds, whole where they are."""
    return time // 1000 if time % 1000 == 0 else time / 1000


class Change(NamedTuple):
    """The latest value of one metric: in which reading it came, and the offset after that."""

    name: str
    reading: Reading
    offset: int


class Conflated(NamedTuple):
    """The latest of each metric, encoded without brackets, and how many readings are in it whole."""

    encoded: bytes
    whole: int


def conflate(changes: Iterable[Change]) -> Conflated:
    """Rows that hold the latest of each metric and nothing else, in the order they were published."""
    rows: dict[int, tuple[Reading, dict[str, Value]]] = {}
    for name, reading, offset in changes:
        rows.setdefault(offset, (reading, {}))[1][name] = reading.values[name]
    whole = sum(len(values) == len(reading.values) for reading, values in rows.values())
    encoded = orjson.dumps(
        [[wire_ms(reading.time or 0), values] for _, (reading, values) in sorted(rows.items())]
    )
    return Conflated(encoded[1:-1], whole)


class _Frame(NamedTuple):
    """A message with all between two offsets: the same bytes for every viewer."""

    start: int
    end: int
    message: bytes


_NO_FRAME = _Frame(-1, -1, b"")


class Carrier(Protocol):
    """A channel of several devices, which carries on what each of them publishes."""

    def publish(self, channel: DeviceChannel, start: int, encoded: bytes) -> None:
        """The device published what came after its offset `start`."""

    def presence_changed(self, channel: DeviceChannel) -> None:
        """The device came or went."""


class CommandSteps(Protocol):
    """What the channel tells beside readings and state, and to who comes back: see feed/commands.py."""

    def since(self, subscription: Subscription, offset: int | None) -> list[dict[str, object]]:
        """What changed from this offset on, as this viewer may see it; all where that is None."""


class NoteChanges(Protocol):
    """The same of what people write on its timeline: see feed/notes.py."""

    def since(self, subscription: Subscription, offset: int | None) -> dict[str, object]:
        """What the `subscribed` message says of it."""


class DeviceChannel:
    """Log, snapshot, presence and viewers of one device.

    `offset` counts the readings ever published in this epoch. The log is kept only while somebody watches and
    for `resume_window_s` after, and never holds more than `resume_max_bytes`. `crowds` is where the channel
    puts itself when its viewers come or go.
    """

    def __init__(
        self,
        device_id: str,
        epoch: str,
        config: LiveConfig,
        clock: Callable[[], float],
        crowds: set[DeviceChannel],
    ) -> None:
        self.device_id = device_id
        self.name = f"device/{device_id}"
        self.epoch = epoch
        self.offset = 0
        self.presence = Presence.NEVER_SEEN
        self.since: int | None = None  # µs, UTC
        self.newest = 0  # µs, UTC: the time of the newest reading
        self.labels: tuple[Carrier, ...] = ()  # watched ones that this device carries
        # By metric, the reading that holds its latest value, and the offset after that.
        self._latest: dict[str, tuple[Reading, int]] = {}
        # metrics changed since the overview last looked; None: it does not look
        self.changed: dict[str, object] | None = None
        self._config = config
        self._clock = clock
        self._log = Log(config, clock)
        self._keep_until_s = 0.0
        self._subscriptions: set[Subscription] = set()
        self._waiting: set[Subscription] = set()  # those that have all there is: the next publish wakes them
        self._frame = _NO_FRAME  # the last one made, for the next viewer
        self._crowd = Crowd(self.name)
        self._crowds = crowds
        self.commands: CommandSteps | None = None  # once it was sent any
        self.notes: NoteChanges | None = None  # once any was written

    # Publishing

    def publish(self, run: Run) -> None:
        """Make readings the newest of this channel. The order of their times is not assumed."""
        start = self.offset
        self.offset += len(run.times)
        if run.alike:
            self._advance(run.times[-1], run.values[-1], self.offset)
        else:
            for offset, (time, values) in enumerate(zip(run.times, run.values, strict=True), start + 1):
                self._advance(time, values, offset)
        if self._subscriptions or self.labels or self._clock() < self._keep_until_s:
            self._spread(run, start)
        elif self._log.start != self.offset:
            self._log.forget(self.offset)

    def _spread(self, run: Run, start: int) -> None:
        """Encode the readings, once whoever watches, and put them where they are watched."""
        times: Iterable[int | float]
        if run.times.count(run.times[0]) == len(run.times):
            times = repeat(wire_ms(run.times[0]))
        else:  # wire_ms in place: a call costs as much as the encoding does
            times = [time // 1000 if time % 1000 == 0 else time / 1000 for time in run.times]
        encoded = orjson.dumps(list(zip(times, run.values, strict=False)))[1:-1]
        if self._subscriptions or self._clock() < self._keep_until_s:
            self._log.append(self.offset, self.device_id, encoded)
            for subscription in self._waiting:
                subscription.viewer.wake(subscription)
            self._waiting.clear()
        else:
            self._log.forget(self.offset)
        for label in self.labels:
            label.publish(self, start, encoded)

    def _advance(self, time: int, values: dict[str, Value], offset: int) -> None:
        """Take a reading's values as the latest, unless newer ones are there. `offset` is after it."""
        latest = (Reading(time, values), offset)
        if self.changed is not None:
            self.changed.update(values)
        is_late = time < self.newest
        if not is_late:
            self.newest = time
        for name in values:
            if not is_late or time >= (self.time_of(name) or 0):
                self._latest[name] = latest

    def restore(self, name: str, time: int, value: Value) -> None:
        """Put back a latest value that the history kept from before the hub started."""
        self._latest[name] = (Reading(time, {name: value}), 0)
        self.newest = max(self.newest, time)

    def set_back(self, now: int) -> None:
        """The clock was set: no latest value stays ahead of now, or nothing would replace it for long."""
        self.newest = min(self.newest, now)
        for name, (reading, offset) in self._latest.items():
            if (reading.time or 0) > now:
                self._latest[name] = (Reading(now, reading.values), offset)

    def forget(self, name: str) -> Sample | None:
        """A metric is no more; its latest value, if there is one."""
        found = self._latest.pop(name, None)
        return None if found is None else Sample(found[0].time or 0, found[0].values[name])

    def latest(self, name: str) -> Sample | None:
        """The latest value of a metric; None without one."""
        found = self._latest.get(name)
        return None if found is None else Sample(found[0].time or 0, found[0].values[name])

    def time_of(self, name: str) -> int | None:
        """When the latest value of a metric was; µs UTC, None without one."""
        return self._latest[name][0].time if name in self._latest else None

    def set_presence(self, presence: Presence, since: int | None) -> None:
        """Note the device's presence and tell those who watch."""
        self.presence, self.since = presence, since
        self.notify(
            "presence", orjson.dumps({"type": "presence", "channel": self.name, **self.shown("status")})
        )
        for label in self.labels:
            label.presence_changed(self)

    def notify(self, kind: str, notice: bytes) -> None:
        """Hand a message to all who watch; a newer one of the same kind replaces one not yet sent."""
        for subscription in self._subscriptions:
            subscription.notices[kind] = notice
            subscription.viewer.wake(subscription)

    def tell_viewers(self) -> None:
        """Say who watches. Called a little after somebody came or went, once for all of them."""
        self._crowd.tell(self._subscriptions)

    # Subscribing

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription; from now on it misses nothing. Returns the `subscribed` message."""
        if not self._subscriptions and not self._log:
            self._log.forget(self.offset)
        self._subscriptions.add(subscription)
        self._waiting.add(subscription)
        self._crowd.enter(subscription)
        self._crowds.add(self)
        return self._begin(subscription, self._missed(resume), resume, renewed=self._is_renewed(resume))

    def renew(self, epoch: str) -> None:
        """The device has other metrics than it had: its viewers begin again. Nobody resumes from before."""
        self.epoch = epoch
        self._log.forget(self.offset)
        self._frame = _NO_FRAME
        for subscription in self._subscriptions:
            subscription.notices["subscribed"] = self._begin(subscription, None, None, renewed=True)
            subscription.viewer.wake(subscription)

    def _begin(
        self, subscription: Subscription, missed: bytes | None, resume: Resume | None, *, renewed: bool
    ) -> bytes:
        """The `subscribed` message: what was missed, or the state from which to go on."""
        subscription.cursor = self.offset
        since = None if missed is None or resume is None else resume.offset
        steps = [] if self.commands is None else self.commands.since(subscription, since)
        head = orjson.dumps(
            {
                "type": "subscribed",
                "channel": self.name,
                "epoch": self.epoch,
                "offset": self.offset,
                "recovered": missed is not None,
                **({"renewed": True} if renewed else {}),
                "snapshot": self.snapshot(),
                **self.shown("presence"),
                "viewers": self._crowd.shown_to(subscription),
                **({"commands": steps} if steps else {}),
                **({} if self.notes is None else self.notes.since(subscription, since)),
            }
        )
        return b'%b,"readings":[%b]}' % (head[:-1], missed or b"")

    def relabelled(self, labels: Mapping[str, str]) -> None:
        """The device carries these labels now: who may not see it any more is sent away."""
        for subscription in list(self._subscriptions):
            if not subscription.viewer.principal.sees(self.device_id, labels):
                subscription.viewer.lose_sight(self.device_id, self.name)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription. The log is kept a while: the viewer may come back."""
        self._subscriptions.discard(subscription)
        self._waiting.discard(subscription)
        self._crowd.leave(subscription)
        self._crowds.add(self)
        if not self._subscriptions:
            self._frame = _NO_FRAME
            self._keep_until_s = self._clock() + self._config.resume_window_s

    @property
    def subscriptions(self) -> Iterable[Subscription]:
        """All who watch."""
        return self._subscriptions

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._subscriptions)

    def snapshot(self, names: dict[str, object] | None = None) -> dict[str, list[object]]:
        """The latest value of each metric, or of `names`, with its time: {"temperature": [ms, 20.5]}."""
        found: dict[str, list[object]] = {}
        for name in self._latest if names is None else names:
            if name in self._latest:
                reading = self._latest[name][0]
                found[name] = [wire_ms(reading.time or 0), reading.values[name]]
        return found

    def changes(self, start: int) -> list[Change]:
        """The latest value of each metric that changed after the offset `start`."""
        return [
            Change(name, reading, offset)
            for name, (reading, offset) in self._latest.items()
            if offset > start
        ]

    def shown(self, key: str) -> dict[str, object]:
        """The device's presence as the wire has it, its word under `key`."""
        return {key: self.presence, "since": None if self.since is None else wire_ms(self.since)}

    def _missed(self, resume: Resume | None) -> bytes | None:
        """All that was published since `resume`, encoded; None if it is not known whole."""
        if resume is None or resume.epoch != self.epoch:
            return None
        return self._between(resume.offset)

    def _is_renewed(self, resume: Resume | None) -> bool:
        """Whether the viewer knows another device, or other metrics, from this run of the hub."""
        if resume is None or resume.epoch == self.epoch:
            return False
        return resume.epoch.partition("-")[0] == self.epoch.partition("-")[0]

    def _between(self, offset: int) -> bytes | None:
        entries = self._log.since(offset)
        return None if entries is None else b",".join([entry.encoded for entry in entries])

    # Delivering

    def take(self, subscription: Subscription) -> bytes | None:
        """The message with all this subscription has not got, or None; the subscription has got it then."""
        start, end = subscription.cursor, self.offset
        subscription.cursor = end
        self._waiting.add(subscription)
        if start == end:
            return None
        if self._frame.start != start or self._frame.end != end:
            encoded = self._between(start) if end - start <= self._config.pending_max else None
            message = self._conflated(start) if encoded is None else self._message(encoded, b"")
            self._frame = _Frame(start, end, message)
        return self._frame.message

    def _conflated(self, start: int) -> bytes:
        """Only the latest of each metric since `start`; `skipped` counts readings left out, or in part."""
        rows = conflate(self.changes(start))
        skipped = self.offset - start - rows.whole
        return self._message(rows.encoded, b',"skipped":%d' % skipped if skipped else b"")

    def _message(self, encoded: bytes, more: bytes) -> bytes:
        return b'{"type":"readings","channel":%b,"offset":%d%b,"readings":[%b]}' % (
            orjson.dumps(self.name),
            self.offset,
            more,
            encoded,
        )
