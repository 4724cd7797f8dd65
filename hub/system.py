"""The hub's own figures, as readings of a device that is the hub: live, kept and in charts like any other.

They cost the path of a reading nothing: what is counted anyway is read once an interval, and more rarely
while nobody looks at a dashboard: half of what an idle hub did was to look at itself. The machine is asked in
a thread, because a disk that hangs must not hold up the loop. docs/operating.md describes each figure.
"""

import asyncio
import statistics
from dataclasses import replace
from typing import NamedTuple

import psutil

from hub.clock import HubClock
from hub.errors import Invalid
from hub.feed import Feed
from hub.fleet.presence import Roster
from hub.history.contract import History
from hub.host import MIB, HostFigures
from hub.intake.accept import Ingest
from hub.logs import Logger
from hub.model import Device, MetricType, Reading, Value
from hub.timers import aligned

OWN = Device(0, "_hub", "This hub", {}, 0, counted=False)
"""The hub as a source of readings. No device can have its number or its id."""

SOURCE = "hub"
RARE_LOOK_S = 1.0  # how often the loop's delay is looked at
LOOK_S = (
    0.1  # the same at so many readings and frames a second that a look more or less is nothing beside them
)
BUSY_PER_S = 1_000
UNWATCHED_INTERVALS = 5  # figures are published every so many intervals while there is no viewer

_log = Logger("system")


class Shown(NamedTuple):
    """How people are shown a figure."""

    unit: str | None
    decimals: int


METRICS = {
    "readings_per_s": Shown("1/s", 1),
    "values_per_s": Shown("1/s", 1),
    "rejections_per_s": Shown("1/s", 1),
    "frames_per_s": Shown("1/s", 1),
    "viewers": Shown(None, 0),
    "devices_connected": Shown(None, 0),
    "commit_ms": Shown("ms", 1),
    "commit_max_ms": Shown("ms", 1),
    "syncs_per_s": Shown("1/s", 1),
    "written_gib_per_day": Shown("GiB/day", 2),
    "journal_mib": Shown("MiB", 1),
    "loop_delay_ms": Shown("ms", 1),
    "clock_step_s": Shown("s", 3),
    "cpu_percent": Shown("%", 1),
    "rss_mib": Shown("MiB", 1),
    "store_mib": Shown("MiB", 1),
    "disk_free_gib": Shown("GiB", 1),
}


class _Totals(NamedTuple):
    """Sums since the start."""

    at_s: float
    readings: int
    values: int
    refused: int
    frames: int
    syncs: int
    stepped_us: int


class System:
    """Publishes the hub's own figures every `interval_s`, a fifth as often while there is no viewer; not at
    all where that is 0.
    """

    def __init__(
        self,
        interval_s: float,
        machine: HostFigures,
        history: History,
        feed: Feed,
        roster: Roster,
        ingest: Ingest,
        clock: HubClock,
    ) -> None:
        self._interval_s = interval_s
        self._machine = machine
        self._history = history
        self._feed = feed
        self._roster = roster
        self._ingest = ingest
        self._clock = clock
        self._told = ""  # the last failure that was logged: the same one is not logged again

    def describe(self) -> bool:
        """Say how the figures are shown. False where none are wanted, or they are too many metrics."""
        if not self._interval_s:
            return False
        try:
            known = [self._ingest.adopt(OWN, name, MetricType.NUMBER) for name in METRICS]
        except Invalid as error:
            _log.warning("the hub does not publish its own figures", why=str(error))
            return False
        wanted = [replace(metric, **METRICS[metric.name]._asdict()) for metric in known]
        self._ingest.describe(
            OWN, [metric for metric, before in zip(wanted, known, strict=True) if metric != before]
        )
        return True

    async def run(self) -> None:
        """Publish until cancelled; first `describe`."""
        before = self._totals()
        while True:
            delay_s = await self._watch_loop()
            machine = await self._ask_machine()
            totals = self._totals()
            rates = self._rates(before, totals)
            self._publish({**rates, **self._commits(), **self._journal(), **machine}, delay_s)
            before = totals

    async def _ask_machine(self) -> dict[str, Value]:
        """What the machine says; nothing where it says no, such as when no file can be opened."""
        try:
            figures = await asyncio.to_thread(self._machine.figures)
        except (OSError, RuntimeError, psutil.Error) as error:  # RuntimeError: no thread can be started
            if str(error) != self._told:
                _log.warning("the machine's figures cannot be read; trying again", why=str(error))
            self._told = str(error)
            return {}
        self._told = ""
        return figures

    async def _watch_loop(self) -> float:
        """Sleep until it is time to publish; the longest that the loop came late, in seconds."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        watched_s, unwatched_s = (
            aligned(now_s, self._interval_s * count) for count in (1, UNWATCHED_INTERVALS)
        )
        latest_s, look_s, done = 0.0, RARE_LOOK_S, self._done()
        while (left_s := (watched_s if self._feed.counts.viewers else unwatched_s) - now_s) > 0:
            due_s = now_s + left_s if left_s < look_s * 1.5 else aligned(now_s, look_s)
            await asyncio.sleep(due_s - now_s)
            before_s, before = now_s, done
            now_s, done = max(loop.time(), due_s), self._done()
            look_s = LOOK_S if done - before >= BUSY_PER_S * (now_s - before_s) else RARE_LOOK_S
            latest_s = max(latest_s, now_s - due_s)
        return latest_s

    def _done(self) -> int:
        """Readings taken in and frames handed out since the start."""
        return self._ingest.counts.readings + self._feed.counts.frames

    def _totals(self) -> _Totals:
        counts = self._ingest.counts
        at_s = asyncio.get_running_loop().time()
        return _Totals(
            at_s,
            counts.readings,
            counts.values,
            counts.refused,
            self._feed.counts.frames,
            self._history.syncs,
            self._clock.stepped_us,
        )

    def _rates(self, before: _Totals, now: _Totals) -> dict[str, Value]:
        span_s = now.at_s - before.at_s
        return {
            "readings_per_s": (now.readings - before.readings) / span_s,
            "values_per_s": (now.values - before.values) / span_s,
            "rejections_per_s": (now.refused - before.refused) / span_s,
            "frames_per_s": (now.frames - before.frames) / span_s,
            "syncs_per_s": (now.syncs - before.syncs) / span_s,
            "clock_step_s": (now.stepped_us - before.stepped_us) / 1e6,
            "viewers": float(self._feed.counts.viewers),
            "devices_connected": float(self._roster.connected),
        }

    def _commits(self) -> dict[str, Value]:
        """How long readings waited for the disk, or wait now; nothing where there were none."""
        waits_ms = [1000 * wait_s for wait_s in self._history.waits_s]
        self._history.waits_s.clear()
        waiting_ms = 1000 * self._history.waiting_s
        if waiting_ms > max(waits_ms, default=1000 * self._interval_s):
            waits_ms.append(waiting_ms)
        if not waits_ms:
            return {}
        return {"commit_ms": statistics.median(waits_ms), "commit_max_ms": max(waits_ms)}

    def _journal(self) -> dict[str, Value]:
        """What waits for its place in the history; nothing where the history has no journal."""
        journal = self._history.journal
        return {} if journal is None else {"journal_mib": journal.bytes / MIB}

    def _publish(self, values: dict[str, Value], delay_s: float) -> None:
        """By the one way in."""
        if self._ingest.full:
            return  # the disk says no, and devices wait: nothing is added to that
        reading = Reading(None, {**values, "loop_delay_ms": 1000 * delay_s})
        self._ingest.accept(OWN, [reading], SOURCE)
