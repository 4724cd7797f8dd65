from hub.errors import StoreError
from hub.fleet.commands import Commands
from hub.fleet.devices import Devices
from hub.fleet.keys import Keys
from hub.fleet.presence import Roster
from hub.history.commit import Commit
from hub.intake.accept import Ingest
from hub.logs import Logger
from hub.model import Device
from hub.registry.devices import StoredDevices
from hub.timers import aligned_sleep

CONFIRM_INTERVAL_S = 10.0

_log = Logger("removal")


class Removal:
    """Removes devices with all that is theirs. The history lets go of the readings later, and a removal is
    noted in the registry until then: one that was cut short is finished at the next start.
    """

    def __init__(
        self,
        stored: StoredDevices,
        devices: Devices,
        keys: Keys,
        commands: Commands,
        roster: Roster,
        ingest: Ingest,
    ) -> None:
        self._stored = stored
        self._devices = devices
        self._keys = keys
        self._commands = commands
        self._roster = roster
        self._ingest = ingest
        self._leaving: dict[int, Commit] = {}  # done when the history has let go of them

    async def restore(self) -> None:
        """Finish what an earlier run began; it costs nothing to tell the history twice."""
        if numbers := await self._stored.removed():
            self._leaving = dict.fromkeys(numbers, self._ingest.forget(numbers))

    async def remove(self, device: Device) -> None:
        """Remove a device: its sessions end, its keys stop working, its readings go.

        Raises NotFound, StoreError.
        """
        async with self._devices.held(device):
            await self._stored.remove(device)
            self._devices.forget(device)
            self._keys.forget(device)
            self._commands.forget(device)
            self._roster.remove(device)
            self._leaving[device.number] = self._ingest.close(device)

    async def run(self) -> None:
        """Note which removals are done, again and again until cancelled."""
        while True:
            await aligned_sleep(CONFIRM_INTERVAL_S)
            await self.confirm()

    async def confirm(self) -> None:
        """Note of which removed devices nothing is left. A disk that says no is tried again later."""
        done = {number for number, gone in self._leaving.items() if gone.done() and not gone.cancelled()}
        if not done:
            return
        try:
            await self._stored.confirm_removed(done)
        except StoreError as error:
            _log.error("cannot note that removed devices are gone; retrying", why=str(error))
            return
        self._leaving = {number: gone for number, gone in self._leaving.items() if number not in done}
