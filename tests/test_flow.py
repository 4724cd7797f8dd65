"""Holding back and acknowledging in order, with no transport anywhere."""

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.flow import Acknowledgements, Hold, Holds, StoreWait

Steps = list[tuple[str, int]]


class Switch:
    """Stands for a transport's reading."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.holds = Holds(lambda: self.said.append("pause"), lambda: self.said.append("resume"))


def test_reading_stops_with_the_first_reason_and_goes_on_after_the_last() -> None:
    switch = Switch()
    switch.holds.hold(Hold.STORE)
    switch.holds.hold(Hold.UNACKNOWLEDGED)
    switch.holds.hold(Hold.STORE)
    switch.holds.release(Hold.STORE)
    switch.holds.release(Hold.STORE)
    assert switch.said == ["pause"]
    assert Hold.UNACKNOWLEDGED in switch.holds
    assert Hold.STORE not in switch.holds
    assert switch.holds.besides(Hold.STORE)
    assert not switch.holds.besides(Hold.UNACKNOWLEDGED)
    switch.holds.release(Hold.UNACKNOWLEDGED)
    switch.holds.release(Hold.UNACKNOWLEDGED)
    assert switch.said == ["pause", "resume"]
    assert not switch.holds


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(list(Hold))), max_size=40))
def test_pausing_and_resuming_take_turns_whatever_the_reasons(steps: list[tuple[bool, Hold]]) -> None:
    switch = Switch()
    reasons: set[Hold] = set()
    for holds, why in steps:
        (switch.holds.hold if holds else switch.holds.release)(why)
        (reasons.add if holds else reasons.discard)(why)
        assert bool(switch.holds) == bool(reasons)
        assert (switch.said or ["resume"])[-1] == ("pause" if reasons else "resume")
    assert switch.said == ["pause", "resume"] * (len(switch.said) // 2) + ["pause"] * (len(switch.said) % 2)


async def test_a_device_over_its_rate_is_read_again_when_the_wait_is_over() -> None:
    resumed = asyncio.Event()
    holds = Holds(lambda: None, resumed.set)
    holds.wait_out(0)
    assert not holds
    holds.wait_out(3600)
    holds.wait_out(0.001)  # the newest wait counts
    assert Hold.RATE in holds
    async with asyncio.timeout(10):
        await resumed.wait()
    assert not holds


class Peer:
    """Keeps what it is told, each write apart."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.failed = 0
        self.moved = 0
        self.acks: Acknowledgements[bytes] = Acknowledgements(self._tell, self._fail, self._move)

    def _tell(self, answers: list[bytes]) -> None:
        self.told.append(b"".join(answers))

    def _fail(self) -> None:
        self.failed += 1

    def _move(self) -> None:
        self.moved += 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "same", "at once", "done", "lost", "turn"]), st.integers(0, 9)),
    max_size=40,
)


@given(STEPS)
def test_what_is_told_is_in_order_and_after_its_commit_and_ends_where_something_is_lost(steps: Steps) -> None:
    async def check() -> None:
        peer = Peer()
        sent: list[tuple[asyncio.Future[None] | None, bytes]] = []
        commits: list[asyncio.Future[None]] = []
        for kind, number in steps:
            if kind in ("add", "same", "at once"):
                if kind == "add" or not commits:
                    commits.append(asyncio.get_running_loop().create_future())
                when = None if kind == "at once" else commits[-1]
                answer = b"%d," % len(sent)
                sent.append((when, answer))
                peer.acks.add(when, answer)
            elif kind == "turn":
                await asyncio.sleep(0)
            elif number < len(commits) and not commits[number].done():
                if kind == "done":
                    commits[number].set_result(None)
                else:
                    commits[number].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        expected, lost = [], False
        for when, answer in sent:
            if when is not None and not when.done():
                break
            lost = when is not None and when.cancelled()
            if lost:
                break
            expected.append(answer)
        assert b"".join(peer.told) == b"".join(expected)
        assert peer.failed == lost
        assert peer.acks.messages == (0 if lost else len(sent) - len(expected))
        assert bool(peer.acks) == (not lost and len(sent) > len(expected))

    asyncio.run(check())


async def test_what_becomes_due_together_is_told_in_one_piece() -> None:
    peer = Peer()
    commit: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    for number in range(5):
        peer.acks.add(commit, b"%d" % number)
    commit.set_result(None)
    await asyncio.sleep(0)
    assert (peer.told, peer.moved) == ([b"01234"], 1)


async def test_an_answer_may_be_what_is_waited_for_and_may_be_nothing() -> None:
    peer = Peer()
    work: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    silent: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    silent.set_result(b"")
    peer.acks.add(silent, messages=0)
    await asyncio.sleep(0)
    peer.acks.add(work, messages=3)
    assert (peer.told, peer.acks.messages) == ([], 3)
    work.set_result(b"done")
    await asyncio.sleep(0)
    assert (peer.told, peer.acks.messages) == ([b"done"], 0)


@pytest.mark.parametrize("error", [None, RuntimeError("no")])
async def test_what_was_stored_is_told_before_the_failure_after_it(error: Exception | None) -> None:
    peer = Peer()
    loop = asyncio.get_running_loop()
    stored: asyncio.Future[None] = loop.create_future()
    lost: asyncio.Future[bytes] = loop.create_future()
    peer.acks.add(stored, b"1")
    peer.acks.add(lost)
    peer.acks.add(stored, b"3")
    if error is None:
        lost.cancel()
    else:
        lost.set_exception(error)
    stored.set_result(None)
    await asyncio.sleep(0)
    assert (peer.told, peer.failed, bool(peer.acks)) == ([b"1"], 1, False)
    peer.acks.add(stored, b"4")
    await asyncio.sleep(0)
    assert peer.told == [b"1"]


async def test_those_who_wait_for_room_share_one_wait_and_go_on_together() -> None:
    room = asyncio.Event()
    waits = 0

    async def wait() -> None:
        nonlocal waits
        waits += 1
        await room.wait()

    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[None, None, None]) -> None:
        tasks.append(asyncio.ensure_future(work))

    waiting = StoreWait(wait, spawn)
    switches = [Switch(), Switch(), Switch()]
    for switch in switches:
        waiting.hold(switch.holds)
        waiting.hold(switch.holds)
    await asyncio.sleep(0)
    assert waits == 1
    assert all(Hold.STORE in switch.holds for switch in switches)
    room.set()
    await asyncio.gather(*tasks)
    assert [switch.said for switch in switches] == [["pause", "resume"]] * 3
    waiting.hold(switches[0].holds)
    await asyncio.gather(*tasks)
    assert (waits, len(tasks)) == (2, 2)
    assert switches[0].said == ["pause", "resume"] * 2
