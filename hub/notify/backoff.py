"""When a message that failed is tried again. Pure."""

from collections.abc import Callable

FIRST_S = 1.0
LONGEST_S = 600.0
RETRY_AFTER_MAX_S = 3_600.0  # what a receiver may ask for
TRIES_MAX = 150  # about a day


def wait_s(tries: int, asked_s: float | None, uniform: Callable[[float, float], float]) -> float | None:
    """How long to wait after so many tries; None: it is given up. `asked_s` is the receiver's own wish.

    Twice as long after each, up to LONGEST_S, and by chance up to a half more or less, so that many that
    failed together do not come back together.
    """
    if tries >= TRIES_MAX:
        return None
    usual = min(LONGEST_S, FIRST_S * 2.0 ** min(tries - 1, 20)) * uniform(0.5, 1.5)
    if asked_s is None:
        return usual
    return max(usual, min(asked_s, RETRY_AFTER_MAX_S)) + uniform(0.0, 1.0)
