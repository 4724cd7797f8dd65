from random import Random

from devices.backoff import RETRY_AFTER_MAX_S, Backoff


def test_waits_are_drawn_from_the_whole_of_a_doubling_ceiling() -> None:
    first = [Backoff(Random(seed), base_s=1.0).next_s() for seed in range(200)]
    assert 0.0 <= min(first) < 0.1
    assert 0.9 < max(first) <= 1.0

    third = []
    for seed in range(200):
        backoff = Backoff(Random(seed), base_s=1.0)
        third.append([backoff.next_s() for _ in range(3)][-1])
    assert 0.0 <= min(third) < 0.4
    assert 3.6 < max(third) <= 4.0


def test_the_ceiling_is_capped_however_long_the_outage() -> None:
    backoff = Backoff(Random(1), base_s=1.0, cap_s=30.0)
    assert max(backoff.next_s() for _ in range(5_000)) <= 30.0


def test_a_success_makes_the_next_wait_short_again() -> None:
    backoff = Backoff(Random(1), base_s=1.0, cap_s=1_000.0)
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.0


def test_the_hub_is_given_the_time_it_asked_for_and_jitter_on_top() -> None:
    waits = [Backoff(Random(seed), base_s=1.0).next_s(retry_after_s=7.0) for seed in range(50)]
    assert all(7.0 <= wait <= 8.0 for wait in waits)
    assert len(set(waits)) == len(waits)


def test_an_absurd_retry_after_is_cut() -> None:
    assert Backoff(Random(1), base_s=1.0).next_s(retry_after_s=1e9) <= RETRY_AFTER_MAX_S + 1.0
