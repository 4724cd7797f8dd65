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
        tokens = self._tokens
        if now > self._filled_at:
            tokens += (now - self._filled_at) / 1e6 * self._per_s
            tokens = min(tokens, self._burst)
        tokens -= count
        self._tokens = tokens
        self._filled_at = now
        return 0.0 if tokens >= 0 else -tokens / self._per_s
