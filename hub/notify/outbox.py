"""Sends what is due.

Theory. Each target has a lane: one message of it at a time, in the order in which they were made, so that
nobody reads of an end before the beginning. A lane is a task of its own while something of its target is
due, and where a try fails the whole lane waits. So a target that is slow or down delays no other.

A message leaves the queue only after its end is written. A hub that is killed between the sending and the
writing sends it once more, with the same key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

from hub.clock import Step
from hub.errors import StoreError
from hub.logs import Logger
from hub.model.delivery import AlertDelivery, DeliveryState
from hub.model.target import AlertTarget
from hub.notify.backoff import wait_s
from hub.notify.drafts import Board
from hub.notify.senders import Outcome
from hub.registry.deliveries import StoredDeliveries

US = 1_000_000
LOOK_S = 60.0  # at the latest, where something waits: the clock may have been set
STORE_RETRY_S = 1.0
STOP_S = 1.0  # the whole stop of the hub stays under 5 s
WHY_MAX = 300
GONE = "the target was removed"

_log = Logger("notify")


class Outbox:
    """`send` tries to send a delivery, and `tell` says to a person that something is in their inbox. `lock`
    is held by who changes the board. `clock` is the hub's, µs UTC.
    """

    def __init__(
        self,
        board: Board,
        stored: StoredDeliveries,
        targets: Mapping[int, AlertTarget],
        send: Callable[[AlertDelivery, AlertTarget], Awaitable[Outcome]],
        tell: Callable[[str], Awaitable[None]],
        lock: asyncio.Lock,
        clock: Callable[[], int],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._board = board
        self._stored = stored
        self._targets = targets
        self._send = send
        self._tell = tell
        self._lock = lock
        self._clock = clock
        self._uniform = uniform
        self._lanes: dict[int, asyncio.Task[None]] = {}  # by target
        self._is_stopping = False
        self._waits: dict[int, int] = {}  # until when a target that failed is left alone
        self._ends: WeakValueDictionary[int, asyncio.Event] = WeakValueDictionary()  # of who waits for one
        self._changed = asyncio.Event()

    def restore(self) -> None:
        """Targets that had failed are left alone for as long as they would have been."""
        for delivery in self._board.queued.values():
            if delivery.tries:
                self._waits[delivery.target] = max(self._waits.get(delivery.target, 0), delivery.due)

    def look(self) -> None:
        """Something on the board has changed."""
        self._changed.set()

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set."""
        self._waits = {target: until + step.by for target, until in self._waits.items()}
        self.look()

    def end_of(self, delivery_id: int) -> asyncio.Event:
        """Set when the message was sent, or has failed for good."""
        return self._ends.setdefault(delivery_id, asyncio.Event())

    def try_now(self, target: int) -> None:
        """Do not wait any longer with a target that failed: it has changed."""
        self._waits.pop(target, None)
        self.look()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        try:
            while True:
                self._changed.clear()
                for target in [target for target, lane in self._lanes.items() if lane.done()]:
                    self._lanes.pop(target).result()  # raises what it failed of
                times = self._times()
                now = self._clock()
                for target in [target for target, due in times.items() if due <= now]:
                    self._lanes[target] = asyncio.create_task(self._lane(target))
                    del times[target]
                await wait_for(self._changed, min(times.values(), default=None), now)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        """What is on its way out has a moment to arrive, or it would be sent again."""
        self._is_stopping = True
        lanes = list(self._lanes.values())
        if lanes:
            _, late = await asyncio.wait(lanes, timeout=STOP_S)
            for lane in late:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    def _times(self) -> dict[int, int]:
        """When the next message of each target is due that has no lane now."""
        times: dict[int, int] = {}
        for one in self._board.queued.values():
            if one.target not in self._lanes:
                due = max(one.due, self._waits.get(one.target, 0))
                times[one.target] = min(times.get(one.target, due), due)
        return times

    async def _lane(self, target: int) -> None:
        try:
            while (delivery := await self._next(target)) is not None:
                try:
                    await self._try(delivery)
                finally:
                    self._board.sending.discard(delivery.id)
        finally:
            self.look()

    async def _next(self, target: int) -> AlertDelivery | None:
        """The oldest message of a target that is due; from now on it counts as told."""
        async with self._lock:
            now = self._clock()
            if self._is_stopping or self._waits.get(target, 0) > now:
                return None
            due = [one for one in self._board.queued.values() if one.target == target and one.due <= now]
            if not due:
                return None
            delivery = min(due, key=lambda one: one.id)
            self._board.sending.add(delivery.id)
            return delivery

    async def _try(self, delivery: AlertDelivery) -> None:
        target = self._targets.get(delivery.target)
        outcome = Outcome(GONE, is_final=True) if target is None else await self._sent(delivery, target)
        after = self._after(delivery, outcome)
        while True:
            try:
                async with self._lock:
                    await self._stored.end(after, outcome.told)
                    self._board.drop(after.id)
                    self._board.put(after)
                if after.state is not DeliveryState.QUEUED and (ended := self._ends.get(after.id)):
                    ended.set()
                break
            except StoreError as error:  # what was sent is not sent again for that
                _log.error("the end of a message cannot be written; retrying", why=str(error))
                await asyncio.sleep(STORE_RETRY_S)
        if outcome.told:
            await self._tell(outcome.told.person)

    async def _sent(self, delivery: AlertDelivery, target: AlertTarget) -> Outcome:
        try:
            return await self._send(delivery, target)
        except Exception as error:  # noqa: BLE001  # one message must not end the hub, at every start again
            _log.error("a message cannot be made or sent", key=delivery.key, exc_info=error)
            return Outcome(f"the hub made a mistake: {type(error).__name__}", is_final=True)

    def _after(self, delivery: AlertDelivery, outcome: Outcome) -> AlertDelivery:
        now, tries = self._clock(), delivery.tries + 1
        tried = replace(delivery, tries=tries, why=outcome.why[:WHY_MAX])
        if outcome.is_sent:
            self._waits.pop(delivery.target, None)
            return replace(tried, state=DeliveryState.SENT, ended_at=now)
        is_last = outcome.is_final or not delivery.route  # a test is not worth a second try
        again_s = None if is_last else wait_s(tries, outcome.retry_after_s, self._uniform)
        if again_s is None:
            why = tried.why if is_last else f"given up after {tries} tries: {tried.why}"
            _log.error(
                "a message cannot be delivered", target=delivery.target_name, key=delivery.key, why=why
            )
            return replace(tried, state=DeliveryState.FAILED, why=why, ended_at=now)
        if tries == 1:
            _log.warning(
                "a message was not delivered; retrying",
                target=delivery.target_name,
                key=delivery.key,
                why=tried.why,
            )
        due = now + round(again_s * US)
        self._waits[delivery.target] = due
        return replace(tried, due=due)


async def wait_for(changed: asyncio.Event, due: int | None, now: int) -> None:
    """Wait until something has changed, or it is due (µs, UTC)."""
    if due is None:
        await changed.wait()
        return
    try:
        async with asyncio.timeout(min(LOOK_S, max(0.0, (due - now) / US))):
            await changed.wait()
    except TimeoutError:
        pass
