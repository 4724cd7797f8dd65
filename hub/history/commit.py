import asyncio
from collections.abc import Generator

from hub.errors import StoreError


class Commit(asyncio.Future[None]):
    """Done when a batch is on disk; cancelled when it never will be, which only `abandon` says.

    Many wait for one commit. A task that awaits a plain future and is cancelled cancels that future too, and
    with it everyone else's wait. Not so here: `await commit` ends only the wait that was cancelled, and
    `cancel` does nothing.
    """

    def __await__(self) -> Generator[object, None, None]:
        """Raises StoreError when it was abandoned."""
        yield from asyncio.wait([self]).__await__()
        if self.cancelled():
            raise StoreError("the hub stopped before this was on disk")

    def cancel(self, msg: object = None) -> bool:
        """Nothing: a wait that is cancelled must not end the others."""
        del msg
        return False

    def abandon(self) -> None:
        """The hub stops before this batch is on disk: those who wait must not acknowledge it."""
        super().cancel()
