"""When a message that failed is tried again."""

import pytest

from hub.notify.backoff import LONGEST_S, RETRY_AFTER_MAX_S, TRIES_MAX, wait_s


def least(low: float, _high: float) -> float:
    return low


def most(_low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("tries", "usual_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (10, 512.0), (11, LONGEST_S), (149, LONGEST_S)]
)
def test_the_wait_doubles_up_to_a_bound_and_varies_by_a_half(tries: int, usual_s: float) -> None:
    assert (wait_s(tries, None, least), wait_s(tries, None, most)) == (usual_s * 0.5, usual_s * 1.5)


@pytest.mark.parametrize(("asked_s", "waited_s"), [(0.0, 1.5), (60.0, 60.0), (1e9, RETRY_AFTER_MAX_S)])
def test_a_receiver_may_ask_for_longer_up_to_a_bound(asked_s: float, waited_s: float) -> None:
    assert wait_s(1, asked_s, most) == waited_s + 1.0


def test_it_is_given_up_after_about_a_day() -> None:
    waits = [wait_s(tries, None, lambda low, high: (low + high) / 2) for tries in range(1, TRIES_MAX + 1)]
    assert waits[-1] is None
    assert 20 < sum(one or 0.0 for one in waits) / 3600 < 28
