"""A command to all devices with a label: each gets its own, and the batch tells how far all have come."""

import asyncio
from collections.abc import Callable, Sequence

from hub.errors import Invalid, NotFound
from hub.fleet.commands import OPEN_MAX, Commands
from hub.model import Command, CommandBatch, Device
from hub.registry.commands import StoredCommands

AT_ONCE = 100  # sent in one turn of the loop


class Batches:
    """Sends them. `clock` gives µs UTC."""

    def __init__(self, stored: StoredCommands, commands: Commands, clock: Callable[[], int]) -> None:
        self._stored = stored
        self._commands = commands
        self._clock = clock

    async def send(
        self,
        label: str,
        devices: Sequence[Device],
        method: str,
        params: object,
        timeout_s: float,
        request: bytes | None = None,
    ) -> CommandBatch:
        """Send a command to each of these devices, which carry the label, k=v.

        To one that has too many open commands it fails at once. Where `request` was asked before, nothing is
        sent. Raises Invalid, StoreError.
        """
        made = [self._made(device, method, params, timeout_s) for device in devices]
        batch, added = await self._stored.add_batch(
            CommandBatch(0, label, method, params, self._clock()), made, request
        )
        if (batch.label, batch.method, batch.params) != (label, method, params):
            raise Invalid("this key came with another body before", "Idempotency-Key")
        for place, (device, command) in enumerate(zip(devices, added, strict=False)):
            if command.state.is_open:
                self._commands.take_up(device, command)
            if place % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # the readings of others have their turn
        return batch

    def _made(self, device: Device, method: str, params: object, timeout_s: float) -> Command:
        command = self._commands.made(device, method, params, timeout_s)
        if self._commands.open_count(device) < OPEN_MAX:
            return command
        return command.failed(command.created_at, f"the device has {OPEN_MAX} open commands")

    async def find(self, batch_id: int) -> tuple[CommandBatch, Sequence[Command]]:
        """A batch, and how far its commands have come. Raises NotFound."""
        found = await self._stored.batch(batch_id)
        if found is None:
            raise NotFound(f"there is no batch {batch_id}")
        batch, commands = found
        return batch, self._commands.newest(commands)
