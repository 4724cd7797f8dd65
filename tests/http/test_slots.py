"""Places for what is dear: never more than there are, never one idle while somebody waits, and fair."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import OverRate
from hub.http.problems import Overloaded
from hub.http.slots import FairSlots
from tests.rounds import rounds

EACH, MOST = 2, 3


class Crowd:
    """Some who ask for places, hold them, and go."""

    def __init__(self) -> None:
        self.slots = FairSlots("limits.some", EACH, MOST, 5)
        self.holding: list[str] = []
        self.tasks: list[tuple[str, asyncio.Task[None], asyncio.Event]] = []

    def ask(self, who: str) -> None:
        done = asyncio.Event()
        self.tasks.append((who, asyncio.create_task(self._hold(who, done)), done))

    async def _hold(self, who: str, done: asyncio.Event) -> None:
        async with self.slots.taken(who):
            self.holding.append(who)
            try:
                await done.wait()
            finally:
                self.holding.remove(who)

    async def settle(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    def waiting(self) -> Counter[str]:
        pending = Counter(who for who, task, _ in self.tasks if not task.done())
        return pending - Counter(self.holding)

    def check(self) -> None:
        held = Counter(self.holding)
        assert len(self.holding) <= MOST
        assert max(held.values(), default=0) <= EACH
        assert len(self.slots) == len(self.holding)
        could = [who for who in self.waiting() if held[who] < EACH]
        assert len(self.holding) == MOST or not could


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "done", "cancel"]), st.sampled_from("abc"), st.integers(0, 50)),
    max_size=40,
)


@settings(max_examples=rounds(60), deadline=None)
@given(STEPS)
async def test_places_are_neither_overfilled_nor_left_idle(steps: list[tuple[str, str, int]]) -> None:
    crowd = Crowd()
    for what, who, number in steps:
        if what == "ask":
            crowd.ask(who)
        elif crowd.tasks:
            _, task, done = crowd.tasks[number % len(crowd.tasks)]
            done.set() if what == "done" else task.cancel()
        await crowd.settle()
        crowd.check()
    for _, _, done in crowd.tasks:
        done.set()
    await asyncio.gather(*(task for _, task, _ in crowd.tasks), return_exceptions=True)
    assert len(crowd.slots) == 0


async def test_one_who_asks_for_much_delays_another_by_one_place_at_most() -> None:
    slots, order = FairSlots("limits.some", 1, 1, 100), []

    async def ask(who: str) -> None:
        async with slots.taken(who):
            order.append(who)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask("many") for _ in range(40)), *(ask(who) for who in ("b", "c", "b")))
    assert order[:6] == ["many", "many", "b", "c", "many", "b"]


async def test_what_may_not_wait_is_told_to_come_back_and_why() -> None:
    slots = FairSlots("limits.some", 1, 2, 0)
    async with slots.taken("a"):
        with pytest.raises(OverRate) as told:
            await slots._take("a")
        assert (told.value.limit, "limits.some" in str(told.value)) == ("limits.some", True)
        async with slots.taken("b"):
            with pytest.raises(Overloaded):
                await slots._take("c")
