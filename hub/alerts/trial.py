"""What a rule would have said: played over the history, in bounded time and memory.

Readings are taken as they came, page by page. Where they are more than READINGS_MAX, or forgotten by now,
what is played is the minutes: of each the least and the greatest, so that nothing beyond a bound is missed.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, cast

from hub.alerts.machine import RuleMachine
from hub.alerts.past import pairs_of
from hub.alerts.play import Episode, play, silences_of
from hub.errors import Invalid
from hub.history.contract import Columns, History
from hub.model import Device, Metric, MetricType, Value
from hub.model.condition import IsPresent, Silent
from hub.model.rule import Rule

READINGS_MAX = 200_000  # of one metric; of more the minutes are played
ALL_READINGS_MAX = 2_000_000
PAGE = 10_000
MINUTES_MAX = 200_000
EPISODES_MAX = 1_000
EXPECTED_S = 180.0  # a silence that is unexpected, where the device is not asked


class TrialSeries(NamedTuple):
    """What a rule is played over: a metric, and the one it is compared with."""

    device: Device
    metric: Metric
    other: Metric | None = None


class TrialAlert(NamedTuple):
    """An alert as it would have been."""

    device: str
    metric: str
    episode: Episode


class Tried(NamedTuple):
    """What a rule would have said, and of how many readings of which tier."""

    alerts: list[TrialAlert]
    readings: int
    tier: str  # "raw" or "minute"
    took_ms: float
    is_whole: bool  # False where there are more alerts than are given


class Trial:
    """Plays rules."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def run(self, rule: Rule, chosen: Sequence[TrialSeries], start: int, end: int) -> Tried:
        """Play a rule over the history of some metrics (µs, UTC). Raises Invalid, StoreError."""
        if isinstance(rule.when, IsPresent):
            raise Invalid("when.presence: the history does not say when a device was there", "when.presence")
        began_s = time.perf_counter()
        alerts: list[TrialAlert] = []
        readings, tiers = 0, {"raw"}
        for one in chosen:
            tier, played = await self._readings(one, start, end, ALL_READINGS_MAX - readings)
            tiers.add(tier)
            readings += len(played)
            found = await asyncio.to_thread(_played, rule, played, start, end)
            alerts += [TrialAlert(one.device.id, one.metric.name, episode) for episode in found]
        alerts.sort(key=lambda found: found.episode.opened)
        took_ms = (time.perf_counter() - began_s) * 1000
        tier = "minute" if "minute" in tiers else "raw"
        return Tried(alerts[:EPISODES_MAX], readings, tier, took_ms, len(alerts) <= EPISODES_MAX)

    async def _readings(
        self, one: TrialSeries, start: int, end: int, most: int
    ) -> tuple[str, list[tuple[int, Value]]]:
        most = min(READINGS_MAX, most)
        raw = await self._raw(one.metric, start, end, most)
        tier = "raw"
        if raw is None or (not raw and one.metric.type is MetricType.NUMBER):
            minutes = await self._minutes(one.metric, start, end)
            if minutes or raw is None:
                tier, raw = "minute", minutes
        if one.other is not None:
            other = await self._raw(one.other, start, end, most)
            raw = list(_differences(raw, other or []))
        return tier, raw

    async def _raw(self, metric: Metric, start: int, end: int, most: int) -> list[tuple[int, Value]] | None:
        """The readings as they came; None where they are too many."""
        found: list[tuple[int, Value]] = []
        place = None
        while len(found) < most:
            page = await self._history.raw(metric, start, end, place, PAGE)
            found += pairs_of(metric, page.time, page.value)
            place = page.next
            if place is None:
                return found
        return None

    async def _minutes(self, metric: Metric, start: int, end: int) -> list[tuple[int, Value]]:
        if metric.type is not MetricType.NUMBER:
            raise Invalid(f"from: there are more than {READINGS_MAX} readings of {metric.name}", "from")
        points = min(max(1, (end - start) // 60_000_000), MINUTES_MAX)  # of more, they are put together
        return list(_extremes(await self._history.range(metric, start, end, points)))


def _extremes(minutes: Columns) -> list[tuple[int, Value]]:
    """Of each bucket the mean at its start, then the least and the greatest, each a little later."""
    found: list[tuple[int, Value]] = []
    step = (minutes.step or 3) // 3
    for at, low, high, mean in zip(minutes.time, *_columns(minutes), strict=True):
        if low == high:
            found.append((at, low))
        else:
            found += [(at, mean), (at + step, low), (at + 2 * step, high)]
    return found


def _columns(minutes: Columns) -> tuple[list[float], list[float], list[float]]:
    """Of a metric of numbers."""
    return (
        cast("list[float]", minutes.min),
        cast("list[float]", minutes.max),
        cast("list[float]", minutes.avg),
    )


def _differences(
    own: Sequence[tuple[int, Value]], other: Sequence[tuple[int, Value]]
) -> list[tuple[int, Value]]:
    """How far the one is from the other, whenever either was read."""
    found: list[tuple[int, Value]] = []
    latest: dict[int, float] = {}
    merged = [(at, 0, value) for at, value in own] + [(at, 1, value) for at, value in other]
    for at, side, value in sorted(merged, key=lambda one: one[0]):
        if not isinstance(value, str):
            latest[side] = value
            if len(latest) == 2:
                found.append((at, latest[0] - latest[1]))
    return found


def _played(rule: Rule, readings: Sequence[tuple[int, Value]], start: int, end: int) -> list[Episode]:
    if isinstance(rule.when, Silent):
        after_s = EXPECTED_S if rule.when.after_s is None else rule.when.after_s
        return silences_of(readings, start, end, round(after_s * 1e6))
    return play(RuleMachine(rule), readings, end)
