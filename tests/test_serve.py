"""Every loop of the hub has an owner: when one ends, the hub ends with an error."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from hub.config import Config, HttpConfig, MqttConfig, StoreConfig
from hub.errors import Failed
from hub.feed.feed import FeedCounts
from hub.http.live.writer import Framer, SharedWriter
from hub.serve import owned, running
from tests.rounds import tried
from tests.stores import lay_out


def configuration(folder: Path) -> Config:
    return Config(
        store=StoreConfig(path=str(lay_out(folder)), memory_limit_mb=128),
        http=HttpConfig(port=0),
        mqtt=MqttConfig(port=0),
    )


def loops() -> dict[str, asyncio.Task[None]]:
    """The loops that run now and have an owner, by name."""
    found: dict[str, asyncio.Task[None]] = {}
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and frame.f_code.co_name == "_watched":
            found[frame.f_locals["loop"].__qualname__] = task
    return found


async def test_nothing_runs_in_an_idle_hub_that_has_no_owner(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with running(configuration(tmp_path)):
        await asyncio.sleep(0)
        unowned = asyncio.all_tasks() - before - set(loops().values())
        assert unowned == set(), "start it by `owned`, as all that hub/serve.py gathers in `loops`"


async def test_a_loop_that_ends_takes_the_hub_down(tmp_path: Path) -> None:
    async def names() -> list[str]:
        async with running(configuration(tmp_path)):
            await asyncio.sleep(0)
            return sorted(loops())

    async def serve(name: str) -> None:
        async with running(configuration(tmp_path)):
            await asyncio.sleep(0)
            loops()[name].cancel()
            await asyncio.Event().wait()

    found = await names()
    assert {"Commands.run", "Keeper.run", "MqttServer.run", "Peers.run"} <= set(found)
    for place in tried(len(found)):
        with pytest.raises(Failed, match=found[place]):
            await serve(found[place])


class Outlet:
    """A viewer that nobody reads from."""

    def write(self) -> None:
        """Take it."""

    def abort(self) -> None:
        """Go."""


def broken_clock() -> float:
    raise ZeroDivisionError("the clock broke")


async def returns() -> None:
    """A loop that has nothing to do, and should not be one."""


def writer_that_fails() -> Coroutine[object, object, None]:
    writer = SharedWriter(Framer(), broken_clock, FeedCounts())
    writer.queue(Outlet())
    return writer.run()


@pytest.mark.parametrize(
    ("loop", "why"),
    [(writer_that_fails, "SharedWriter.run has ended: the clock broke"), (returns, "returns has ended")],
)
async def test_who_owns_a_loop_that_ends_is_told_why(
    loop: Callable[[], Coroutine[object, object, None]], why: str
) -> None:
    with pytest.raises(Failed, match=why):
        async with owned([loop()]):
            await asyncio.Event().wait()


async def test_loops_end_with_what_they_run_beside() -> None:
    beats: list[int] = []

    async def beat() -> None:
        while True:
            beats.append(1)
            await asyncio.sleep(0)

    async with owned([beat()]):
        while len(beats) < 3:
            await asyncio.sleep(0)
    known = len(beats)
    await asyncio.sleep(0)
    assert len(beats) == known
