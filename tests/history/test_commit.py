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


def settled(commit: Commit) -> None:
    commit.set_result(None)


@pytest.mark.parametrize("end", [settled, Commit.abandon])
async def test_who_asked_to_be_told_is_told_at_once_and_in_order(end: Callable[[Commit], None]) -> None:
    commit = Commit(loop=asyncio.get_running_loop())
    told: list[tuple[str, bool]] = []
    commit.tell(lambda done: told.append(("first", done.done())))
    commit.tell(lambda done: told.append(("second", done.done())))
    end(commit)
    assert told == [("first", True), ("second", True)]
    commit.tell(lambda done: told.append(("late", done.done())))
    await asyncio.sleep(0)
    assert told[2:] == [("late", True)]


async def test_one_that_fails_when_it_is_told_does_not_keep_it_from_the_others() -> None:
    loop = asyncio.get_running_loop()
    commit = Commit(loop=loop)
    told: list[str] = []
    reported: list[object] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    error = ValueError("what is told can fail")

    def fail(_: Commit) -> None:
        raise error

    commit.tell(fail)
    commit.tell(lambda _: told.append("second"))
    commit.set_result(None)
    assert (told, reported, commit.done()) == (["second"], [error], True)
