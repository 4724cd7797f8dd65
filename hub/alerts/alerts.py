"""The room as a whole: built in compose, run by serve, asked by REST."""

import asyncio
from collections.abc import Callable, Coroutine

from hub.alerts.evaluation import Evaluation
from hub.alerts.ledger import Ledger
from hub.alerts.past import Past
from hub.alerts.rulebook import Rulebook
from hub.alerts.silences import Silences
from hub.alerts.stream import ChangeStream, Consumer
from hub.alerts.trial import Trial
from hub.clock import HubClock, Step
from hub.config import AlertsConfig
from hub.errors import StoreError
from hub.feed import Feed
from hub.history.contract import History
from hub.logs import Logger
from hub.model import Device, Sample
from hub.registry.registry import Registry
from hub.timers import aligned_sleep

TICK_S = 0.25
IDLE_TICK_S = 1.0  # while nothing waits for a time
FORGET_S = 3_600.0
KEPT_MAX = 100_000  # alerts; the oldest that are over go first

_log = Logger("alerts")


class Alerts:
    """Rules, alerts and silences. `overdue_s` tells after how long a silence of a device is unexpected."""

    def __init__(
        self,
        config: AlertsConfig,
        registry: Registry,
        history: History,
        feed: Feed,
        clock: HubClock,
        overdue_s: Callable[[Device], float],
    ) -> None:
        self._config = config
        self._registry = registry
        self.stored = registry.alerts
        self._clock = clock
        self._feed = feed
        self.ledger = Ledger(registry.alerts, feed.alerts, feed.labels_of, clock)
        self.ledger.notifies_thresholds = config.thresholds == "notify"
        self.evaluation = Evaluation(self.ledger, clock, self._latest, overdue_s)
        self.evaluation.makes_thresholds = config.thresholds != "off"
        self.rules = Rulebook(registry.rules, self.evaluation, clock)
        self.silences = Silences(registry.silences, self.ledger, clock)
        self.past = Past(self.evaluation, self.ledger, registry.alerts, history, clock)
        self.trial = Trial(history)

    def _latest(self, device_id: str, metric: str) -> Sample | None:
        return self._feed.device(device_id).latest(metric)

    async def restore(self) -> None:
        """Go on where an earlier run of the hub ended; the devices are there. Raises StoreError."""
        await self.ledger.restore()
        await self.silences.restore()
        await self.rules.restore()

    def loops(self, consumer: Consumer | None = None) -> list[Coroutine[object, object, None]]:
        """What has to run. `consumer` is given what happens to alerts, to notify people."""
        loops = [self.ledger.run(), self.past.run(), self.silences.run(), self._tick(), self._forget()]
        if consumer is not None:
            registry = self._registry
            stream = ChangeStream(registry.alerts, self.ledger, consumer, registry.noted, registry.note)
            loops.append(stream.run())
        return loops

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set."""
        self.evaluation.clock_stepped(step)

    async def _tick(self) -> None:
        while True:
            await aligned_sleep(TICK_S if self.evaluation.waits else IDLE_TICK_S)
            self.evaluation.tick()

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_S)
            try:
                await self.forget()
            except StoreError as error:
                _log.error("old alerts cannot be taken away; retrying", why=str(error))

    async def forget(self) -> None:
        """Take away alerts that ended long ago. Raises StoreError."""
        if self._clock.is_trusted:
            kept_us = round(self._config.kept_s * 1e6)
            before = self._clock() - kept_us if kept_us else 0
            await self._registry.alerts.forget(before, KEPT_MAX)
