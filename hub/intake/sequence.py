"""The sequence numbers of one device: repeated ones are dropped, and a device that counts again is found out.

Theory. A device numbers its readings upwards and sends again what was not acknowledged, so a reading whose
number is not above the highest so far is dropped: it is stored already. But a device that lost its memory
counts from 0 again, and one that sent an absurd number once goes on far below it. To take those for repeated
would drop all they ever send. The device's own time tells them apart: it is the time of the measurement, and
a reading that is sent again has the same time as at first:

    a number below the highest, with a `ts` newer than any before   the device counts again
    anything else that is not above the highest                     repeated

After that the numbers before it are another count. Readings measured up to that moment belong to the old one
and are compared with its highest number, whatever connection or queue brings them late; so nothing is stored
twice. Where readings have no `ts`, or none that is newer, nothing tells a restart from a repetition. Those
are dropped, which the device's page, REST and the log say, until an operator resets the count, or until the
numbers are above the highest again.

A hub whose clock was ahead for a while took times that are ahead, too. "Newer than any before" would then be
true of nothing for years. So when the clock is set, and when the hub begins, times that are further ahead
than a device's may be (`limits.future_max_s`) count as that far ahead, and no further: a restart is found out
when that moment is over. What the device said is kept beside it, since the clock that was set may be the
wrong one: the next time it is set, what counts is worked out again.
"""

from hub.model import NOT_COUNTED, SequenceMark, SequenceState

REPEATED = -1


class SequenceCount:
    """The count of one device. Times in µs UTC: `told` is the device's own, None where it gave none."""

    __slots__ = (
        "_newest",
        "_newest_told",
        "_old_highest",
        "_old_until_told",
        "dropped",
        "dropped_since",
        "highest",
        "lost",
        "old_until",
        "restarts",
    )

    def __init__(self, kept: SequenceMark = NOT_COUNTED) -> None:
        self.highest = kept.highest  # -1 before the first
        self.lost = kept.lost  # numbers that were jumped over
        self.restarts = 0
        self.old_until = kept.old_until  # measured up to then: of the count before the last restart
        self.dropped = 0  # as repeated, in a row
        self.dropped_since = 0
        self._old_highest = kept.old_highest
        self._newest = 0  # of the times that came with numbers
        # As it was told, however far ahead that was.
        self._newest_told, self._old_until_told = 0, kept.old_until

    def restore_newest(self, time: int) -> None:
        """Nothing that is stored is newer. Before `believe_until`, which says what counts."""
        self._newest_told = max(self._newest_told, time)

    def believe_until(self, latest_allowed: int) -> None:
        """The hub began, or its clock was set: what is later than this was told by a wrong clock."""
        self._newest = min(self._newest_told, latest_allowed)
        self.old_until = min(self._old_until_told, latest_allowed)

    def take(self, seq: int, told: int | None, now: int, latest_allowed: int) -> int:
        """A numbered reading came: how many numbers it jumped over, or REPEATED. A restart is noted."""
        if told is not None and told <= self.old_until:
            if seq <= self._old_highest:
                return self._drop(now)
            self._old_highest = seq
            return 0  # what an old count jumped over is not told any more
        if seq <= self.highest:
            if told is None or seq == self.highest or not self._newest < told <= latest_allowed:
                return self._drop(now)
            self._begin_again(seq)
        time = now if told is None else told
        return self.count_up(seq, seq, time if time <= latest_allowed else 0)

    def _drop(self, now: int) -> int:
        if not self.dropped:
            self.dropped_since = now
        self.dropped += 1
        return REPEATED

    def _begin_again(self, seq: int) -> None:
        self._old_highest = max(self._old_highest, self.highest)
        self.old_until = self._old_until_told = self._newest
        self.restarts += 1
        self.highest = seq - 1

    def count_up(self, first: int, last: int, newest: int) -> int:
        """New numbers came, none missing between; how many the first jumped over. `newest` of their times."""
        jumped = first - self.highest - 1 if self.highest >= 0 else 0
        self.lost += jumped
        self.highest = last
        self.dropped = 0
        if newest > self._newest:
            self._newest = newest
            self._newest_told = max(self._newest_told, newest)
        return jumped

    def reset(self) -> None:
        """Whatever number comes next is the first, and nothing is of an old count."""
        self.highest = self.old_until = self._old_until_told = self._old_highest = -1
        self.lost = self.dropped = self._newest = self._newest_told = 0

    def mark(self) -> SequenceMark:
        """How far it has come, as it is kept."""
        return SequenceMark(self.highest, self.lost, self._old_highest, self._old_until_told)

    def state(self) -> SequenceState:
        """What people are shown."""
        highest = None if self.highest < 0 else self.highest
        return SequenceState(
            highest, self.lost, self.dropped, self.dropped_since if self.dropped else None, self.restarts
        )
