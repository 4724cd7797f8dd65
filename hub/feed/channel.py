"""The channel of one device."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from hub.config import LiveConfig
from hub.feed.subscription import Subscription
from hub.model import Presence, Reading, Value


def wire_ms(time: int) -> int | float:
    """A time in µs as the wire has it: milliseconds, whole where they are."""
    return time // 1000 if time % 1000 == 0 else time / 1000


class Resume(NamedTuple):
    """Where a viewer was when it lost the connection."""

    epoch: str
    offset: int


class _Entry(NamedTuple):
    """What one publish put into the log: the offset after it, when it was, and the readings, encoded, without brackets."""

    offset: int
    at_s: float
    encoded: bytes


class _Frame(NamedTuple):
    """A message with all between two offsets: the same bytes for every viewer."""

    start: int
    end: int
    message: bytes


_NO_FRAME = _Frame(-1, -1, b"")


class DeviceChannel:
    """Log, snapshot and presence of one device.

    `offset` counts the readings ever published in this epoch. The log is kept only while somebody watches and for
    `resume_window_s` after, and never holds more than `resume_max_bytes`.
    """

    def __init__(self, device_id: str, epoch: str, config: LiveConfig, clock: Callable[[], float]) -> None:
        self.device_id = device_id
        self.name = f"device/{device_id}"
        self.epoch = epoch
        self.offset = 0
        self.presence = Presence.NEVER_SEEN
        self.since: int | None = None  # µs, UTC
        # By metric, the reading that holds its latest value, and the offset after that: one dict update a reading,
        # whatever its number of values.
        self._latest: dict[str, tuple[Reading, int]] = {}
        self.changed: dict[str, object] | None = (
            None  # metrics changed since the overview last looked; None: it does not look
        )
        self._newest = 0
        self._config = config
        self._clock = clock
        self._log: deque[_Entry] = deque()
        self._log_start = 0  # the offset before the first entry
        self._log_bytes = 0
        self._keep_until_s = 0.0
        self._subscriptions: set[Subscription] = set()
        self._waiting: set[Subscription] = set()  # those that have all there is: the next publish wakes them
        self._frame = _NO_FRAME  # the last one made, for the next viewer

    # Publishing

    def publish(self, readings: Sequence[Reading]) -> None:
        """Make readings the newest of this channel. Their times are set; their order is not assumed."""
        latest = self._latest
        for offset, reading in enumerate(readings, self.offset + 1):
            time = reading.time or 0
            if time >= self._newest:
                self._newest = time
                latest.update(dict.fromkeys(reading.values, (reading, offset)))
            else:
                self._keep_if_newer(reading, time, offset)
            if self.changed is not None:
                self.changed.update(reading.values)
        self.offset += len(readings)
        if self._subscriptions or self._clock() < self._keep_until_s:
            self._append(readings)
            for subscription in self._waiting:
                subscription.viewer.wake(subscription)
            self._waiting.clear()
        elif self._log_start != self.offset:
            self._forget()

    def _keep_if_newer(self, reading: Reading, time: int, offset: int) -> None:
        for name in reading.values:
            known = self._latest.get(name)
            if known is None or time >= (known[0].time or 0):
                self._latest[name] = (reading, offset)

    def _append(self, readings: Sequence[Reading]) -> None:
        rows = [[wire_ms(reading.time or 0), reading.values] for reading in readings]
        entry = _Entry(self.offset, self._clock(), orjson.dumps(rows)[1:-1])
        self._log.append(entry)
        self._log_bytes += len(entry.encoded)
        oldest_s = entry.at_s - self._config.resume_window_s
        while self._log and (self._log_bytes > self._config.resume_max_bytes or self._log[0].at_s < oldest_s):
            gone = self._log.popleft()
            self._log_start = gone.offset
            self._log_bytes -= len(gone.encoded)

    def _forget(self) -> None:
        self._log.clear()
        self._log_bytes = 0
        self._log_start = self.offset

    def restore(self, name: str, time: int, value: Value) -> None:
        """Put back a latest value that the history kept from before the hub started."""
        self._latest[name] = (Reading(time, {name: value}), 0)
        self._newest = max(self._newest, time)

    def set_presence(self, presence: Presence, since: int | None) -> None:
        """Note the device's presence and tell those who watch."""
        self.presence, self.since = presence, since
        notice = orjson.dumps({"type": "presence", "channel": self.name, **self._presence()})
        self.notify("presence", notice)

    def notify(self, kind: str, notice: bytes) -> None:
        """Hand a message to all who watch; a newer one of the same kind replaces one not yet sent."""
        for subscription in self._subscriptions:
            subscription.notices[kind] = notice
            subscription.viewer.wake(subscription)

    # Subscribing

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription; from now on it misses nothing. Returns the `subscribed` message."""
        missed = self._missed(resume)
        if not self._subscriptions and not self._log:
            self._log_start = self.offset
        self._subscriptions.add(subscription)
        self._waiting.add(subscription)
        subscription.cursor = self.offset
        head = orjson.dumps(
            {
                "type": "subscribed",
                "channel": self.name,
                "epoch": self.epoch,
                "offset": self.offset,
                "recovered": missed is not None,
                "snapshot": self.snapshot(),
                **self._presence(key="presence"),
            }
        )
        return b'%b,"readings":[%b]}' % (head[:-1], missed or b"")

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription. The log is kept a while, for the viewer may come back."""
        self._subscriptions.discard(subscription)
        self._waiting.discard(subscription)
        if not self._subscriptions:
            self._frame = _NO_FRAME
            self._keep_until_s = self._clock() + self._config.resume_window_s

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._subscriptions)

    def snapshot(self, names: dict[str, object] | None = None) -> dict[str, list[object]]:
        """The latest value of each metric (or of `names`) with its time in ms: {"temperature": [ms, 20.5]}."""
        return {
            name: [wire_ms(reading.time or 0), reading.values[name]]
            for name, (reading, _) in self._latest.items()
            if names is None or name in names
        }

    def _presence(self, key: str = "status") -> dict[str, object]:
        return {key: self.presence, "since": None if self.since is None else wire_ms(self.since)}

    def _missed(self, resume: Resume | None) -> bytes | None:
        """All that was published since `resume`, encoded; None if it is not known whole."""
        if resume is None or resume.epoch != self.epoch:
            return None
        return self._between(resume.offset)

    def _between(self, offset: int) -> bytes | None:
        """The log's readings after `offset`, or None if it does not reach back so far or `offset` is inside an entry."""
        if offset == self.offset:
            return b""
        if offset < self._log_start or offset > self.offset:
            return None
        parts = []
        for entry in reversed(self._log):
            if entry.offset <= offset:
                break
            parts.append(entry)
        known_from = self._log[-len(parts) - 1].offset if len(parts) < len(self._log) else self._log_start
        return b",".join(entry.encoded for entry in reversed(parts)) if known_from == offset else None

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
        """Of what came after `start` only the latest of each metric; `skipped` counts the readings left out, wholly or in part."""
        rows: dict[int, tuple[Reading, dict[str, Value]]] = {}
        for name, (reading, offset) in self._latest.items():
            if offset > start:
                rows.setdefault(offset, (reading, {}))[1][name] = reading.values[name]
        whole = sum(len(values) == len(reading.values) for reading, values in rows.values())
        encoded = orjson.dumps(
            [[wire_ms(reading.time or 0), values] for _, (reading, values) in sorted(rows.items())]
        )
        skipped = self.offset - start - whole
        return self._message(encoded[1:-1], b',"skipped":%d' % skipped if skipped else b"")

    def _message(self, encoded: bytes, more: bytes) -> bytes:
        return b'{"type":"readings","channel":%b,"offset":%d%b,"readings":[%b]}' % (
            orjson.dumps(self.name),
            self.offset,
            more,
            encoded,
        )
