"""Links, sessions and tokens: who gets in, and for how long."""

import asyncio
from pathlib import Path

import jwt
import pytest

from hub.errors import Invalid, Unauthenticated
from hub.model import Principal, Right, Role
from tests.principals import grant, principal
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
        rooms.operators.token(shown)


async def test_a_token_stands_for_its_name_role_and_devices_until_it_is_over(rooms: Rooms) -> None:
    token = rooms.operators.make_token("grafana", grant(Role.VIEWER, ["b", "a"], {"site": "north"}), 60)
    assert rooms.operators.token(token) == principal("grafana", Role.VIEWER, "ab", {"site": "north"})
    all_devices = rooms.operators.make_token("grafana", grant(Role.OPERATOR), 60, [Right.LIVE_READ])
    assert rooms.operators.token(all_devices) == Principal(
        "grafana", (grant(Role.OPERATOR),), frozenset([Right.LIVE_READ])
    )
    rooms.clock.pass_s(60)
    with pytest.raises(Unauthenticated, match="expired"):
        rooms.operators.token(token)


async def test_a_token_of_another_making_is_refused(rooms: Rooms) -> None:
    good = {"iss": "sensor-hub", "sub": "eve", "role": "admin", "exp": rooms.clock.now / 1e6 + 60}
    secret = bytes(range(32))
    assert rooms.operators.token(jwt.encode(good, secret)).name == "eve"
    forged = [
        jwt.encode(good, secret[::-1]),
        jwt.encode(good, None, algorithm="none"),
        jwt.encode({**good, "iss": "other"}, secret),
        jwt.encode({**good, "role": "root"}, secret),
        jwt.encode({**good, "devices": 7}, secret),
        jwt.encode({**good, "role": "local"}, secret),
        jwt.encode({**good, "devices": ["a"]}, secret),
        *(jwt.encode({k: v for k, v in good.items() if k != left_out}, secret) for left_out in good),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            rooms.operators.token(token)


@pytest.mark.parametrize(
    ("name", "ttl_s"),
    [
        ("", 1.0),
        ("x" * 101, 1.0),
        ("a\nb", 1.0),
        ("a", 0.0),
        ("a", 31_536_001.0),
        ("a", float("nan")),
    ],
)
async def test_a_token_out_of_bounds_is_not_made(rooms: Rooms, name: str, ttl_s: float) -> None:
    with pytest.raises(Invalid):
        rooms.operators.make_token(name, grant(Role.VIEWER), ttl_s)


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
