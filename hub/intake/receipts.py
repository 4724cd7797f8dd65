"""What the intake answers: what became of the readings of one call, and when all of it is on disk."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from hub.errors import StoreError
from hub.history.commit import Commit
from hub.model import Refusal


class Receipt(NamedTuple):
    """What became of the readings of one call."""

    accepted: int  # taken, or repeated and dropped: nothing more is needed of them
    refusals: Sequence[Refusal]  # the intake's own; what the transport could not read is not among them
    stored: Commit  # done when all of this call, rejections included, is on disk; many calls share it
    wait_s: float  # over 0: the device is over its rate; read no more from it for so long
    limit: str = ""  # which one it is over then

    async def until_stored(self, timeout_s: float | None = None) -> None:
        """Wait until all of this call is on disk. Raises StoreError where that does not come (in time)."""
        await until_stored(self.stored, timeout_s)


async def until_stored(stored: Commit, timeout_s: float | None = None) -> None:
    """Wait for a commit that others wait for too: the waiter may be cancelled, the commit's future never is.

    Raises StoreError when it is not done in time, and when the hub stopped before it was done.
    """
    if not stored.done():
        await asyncio.wait([stored], timeout=timeout_s)
    if not stored.done():
        raise StoreError(f"not on disk within {timeout_s:g} s")
    if stored.cancelled():
        raise StoreError("the hub stopped before this was on disk")
