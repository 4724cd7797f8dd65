import asyncio

import pytest

from hub.timers import aligned, aligned_sleep

INTERVALS_S = (0.1, 0.5, 1.0, 2.0, 10.0, 60.0)


@pytest.mark.parametrize("interval_s", INTERVALS_S)
def test_the_next_turn_is_a_multiple_about_an_interval_away(interval_s: float) -> None:
    for turn in range(1000):
        for now_s in (turn * interval_s, turn * interval_s + 1e-9, turn * interval_s - 1e-9, turn * 0.37):
            due_s = aligned(now_s, interval_s)
            assert interval_s * 0.49 < due_s - now_s < interval_s * 1.51
            assert abs(due_s / interval_s - round(due_s / interval_s)) < 1e-6


async def test_those_that_sleep_as_long_wake_in_one_moment() -> None:
    loop = asyncio.get_running_loop()
    woken_s: list[float] = []

    async def look(after_s: float) -> None:
        await asyncio.sleep(after_s)
        await aligned_sleep(0.05)
        woken_s.append(loop.time() / 0.05 % 1.0)

    await asyncio.gather(*(look(0.003 * place) for place in range(5)))
    assert all(part < 0.5 for part in woken_s)
