"""How often what is left to chance is tried: a few times in the suite, and `make test ROUNDS=20` tries twenty
times as often.
"""

import os

ROUNDS = int(os.environ.get("ROUNDS", "1"))


def rounds(few: int) -> int:
    """How many tries there are today, where `few` are enough for the suite."""
    return few * ROUNDS
