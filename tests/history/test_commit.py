"""Many wait for one commit, and none of them can end it for the others."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hub.errors import StoreError
from hub.history.commit import Commit


async def plainly(commit: Commit) -> None:
    await commit


async def among_others(commit: Commit) -> None:
    await asyncio.gather(commit, asyncio.sleep(0))


async def with_a_limit(commit: Commit) -> None:
    async with asyncio.timeout(60):
        await commit


async def in_a_group(commit: Commit) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(plainly(commit))


async def shielded(commit: Commit) -> None:
    await asyncio.shield(commit)


async def as_one_of_a_set(commit: Commit) -> None:
    await asyncio.wait([commit])


WAYS = [plainly, among_others, with_a_limit, in_a_group, shielded, as_one_of_a_set]


@pytest.mark.parametrize("wait", WAYS)
async def test_who_gives_up_waiting_leaves_the_commit_to_the_others(
    wait: Callable[[Commit], Awaitable[None]],
) -> None:
    commit = Commit(loop=asyncio.get_running_loop())
    gives_up = asyncio.ensure_future(wait(commit))
    others = [asyncio.ensure_future(other(commit)) for other in WAYS]
    await asyncio.sleep(0)
    gives_up.cancel()
    await asyncio.sleep(0)
    assert not commit.done()
    commit.set_result(None)
    await asyncio.gather(*others)
    with pytest.raises(asyncio.CancelledError):
        await gives_up


async def test_a_commit_that_is_abandoned_is_an_error_to_whoever_waits_or_comes_later() -> None:
    commit = Commit(loop=asyncio.get_running_loop())
    waiting = asyncio.ensure_future(plainly(commit))
    await asyncio.sleep(0)
    commit.abandon()
    with pytest.raises(StoreError, match="before this was on disk"):
        await waiting
    with pytest.raises(StoreError):
        await commit
