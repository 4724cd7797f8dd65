"""How long to wait before the next try: full jitter under a doubling, capped ceiling.

After an outage every device comes back at once. Waiting a *random* part of the ceiling spreads them evenly,
which clears a crowd sooner than the same ceiling with a little jitter added (M. Brooker, "Exponential Backoff
And Jitter").
"""

from random import Random

RETRY_AFTER_MAX_S = 600.0  # a mistaken header must not put a device to sleep for a year


class Backoff:
    """Waits that grow while tries fail. `rng` comes in from outside, so that tests know what it draws."""

    def __init__(self, rng: Random, base_s: float = 0.5, cap_s: float = 30.0) -> None:
        self.cap_s = cap_s
        self._rng = rng
        self._base_s = base_s
        self._failures = 0

    def next_s(self, retry_after_s: float | None = None) -> float:
        """Seconds until the next try: at least `retry_after_s` where the hub named it, with the jitter on
        top.
        """
        # 2**20 times any sensible base is past any sensible cap; without the bound the power grows for ever.
        ceiling_s = min(self.cap_s, self._base_s * 2 ** min(self._failures, 20))
        self._failures += 1
        asked_s = min(max(retry_after_s or 0.0, 0.0), RETRY_AFTER_MAX_S)
        return asked_s + self._rng.uniform(0.0, ceiling_s)

    def reset(self) -> None:
        """A try succeeded: the next failure waits briefly again."""
        self._failures = 0
