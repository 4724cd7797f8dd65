"""The channel of alerts."""

from collections.abc import Callable, Iterable, Mapping

import orjson

from hub.config import LiveConfig
from hub.feed.label import Carried
from hub.feed.log import Entry, Log, Resume
from hub.feed.viewer import Subscription
from hub.model import Principal


class AlertsChannel:
    """Alerts as they begin and end: `offset` counts them; each is sent whole and in order.

    They are few and matter, so the log is kept whether somebody watches or not, within `resume_window_s` and
    `resume_max_bytes`. A viewer behind by more than that gets what is left, and `skipped` counts the others.
    """

    name = "alerts"

    def __init__(self, epoch: str, config: LiveConfig, clock: Callable[[], float], carried: Carried) -> None:
        self._carried = carried
        self.epoch = epoch
        self.offset = 0
        self._log = Log(config, clock)
        self._subscriptions: set[Subscription] = set()

    def publish(self, device_id: str, alert: Mapping[str, object]) -> None:
        """Tell those who may see the device. `alert` is what the wire will have, JSON values by name."""
        self.offset += 1
        self._log.append(self.offset, device_id, orjson.dumps({"device": device_id, **alert}))
        for subscription in self._subscriptions:
            if self._sees(subscription.viewer.principal, device_id):
                subscription.viewer.wake(subscription)

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription; from now on it misses nothing. Returns the `subscribed` message."""
        entries = None if resume is None or resume.epoch != self.epoch else self._log.since(resume.offset)
        self._subscriptions.add(subscription)
        subscription.cursor = self.offset
        head = orjson.dumps(
            {
                "type": "subscribed",
                "channel": self.name,
                "epoch": self.epoch,
                "offset": self.offset,
                "recovered": entries is not None,
            }
        )
        return b'%b,"alerts":[%b]}' % (head[:-1], self._visible(entries or (), subscription.viewer.principal))

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self._subscriptions.discard(subscription)

    def take(self, subscription: Subscription) -> bytes | None:
        """The message with all this subscription has not got, or None; the subscription has got it then."""
        start, subscription.cursor = subscription.cursor, self.offset
        skipped = max(0, self._log.start - start)
        alerts = self._visible(
            self._log.since(max(start, self._log.start)) or (), subscription.viewer.principal
        )
        if not alerts and not skipped:
            return None
        more = b',"skipped":%d' % skipped if skipped else b""
        return b'{"type":"alert","channel":"alerts","offset":%d%b,"alerts":[%b]}' % (
            self.offset,
            more,
            alerts,
        )

    def _visible(self, entries: Iterable[Entry], principal: Principal) -> bytes:
        return b",".join([entry.encoded for entry in entries if self._sees(principal, entry.device_id)])

    def _sees(self, principal: Principal, device_id: str) -> bool:
        return principal.sees(device_id, self._carried.get(device_id, {}))
