"""Rules meet devices here: which rule looks at which metric, and what its machine says.

    a reading      intake → DeviceWatch.take → WatchedMetric → the machines of its posts → `told`
    presence       the roster → `presence` → the machines of posts without a series → `told`
    time           the wheel → `tick` → machines whose deadline has passed, silences, what is held → `told`
    `told`         → the ledger, which opens and resolves alerts

All of it is in the loop's thread, without an await. What is late is played from the history: see past.py.
"""

from collections.abc import Callable, Iterable

from hub.alerts.clockwork import Clockwork, Overdue
from hub.alerts.damping import Opening
from hub.alerts.dependence import Dependence
from hub.alerts.judges import NEVER
from hub.alerts.ledger import Ledger
from hub.alerts.machine import Fired, Resolved, State, Step, Worse
from hub.alerts.post import DiffersPost, Post, key_of, other_of
from hub.alerts.series import DeviceWatch, WatchedMetric
from hub.alerts.thresholds import rules_of
from hub.clock import HubClock
from hub.clock import Step as ClockStep
from hub.model import NO_THRESHOLDS, Device, Metric, MetricType, Presence, Sample, Severity
from hub.model.condition import Beyond, Differs, IsPresent, Silent
from hub.model.rule import Rule

RULE_CHANGED = "the rule was changed"
Latest = Callable[[str, str], Sample | None]


