"""How often devices report, kept for the next run of the hub."""

from hub.errors import StoreError
from hub.fleet.presence import Roster
from hub.logs import Logger
from hub.registry.devices import StoredDevices
from hub.timers import aligned_sleep

# At most one write in so much time, of all devices whose interval has changed notably.
WRITE_INTERVAL_S = 60.0

_log = Logger("fleet")


class LearntIntervals:
    """Writes what the roster learns, so that a device that sleeps is known to after a restart."""

    def __init__(self, stored: StoredDevices, roster: Roster) -> None:
        self._stored = stored
        self._roster = roster

    async def run(self) -> None:
        """Write now and then, until cancelled; then write once more."""
        try:
            while True:
                await aligned_sleep(WRITE_INTERVAL_S)
                await self.write()
        finally:
            await self.write()

    async def write(self) -> int:
        """Write what has changed notably since the last time; of how many devices that was.

        A disk that says no is tried again at the next turn.
        """
        learnt = self._roster.newly_learnt()
        if not learnt:
            return 0
        try:
            await self._stored.keep_learnt_intervals(learnt)
        except StoreError as error:
            _log.error("cannot write how often devices report; retrying", why=str(error))
            return 0
        self._roster.kept(learnt)
        return len(learnt)
