"""The channel of alerts."""

from collections.abc import Callable, Iterable, Mapping

import orjson

from hub.config import LiveConfig
from hub.feed.label import Carried
from hub.feed.log import Entry, Log, Resume
from hub.feed.viewer import Several, Subscription
from hub.model import Principal


class AlertsChannel:
    """Alerts at every change of them: `offset` counts changes; each is sent whole and in order, and who
    subscribes gets all that fire now.

    They are few and matter, so the log is kept whether somebody watches or not, within `resume_window_s` and
    `resume_max_bytes`. A viewer behind by more than that gets what is left, and `skipped` counts the others.
    The offset of a viewer that may not see all counts the changes that it may see: that is the `cursor` of a
    subscription, and `seen` is how far it is in the log.
    """

    name = "alerts"

    def __init__(self, epoch: str, config: LiveConfig, clock: Callable[[], float], carried: Carried) -> None:
        self._carried = carried
        self.epoch = epoch
        self.offset = 0
        self._log = Log(config, clock)
        self._counts: dict[str, int] = {}  # of changes, by device
        self._firing: dict[object, tuple[str, bytes]] = {}  # by the alert's id: its device, and it encoded
        self._subscriptions: set[Subscription] = set()

    def restore(self, device_id: str, alert: Mapping[str, object]) -> None:
        """An alert that has fired since before the hub started."""
        self._firing[alert["id"]] = device_id, orjson.dumps(alert)

    def publish(self, device_id: str, alert: Mapping[str, object]) -> None:
        """Tell those who may see the device. `alert` is what the wire will have, JSON values by name."""
        self.offset += 1
        self._counts[device_id] = self._counts.get(device_id, 0) + 1
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
        principal = subscription.viewer.principal
        missed = self._missed(resume, principal)
        self._subscriptions.add(subscription)
        subscription.seen = self.offset
        subscription.cursor = self._published(principal)
        head = orjson.dumps(
            {
                "type": "subscribed",
                "channel": self.name,
                "epoch": self.epoch,
                "offset": subscription.cursor,
                "recovered": missed is not None,
            }
        )
        firing = [alert for device_id, alert in self._firing.values() if self._sees(principal, device_id)]
        return b'%b,"snapshot":[%b],"alerts":[%b]}' % (
            head[:-1],
            b",".join(firing),
            b",".join([entry.encoded for entry in missed or ()]),
        )

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self._subscriptions.discard(subscription)

    def take(self, subscription: Subscription) -> bytes | None:
        """The messages with all this subscription has not got, or None; the subscription has got it then."""
        principal = subscription.viewer.principal
        start, subscription.seen = subscription.seen, self.offset
        entries = list(self._visible(self._log.since(max(start, self._log.start)) or (), principal))
        published = self._published(principal)
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

    def _missed(self, resume: Resume | None, principal: Principal) -> list[Entry] | None:
        """What came since `resume` of what the viewer may see; None if it is not known whole."""
        if resume is None or resume.epoch != self.epoch:
            return None
        count = self._published(principal) - resume.offset
        entries = list(self._visible(self._log, principal))
        if not 0 <= count <= len(entries):
            return None
        return entries[len(entries) - count :]

    def _published(self, principal: Principal) -> int:
        """How many changes there were of what the principal may see."""
        if principal.scopes is None:
            return self.offset
        return sum(count for device_id, count in self._counts.items() if self._sees(principal, device_id))

    def _visible(self, entries: Iterable[Entry], principal: Principal) -> Iterable[Entry]:
        return (entry for entry in entries if self._sees(principal, entry.device_id))

    def _sees(self, principal: Principal, device_id: str) -> bool:
        return principal.sees(device_id, self._carried.get(device_id, {}))
