from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Select, insert, select, update

from hub.model import Command, CommandState, Device
from hub.registry.database import Database, new_id
from hub.registry.schema import commands

# What changes of a command; the first two only when the hub's clock was set.
STEPS = ("created_at", "expires_at", "state", "sent_at", "answered_at", "response")


class StoredCommands:
    """The commands to devices, and how far each has come."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, command: Command) -> Command:
        """Add a command (its `id` is ignored); returned with its id."""
        row = asdict(command)
        del row["id"]
        async with self._database.write() as connection:
            result = await connection.execute(insert(commands).values(row))
        return replace(command, id=new_id(result))

    async def update(self, command: Command) -> None:
        """Write how far a command has come."""
        row = {name: getattr(command, name) for name in STEPS}
        async with self._database.write() as connection:
            await connection.execute(update(commands).where(commands.c.id == command.id).values(row))

    async def of(self, device: Device, limit: int, before: int | None = None) -> list[Command]:
        """A device's commands, newest first; with `before`, those older than the one with that id."""
        query = select(commands).where(commands.c.device == device.number)
        if before is not None:
            query = query.where(commands.c.id < before)
        return await self._read(query.order_by(commands.c.id.desc()).limit(limit))

    async def open(self) -> list[Command]:
        """The commands that wait for delivery or an answer, oldest first."""
        waiting = commands.c.state.in_([CommandState.QUEUED, CommandState.SENT])
        return await self._read(select(commands).where(waiting).order_by(commands.c.id))

    async def _read(self, query: Select[Any]) -> list[Command]:
        async with self._database.read() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(query)]
        return [Command(**{**row, "state": CommandState(row["state"])}) for row in rows]
