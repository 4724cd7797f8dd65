"""Who a key lets in, and for how long."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from hub.config import AuthConfig
from hub.errors import Conflict, NotFound, StoreError, Unauthenticated
from hub.fleet.fleet import Fleet
from hub.fleet.keys import ADDRESSES_MAX, DELAY_MAX_S
from hub.fleet.session import EndReason
from hub.model import KeyRight
from hub.model import key as keys
from tests.registry.disks import locked
from tests.rooms import Clock, Rooms, open_rooms


@pytest.mark.parametrize(
    "shown", ["", "hk_", "nonsense", "hk_aaaaaaaaaaaa_" + "A" * 32, "\ud800", "hk_" * 10_000]
)
async def test_a_wrong_key_is_refused_without_being_repeated(rooms: Rooms, shown: str) -> None:
    await rooms.add("boiler-1")
    with pytest.raises(Unauthenticated) as error:
        await rooms.fleet.keys.authenticate(shown, "10.0.0.7")
    assert str(error.value) == "the key is wrong or revoked"


async def test_a_key_opens_its_own_device_only(rooms: Rooms) -> None:
    boiler, key = await rooms.add("boiler-1")
    _, other = await rooms.add("pump-1")
    assert (await rooms.fleet.keys.authenticate(str(key), "a", "boiler-1")).device == boiler
    for shown, said in [(key, "pump-1"), (keys.Key(key.id, other.secret), None)]:
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(shown), "a", said)


async def test_each_failure_of_an_address_takes_longer_and_other_addresses_wait_for_nothing(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock, auth=AuthConfig(failures_max=3)) as rooms:
        _, key = await rooms.add("boiler-1")
        loop = asyncio.get_running_loop()

        async def failing() -> float:
            start = loop.time()
            with pytest.raises(Unauthenticated):
                await rooms.fleet.keys.authenticate("wrong", "10.0.0.7")
            return loop.time() - start

        waits = await asyncio.gather(failing(), failing(), failing(), failing())
        assert list(waits) == sorted(waits)
        assert waits[-1] >= DELAY_MAX_S
        assert waits[0] >= 0.1
        good = rooms.fleet.keys.authenticate(str(key), "10.0.0.8")
        with pytest.raises(StopIteration):  # it never waits: done at its first step
            good.send(None)


async def test_a_revoked_key_ends_its_sessions_alone_and_works_no_more(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, first = await rooms.add("boiler-1")
        second = await rooms.fleet.keys.add(device)
        gone, stays = rooms.connect(device, first.id), rooms.connect(device, second.id)
        await rooms.fleet.keys.revoke(device, first.id)
        assert (gone.ended, stays.ended) == ([EndReason.REVOKED], [])
        with pytest.raises(Conflict):
            await rooms.fleet.keys.revoke(device, first.id)
        with pytest.raises(NotFound):
            await rooms.fleet.keys.revoke(device, "unknown")
        other, _ = await rooms.add("pump-1")
        with pytest.raises(NotFound):
            await rooms.fleet.keys.revoke(other, second.id)
    async with open_rooms(tmp_path, clock) as rooms:
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(first), "a")
        await rooms.fleet.keys.authenticate(str(second), "a")
        assert [key.revoked_at is None for key in rooms.fleet.keys.of(device)] in (
            [True, False],
            [False, True],
        )


async def test_a_revocation_the_disk_did_not_take_holds_and_is_written_later(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
        with locked(rooms.registry):
            with pytest.raises(StoreError):
                await rooms.fleet.keys.revoke(device, key.id)
            with pytest.raises(Unauthenticated):
                await rooms.fleet.keys.authenticate(str(key), "a")
        await stop_keeping_uses(rooms.fleet)
    async with open_rooms(tmp_path, clock) as rooms:
        with pytest.raises(Unauthenticated):
            await rooms.fleet.keys.authenticate(str(key), "a")


async def stop_keeping_uses(fleet: Fleet) -> None:
    """Start the loop and stop it: it writes once more when it ends."""
    task = asyncio.create_task(fleet.keys.keep_uses())
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_when_and_from_where_a_key_was_used_is_kept(tmp_path: Path, clock: Clock) -> None:
    async with open_rooms(tmp_path, clock) as rooms:
        device, key = await rooms.add("boiler-1")
        clock.pass_s(5)
        await rooms.fleet.keys.authenticate(str(key), "10.0.0.7")
        await stop_keeping_uses(rooms.fleet)
    async with open_rooms(tmp_path, clock) as rooms:
        (kept,) = rooms.fleet.keys.of(device)
        assert (kept.last_used_at, kept.last_used_from) == (clock.now, "10.0.0.7")


async def test_a_disk_that_says_no_does_not_end_the_loop_that_writes_uses(rooms: Rooms) -> None:
    _, key = await rooms.add("boiler-1")
    await rooms.fleet.keys.authenticate(str(key), "10.0.0.7")
    with locked(rooms.registry):
        await stop_keeping_uses(rooms.fleet)  # a StoreError would come out here
    await stop_keeping_uses(rooms.fleet)
    (kept,) = await rooms.registry.keys.all()
    assert kept.last_used_from == "10.0.0.7"


async def test_addresses_that_failed_are_bounded(rooms: Rooms) -> None:
    tasks = [
        asyncio.create_task(rooms.fleet.keys.authenticate("wrong", f"address {number}"))
        for number in range(ADDRESSES_MAX + 50)
    ]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in found} == {Unauthenticated}
    assert len(rooms.fleet.keys._throttle) == ADDRESSES_MAX


async def test_a_key_ends_by_itself(tmp_path: Path, clock: Clock) -> None:
    rights = frozenset({KeyRight.TELEMETRY})
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        key = await rooms.fleet.keys.add(device, rights, ttl_s=60)
    async with open_rooms(tmp_path, clock) as rooms:
        clock.pass_s(59)
        assert (await rooms.fleet.keys.authenticate(str(key), "a")).rights == rights
        ends, stays = rooms.connect(device, key.id), rooms.connect(device, "another")
        rooms.fleet.keys.end_expired()
        assert (ends.ended, stays.ended) == ([], [])
        clock.pass_s(1)
        rooms.fleet.keys.end_expired()
        assert (ends.ended, stays.ended) == ([EndReason.EXPIRED], [])
        assert rooms.fleet.keys.verify(str(key)) is None


async def test_a_rotated_key_has_the_same_rights_and_the_old_one_works_a_while_beside_it(
    tmp_path: Path, clock: Clock
) -> None:
    rights = frozenset({KeyRight.TELEMETRY, KeyRight.COMMANDS})
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("boiler-1")
        other, _ = await rooms.add("pump-1")
        old = await rooms.fleet.keys.add(device, rights)
        with pytest.raises(NotFound):
            await rooms.fleet.keys.rotate(other, old.id, 60)
        new = await rooms.fleet.keys.rotate(device, old.id, 60)
        assert await rooms.fleet.keys.rotate(device, old.id, 3600)  # does not keep the old one for longer
    async with open_rooms(tmp_path, clock) as rooms:
        for key in (old, new):
            assert (await rooms.fleet.keys.authenticate(str(key), "a")).rights == rights
        clock.pass_s(60)
        assert rooms.fleet.keys.verify(str(old)) is None
        assert rooms.fleet.keys.verify(str(new)) is not None
        with pytest.raises(Conflict):
            await rooms.fleet.keys.rotate(device, old.id, 60)
