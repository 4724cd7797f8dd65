"""Tokens: what they stand for, for how long, and that they end."""

from pathlib import Path

import jwt
import pytest

from hub.config import AuthConfig
from hub.errors import Conflict, Invalid, NotFound, Unauthenticated
from hub.model import Grant, Principal, Right, Role, TokenKind
from tests.principals import grant, principal
from tests.rooms import Clock, Rooms, open_rooms


async def test_a_token_stands_for_its_name_role_and_devices_until_it_is_over(rooms: Rooms) -> None:
    token = rooms.tokens.sign("grafana", grant(Role.VIEWER, ["b", "a"], {"site": "north"}), 60)
    assert rooms.tokens.check(token) == principal("grafana", Role.VIEWER, "ab", {"site": "north"})
    all_devices = rooms.tokens.sign("grafana", grant(Role.OPERATOR), 60, [Right.LIVE_READ])
    assert rooms.tokens.check(all_devices) == Principal(
        "grafana", (grant(Role.OPERATOR),), frozenset([Right.LIVE_READ])
    )
    rooms.clock.pass_s(60)
    with pytest.raises(Unauthenticated, match="expired"):
        rooms.tokens.check(token)


async def test_a_token_of_another_making_is_refused(rooms: Rooms) -> None:
    good = {"iss": "sensor-hub", "sub": "eve", "role": "admin", "exp": rooms.clock.now / 1e6 + 60}
    secret = bytes(range(32))
    assert rooms.tokens.check(jwt.encode(good, secret)).name == "eve"
    forged = [
        jwt.encode(good, secret[::-1]),
        jwt.encode(good, "", algorithm="none"),
        jwt.encode({**good, "iss": "other"}, secret),
        jwt.encode({**good, "role": "root"}, secret),
        jwt.encode({**good, "devices": 7}, secret),
        jwt.encode({**good, "role": "local"}, secret),
        jwt.encode({**good, "devices": ["a"]}, secret),
        *(jwt.encode({k: v for k, v in good.items() if k != left_out}, secret) for left_out in good),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            rooms.tokens.check(token)


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
        rooms.tokens.sign(name, grant(Role.VIEWER), ttl_s)


@pytest.mark.parametrize("kind", list(TokenKind))
async def test_a_token_outlives_a_restart_and_is_revoked_for_good(
    tmp_path: Path, clock: Clock, kind: TokenKind
) -> None:
    held = grant(Role.OPERATOR, ["a"], {"site": "north"})
    rights = frozenset({Right.LIVE_READ})
    stands_for = Principal("wall", (held,), rights)
    async with open_rooms(tmp_path, clock) as rooms:
        made, text = await rooms.tokens.make("wall", held, 60, owner="ada", rights=rights, kind=kind)
        assert rooms.tokens.check(text, "10.0.0.7") == stands_for
        await rooms.tokens.write_uses()
    async with open_rooms(tmp_path, clock) as rooms:
        [kept] = rooms.tokens.all()
        assert (kept.id, kept.grant, kept.rights, kept.owner) == (made.id, held, rights, "ada")
        assert (kept.last_used_at, kept.last_used_from) == (clock(), "10.0.0.7")
        assert rooms.tokens.check(text) == stands_for
        await rooms.tokens.revoke(made.id)
        with pytest.raises(Conflict):
            await rooms.tokens.revoke(made.id)
        with pytest.raises(NotFound):
            await rooms.tokens.revoke("none")
    async with open_rooms(tmp_path, clock) as rooms:
        with pytest.raises(Unauthenticated, match="revoked"):
            rooms.tokens.check(text)


async def test_the_registry_holds_no_secret(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        texts = [(await rooms.tokens.make("a", Grant(Role.ADMIN), 60, owner="local"))[1] for _ in range(3)]
        texts.append(await rooms.operators.use_link(await rooms.operators.make_link()))
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("registry.db*"))
    assert b"tokens" in stored
    for text in texts:
        assert text.rpartition("_")[2].encode() not in stored


async def test_an_opaque_token_ends_in_time_and_is_listed_a_while_longer(rooms: Rooms) -> None:
    made, text = await rooms.tokens.make("a", Grant(Role.VIEWER), 60, owner="local")
    rooms.clock.pass_s(59)
    rooms.tokens.check(text)
    rooms.clock.pass_s(1)
    with pytest.raises(Unauthenticated, match="expired"):
        rooms.tokens.check(text)
    assert [one.id for one in rooms.tokens.all()] == [made.id]
    rooms.clock.pass_s(31 * 86_400)
    assert rooms.tokens.all() == []
    await rooms.tokens.make("b", Grant(Role.VIEWER), 60, owner="local")
    with pytest.raises(NotFound):
        rooms.tokens.find(made.id)


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text[:-1] + "-", str.upper])
async def test_what_is_nearly_a_token_is_none(rooms: Rooms, change: object) -> None:
    _, text = await rooms.tokens.make("a", Grant(Role.VIEWER), 60, owner="local")
    _, other = await rooms.tokens.make("a", Grant(Role.VIEWER), 60, owner="local")
    assert callable(change)
    for shown in (change(text), f"{text.rpartition('_')[0]}_{other.rpartition('_')[2]}"):
        with pytest.raises(Unauthenticated):
            rooms.tokens.check(shown)


async def test_a_jwt_lasts_an_hour_at_most(rooms: Rooms) -> None:
    with pytest.raises(Invalid, match="3600"):
        await rooms.tokens.make("a", Grant(Role.VIEWER), 3601, owner="local", kind=TokenKind.JWT)


async def test_a_token_may_last_as_long_as_is_configured(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock, auth=AuthConfig(token_max_s=7200)) as rooms:
        await rooms.tokens.make("a", Grant(Role.VIEWER), 7200, owner="local")
        with pytest.raises(Invalid, match=r"auth\.token_max_s"):
            await rooms.tokens.make("a", Grant(Role.VIEWER), 7201, owner="local")
