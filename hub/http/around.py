from collections.abc import Callable
from typing import NamedTuple


class Around(NamedTuple):
    """Time and chance, which come from outside."""

    clock: Callable[[], int]  # µs, UTC
    steady_s: Callable[[], float]
    uniform: Callable[[float, float], float]  # a number between
    random_text: Callable[[], str]  # 256 bits
    random_bytes: Callable[[int], bytes]
    refusal_pace: float  # by how much who guesses waits longer than in a hub that serves
