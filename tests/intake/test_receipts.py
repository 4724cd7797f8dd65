"""What the intake answers, and waiting for it."""

import asyncio

import pytest

from hub.errors import StoreError
from hub.history.commit import Commit
from hub.intake.receipts import until_stored
from hub.model import Reading, Refusal
from tests.rooms import Rooms


async def test_a_receipt_holds_the_refusals_of_the_intake_and_no_others(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    rooms.ingest.accept(device, [Reading(None, {"a": 1.0})], "mqtt")
    unread = [Refusal(-1, "unreadable", "not JSON", b"\xff"), Refusal(0, "time", "ts: …", b"{}")]
    receipt = rooms.ingest.accept(device, [Reading(None, {"a": True})], "mqtt", unread)
    assert [(one.position, one.code) for one in receipt.refusals] == [(0, "type")]
    await receipt.until_stored()
    assert len(await rooms.history.rejections(device, 10)) == 3


async def test_who_stops_waiting_for_a_commit_leaves_it_to_the_others(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    receipts = [rooms.ingest.accept(device, [Reading(None, {"a": 1.0})], "mqtt") for _ in range(2)]
    assert receipts[0].stored is receipts[1].stored
    waiting = [asyncio.create_task(receipt.until_stored()) for receipt in receipts]
    await asyncio.sleep(0)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await waiting[1]
    assert not receipts[1].stored.cancelled()


async def test_a_commit_that_does_not_come_is_an_error_and_goes_on() -> None:
    stored = Commit(loop=asyncio.get_running_loop())
    with pytest.raises(StoreError, match=r"not on disk within 0\.001 s"):
        await until_stored(stored, 0.001)
    assert not stored.cancelled()
    stored.abandon()  # what a stopping history does
    with pytest.raises(StoreError, match="stopped"):
        await until_stored(stored)
