"""How much text one answer holds. Rows are counted like numbers, but a text may have 4,096 characters."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

TEXTS_MAX = 8_388_608  # characters


def characters(values: Iterable[object]) -> int:
    """How many the texts among these have together."""
    return sum(len(one) for one in values if isinstance(one, str))


def fit(values: Sequence[object]) -> int:
    """How many of these, from the first on, one answer holds; one at least."""
    sizes = accumulate(len(one) if isinstance(one, str) else 0 for one in values)
    return max(1, sum(size <= TEXTS_MAX for size in sizes))
