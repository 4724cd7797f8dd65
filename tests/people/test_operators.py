"""Links, sessions and tokens: who gets in, and for how long."""

import asyncio
from pathlib import Path

import pytest

from hub.errors import Unauthenticated
from hub.model import Role
from tests.principals import principal
from tests.rooms import Clock, Rooms, open_rooms


async def test_a_link_lets_one_person_in_once(rooms: Rooms) -> None:
    code = await rooms.operators.make_link("ada")
    found = await asyncio.gather(*(rooms.operators.use_link(code) for _ in range(4)), return_exceptions=True)
    (secret,) = [one for one in found if isinstance(one, str)]
    assert sum(isinstance(one, Unauthenticated) for one in found) == 3
    assert await rooms.operators.session(secret) == principal("ada", Role.ADMIN)
    with pytest.raises(Unauthenticated):
        await rooms.operators.session(code)  # a link is no session
    await rooms.operators.end_session(secret)
    with pytest.raises(Unauthenticated):
        await rooms.operators.session(secret)


async def test_links_and_sessions_end_in_time(rooms: Rooms) -> None:
    code, late = await rooms.operators.make_link(), await rooms.operators.make_link()
    secret = await rooms.operators.use_link(code)
    rooms.clock.pass_s(3600)
    with pytest.raises(Unauthenticated):
        await rooms.operators.use_link(late)
    await rooms.operators.session(secret)
    rooms.clock.pass_s(2_592_000 - 3600)
    with pytest.raises(Unauthenticated):
        await rooms.operators.session(secret)


@pytest.mark.parametrize("shown", ["", "x", "\udcff\udc80", "\ud800", "a" * 100_000])
async def test_any_other_text_lets_nobody_in(rooms: Rooms, shown: str) -> None:
    for door in (rooms.operators.use_link, rooms.operators.session):
        with pytest.raises(Unauthenticated):
            await door(shown)
    await rooms.operators.end_session(shown)
    with pytest.raises(Unauthenticated):
        rooms.tokens.check(shown)


async def test_a_restart_keeps_sessions_and_links_and_forgets_those_that_ended(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        operators = rooms.operators
        kept = await operators.use_link(await operators.make_link())
        link = await operators.make_link()
        ended = await operators.use_link(await operators.make_link())
        await operators.end_session(ended)
    async with open_rooms(tmp_path, clock) as rooms:
        assert (await rooms.operators.session(kept)).name == "admin"
        assert (await rooms.operators.session(await rooms.operators.use_link(link))).name == "admin"
        for gone in (ended, link):
            with pytest.raises(Unauthenticated):
                await rooms.operators.session(gone)
