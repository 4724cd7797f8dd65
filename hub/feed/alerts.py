"""The channel of alerts."""

from collections.abc import Callable, Iterable, Mapping

import orjson

from hub.config import LiveConfig
from hub.feed.label import Carried
from hub.feed.log import Entry, Log, Resume
from hub.feed.sight import Sight, Sights
from hub.feed.viewer import Several, Subscription
from hub.model import Principal


class AlertsChannel:
    """Alerts at every change of them: `offset` counts changes; each is sent whole and in order, and who
    subscribes gets all that fire now.

    They are few and matter, so the log is kept whether somebody watches or not, within `resume_window_s` and
    `resume_max_bytes`. A viewer behind by more than that gets what is left, and `skipped` counts the others.
    The offset of a viewer that may not see all is that of its `Sight`, the `cursor` of its subscription;
    `seen` is how far it is in the log. Where a device comes into its sight or leaves it, it begins again.
    """

    name = "alerts"

    def __init__(self, epoch: str, config: LiveConfig, clock: Callable[[], float], carried: Carried) -> None:
        self._carried = carried
        self.epoch = epoch
        self.offset = 0
        self._log = Log(config, clock)
        self._sights = Sights(f"{epoch} {self.name}", config.resume_window_s, clock)
        self._firing: dict[object, tuple[str, bytes]] = {}  # by the alert's id: its device, and it encoded
        self._subscriptions: set[Subscription] = set()

    def restore(self, device_id: str, alert: Mapping[str, object]) -> None:
        """An alert that has fired since before the hub started."""
        self._firing[alert["id"]] = device_id, orjson.dumps(alert)

    def publish(self, device_id: str, alert: Mapping[str, object]) -> None:
        """Tell those who may see the device. `alert` is what the wire will have, JSON values by name."""
        self.offset += 1
        for sight in self._sights:
            if sight.covers(device_id, self._carried.get(device_id, {})):
                sight.offset += 1
                sight.hand_out(self.offset)
        encoded = orjson.dumps(alert)
        if alert["state"] == "firing":
            self._firing[alert["id"]] = device_id, encoded
        else:
            self._firing.pop(alert["id"], None)
        self._log.append(self.offset, device_id, encoded)
        for subscription in self._subscriptions:
            if self._sees(subscription.viewer.principal, device_id):
                subscription.viewer.wake(subscription)

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription; from now on it misses nothing. Returns the `subscribed` message."""
        scopes = subscription.viewer.principal.scopes
        if scopes is not None:
            subscription.sight = self._sights.enter(scopes)
        self._subscriptions.add(subscription)
        return self._begin(subscription, self._missed(resume, subscription.sight))

    def _missed(self, resume: Resume | None, sight: Sight | None) -> list[Entry] | None:
        """What came since `resume`, of all devices; None if it is not known whole."""
        if resume is None or resume.epoch != (sight or self).epoch:
            return None
        offset = resume.offset if sight is None else sight.channel_offset(resume.offset)
        return None if offset is None else self._log.since(offset)

    def _begin(self, subscription: Subscription, missed: list[Entry] | None) -> bytes:
        principal, sight = subscription.viewer.principal, subscription.sight
        subscription.seen = self.offset
        subscription.cursor = self._place(sight)
        head = orjson.dumps(
            {
                "type": "subscribed",
                "channel": self.name,
                "epoch": (sight or self).epoch,
                "offset": subscription.cursor,
                "recovered": missed is not None,
            }
        )
        firing = [alert for device_id, alert in self._firing.values() if self._sees(principal, device_id)]
        return b'%b,"snapshot":[%b],"alerts":[%b]}' % (
            head[:-1],
            b",".join(firing),
            b",".join([entry.encoded for entry in self._visible(missed or (), principal)]),
        )

    def relabelled(self, device_id: str, before: Mapping[str, str]) -> None:
        """A device has other labels than it had before, or is gone: who has got or lost sight of it begins
        again.
        """
        for subscription in self._subscriptions:
            principal = subscription.viewer.principal
            if principal.sees(device_id, before) != self._sees(principal, device_id):
                begun = self._begin(subscription, self._log.since(subscription.seen))
                subscription.notices["subscribed"] = begun
                subscription.viewer.wake(subscription)

    def _place(self, sight: Sight | None) -> int:
        """The present offset, as a viewer is told it."""
        return self.offset if sight is None else sight.hand_out(self.offset)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self._subscriptions.discard(subscription)
        if subscription.sight is not None:
            self._sights.leave(subscription.sight)

    def take(self, subscription: Subscription) -> bytes | None:
        """The messages with all this subscription has not got, or None; the subscription has got it then."""
        principal = subscription.viewer.principal
        start, subscription.seen = subscription.seen, self.offset
        entries = list(self._visible(self._log.since(max(start, self._log.start)) or (), principal))
        published = self._place(subscription.sight)
        skipped = max(0, published - subscription.cursor - len(entries)) if start < self._log.start else 0
        subscription.cursor = published
        messages: list[bytes] = []
        for offset, entry in enumerate(entries, published - len(entries) + 1):
            more = b',"skipped":%d' % skipped if skipped and not messages else b""
            messages.append(
                b'{"type":"alert","channel":"alerts","offset":%d%b,"alert":%b}'
                % (offset, more, entry.encoded)
            )
        if len(messages) > 1:
            return Several(b",".join(messages))
        return messages[0] if messages else None

    def _visible(self, entries: Iterable[Entry], principal: Principal) -> Iterable[Entry]:
        return (entry for entry in entries if self._sees(principal, entry.device_id))

    def _sees(self, principal: Principal, device_id: str) -> bool:
        return principal.sees(device_id, self._carried.get(device_id, {}))
