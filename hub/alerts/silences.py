"""What nobody is to be told of for a while."""

from collections.abc import Callable

from hub.alerts.ledger import Ledger
from hub.errors import Conflict, NotFound, StoreError
from hub.logs import Logger
from hub.model import Silence
from hub.registry.silences import StoredSilences
from hub.timers import aligned_sleep

SILENCES_MAX = 1_000
LOOK_S = 1.0

_log = Logger("alerts")


class Silences:
    """Silences by their id, which end by themselves. `clock` is the hub's, µs UTC."""

    def __init__(self, stored: StoredSilences, ledger: Ledger, clock: Callable[[], int]) -> None:
        self._stored = stored
        self._ledger = ledger
        self._clock = clock

    async def restore(self) -> None:
        """Go on with those that are not over. Raises StoreError."""
        for silence in await self._stored.all():
            self._ledger.silences[silence.id] = silence
        await self.end_those_over()

    def all(self) -> list[Silence]:
        """Those that hold now, oldest first."""
        return list(self._ledger.silences.values())

    def find(self, silence_id: int) -> Silence:
        """One that holds. Raises NotFound."""
        try:
            return self._ledger.silences[silence_id]
        except KeyError:
            raise NotFound(f"there is no silence {silence_id}") from None

    async def add(self, silence: Silence) -> Silence:
        """A new one. Raises Conflict for one too many, StoreError."""
        if len(self._ledger.silences) >= SILENCES_MAX:
            raise Conflict(f"there are {SILENCES_MAX} silences; end some of them")
        added = await self._stored.add(silence)
        self._ledger.silence_all(added)
        return added

    async def remove(self, silence_id: int) -> None:
        """End one now. Raises NotFound, StoreError."""
        silence = self.find(silence_id)
        await self._stored.remove(silence_id)
        self._ledger.lift(silence)

    async def end_those_over(self) -> None:
        """End those whose time has come. Raises StoreError."""
        now = self._clock()
        for silence in self.all():
            if silence.until <= now:
                await self._stored.remove(silence.id)
                self._ledger.lift(silence)

    async def run(self) -> None:
        """End those whose time has come, until cancelled."""
        while True:
            await aligned_sleep(LOOK_S)
            try:
                await self.end_those_over()
            except StoreError as error:
                _log.error("a silence that is over cannot be taken away; retrying", why=str(error))
