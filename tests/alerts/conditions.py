"""Conditions and readings by chance, of small numbers so that much happens."""

from hypothesis import strategies as st

from hub.model import Value
from hub.model.condition import Condition, read_condition

LEVELS = st.integers(0, 10).map(float)


def _merged(*parts: dict[str, object]) -> Condition:
    return read_condition({name: value for part in parts for name, value in part.items()})


def of_numbers(spans_s: list[int]) -> st.SearchStrategy[Condition]:
    """Conditions on numbers, whose times are some of these."""
    spans = st.sampled_from(spans_s)
    held: st.SearchStrategy[dict[str, object]] = st.just({}) | spans.map(lambda for_s: {"for_s": for_s})
    above = st.builds(
        lambda high, gap, more: _merged(
            {"above": high}, {} if gap is None else {"clear_below": high - gap}, more
        ),
        LEVELS,
        st.none() | st.integers(0, 3),
        held,
    )
    below = st.builds(
        lambda low, gap, more: _merged(
            {"below": low}, {} if gap is None else {"clear_above": low + gap}, more
        ),
        LEVELS,
        st.none() | st.integers(0, 3),
        held,
    )
    outside = st.builds(
        lambda low, gap, clear, more: _merged(
            {"outside": [low, low + gap]}, {"clear_inside": [low + 1, low + gap - 1]} if clear else {}, more
        ),
        LEVELS,
        st.integers(2, 5),
        st.booleans(),
        held,
    )
    changes = st.builds(
        lambda name, by, within_s: read_condition({name: {"by": by, "within_s": within_s}}),
        st.sampled_from(["rising_s", "falling_s"]),
        st.integers(1, 6),
        spans,
    )
    flat = st.builds(
        lambda flat_s, epsilon: read_condition({"flat_s": flat_s, "epsilon": epsilon}),
        spans,
        st.integers(0, 3),
    )
    count = st.builds(
        lambda above, times, within_s: read_condition(
            {"count": {"above": above, "times": times, "within_s": within_s}}
        ),
        LEVELS,
        st.integers(1, 4),
        spans,
    )
    return st.one_of(above, below, outside, changes, flat, count)


def readings(every_s: int, most: int) -> st.SearchStrategy[list[tuple[int, Value]]]:
    """Readings at multiples of a time, which are µs, by time."""
    found = st.lists(
        st.tuples(st.integers(0, most), LEVELS), max_size=most // 2, unique_by=lambda one: one[0]
    )
    return found.map(lambda some: sorted((at * every_s * 1_000_000, value) for at, value in some))


OF_NUMBERS = of_numbers(list(range(1, 21)))
READINGS = readings(1, 80)
