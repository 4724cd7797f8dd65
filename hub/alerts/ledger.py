"""The alerts: opened, changed and resolved here, written down, and only then told.

What happens is taken in at once and without an await. It is written in one transaction with all that happened
meanwhile; after that it goes to the live channel, and to whoever notifies people (stream.py). So nobody is
told of anything that a restart would not know of.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from hub.alerts.damping import FLAP_US
from hub.alerts.machine import Fired, Worse
from hub.alerts.post import Key, Post
from hub.alerts.wire import shown_alert
from hub.errors import NotFound, StoreError
from hub.feed.alerts import AlertsChannel
from hub.logs import Logger
from hub.model import Alert, Silence
from hub.model.alert import Acknowledged, AlertChange, Event, Silenced
from hub.registry.alerts import StoredAlerts

CHANGES_MAX = 10_000  # that wait for a disk that says no; the oldest are not told then, and the alerts are
RETRY_S = 1.0
LOOK_US = 1_000_000  # how often what is not urgent is looked at
GONE = "the rule, the device or the metric is gone"

_log = Logger("alerts")

Labels = Callable[[str], Mapping[str, str]]


class Ledger:
    """See above. `labels` gives those of a device; `clock` is the hub's, µs UTC."""

    def __init__(
        self, stored: StoredAlerts, channel: AlertsChannel, labels: Labels, clock: Callable[[], int]
    ) -> None:
        self._stored = stored
        self._channel = channel
        self._labels = labels
        self._clock = clock
        self._open: dict[int, Alert] = {}
        self._posts: dict[int, Post] = {}  # by the id of the alert that they have opened
        self._loose: dict[Key, Alert] = {}  # open, and no post has them
        self._recent: dict[Key, Alert] = {}  # over since a short while: they may open again
        self._reminders: dict[int, tuple[int, int]] = {}  # when, and after how long again
        self.silences: dict[int, Silence] = {}
        self.notifies_thresholds = False
        self._next_alert = self._next_change = 1
        self.first_change = 1  # of this run of the hub
        self._changed: dict[int, Alert] = {}  # not written yet
        self._changes: deque[AlertChange] = deque(maxlen=CHANGES_MAX)
        self._urgent = asyncio.Event()
        self._writing = asyncio.Lock()
        self._looked_at = 0
        self.written = asyncio.Event()  # something new is in the stream of changes

    async def restore(self) -> None:
        """Go on with what fires. Raises StoreError."""
        highest = await self._stored.highest()
        self._next_alert, self._next_change = highest[0] + 1, highest[1] + 1
        self.first_change = self._next_change
        for alert in await self._stored.firing():
            self._open[alert.id] = self._loose[key_of_alert(alert)] = alert
            self._channel.restore(alert.device_id, shown_alert(alert))

    # For posts

    def posts(self) -> list[Post]:
        """Those with an open alert."""
        return list(self._posts.values())

    def claim(self, post: Post) -> Alert | None:
        """The open alert of a post, which is that one's from now on."""
        alert = self._loose.pop(post.key, None)
        post.alert = alert
        if alert is not None:
            self._posts[alert.id] = post
            if post.rule.remind_s is not None:
                self.remind_at(alert, self._clock() + round(post.rule.remind_s * 1e6))
        return alert

    def release(self, post: Post) -> None:
        """The post is taken away; its alert is there for another one."""
        alert, post.alert = post.alert, None
        if alert is not None:
            self._posts.pop(alert.id, None)
            self._loose[post.key] = alert

    def drop_loose(self, why: str = GONE) -> None:
        """Nobody has claimed these."""
        for alert in list(self._loose.values()):
            now = self._clock()
            self.resolve(alert, now, now, why)
        self._loose.clear()

    def last(self, post: Post) -> Alert | None:
        """The alert that the post had last, if it may open again."""
        return self._recent.get(post.key)

    def made(self, post: Post, step: Fired, now: int) -> Alert:
        """An alert of the rule of a post, which nobody knows of yet."""
        rule = post.rule
        alert = Alert(
            id=self._next_alert,
            rule=rule.id,
            name=rule.name,
            severity=rule.severity,
            device=post.device.number,
            device_id=post.device.id,
            metric=rule.metric,
            opened=step.at,
            received=now,
            value=step.value,
            peak_at=step.at,
            peak=step.value,
            notify=self.notifies_thresholds or not rule.thresholds,
            labels=rule.labels,
        )
        self._next_alert += 1
        return replace(alert, silenced=self._silenced(alert))

    def open(self, post: Post, step: Fired, now: int) -> Alert:
        """The rule of a post fires."""
        alert = self.made(post, step, now)
        self._posts[alert.id] = post
        if post.rule.remind_s is not None:
            self.remind_at(alert, now + round(post.rule.remind_s * 1e6))
        return self._happened(alert, Event.OPENED, now)

    def add_past(self, alert: Alert) -> None:
        """One that is over already: the history has shown it."""
        self._happened(replace(alert, resolved=None), Event.OPENED, alert.received)
        self._happened(alert, Event.RESOLVED, alert.received)

    def again(self, alert: Alert, post: Post, now: int) -> Alert:
        """It opens again, and again: it flaps. That is told once."""
        self._recent.pop(key_of_alert(alert), None)
        self._posts[alert.id] = post
        flaps = replace(alert, count=alert.count + 1, flapping=True, resolved=None)
        if alert.flapping:
            return self._note(flaps)
        return self._happened(flaps, Event.OPENED, now, text="it flaps")

    def worse(self, alert: Alert, step: Worse) -> Alert:
        """A worse value than the worst one so far."""
        return self._note(replace(alert, peak_at=step.at, peak=step.value), urgent=False)

    def correct(self, corrected: Alert, post: Post, now: int) -> None:
        """Readings that came late tell another story of an alert: this one."""
        before = self._open.get(corrected.id)
        if before is not None and corrected.resolved is not None:
            self.resolve(replace(corrected, resolved=None), corrected.resolved, now, corrected.why)
            return
        if corrected.resolved is None:
            self._posts[corrected.id], post.alert = post, corrected
        if before != corrected:
            self._note(corrected)

    def resolve(self, alert: Alert, at: int, now: int, why: str = "") -> None:
        """It is over since `at`."""
        over = replace(alert, resolved=max(at, alert.opened), why=why)
        post = self._posts.pop(alert.id, None)
        if post is not None:
            post.alert = None
        self._loose.pop(key_of_alert(alert), None)
        self._reminders.pop(alert.id, None)
        self._recent[key_of_alert(alert)] = over
        self._happened(over, Event.RESOLVED, now, text=why)

    def remind_at(self, alert: Alert, at: int) -> None:
        """Remind of it then, if it still fires and nobody has acknowledged it."""
        self._reminders[alert.id] = at, at - self._clock()

    # For people

    def firing(self, alert_id: int) -> Alert | None:
        """An alert that fires, as it is now."""
        return self._open.get(alert_id)

    async def find(self, alert_id: int) -> Alert:
        """An alert. Raises NotFound, StoreError."""
        found = self._open.get(alert_id) or self._changed.get(alert_id) or await self._stored.one(alert_id)
        if found is None:
            raise NotFound(f"there is no alert {alert_id}")
        return found

    async def acknowledge(self, alerts: Iterable[int], by: str, comment: str) -> list[Alert]:
        """Somebody has seen them; who was first stays. Stored at the end. Raises NotFound, StoreError."""
        found = [await self.find(one) for one in alerts]
        now = self._clock()
        done = []
        for alert in found:
            current = self._open.get(alert.id, alert)
            if current.acknowledged is None:
                seen = replace(current, acknowledged=Acknowledged(by, now, comment))
                current = self._happened(seen, Event.ACKNOWLEDGED, now, by, comment)
            done.append(current)
        await self.flush()
        return done

    async def note(self, alert_id: int, event: Event, by: str, text: str) -> Alert:
        """Something else happened to it: a comment, an escalation. On disk when it returns.

        Raises NotFound, StoreError.
        """
        alert = await self.find(alert_id)
        alert = self._happened(self._open.get(alert.id, alert), event, self._clock(), by, text)
        await self.flush()
        return alert

    # Silences

    def silence(self, alert: Alert, silenced: Silenced, now: int) -> Alert:
        """Nobody is told of it for now."""
        quiet = replace(alert, silenced=silenced)
        return self._happened(quiet, Event.SILENCED, now, silenced.by, silenced.comment)

    def unsilence(self, alert: Alert, now: int) -> Alert:
        """What silenced it is over: whoever would have been told is told that it fires."""
        loud = replace(alert, silenced=self._silenced(alert))
        if loud.silenced is not None or loud.acknowledged is not None:
            return self._note(loud)
        return self._happened(loud, Event.REMINDER, now, text="it is not silenced any more")

    def silence_all(self, silence: Silence) -> None:
        """A silence begins."""
        self.silences[silence.id] = silence
        now = self._clock()
        for alert in list(self._open.values()):
            if alert.silenced is None and silence.covers(alert, self._labels(alert.device_id)):
                self.silence(alert, _silenced_by(silence), now)

    def lift(self, silence: Silence) -> None:
        """A silence is over."""
        self.silences.pop(silence.id, None)
        now = self._clock()
        for alert in list(self._open.values()):
            if alert.silenced is not None and alert.silenced.silence == silence.id:
                self.unsilence(alert, now)

    def _silenced(self, alert: Alert) -> Silenced | None:
        labels = self._labels(alert.device_id)
        found = [one for one in self.silences.values() if one.covers(alert, labels)]
        return _silenced_by(max(found, key=lambda one: one.until)) if found else None

    # Writing

    def _note(self, alert: Alert, *, urgent: bool = True) -> Alert:
        """It is like this now."""
        if alert.resolved is None:
            self._open[alert.id] = alert
        else:
            self._open.pop(alert.id, None)
        post = self._posts.get(alert.id)
        if post is not None:
            post.alert = alert
        elif (loose := self._loose.get(key_of_alert(alert))) is not None and loose.id == alert.id:
            self._loose[key_of_alert(alert)] = alert
        self._changed[alert.id] = alert
        if urgent:
            self._urgent.set()
        return alert

    def _happened(self, alert: Alert, event: Event, at: int, by: str = "", text: str = "") -> Alert:
        self._changes.append(AlertChange(self._next_change, alert, event, at, by, text))
        self._next_change += 1
        return self._note(alert)

    async def run(self) -> None:
        """Write what happens, until cancelled; a disk that says no is asked again."""
        while True:
            await self._urgent.wait()
            try:
                await self.flush()
            except StoreError as error:
                _log.error("alerts cannot be written, and are not told; retrying", why=str(error))
                await asyncio.sleep(RETRY_S)
                self._urgent.set()

    async def flush(self) -> None:
        """Write all that happened so far, and tell it. Raises StoreError."""
        async with self._writing:
            self._urgent.clear()
            changed, self._changed = self._changed, {}
            changes, self._changes = list(self._changes), deque(maxlen=CHANGES_MAX)
            if not changed:
                return
            try:
                await self._stored.write(changed.values(), changes)
            except StoreError:
                self._changed = {**changed, **self._changed}
                self._changes.extendleft(reversed(changes))
                raise
            told = {change.alert.id: change.alert for change in changes}
            for change in changes:
                self._channel.publish(change.alert.device_id, shown_alert(change.alert))
            for alert in changed.values():
                if told.get(alert.id) != alert:
                    self._channel.publish(alert.device_id, shown_alert(alert))
            if changes:
                self.written.set()

    def tick(self, now: int) -> None:
        """Remind, end silences, and write what is not urgent. Called a few times a second."""
        if 0 <= now - self._looked_at < LOOK_US:
            return
        self._looked_at = now
        for alert_id, (at, every) in list(self._reminders.items()):
            if at <= now:
                self._reminders[alert_id] = now + every, every
                self._remind(alert_id, now)
        for key, alert in list(self._recent.items()):
            if (alert.resolved or 0) < now - FLAP_US and alert.received < now - FLAP_US:
                del self._recent[key]
        if self._changed:
            self._urgent.set()

    def _remind(self, alert_id: int, now: int) -> None:
        alert = self._open.get(alert_id)
        if alert and alert.acknowledged is None and alert.silenced is None:
            self._happened(alert, Event.REMINDER, now)


def _silenced_by(silence: Silence) -> Silenced:
    return Silenced(silence.by, silence.until, silence.comment, silence.id)


def key_of_alert(alert: Alert) -> Key:
    """The key of the post that has opened it."""
    return alert.rule, "" if alert.rule else alert.severity, alert.device, alert.metric
