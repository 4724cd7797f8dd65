"""The past, played from the history: readings that came late, and what an earlier run of the hub left open.

Theory. How a machine is at some time hangs on the readings of its window and on whether it fired before, and
both are kept: the readings in the history, what fired among the alerts. So when a reading comes that is older
than the newest, the machines of its metric are made anew, put where they were before that reading, and shown
everything since, in order. What they say then is what they would have said had nothing been late. Alerts that
it shows and nobody had are added, as late ones; those that were there are corrected; one that should not have
been is ended where it began, for it cannot be unsaid. The same after a start brings a machine back to where
it was, pending ones included.

Meanwhile new readings of that metric wait. It is done for one metric at a time, beside everything else.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from hub.alerts.evaluation import Evaluation
from hub.alerts.judges import NEVER
from hub.alerts.ledger import Ledger
from hub.alerts.machine import Fired, RuleMachine, Worse
from hub.alerts.play import Episode, Episodes, steps_of
from hub.alerts.post import DiffersPost, Post
from hub.alerts.series import WatchedMetric
from hub.clock import HubClock
from hub.errors import StoreError
from hub.history.contract import History, PagePlace
from hub.logs import Logger
from hub.model import Alert, Metric, MetricType, Value
from hub.registry.alerts import StoredAlerts
from hub.timers import aligned_sleep

LOOK_S = 1.0
RETRY_S = 5.0
PAGE = 10_000
READINGS_MAX = 500_000  # played for one late reading; what comes after them stays as it was told
CONTRADICTED = "readings that came late say that it was not so"

_log = Logger("alerts")


class Past:
    """Plays it, beside everything else."""

    def __init__(
        self,
        evaluation: Evaluation,
        ledger: Ledger,
        stored: StoredAlerts,
        history: History,
        clock: HubClock,
    ) -> None:
        self._evaluation = evaluation
        self._ledger = ledger
        self._stored = stored
        self._history = history
        self._clock = clock

    async def run(self) -> None:
        """Play what is to be played, until cancelled."""
        while True:
            await aligned_sleep(LOOK_S)  # with all else that an idle hub looks after
            try:
                await self.catch_up()
            except StoreError as error:
                _log.error("late readings cannot be judged; retrying", why=str(error))
                await asyncio.sleep(RETRY_S)

    async def catch_up(self) -> None:
        """Play what there is to be played now. Raises StoreError."""
        waiting, self._evaluation.late_series = self._evaluation.late_series, {}
        while waiting:
            _, series = waiting.popitem()
            try:
                await self._play(series)
            except StoreError:
                self._evaluation.late_series |= {**waiting, id(series): series}
                raise

    async def _play(self, series: WatchedMetric) -> None:
        start, last = series.late_from, series.late_to
        metric = self._evaluation.metric_of(series)
        posts = [post for post in series.posts.values() if not isinstance(post, DiffersPost)]
        series.late_from = None
        if start is None or metric is None or not posts:
            return
        await self._ledger.flush()
        series.hold()
        try:
            played = [await self._replay(post, start, last) for post in posts]
            newest = series.newest
            async for page in self._pages(metric, min(one.begin for one in played), newest + 1):
                for one in played:
                    one.take(page)
            for one in played:
                if one.post.series is series:  # it was not taken away meanwhile
                    self._correct(one, newest)
        except StoreError:
            self._evaluation.late(series, start)
            raise
        finally:
            series.let_go(self._clock())

    async def _replay(self, post: Post, start: int, last: int) -> "_Replay":
        """A machine to be shown the past of a post, from a time on when it is known how it was.

        Before an alert that hangs on a window of readings, that is before this window.
        """
        lookback, judge = post.machine.lookback_us, post.machine.judge
        is_windowed = judge is not None and judge.lookback_us > 0
        begin = start - lookback - 1
        severity = post.rule.severity if post.rule.thresholds else ""
        told: list[Alert] = []
        while lookback:
            told = await self._stored.within(post.rule.id, severity, post.device.number, post.metric, begin)
            opened = [
                one.opened for one in told if one.opened <= start and (is_windowed or one.opened >= begin)
            ]
            earlier = min(opened, default=begin + lookback + 1) - lookback - 1
            if earlier >= begin:
                break
            begin = earlier
        else:
            told = await self._stored.within(post.rule.id, severity, post.device.number, post.metric, begin)
        return _Replay(post, begin, told, last)

    async def _pages(self, metric: Metric, begin: int, end: int) -> AsyncIterator[list[tuple[int, Value]]]:
        place: PagePlace | None = None
        for _ in range(READINGS_MAX // PAGE):
            page = await self._history.raw(metric, begin, end, place, PAGE)
            yield pairs_of(metric, page.time, page.value)
            place = page.next
            if place is None:
                return
        _log.warning("a reading came so late that not all after it is judged again", metric=metric.name)

    def _correct(self, replayed: "_Replay", newest: int) -> None:
        """Bring the machine, and what was told, to what the past says. What opened when no late reading had a
        part in it any more has been told live, or is none of its business.
        """
        now, post = self._clock(), replayed.post
        until = replayed.until + post.machine.lookback_us
        replayed.pass_to(newest)
        left = {alert.id: self._ledger.firing(alert.id) or alert for alert in replayed.told}
        for episode in replayed.episodes.found:
            alert = next((one for one in left.values() if _overlap(one, episode)), None)
            if alert is not None:
                del left[alert.id]
                self._ledger.correct(_corrected(alert, episode), post, now)
            else:
                fired = Fired(episode.opened, episode.value)
                if episode.resolved is None:
                    self._ledger.correct(_corrected(self._ledger.open(post, fired, now), episode), post, now)
                elif episode.opened <= until or any(_overlap(one, episode) for one in replayed.told):
                    self._ledger.add_past(_corrected(self._ledger.made(post, fired, now), episode))
        for alert in left.values():
            if alert.opened >= replayed.begin:
                self._ledger.correct(replace(alert, resolved=alert.opened, why=CONTRADICTED), post, now)
        post.machine = replayed.machine
        if post.machine.deadline is not NEVER:
            self._evaluation.arm(post, now + max(0, post.machine.deadline - newest))


class _Replay:
    """A machine that is shown the past of a post."""

    def __init__(self, post: Post, begin: int, told: list[Alert], last: int) -> None:
        self.post = post
        self._is_late = True
        self.until = last  # as long as the value of the newest late reading was there
        self.begin = begin
        self.told = told
        self.machine = RuleMachine(post.rule)
        self.episodes = Episodes()
        for alert in told:
            if alert.opened < begin and (alert.resolved is None or alert.resolved >= begin):
                is_known = alert.peak is not None and alert.peak_at < begin
                peak = Worse(alert.peak_at, alert.peak) if is_known and alert.peak is not None else None
                self.machine.restore(alert.opened, alert.value, peak)
                self.episodes.found.append(
                    Episode(
                        alert.opened,
                        None,
                        alert.peak_at if is_known else alert.opened,
                        alert.peak if is_known else alert.value,
                        alert.value,
                        alert.flapping,
                        alert.count,
                    )
                )

    def take(self, page: list[tuple[int, Value]]) -> None:
        """The next readings."""
        for step in steps_of(self.machine, [one for one in page if one[0] >= self.begin]):
            self.episodes.take(step)
        if self._is_late:
            following = next((time for time, _ in page if time > self.until), None)
            if following is not None:
                self.until, self._is_late = following, False

    def pass_to(self, newest: int) -> None:
        """After the newest reading, time has passed as far as is known by what was told."""
        known = [time for one in self.told for time in (one.opened, one.resolved or 0)]
        for step in self.machine.pass_to(max([newest, *known])):
            self.episodes.take(step)


def _overlap(alert: Alert, episode: Episode) -> bool:
    alert_end = alert.resolved if alert.resolved is not None else NEVER
    episode_end = episode.resolved if episode.resolved is not None else NEVER
    return alert.opened <= episode_end and episode.opened <= alert_end


def _corrected(alert: Alert, episode: Episode) -> Alert:
    return replace(
        alert,
        opened=episode.opened,
        resolved=episode.resolved,
        peak_at=episode.peak_at,
        peak=episode.peak,
        value=episode.value,
    )


def pairs_of(metric: Metric, times: list[int], values: list[float] | list[str]) -> list[tuple[int, Value]]:
    """Readings as they were sent: the history keeps truth values as numbers."""
    if metric.type is MetricType.BOOLEAN:
        return [(time, bool(value)) for time, value in zip(times, values, strict=True)]
    return list(zip(times, values, strict=True))
