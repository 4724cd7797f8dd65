"""People: what they may, and how they come in by name and password."""

import asyncio
from pathlib import Path

import pytest

from hub.errors import Busy, Conflict, Invalid, NotFound, Unauthenticated
from hub.model import Grant, Role
from hub.people.passwords import AT_ONCE, WAITING_MAX, Passwords
from tests.principals import grant
from tests.rooms import Clock, Rooms, open_rooms

WORDS = "correct horse battery"


async def test_people_outlive_a_restart_and_the_registry_holds_no_password(
    tmp_path: Path, clock: Clock
) -> None:
    grants = (grant(Role.OPERATOR, ["a"], {"site": "north"}), grant(Role.VIEWER))
    async with open_rooms(tmp_path, clock) as rooms:
        await rooms.accounts.add("ada", grants, WORDS)
        await rooms.accounts.add("bob", grants, WORDS)
        with pytest.raises(Conflict):
            await rooms.accounts.add("ada", grants)
    async with open_rooms(tmp_path, clock) as rooms:
        assert [(one.name, one.grants) for one in rooms.accounts.all()] == [("ada", grants), ("bob", grants)]
        secret = await rooms.operators.log_in("ada", WORDS, "10.0.0.7")
        assert (await rooms.operators.session(secret)).grants == grants
        await rooms.accounts.remove("ada")
        with pytest.raises(Unauthenticated):
            await rooms.operators.session(secret)
        with pytest.raises(NotFound):
            await rooms.accounts.remove("ada")
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("registry.db*"))
    assert WORDS.encode() not in stored
    assert b"$argon2id$" in stored


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1001])
async def test_a_password_is_long_and_nothing_else(rooms: Rooms, password: str) -> None:
    with pytest.raises(Invalid, match="12"):
        await rooms.accounts.add("ada", [Grant(Role.VIEWER)], password)
    await rooms.accounts.add("bob", [Grant(Role.VIEWER)], " " * 12)


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "local"])
async def test_what_nobody_is_called_is_refused(rooms: Rooms, name: str) -> None:
    with pytest.raises(Invalid):
        await rooms.accounts.add(name, [Grant(Role.VIEWER)])
    with pytest.raises(Invalid):
        await rooms.operators.make_link(name)


@pytest.mark.parametrize("name", ["ada", "linked", "nobody", "\ud800"])
async def test_a_wrong_password_and_a_name_that_nobody_has_are_told_apart_by_nothing(
    rooms: Rooms, name: str
) -> None:
    await rooms.accounts.add("ada", [Grant(Role.VIEWER)], WORDS)
    await rooms.accounts.add("linked", [Grant(Role.VIEWER)])
    with pytest.raises(Unauthenticated) as error:
        await rooms.operators.log_in(name, "wrong" * 5, "10.0.0.7")
    assert str(error.value) == "the name or the password is wrong"


async def test_an_unknown_name_costs_the_work_of_a_known_one() -> None:
    passwords = Passwords()
    digest = await passwords.digest(WORDS)
    hasher = passwords._loaded()
    assert await passwords.matches(WORDS, digest)
    assert not await passwords.matches(WORDS, None)
    parts = passwords._nobody.split("$")[:4]
    assert parts == digest.split("$")[:4]
    assert hasher.time_cost * hasher.memory_cost == 2 * 19_456


async def test_passwords_are_checked_two_at_once_and_a_crowd_is_told_to_come_back() -> None:
    passwords = Passwords()
    crowd = [asyncio.ensure_future(passwords.matches("x", None)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    assert passwords._turns.locked()
    assert passwords._turns._value == 0
    assert AT_ONCE == 2
    with pytest.raises(Busy):
        await passwords.matches("x", None)
    assert not any(await asyncio.gather(*crowd))


async def test_who_guesses_locks_nobody_out(rooms: Rooms) -> None:
    await rooms.accounts.add("ada", [Grant(Role.VIEWER)], WORDS)
    for _ in range(12):
        rooms.accounts._throttle.failed("name ada")
    loop = asyncio.get_running_loop()
    guess = asyncio.ensure_future(rooms.operators.log_in("ada", "wrong" * 5, "10.0.0.66"))
    began = loop.time()
    await rooms.operators.log_in("ada", WORDS, "10.0.0.7")
    assert not guess.done()
    with pytest.raises(Unauthenticated):
        await guess
    assert loop.time() - began >= 3.0


async def test_a_session_ends_when_it_is_not_used_and_when_it_is_old(rooms: Rooms) -> None:
    await rooms.accounts.add("ada", [Grant(Role.VIEWER)], WORDS)
    idle_s, longest_s = rooms.config.auth.session_idle_s, rooms.config.auth.session_s
    left, used = [await rooms.operators.log_in("ada", WORDS, "10.0.0.7") for _ in range(2)]
    for _ in range(4):
        rooms.clock.pass_s(idle_s - 3600)
        await rooms.operators.session(used)
    with pytest.raises(Unauthenticated):
        await rooms.operators.session(left)
    rooms.clock.pass_s(longest_s - 4 * (idle_s - 3600))
    with pytest.raises(Unauthenticated):
        await rooms.operators.session(used)


async def test_the_first_admin_comes_by_a_link(rooms: Rooms) -> None:
    secret = await rooms.operators.use_link(await rooms.operators.make_link(), "10.0.0.7")
    assert (await rooms.operators.session(secret)).grants == (Grant(Role.ADMIN),)
    assert [one.name for one in rooms.accounts.all()] == ["admin"]
    await rooms.accounts.add("ada", [Grant(Role.VIEWER)])
    other = await rooms.operators.use_link(await rooms.operators.make_link("ada"))
    assert (await rooms.operators.session(other)).grants == (Grant(Role.VIEWER),)
    [shown] = await rooms.operators.sessions("admin")
    assert (shown.address, shown.origin, shown.created_at) == ("10.0.0.7", "link", rooms.clock())
