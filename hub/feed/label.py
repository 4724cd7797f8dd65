"""The channel of all devices that carry a label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import orjson

from hub.config import LiveConfig
from hub.feed.channel import Change, DeviceChannel, conflate
from hub.feed.log import Entry, Log, Resume
from hub.feed.sight import Sight, Sights
from hub.feed.viewer import Subscription
from hub.model import Principal, Scope

Carried = Mapping[str, Mapping[str, str]]  # the labels of every device, by its id

PREFIX = "label/"


class Label(NamedTuple):
    """A label as devices carry it."""

    key: str
    value: str


class _LabelFrame(NamedTuple):
    """A message with all between two offsets of what lies in scopes."""

    start: int
    end: int
    scopes: frozenset[Scope] | None
    message: bytes | None


_NO_FRAME = _LabelFrame(-1, -1, None, None)


class LabelChannel:
    """The readings of several devices as one stream: log, resume and conflation as for one device.

    `offset` counts the readings of all of them while they carry the label; who may not see all is told
    another one, that of their `Sight`. It exists while it is watched and
    for `resume_window_s` after; made again it has another epoch. What a viewer may not see is left out when
    it takes, so that one log serves all scopes. A device that joins or leaves is told at once; readings from
    before it left may follow.
    """

    def __init__(
        self, label: Label, epoch: str, config: LiveConfig, clock: Callable[[], float], carried: Carried
    ) -> None:
        self.label = label
        self._carried = carried
        self.name = f"{PREFIX}{label.key}={label.value}"
        self.epoch = epoch
        self.offset = 0
        self.keep_until_s = 0.0
        self._config = config
        self._clock = clock
        self._log = Log(config, clock)
        self._members: dict[str, DeviceChannel] = {}
        self._sights = Sights(epoch, config.resume_window_s, clock)  # of those who may not see all
        self._latest: dict[str, dict[str, Change]] = {}  # by device and metric, with offsets of this channel
        self._subscriptions: set[Subscription] = set()
        self._waiting: set[Subscription] = set()
        self._frame = _NO_FRAME  # the last one made, for the next viewer of the same scope

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._subscriptions)

    # Devices come and go

    def join(self, channel: DeviceChannel, before: Mapping[str, str]) -> None:
        """The device carries the label from now on. `before`: the labels that it had."""
        self._members[channel.device_id] = channel
        channel.labels = (*channel.labels, self)
        self.relabelled(channel, before, {"type": "joined", **_part(channel)})

    def leave(self, channel: DeviceChannel, before: Mapping[str, str]) -> None:
        """The device carries the label no more, or is gone."""
        del self._members[channel.device_id]
        channel.labels = tuple(label for label in channel.labels if label is not self)
        self.relabelled(channel, before, {"type": "left"})

    def relabelled(
        self, channel: DeviceChannel, before: Mapping[str, str], said: dict[str, object] | None = None
    ) -> None:
        """A device has other labels. Who has got or lost sight of it begins again; others are told, if there
        is something to say.
        """
        if not self._subscriptions:
            return
        device_id = channel.device_id
        notice = self._notice(device_id, said or {})
        for subscription in self._subscriptions:
            principal = subscription.viewer.principal
            sees = self._sees(principal, device_id)
            if principal.sees(device_id, before) != sees:
                begun = self._begin(subscription, self._log.since(subscription.seen))
                subscription.notices.clear()  # what they told is in this one
                subscription.notices["subscribed"] = begun
                subscription.viewer.wake(subscription)
            elif sees and said is not None:
                self._notify(subscription, f"member/{device_id}", notice)

    def presence_changed(self, channel: DeviceChannel) -> None:
        """A device's presence changed."""
        if self._subscriptions:
            notice = self._notice(channel.device_id, {"type": "presence", **channel.shown("status")})
            for subscription in self._subscriptions:
                if self._sees(subscription.viewer.principal, channel.device_id):
                    self._notify(subscription, f"presence/{channel.device_id}", notice)

    def _sees(self, principal: Principal, device_id: str) -> bool:
        return principal.sees(device_id, self._carried.get(device_id, {}))

    def _notice(self, device_id: str, said: dict[str, object]) -> bytes:
        return orjson.dumps({**said, "channel": self.name, "device": device_id})

    def _notify(self, subscription: Subscription, kind: str, notice: bytes) -> None:
        """At most two notices a device wait for a viewer: a newer one replaces one not yet sent."""
        subscription.notices[kind] = notice
        subscription.viewer.wake(subscription)

    def close(self) -> None:
        """Nobody watches any more: the devices need not tell."""
        for channel in self._members.values():
            channel.labels = tuple(label for label in channel.labels if label is not self)

    # Publishing

    def publish(self, channel: DeviceChannel, start: int, encoded: bytes) -> None:
        """A device published readings on its own channel, after its offset `start`: here without brackets."""
        device_id = channel.device_id
        count = channel.offset - start
        latest = self._latest.setdefault(device_id, {})
        for name, reading, offset in channel.changes(start):
            latest[name] = Change(name, reading, self.offset + offset - start)
        self.offset += count
        for sight in self._sights:
            if sight.covers(device_id, self._carried.get(device_id, {})):
                sight.offset += count
        self._log.append(self.offset, device_id, encoded)
        for subscription in self._waiting:
            subscription.viewer.wake(subscription)
        self._waiting.clear()

    # Subscribing

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription; from now on it misses nothing. Returns the `subscribed` message."""
        self._subscriptions.add(subscription)
        self._waiting.add(subscription)
        scopes = subscription.viewer.principal.scopes
        if scopes is not None:
            subscription.sight = self._sights.enter(scopes)
        return self._begin(subscription, self._missed(resume, subscription.sight))

    def _missed(self, resume: Resume | None, sight: Sight | None) -> list[Entry] | None:
        """What came since `resume`, of all devices; None if it is not known whole."""
        if resume is None or resume.epoch != (sight or self).epoch:
            return None
        if sight is None:
            return self._log.since(resume.offset)
        if resume.offset == sight.offset:
            return []  # nothing that may be seen
        offset = sight.channel_offset(resume.offset)
        return None if offset is None else self._log.since(offset)

    def _begin(self, subscription: Subscription, entries: list[Entry] | None) -> bytes:
        principal, sight = subscription.viewer.principal, subscription.sight
        subscription.seen = self.offset
        subscription.cursor = self._place(sight)
        head = orjson.dumps(
            {
                "type": "subscribed",
                "channel": self.name,
                "epoch": (sight or self).epoch,
                "offset": subscription.cursor,
                "recovered": entries is not None,
                "devices": {
                    device_id: _part(channel)
                    for device_id, channel in self._members.items()
                    if self._sees(principal, device_id)
                },
            }
        )
        return b'%b,"readings":{%b}}' % (head[:-1], self._by_device(entries or (), principal))

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription. The log is kept a while: the viewer may come back."""
        self._subscriptions.discard(subscription)
        self._waiting.discard(subscription)
        if subscription.sight is not None:
            self._sights.leave(subscription.sight)
        if not self._subscriptions:
            self._frame = _NO_FRAME
            self.keep_until_s = self._clock() + self._config.resume_window_s

    def _place(self, sight: Sight | None) -> int:
        """The present offset, as a viewer is told it."""
        return self.offset if sight is None else sight.hand_out(self.offset)

    # Delivering

    def take(self, subscription: Subscription) -> bytes | None:
        """The message with all this subscription has not got, or None; the subscription has got it then."""
        principal = subscription.viewer.principal
        start, end = subscription.seen, self.offset
        before, subscription.cursor = subscription.cursor, self._place(subscription.sight)
        subscription.seen = end
        self._waiting.add(subscription)
        if before == subscription.cursor:
            return None
        frame = self._frame
        if frame.start != start or frame.end != end or frame.scopes != principal.scopes:
            message = self._make(start, principal, before, subscription.cursor)
            frame = self._frame = _LabelFrame(start, end, principal.scopes, message)
        return frame.message

    def _make(self, start: int, principal: Principal, before: int, offset: int) -> bytes:
        """All since `start`; the viewer knows that as `before`, and the present as `offset`."""
        count = offset - before
        entries = self._log.since(start) if count <= self._config.pending_max else None
        if entries is not None:
            return self._message(offset, self._by_device(entries, principal), b"")
        parts: list[bytes] = []
        whole = 0
        for device_id, latest in self._latest.items():
            changes = [change for change in latest.values() if change.offset > start]
            if changes and self._sees(principal, device_id):
                rows = conflate(changes)
                parts.append(b"%b:[%b]" % (orjson.dumps(device_id), rows.encoded))
                whole += rows.whole
        skipped = count - whole
        return self._message(offset, b",".join(parts), b',"skipped":%d' % skipped if skipped else b"")

    def _by_device(self, entries: Iterable[Entry], principal: Principal) -> bytes:
        """The entries that the principal may see, as the members of a JSON object: `"a":[…],"b":[…]`."""
        found: dict[str, list[bytes]] = {}
        for entry in entries:
            if self._sees(principal, entry.device_id):
                found.setdefault(entry.device_id, []).append(entry.encoded)
        return b",".join(
            [
                b"%b:[%b]" % (orjson.dumps(device_id), b",".join(encoded))
                for device_id, encoded in found.items()
            ]
        )

    def _message(self, offset: int, readings: bytes, more: bytes) -> bytes:
        return b'{"type":"readings","channel":%b,"offset":%d%b,"readings":{%b}}' % (
            orjson.dumps(self.name),
            offset,
            more,
            readings,
        )


def _part(channel: DeviceChannel) -> dict[str, object]:
    return {"snapshot": channel.snapshot(), **channel.shown("presence")}
