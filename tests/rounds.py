"""How often what is left to chance is tried.

A few times in the suite; `make test ROUNDS=20` tries twenty times as often, `make quick` a tenth as often.
"""

import os

ROUNDS = float(os.environ.get("ROUNDS", "1"))
EXAMPLES = 100  # of a property that names no number


def rounds(few: int) -> int:
    """How many tries there are today, where `few` are enough for the suite."""
    return max(1, round(few * ROUNDS))


def tried(places: int) -> range:
    """Which of so many places are tried today: all in the suite, every tenth in `make quick`."""
    return range(0, places, max(1, round(1 / ROUNDS)))
