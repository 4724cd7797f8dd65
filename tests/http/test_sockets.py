"""What becomes of a connection between its handshake and letting it in."""

import asyncio

import pytest

from hub.errors import Busy, HubError, StoreError, Unauthenticated
from hub.http.sockets import NotShownInTime, turned_away_if_refused
from hub.websocket.frames import Opcode
from tests.waiting import until
from tests.websocket.echo import house
from tests.websocket.raw import connected


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "close"),
    [
        (Unauthenticated("wrong"), "unauthenticated", 4401),
        (NotShownInTime("nothing came"), "unauthenticated", 4408),
        (StoreError("full"), "store", 1013),
        (Busy("later", 1.0), "busy", 1013),
        (Busy("later", 1.0, "limits.some"), "busy", 4429),
        (HubError("no"), "error", 1013),
    ],
)
async def test_who_is_refused_is_told_why(error: HubError, code: str, close: int) -> None:
    async with house() as one, connected(one.port) as socket:
        await socket.shake_hands()
        with turned_away_if_refused(one.echoes[0]):
            fail(error)
        said, end = await socket.receive(), await socket.receive()
        assert said is not None
        assert end is not None
        assert f'"code":"{code}"'.encode() in said.content
        assert (end.opcode, end.code, end.content[2:].decode()) == (Opcode.CLOSE, close, str(error))


@pytest.mark.parametrize("error", [ZeroDivisionError(), asyncio.CancelledError()])
async def test_a_connection_does_not_stay_when_letting_it_in_fails(error: BaseException) -> None:
    async with house() as one, connected(one.port) as socket:
        await socket.shake_hands()
        with pytest.raises(type(error)), turned_away_if_refused(one.echoes[0]):
            fail(error)
        await until(lambda: one.echoes[0].is_lost)
        assert await socket.receive() is None
