"""How fast one device may send."""


class TokenBucket:
    """A rate that may be exceeded for a while: what is over it is taken, and paid for by waiting."""

    __slots__ = ("_burst", "_filled_at", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst  # how many may come at once
        self._filled_at = 0  # µs

    def spend(self, count: int, now: int) -> float:
        """So many came at `now` (µs); how many seconds to wait before more is taken.

        A clock that was set back gives and takes nothing.
        """
        elapsed_s = (now - self._filled_at) / 1e6
        filled = min(self._burst, self._tokens + max(0.0, elapsed_s) * self._per_s)
        self._tokens = filled - count
        self._filled_at = now
        return max(0.0, -self._tokens / self._per_s)
