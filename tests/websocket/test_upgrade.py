"""The handshake, by cases, and how a connection goes on after one that was refused."""

import pytest

from tests.websocket.echo import house
from tests.websocket.handshakes import CASES, VERSION, Handshake, changed
from tests.websocket.raw import HANDSHAKE, connected, sent


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.clause} {case.what}")
async def test_a_handshake_is_answered_as_the_standard_says(case: Handshake) -> None:
    async with house() as one, connected(one.port) as socket:
        answer = await socket.shake_hands(lines=case.lines, http=case.http)
        assert answer.status == case.status
        assert answer.headers.items() >= set(case.answered)
        assert (answer.status == 101) == bool(one.echoes)


async def test_after_another_version_the_client_may_try_the_right_one() -> None:
    async with house() as one, connected(one.port) as socket:
        first = await socket.shake_hands(lines=changed(VERSION, "8"))
        await socket.read_body(first)
        assert (await socket.shake_hands(lines=HANDSHAKE, more=sent(b"early"))).status == 101
        frame = await socket.receive()
        assert frame is not None
        assert frame.content == b"early"


async def test_much_may_come_with_the_handshake() -> None:
    async with house() as one, connected(one.port) as socket:
        await socket.shake_hands(more=sent(b"x" * 200_000) * 4)
        for _ in range(4):
            frame = await socket.receive()
            assert frame is not None
            assert frame.content == b"x" * 200_000
