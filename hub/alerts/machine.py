"""One rule, one device, one metric: a small machine. Pure; times are µs.

                   the condition holds          has held for `for_s`, and the schedule is open
              ┌────────────────────────┐       ┌──────────────────────────────────────────────┐
              │                        ▼       │                                              ▼
            ( OK )                   ( PENDING )                                          ( FIRING )
              ▲                            │                                                  │
              │      it does not hold      │            it does not hold: resolved            │
              └────────────────────────────┴──────────────────────────────────────────────────┘

Two things drive it: a reading (`take`), on the reading's own time, and time that passes without one
(`pass_to`). Between two readings the older one counts. So a value that is beyond for thirty seconds fires
after thirty seconds, whether the next reading comes then or an hour later, and what is played over the
history comes out as it did live. `deadline` is when time alone would change something.

`low` and `high` are the numbers between which a reading before the deadline changes nothing: who feeds many
machines compares with those, and need not ask the machine.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeGuard

from hub.alerts.judges import INF, NEVER, Judgement, judge_of
from hub.model import Value
from hub.model.condition import Beyond, Differs, Is, IsPresent
from hub.model.rule import Rule


class State(Enum):
    """Where a machine is."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"


class Fired(NamedTuple):
    """The rule fires, since `at`; `value` is the one that was there then."""

    at: int
    value: Value | None


class Worse(NamedTuple):
    """It still does, and this is the worst value so far."""

    at: int
    value: Value


class Resolved(NamedTuple):
    """It does not any more."""

    at: int


Step = Fired | Worse | Resolved
Opens = Callable[[int], int]
"""The first time from one on at which an alert may open."""


def always(at: int) -> int:
    """There is no schedule."""
    return at


class RuleMachine:
    """See above. `rule` is what it is of; whoever drives it may keep `due` beside it, in their own time."""

    __slots__ = (
        "_condition_until",
        "_for_us",
        "_opens",
        "_seen",
        "deadline",
        "due",
        "high",
        "is_armed",
        "judge",
        "low",
        "peak",
        "rule",
        "since",
        "state",
        "value",
    )

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.judge = judge_of(rule.when)
        self._opens: Opens = always if rule.schedule is None else rule.schedule.opens_at
        for_s = rule.when.for_s if isinstance(rule.when, Beyond | Is | Differs | IsPresent) else 0.0
        self._for_us = round(for_s * 1e6)
        self.state = State.OK
        self.since = 0  # when the condition began to hold
        self.value: Value | None = None  # the first beyond
        self.peak: Worse | None = None  # the worst one since then
        self._seen: Value | None = None  # the latest reading
        self.deadline = NEVER
        self._condition_until = NEVER
        self.due = NEVER  # the deadline by the clock of whoever waits for it
        self.is_armed = False  # whether they wait
        self.low, self.high = -INF, INF
        self._bound()

    @property
    def lookback_us(self) -> int:
        """What is older than so long says nothing about where the machine is, but whether it fires."""
        return max(self._for_us, self.judge.lookback_us if self.judge else 0)

    @property
    def is_needed_always(self) -> bool:
        """Whether each reading has to be taken, whatever its value."""
        return self.low > self.high

    def take(self, time: int, value: Value) -> list[Step]:
        """A reading that is not older than those before. Call it for all that are not quiet."""
        steps = self.pass_to(time - 1) if time > self.deadline else []
        self._seen = value
        if self.judge is None:
            return steps
        verdict = self.judge.take(time, value)
        self._condition_until = self.judge.expires
        if verdict is Judgement.HOLDS or (verdict is Judgement.BETWEEN and self.state is State.FIRING):
            steps += self._hold(time, value)
        else:
            steps += self._end(time)
        return steps

    def hold(self, time: int, value: Value | None = None) -> list[Step]:
        """The condition holds from now on, for what no judge tells."""
        return [*(self.pass_to(time - 1) if time > self.deadline else []), *self._hold(time, value)]

    def end(self, time: int) -> list[Step]:
        """It does not hold any more."""
        return [*(self.pass_to(time - 1) if time > self.deadline else []), *self._end(time)]

    def pass_to(self, time: int) -> list[Step]:
        """Time passes, without a reading."""
        steps: list[Step] = []
        while time >= self.deadline:
            at = self.deadline
            if self.state is State.PENDING and at < self._condition_until:
                steps += self._fire(at)
            else:
                self._condition_until = NEVER
                steps += self._end(at)
        return steps

    def restore(self, opened: int, value: Value | None, peak: Worse | None) -> None:
        """An alert is open: it has fired since then."""
        self.state, self.since, self.value, self.peak = State.FIRING, opened, value, peak
        self._bound()

    def _hold(self, time: int, value: Value | None) -> list[Step]:
        steps: list[Step] = []
        if self.state is State.OK:
            self.state, self.since, self.value = State.PENDING, time, value
            self.peak = None if value is None else Worse(time, value)
        elif self._is_worse(value):
            self.peak = Worse(time, value)
            if self.state is State.FIRING:
                steps.append(self.peak)
        if self.state is State.PENDING:
            at = self._opens(self.since + self._for_us)
            if at <= time:
                steps += self._fire(at)
        self._bound()
        return steps

    def _is_worse(self, value: Value | None) -> TypeGuard[Value]:
        if value is None or self.judge is None:
            return False
        return self.peak is None or self.judge.exceeds(value, self.peak.value)

    def _fire(self, at: int) -> list[Step]:
        self.state = State.FIRING
        steps: list[Step] = [Fired(at, self.value)]
        if self.peak is not None:
            steps.append(self.peak)
        self._bound()
        return steps

    def _end(self, time: int) -> list[Step]:
        steps: list[Step] = [Resolved(time)] if self.state is State.FIRING else []
        self.state, self.value, self.peak = State.OK, None, None
        self._bound()
        return steps

    def _bound(self) -> None:
        """What the next reading may be without changing anything, and until when."""
        self.deadline = NEVER
        if self.state is State.PENDING:
            self.deadline = min(self._opens(self.since + self._for_us), self._condition_until)
        elif self.state is State.FIRING:
            self.deadline = self._condition_until
        if self.judge is not None:
            peak = None if self.peak is None else self.peak.value
            self.low, self.high = self.judge.quiet(peak, firing=self.state is State.FIRING)
        elif self.state is not State.OK:
            self.low, self.high = INF, -INF
        else:
            self.low, self.high = -INF, INF