class Evaluation:
    """See above. `latest` gives the newest value of a device's metric; `overdue_s` after how long a silence
    of a device is more than one expects.
    """

    def __init__(self, ledger: Ledger, clock: HubClock, latest: Latest, overdue_s: Overdue) -> None:
        self._ledger = ledger
        self._clock = clock
        self._latest = latest
        self._rules: dict[int, Rule] = {}
        self._by_metric: dict[str, dict[int, Rule]] = {}  # "" for presence
        self._watches: dict[int, DeviceWatch] = {}
        self._numbers: dict[str, int] = {}  # Device.number by its id
        self._has_begun = False
        self.dependence = Dependence(ledger, self._back)
        presence_of = self.dependence.presence_of
        self._clockwork = Clockwork(self.told, ledger, clock, overdue_s, presence_of)
        self.late_series: dict[int, WatchedMetric] = {}  # to be played again, by their identity
        self.makes_thresholds = True

    # What intake tells

    def open(self, device: Device) -> DeviceWatch:
        """A device is there; what looks at its readings."""
        watch = self._watches[device.number] = DeviceWatch(self, device)
        self._numbers[device.id] = device.number
        self.dependence.known(device, Presence.NEVER_SEEN)
        if self._has_begun:
            self._bind_all(watch)
        return watch

    def learnt(self, watch: DeviceWatch, metric: Metric) -> None:
        """The device has a metric, or it changed."""
        if not self._has_begun:
            return
        for post in watch.not_meant() if len(watch.metrics) == 1 else ():
            self._drop(post, "the device sends other metrics than this one")
        for rule in self._by_metric.get(metric.name, {}).values():
            self._bind(watch, rule)
        self._bind_thresholds(watch, metric)
        for rule in self._by_metric.get("*other", {}).values():
            if (other := other_of(rule, watch.device)) and other[1] == metric.name:
                self._bind(watch, rule)

    def forgotten(self, watch: DeviceWatch, name: str, why: str) -> None:
        """The device has a metric no more."""
        series = watch.series.get(name)
        for post in [] if series is None else [*series.posts.values(), *series.silences.values()]:
            self._drop(post, why or "the metric is another one now")
        for rule in self._by_metric.get(name, {}).values():  # one that waits for readings waits on
            self._bind(watch, rule)

    def relabelled(self, watch: DeviceWatch) -> None:
        """The device has other labels."""
        self.dependence.known(watch.device, None)
        if not self._has_begun:
            return
        for post in watch.posts():
            if not post.rule.on.covers(watch.device.id, watch.device.labels):
                self._drop(post, "the rule is not for this device any more")
        self._bind_all(watch)

    def closed(self, watch: DeviceWatch) -> None:
        """The device was removed."""
        for post in watch.posts():
            self._drop(post, "the device was removed")
        self._watches.pop(watch.device.number, None)
        self._numbers.pop(watch.device.id, None)
        self.dependence.forget(watch.device)

    def presence(self, device: Device, presence: Presence) -> None:
        """The device came or went."""
        now = self._clock()
        self.dependence.changed(device, presence, now)
        watch = self._watches.get(device.number)
        for post in list(watch.presence.values()) if watch else ():
            self._clockwork.judge_presence(post, presence, now)

    # Rules

    def begin(self, rules: Iterable[Rule]) -> None:
        """The devices are all there: from now on the rules look at them."""
        self._has_begun = True
        self._clockwork.begin()
        for rule in rules:
            self._index(rule)
        for watch in self._watches.values():
            self._bind_all(watch)
        self._ledger.drop_loose()

    def put(self, rule: Rule) -> None:
        """A rule is new, or changed."""
        before = self._rules.get(rule.id)
        if before is not None:
            self._unindex(before)
        self._index(rule)
        for watch in list(self._watches.values()):
            post = before and watch.own.get(key_of(before, watch.device.number))
            if post and self._still_meant(rule, before, watch):
                self._detach(post)
            elif post:
                self._drop(post, RULE_CHANGED if rule.enabled else "the rule was switched off")
            self._rebind(watch, rule)
        self._ledger.drop_loose(RULE_CHANGED)

    def _still_meant(self, rule: Rule, before: Rule | None, watch: DeviceWatch) -> bool:
        """Whether an alert that is open may stay: its condition is judged anew."""
        return (
            rule.enabled
            and before is not None
            and rule.metric == before.metric
            and type(rule.when) is type(before.when)
            and rule.on.covers(watch.device.id, watch.device.labels)
        )

    def _rebind(self, watch: DeviceWatch, rule: Rule) -> None:
        if rule.id in self._rules:
            self._bind(watch, rule)
        metric = watch.metrics.get(rule.metric)
        if metric is not None:
            self._bind_thresholds(watch, metric)

    def remove(self, rule: Rule) -> None:
        """A rule is no more; its alerts are over."""
        self._unindex(rule)
        for watch in self._watches.values():
            post = watch.own.get(key_of(rule, watch.device.number))
            if post:
                self._drop(post, "the rule was removed")
            self._rebind(watch, rule)

    def _index(self, rule: Rule) -> None:
        self._rules[rule.id] = rule
        self.dependence.is_used |= rule.depends_on is not None
        if rule.enabled:
            self._by_metric.setdefault(rule.metric, {})[rule.id] = rule
            if isinstance(rule.when, Differs):
                self._by_metric.setdefault("*other", {})[rule.id] = rule

    def _unindex(self, rule: Rule) -> None:
        self._rules.pop(rule.id, None)
        for name in (rule.metric, "*other"):
            self._by_metric.get(name, {}).pop(rule.id, None)

    # Binding

    def _bind_all(self, watch: DeviceWatch) -> None:
        for rule in self._by_metric.get("", {}).values():
            self._bind(watch, rule)
        for metric in list(watch.metrics.values()):
            self.learnt(watch, metric)
        for rules in list(self._by_metric.values()):
            for rule in rules.values():
                if isinstance(rule.when, Silent):
                    self._bind(watch, rule)

    def _bind(self, watch: DeviceWatch, rule: Rule) -> None:
        """Put a rule at a metric of a device, if it is meant and not there yet."""
        device = watch.device
        if not (rule.enabled and rule.on.covers(device.id, device.labels)):
            return
        if not device.counted and rule.on.device is None:
            return  # the hub's own figures are none of "all devices"
        if key_of(rule, device.number) in watch.own:
            return
        now = self._clock()
        if isinstance(rule.when, IsPresent):
            post = Post(rule, device, None)
            watch.own[post.key] = watch.presence[id(post)] = post
            self._adopt(post)
            self._clockwork.judge_presence(post, self.dependence.presence_of(device.id), now)
        elif isinstance(rule.when, Silent):
            # Of all devices with a label, one without the metric is meant only if it never sent anything.
            if rule.metric in watch.metrics or rule.on.device is not None or not watch.metrics:
                self._wait(Post(rule, device, self._series(watch, rule.metric)), now)
        elif rule.metric in watch.metrics:
            self._judge_from_now(watch, rule, now)

    def _series(self, watch: DeviceWatch, name: str) -> WatchedMetric:
        series = watch.series.get(name)
        if series is None:
            series = watch.series[name] = WatchedMetric(self, watch.device, name, self._clock())
            metric = watch.metrics.get(name)
            series.is_number = metric is None or metric.type is MetricType.NUMBER
            latest = self._latest(watch.device.id, name)
            series.newest = 0 if latest is None else latest.time
        return series

    def _wait(self, post: Post, now: int) -> None:
        """For silence."""
        if post.series is not None:
            self._adopt(post)
            self._watches[post.device.number].own[post.key] = post
            post.series.silences[id(post)] = post
            if post.machine.state is not State.OK:
                post.series.rebound()
            if post.machine.state is State.OK:
                self._clockwork.arm_silence(post, now)

    def _judge_from_now(self, watch: DeviceWatch, rule: Rule, now: int) -> None:
        """Judge the value that is there, and those that come."""
        series = self._series(watch, rule.metric)
        other = other_of(rule, watch.device)
        if other is None:
            post = Post(rule, watch.device, series)
        else:
            far = self._watches.get(self._numbers.get(other[0], -1))
            if far is None or other[1] not in far.metrics:
                return
            post = DiffersPost(rule, watch.device, series, self._series(far, other[1]))
            post.other.add(post)
        series.add(post)
        watch.own[post.key] = post
        self._adopt(post)
        for one in (series, *((post.other,) if isinstance(post, DiffersPost) else ())):
            latest = self._latest(one.device.id, one.name)
            if latest is not None:
                self.told(post, post.take(one, latest.time, latest.value), now)
                if post.machine.deadline is not NEVER:
                    self._clockwork.arm(post, now + post.machine.deadline - latest.time)
            one.tighten(post)
        is_plain = isinstance(rule.when, Beyond) and post.machine.state is State.OK
        if post.machine.lookback_us and not is_plain and series.newest:  # older readings count as well
            self.late(series, series.newest)

    def _bind_thresholds(self, watch: DeviceWatch, metric: Metric) -> None:
        """The thresholds of a metric are rules, where no other rule of that severity has bounds for it."""
        keys = [(0, severity, watch.device.number, metric.name) for severity in Severity]
        there = {key[1]: watch.own[key] for key in keys if key in watch.own}
        if not self.makes_thresholds or (metric.thresholds == NO_THRESHOLDS and not there):
            return
        own = {
            rule.severity
            for rule in self._by_metric.get(metric.name, {}).values()
            if isinstance(rule.when, Beyond) and rule.on.covers(watch.device.id, watch.device.labels)
        }
        wanted = {rule.severity: rule for rule in rules_of(watch.device, metric) if rule.severity not in own}
        for post in there.values():
            if post.rule == wanted.get(post.rule.severity):
                del wanted[post.rule.severity]
            elif post.rule.severity in wanted:
                self._detach(post)
            else:
                self._drop(post, "the thresholds were changed, or a rule has their place")
        for rule in wanted.values():
            self._judge_from_now(watch, rule, self._clock())

    def _adopt(self, post: Post) -> None:
        """An alert that is open already goes on."""
        alert = self._ledger.claim(post)
        if alert is not None:
            peak = None if alert.peak is None else Worse(alert.peak_at, alert.peak)
            post.machine.restore(alert.opened, alert.value, peak)

    def _detach(self, post: Post) -> None:
        """Take a post away; its alert stays open, for another one to claim."""
        watch = self._watches.get(post.device.number)
        places = [post.series] if post.series else []
        if isinstance(post, DiffersPost):
            places.append(post.other)
        for series in places:
            series.remove(post)
            owner = self._watches.get(series.device.number)
            if owner is not None and not series.is_watched and owner.series.get(series.name) is series:
                del owner.series[series.name]
        if watch is not None:
            watch.own.pop(post.key, None)
            watch.presence.pop(id(post), None)
        post.series = None
        post.machine.due = NEVER
        self.dependence.release(post)
        self._ledger.release(post)

    def _drop(self, post: Post, why: str) -> None:
        """Take a post away, and end its alert."""
        if post.alert is not None:
            now = self._clock()
            self._ledger.resolve(post.alert, now, now, why)
        self._detach(post)

    # What machines say

    def told(self, post: Post, steps: list[Step], now: int) -> None:
        """The machine of a post said this."""
        for step in steps:
            if isinstance(step, Fired):
                self._fired(post, step, now)
            elif isinstance(step, Resolved):
                self._resolved(post, step, now)
            elif post.alert is not None:
                self._ledger.worse(post.alert, step)
        if post.is_silence and post.machine.state is State.OK:  # a reading came: the next silence may begin
            self._clockwork.arm_silence(post, now)

    def _fired(self, post: Post, step: Fired, now: int) -> None:
        opening = post.damping.fire(step.at)
        if opening is not Opening.NEW and post.alert is None:
            post.alert = self._ledger.last(post)
        if opening is not Opening.NEW and post.alert is not None:
            post.alert = self._ledger.again(post.alert, post, now)
            return
        if self.dependence.is_down(post):
            post.held = True
            return
        post.alert = self._ledger.open(post, step, now)

    def _resolved(self, post: Post, step: Resolved, now: int) -> None:
        post.held = False
        self.dependence.release(post)
        if post.alert is None:
            return
        if post.damping.resolve(step.at, flapping=post.alert.flapping):
            self._ledger.resolve(post.alert, step.at, now)
        elif post.damping.settles is not None:
            self._clockwork.arm(post, now + post.damping.settles - step.at)

    def _back(self, post: Post) -> None:
        """What the rule depends on has been there again for a while: what still fires is told."""
        if post.held and post.machine.state is State.FIRING and post.alert is None:
            post.held, now = False, self._clock()
            post.alert = self._ledger.open(post, Fired(now, post.machine.value), now)

    # Time

    def arm(self, post: Post, due: int) -> None:
        """Wake the post then (µs UTC, the hub's clock)."""
        self._clockwork.arm(post, due)

    @property
    def waits(self) -> bool:
        """Whether anything waits for a time."""
        return self._clockwork.waits

    def tick(self) -> None:
        """See what is due. Called a few times a second."""
        self._clockwork.tick()
        self.dependence.tick(self._clock())
        self._ledger.tick(self._clock())

    def clock_stepped(self, step: ClockStep) -> None:
        """The hub's clock was set: what waits for a time waits as long as it would have."""
        self._clockwork.clock_stepped(step)
        for watch in self._watches.values():
            for series in watch.series.values():
                series.heard_at = step.moved(series.heard_at)
            for post in watch.posts():
                if post.machine.due is not NEVER:
                    post.machine.due += step.by

    # The past

    def watched(self, device: Device) -> list[WatchedMetric]:
        """The metrics of a device that any rule looks at."""
        return list(self._watches[device.number].series.values())

    def late(self, series: WatchedMetric, time: int) -> None:
        """A reading is older than the newest of its metric."""
        if series.late_from is None:
            series.late_from = series.late_to = time
        series.late_from, series.late_to = min(series.late_from, time), max(series.late_to, time)
        self.late_series[id(series)] = series

    def metric_of(self, series: WatchedMetric) -> Metric | None:
        """The metric as it is now; None where it is gone."""
        watch = self._watches.get(series.device.number)
        if watch is None or watch.series.get(series.name) is not series:
            return None
        return watch.metrics.get(series.name)
