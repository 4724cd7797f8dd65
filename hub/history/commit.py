import asyncio
from collections.abc import Callable, Generator

from hub.errors import StoreError


class Commit(asyncio.Future[None]):
    """Done when a batch is on disk; cancelled when it never will be, which only `abandon` says.

    Many wait for one commit. A task that awaits a plain future and is cancelled cancels that future too, and
    with it everyone else's wait. Not so here: `await commit` ends only the wait that was cancelled, and
    `cancel` does nothing.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(loop=loop)
        self._to_tell: list[Callable[[Commit], None]] = []

    def tell(self, told: Callable[["Commit"], None]) -> None:
        """Call this in the moment it is done or abandoned. `add_done_callback` would take another turn of the
        loop, which is a tenth of what a quiet hub does for a reading.
        """
        if self.done():
            self.add_done_callback(told)
        else:
            self._to_tell.append(told)

    def set_result(self, result: None) -> None:
        """It is on disk."""
        super().set_result(result)
        self._tell()

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
        self._tell()

    def _tell(self) -> None:
        """One that fails must not keep it from the others."""
        to_tell, self._to_tell = self._to_tell, []
        for told in to_tell:
            try:
                told(self)
            except Exception as error:  # noqa: BLE001
                context = {"message": "what waited for a commit has failed", "exception": error}
                self.get_loop().call_exception_handler(context)
