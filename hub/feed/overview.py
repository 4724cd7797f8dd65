"""The overview: the latest of all devices, at most a few times a second."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from hub.config import LiveConfig
from hub.feed.channel import DeviceChannel, Resume, wire_ms
from hub.feed.subscription import Subscription
from hub.model import Principal

TICKS_KEPT = 8


class _Tick(NamedTuple):
    """What one tick changed: the offset after it and, encoded, each device's part."""

    offset: int
    parts: dict[str, bytes]


class OverviewChannel:
    """Changes of all devices, gathered between ticks: `offset` counts ticks that had any.

    A viewer behind by more than a few ticks gets one message with the state of every device instead.
    """

    name = "overview"

    def __init__(self, epoch: str, config: LiveConfig, devices: dict[str, DeviceChannel]) -> None:
        self.epoch = epoch
        self.offset = 0
        self._config = config
        self._devices = devices
        self._log: deque[_Tick] = deque(maxlen=TICKS_KEPT)
        self._changed_presence: set[str] = set()
        self._removed: set[str] = set()
        self._subscriptions: set[Subscription] = set()

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._subscriptions)

    def presence_changed(self, device_id: str) -> None:
        """The device's presence changed (or it is new): the next tick tells."""
        self._removed.discard(device_id)
        self._changed_presence.add(device_id)

    def removed(self, device_id: str) -> None:
        """The device is gone: the next tick tells."""
        self._changed_presence.discard(device_id)
        self._removed.add(device_id)

    def tick(self) -> None:
        """Gather what changed since the last tick and wake those who watch. Called every `overview_interval_s`."""
        parts: dict[str, bytes] = {}
        if self._subscriptions:
            parts = dict.fromkeys(self._removed, b"null")
            for device_id, channel in self._devices.items():
                told = device_id in self._changed_presence
                if channel.changed or told:
                    parts[device_id] = orjson.dumps(_part(channel, channel.changed or {}, presence=told))
                    channel.changed = {}
        self._changed_presence.clear()
        self._removed.clear()
        if parts:
            self.offset += 1
            self._log.append(_Tick(self.offset, parts))
            for subscription in self._subscriptions:
                subscription.viewer.wake(subscription)

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription. Always answered by the whole state, which is as small as a replay would be."""
        del resume
        if not self._subscriptions:
            self._watch(on=True)
        self._subscriptions.add(subscription)
        subscription.cursor = self.offset
        return self._message("subscribed", self._state(subscription.viewer.principal), recovered=False)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions:
            self._watch(on=False)

    def _watch(self, *, on: bool) -> None:
        """Devices note what changes only while somebody looks at the overview."""
        self._log.clear()
        for channel in self._devices.values():
            channel.changed = {} if on else None

    def take(self, subscription: Subscription) -> bytes | None:
        """The message with all this subscription has not got, or None."""
        start, subscription.cursor = subscription.cursor, self.offset
        if start == self.offset:
            return None
        principal = subscription.viewer.principal
        if not self._log or start < self._log[0].offset - 1:
            return self._message("overview", self._state(principal))
        parts = [
            (device_id, part)
            for tick in self._log
            if tick.offset > start
            for device_id, part in tick.parts.items()
            if principal.may_see(device_id)
        ]
        return self._message("overview", parts) if parts else None

    def _state(self, principal: Principal) -> Iterable[tuple[str, bytes]]:
        return (
            (device_id, orjson.dumps(_part(channel, None, presence=True)))
            for device_id, channel in self._devices.items()
            if principal.may_see(device_id)
        )

    def _message(self, kind: str, parts: Iterable[tuple[str, bytes]], **more: object) -> bytes:
        """A device may stand in it twice after two ticks: the later one holds, as in any JSON object; so they are merged."""
        head = {"type": kind, "channel": self.name, "epoch": self.epoch, "offset": self.offset, **more}
        merged: dict[str, bytes] = {}
        for device_id, part in parts:
            merged[device_id] = _merge(merged[device_id], part) if device_id in merged else part
        devices = b",".join(b"%b:%b" % (orjson.dumps(device_id), part) for device_id, part in merged.items())
        return b'%b,"devices":{%b}}' % (orjson.dumps(head)[:-1], devices)


def _part(channel: DeviceChannel, names: dict[str, object] | None, *, presence: bool) -> dict[str, object]:
    part: dict[str, object] = {"snapshot": channel.snapshot(names)}
    if presence:
        part["presence"] = channel.presence
        part["since"] = None if channel.since is None else wire_ms(channel.since)
    return part


def _merge(older: bytes, newer: bytes) -> bytes:
    if b"null" in (older, newer):
        return newer
    one, two = orjson.loads(older), orjson.loads(newer)
    return orjson.dumps({**one, **two, "snapshot": {**one["snapshot"], **two["snapshot"]}})
