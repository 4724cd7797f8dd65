"""Where readings meet rules. On the path of every reading.

Theory. Almost every reading changes nothing: it is within all bounds, or as far beyond as the one before. So
the machines of one metric are put together as two numbers and a time: what lies between `low` and `high`,
before `deadline` and not before `newest`, is nothing to any of them. That is a few comparisons of floats,
however many rules there are, and for readings that come together the same on the least and greatest of them,
which the intake's checks know already.
Only what fails it is shown to the machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Protocol

from hub.alerts.judges import INF, NEVER
from hub.alerts.machine import State, Step
from hub.alerts.post import Key, Post
from hub.model import Device, Metric, MetricType, Run, Value

BUFFERED_MAX = 20_000  # readings that wait while the past is played; beyond it is played again


class Desk(Protocol):
    """What takes care of what posts say."""

    def told(self, post: Post, steps: list[Step], now: int) -> None:
        """The machine said this."""

    def arm(self, post: Post, due: int) -> None:
        """Wake the post then (µs UTC, the hub's clock)."""

    def late(self, series: WatchedMetric, time: int) -> None:
        """A reading is older than the newest."""

    def learnt(self, watch: DeviceWatch, metric: Metric) -> None:
        """The device has a metric, or it changed."""

    def forgotten(self, watch: DeviceWatch, name: str, why: str) -> None:
        """The device has a metric no more."""

    def relabelled(self, watch: DeviceWatch) -> None:
        """The device has other labels."""

    def closed(self, watch: DeviceWatch) -> None:
        """The device was removed."""


class WatchedMetric:
    """One watched metric of one device. `heard_at` is when a reading of it came last, by the hub's clock."""

    __slots__ = (
        "_buffer",
        "_desk",
        "deadline",
        "device",
        "heard_at",
        "high",
        "is_number",
        "last",
        "late_from",
        "late_to",
        "low",
        "name",
        "newest",
        "posts",
        "silences",
    )

    def __init__(self, desk: Desk, device: Device, name: str, now: int) -> None:
        self._desk = desk
        self.device = device
        self.name = name
        self.is_number = True
        self.newest = 0
        self.heard_at = now
        self.last: Value | None = None  # of texts and truth values
        self.posts: dict[int, Post] = {}  # by their identity: there may be thousands
        self.silences: dict[int, Post] = {}
        # From the oldest late reading on the past has to be played again; the newest late one is at
        # `late_to`.
        self.late_from: int | None = None
        self.late_to = 0
        self._buffer: list[tuple[int, Value]] | None = None
        self.low, self.high, self.deadline = -INF, INF, NEVER

    @property
    def is_watched(self) -> bool:
        """Whether any rule looks at it."""
        return bool(self.posts or self.silences)

    # Readings

    def take_one(self, time: int, value: Value, now: int) -> None:
        """One reading."""
        self.heard_at = now
        if self.newest <= time < self.deadline and (
            self.low <= value <= self.high if type(value) is float else value == self.last
        ):
            self.newest = time
        else:
            self._show(time, value, now)

    def take_alike(self, run: Run, span: tuple[float, float], oldest: int, now: int) -> None:
        """Readings that came together and all have the metric, within that span; the last is the newest."""
        newest = run.times[-1]
        is_early = self.newest <= oldest and newest < self.deadline
        if is_early and self.is_number and self.low <= span[0] and span[1] <= self.high:
            self.heard_at, self.newest = now, newest
        else:
            self.take_run(run, now)

    def take_run(self, run: Run, now: int) -> None:
        """Readings that came together."""
        name, times = self.name, run.times
        try:
            values = [row[name] for row in run.values]
        except KeyError:
            pairs = [(time, row[name]) for time, row in zip(times, run.values, strict=True) if name in row]
            if not pairs:
                return
            times, values = [time for time, _ in pairs], [value for _, value in pairs]
        self.heard_at = now
        if self.is_number and self.low <= min(values) and max(values) <= self.high:  # type: ignore[operator]
            newest = max(times)
            if self.newest <= min(times) and newest < self.deadline:
                self.newest = newest
                return
        for time, value in sorted(zip(times, values, strict=True), key=itemgetter(0)):
            self.take_one(time, value, now)

    def _show(self, time: int, value: Value, now: int) -> None:
        """A reading that something may come of."""
        if self._buffer is not None:
            if len(self._buffer) < BUFFERED_MAX:
                self._buffer.append((time, value))
            else:
                self._desk.late(self, time)
        elif time < self.newest:
            self._desk.late(self, time)
        else:
            self.newest, self.last = time, value
            self._judge(time, value, now)
        for post in self.silences.values():
            if post.machine.state is not State.OK:
                self._desk.told(post, post.machine.end(now), now)
        self.rebound()

    def _judge(self, time: int, value: Value, now: int) -> None:
        is_number = type(value) is float
        for post in list(self.posts.values()):
            machine = post.machine
            is_early = is_number and time < machine.deadline
            if is_early and machine.low <= value <= machine.high:  # type: ignore[operator]
                continue
            steps = post.take(self, time, value)
            if steps:
                self._desk.told(post, steps, now)
            if machine.deadline is not NEVER:
                self._desk.arm(post, now + machine.deadline - time)

    def rebound(self) -> None:
        """What is nothing to any machine has changed."""
        if self._buffer is not None or any(
            one.machine.state is not State.OK for one in self.silences.values()
        ):
            self.low, self.high, self.deadline, self.last = INF, -INF, NEVER, None
            return
        machines = [post.machine for post in self.posts.values()]
        self.low = max((one.low for one in machines), default=-INF)
        self.high = min((one.high for one in machines), default=INF)
        self.deadline = min((one.deadline for one in machines), default=NEVER)

    def add(self, post: Post) -> None:
        """A rule looks at its values from now on."""
        self.posts[id(post)] = post

    def tighten(self, post: Post) -> None:
        """The machine of a post is new or has changed: as `rebound` does for all, here for one."""
        machine = post.machine
        self.low, self.high = max(self.low, machine.low), min(self.high, machine.high)
        self.deadline = min(self.deadline, machine.deadline)
        self.last = None

    def remove(self, post: Post) -> None:
        """A rule looks no more. What is nothing to the others may be less than it could be, until the next
        reading that fails it.
        """
        self.posts.pop(id(post), None)
        self.silences.pop(id(post), None)

    # Playing the past

    @property
    def is_held(self) -> bool:
        """Whether readings wait because the past is being played."""
        return self._buffer is not None

    def hold(self) -> None:
        """Let readings wait."""
        self._buffer = self._buffer or []
        self.rebound()

    def let_go(self, now: int) -> None:
        """The machines are where the past has brought them: on with what waited."""
        waited, self._buffer = self._buffer or [], None
        self.rebound()
        for time, value in sorted(waited, key=itemgetter(0)):
            self._show(time, value, now)


class DeviceWatch:
    """What the rules see of one device. `series` has the watched metrics only: mostly none."""

    __slots__ = ("_desk", "device", "metrics", "own", "presence", "series")

    def __init__(self, desk: Desk, device: Device) -> None:
        self._desk = desk
        self.device = device
        self.series: dict[str, WatchedMetric] = {}
        self.metrics: dict[str, Metric] = {}
        self.own: dict[Key, Post] = {}  # all that are of this device
        self.presence: dict[int, Post] = {}  # those of its presence, by their identity

    def take(self, run: Run, now: int, spans: Sequence[tuple[float, float]] = ()) -> None:
        """Readings that were accepted, at `now` by the hub's clock (µs, UTC). Of those that are alike `spans`
        has the least and greatest of each metric, in the order of the first reading.
        """
        times, first = run.times, run.values[0]
        if len(times) == 1:
            time = times[0]
            for name, series in self.series.items():
                value = first.get(name)
                # As in take_one: a call would double this.
                is_early = series.newest <= time < series.deadline
                if is_early and type(value) is float and series.low <= value <= series.high:
                    series.newest, series.heard_at = time, now
                elif value is not None:
                    series.take_one(time, value, now)
        elif run.alike and spans:
            oldest = min(times)
            for name, span in zip(first, spans, strict=True):
                if name in self.series:
                    self.series[name].take_alike(run, span, oldest, now)
        else:
            for series in self.series.values():
                series.take_run(run, now)

    def learn(self, metric: Metric) -> None:
        """A metric is new, or it changed."""
        self.metrics[metric.name] = metric
        if metric.name in self.series:
            self.series[metric.name].is_number = metric.type is MetricType.NUMBER
        self._desk.learnt(self, metric)

    def forget(self, name: str, why: str) -> None:
        """A metric is no more, or is called something else."""
        self.metrics.pop(name, None)
        self._desk.forgotten(self, name, why)

    def update(self, device: Device) -> None:
        """The device changed."""
        self.device = device
        self._desk.relabelled(self)

    def close(self) -> None:
        """The device was removed."""
        self._desk.closed(self)

    def not_meant(self) -> list[Post]:
        """Of rules for many devices: those that wait for a metric that this one does not have, now that it
        has sent others.
        """
        return [
            post
            for post in self.own.values()
            if post.is_silence and post.rule.on.device is None and post.metric not in self.metrics
        ]

    def posts(self) -> list[Post]:
        """Those of this device. One that compares is also at a metric of another device."""
        return list(self.own.values())
