"""What of the rules is driven by time: deadlines, silences, presence, and alerts that flap."""

from collections.abc import Callable

from hub.alerts.judges import NEVER
from hub.alerts.ledger import Ledger
from hub.alerts.machine import State, Step
from hub.alerts.post import Post
from hub.alerts.wheel import Wheel
from hub.clock import HubClock
from hub.clock import Step as ClockStep
from hub.model import Device, Presence
from hub.model.condition import IsPresent, Silent

START_GRACE_US = 60_000_000  # after a start, devices have so long to connect before they are said to be gone

Overdue = Callable[[Device], float]
Tell = Callable[[Post, list[Step], int], None]


class Clockwork:
    """Wakes posts when their time has come. `told` takes what their machines say then; `overdue_s` gives
    after how long a silence of a device is more than one expects, `presence_of` the presence of a device by
    its id.
    """

    def __init__(
        self,
        told: Tell,
        ledger: Ledger,
        clock: HubClock,
        overdue_s: Overdue,
        presence_of: Callable[[str], Presence],
    ) -> None:
        self._told = told
        self._ledger = ledger
        self._clock = clock
        self._overdue_s = overdue_s
        self._presence_of = presence_of
        self._wheel: Wheel[Post] = Wheel()
        self._began: int | None = None  # when the hub was ready (µs UTC); None: it is not yet

    def begin(self) -> None:
        """The hub is ready."""
        self._began = self._clock()

    def clock_stepped(self, step: ClockStep) -> None:
        """The hub's clock was set."""
        if self._began is not None:
            self._began = step.moved(self._began)

    def arm(self, post: Post, due: int) -> None:
        """Wake the post then (µs UTC, the hub's clock)."""
        machine = post.machine
        if not machine.is_armed or due < machine.due:
            machine.is_armed = True
            self._wheel.arm(due - self._clock.stepped_us, post)
        machine.due = due

    def arm_silence(self, post: Post, now: int) -> None:
        """Wake a post that waits for readings when none has come for too long."""
        self.arm(post, max(self._silent_at(post), now))

    def _silent_at(self, post: Post) -> int:
        when, series = post.rule.when, post.series
        if not isinstance(when, Silent) or series is None:
            return NEVER
        after_s = self._overdue_s(post.device) if when.after_s is None else when.after_s
        return series.heard_at + round(after_s * 1e6)

    @property
    def waits(self) -> bool:
        """Whether anything waits for a time."""
        return self._wheel.armed > 0

    def tick(self) -> None:
        """See what is due. Called a few times a second."""
        now = self._clock()
        for post in self._wheel.pop(now - self._clock.stepped_us):
            machine = post.machine
            if machine.due is NEVER:
                machine.is_armed = False
            elif machine.due > now:
                self._wheel.arm(machine.due - self._clock.stepped_us, post)
            else:
                machine.is_armed, machine.due = False, NEVER
                self._wake(post, now)

    def _wake(self, post: Post, now: int) -> None:
        machine, settles = post.machine, post.damping.settles
        if post.is_silence:
            at = self._silent_at(post)
            if at > now:
                self.arm(post, at)
            elif machine.state is State.OK and post.series is not None:
                self._told(post, machine.hold(at), now)
                post.series.rebound()
                if machine.deadline is not NEVER:
                    self.arm(post, machine.deadline)
            else:
                self._told(post, machine.pass_to(now), now)
        elif post.is_presence:
            self._told(post, machine.pass_to(now), now)
            self.judge_presence(post, self._presence_of(post.device.id), now)
        elif machine.deadline is not NEVER and not (post.series and post.series.is_held):
            self._told(post, machine.pass_to(machine.deadline), now)
            if post.series is not None:
                post.series.rebound()
        if settles is not None and settles == post.damping.settles and post.alert is not None:
            self._ledger.resolve(post.alert, post.damping.ended, now)
            post.damping.settles = None

    def judge_presence(self, post: Post, presence: Presence, now: int) -> None:
        """The device of a post is there, or is not."""
        when, machine = post.rule.when, post.machine
        if not isinstance(when, IsPresent) or self._began is None:
            return
        is_gone = presence is Presence.OFFLINE or (
            presence is Presence.STALE and when.presence is Presence.STALE
        )
        if is_gone and machine.state is State.OK and now < self._began + START_GRACE_US:
            self.arm(post, self._began + START_GRACE_US)
            return
        if is_gone and machine.state is not State.OK:
            pass
        elif is_gone:
            self._told(post, machine.hold(now), now)
        else:
            self._told(post, machine.end(now), now)
        if machine.deadline is not NEVER:
            self.arm(post, machine.deadline)
