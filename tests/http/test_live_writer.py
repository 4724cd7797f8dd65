"""The one writer of all live connections, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from hub.feed.feed import FeedCounts
from hub.http.live.writer import REST, WRITES_PER_TURN, Framer, SharedWriter
from tests.waiting import until


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Viewer:
    """Notes when it was written to; a write takes `cost_s`."""

    def __init__(self, clock: Clock, cost_s: float = 0.0, *, fails: bool = False) -> None:
        self.clock = clock
        self.cost_s = cost_s
        self.fails = fails
        self.written_s: list[float] = []
        self.is_aborted = False

    def write(self) -> None:
        self.written_s.append(self.clock.now_s)
        self.clock.now_s += self.cost_s
        if self.fails:
            raise RuntimeError("as the test wants it")

    def abort(self) -> None:
        self.is_aborted = True


@asynccontextmanager
async def running(clock: Clock) -> AsyncIterator[SharedWriter]:
    writer = SharedWriter(Framer(), clock, FeedCounts())
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_everyone_in_the_round_is_written_to_once() -> None:
    clock = Clock()
    viewers = [Viewer(clock) for _ in range(2 * WRITES_PER_TURN + 1)]
    async with running(clock) as writer:
        for viewer in viewers:
            writer.queue(viewer)
        await until(lambda: viewers[-1].written_s)
        assert [len(viewer.written_s) for viewer in viewers] == [1] * len(viewers)


async def test_one_that_fails_is_dropped_and_the_others_go_on() -> None:
    clock = Clock()
    broken, fine = Viewer(clock, fails=True), Viewer(clock)
    async with running(clock) as writer:
        writer.queue(broken)
        writer.queue(fine)
        await until(lambda: fine.written_s)
        writer.queue(fine)
        await until(lambda: len(fine.written_s) == 2)
    assert (broken.is_aborted, fine.is_aborted) == (True, False)


async def written_beside(other_work_s: float) -> list[float]:
    """When a viewer was written to that always has something pending, beside so much other work a turn."""
    clock = Clock()
    viewer = Viewer(clock, cost_s=0.004)
    async with running(clock) as writer:
        while len(viewer.written_s) < 5:
            if viewer not in writer._due:
                writer.queue(viewer)
            clock.now_s += other_work_s
            await asyncio.sleep(0)
    return viewer.written_s


async def test_a_busy_loop_is_left_to_its_work_between_rounds() -> None:
    times_s = await written_beside(0.01)
    rests_s = [after - before - 0.004 for before, after in pairwise(times_s)]
    assert min(rests_s) >= REST * 0.004
    assert max(rests_s) < REST * 0.004 + 0.05


async def test_an_idle_loop_is_written_to_at_once() -> None:
    times_s = await written_beside(0.0001)
    assert times_s[-1] - times_s[0] < 5 * (0.004 + 0.001)


def test_a_frame_is_made_once_for_all_who_get_it() -> None:
    framer = Framer()
    message = b"[%b]" % (b"1," * 400)
    plain, deflated = framer.frame(message, deflate=False), framer.frame(message, deflate=True)
    assert framer.frame(message, deflate=False) is plain
    assert framer.frame(message, deflate=True) is deflated
    assert len(deflated) < len(plain) / 5
    assert framer.frame(b"another", deflate=False) == b"\x81\x07another"
