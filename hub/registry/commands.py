from dataclasses import asdict, replace
from typing import Any

from hub.model import Command, CommandState, Device
from hub.registry.database import Database, from_json, to_json

# The two times it begins with change only when the hub's clock was set.
_UPDATE = """UPDATE commands SET created_at = :created_at, expires_at = :expires_at, state = :state,
    sent_at = :sent_at, answered_at = :answered_at, response = :response WHERE id = :id"""
_OF = """SELECT * FROM commands WHERE device = :device AND (:before IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit"""
_OPEN = "SELECT * FROM commands WHERE state IN (:queued, :sent) ORDER BY id"


class StoredCommands:
    """The commands to devices, and how far each has come."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, command: Command) -> Command:
        """Add a command (its `id` is ignored); returned with its id."""
        row = _row(command)
        del row["id"]
        return replace(
            command, id=await self._database.write(lambda written: written.insert("commands", row))
        )

    async def update(self, command: Command) -> None:
        """Write how far a command has come."""
        row = _row(command)
        await self._database.write(lambda written: written.run(_UPDATE, **row))

    async def of(self, device: Device, limit: int, before: int | None = None) -> list[Command]:
        """A device's commands, newest first; with `before`, those older than the one with that id."""
        return await self._read(_OF, device=device.number, before=before, limit=limit)

    async def open(self) -> list[Command]:
        """The commands that wait for delivery or an answer, oldest first."""
        return await self._read(_OPEN, queued=CommandState.QUEUED, sent=CommandState.SENT)

    async def _read(self, sql: str, **values: object) -> list[Command]:
        return await self._database.read(lambda found: [_command(row) for row in found.rows(sql, **values)])


def _row(command: Command) -> dict[str, Any]:
    row = asdict(command)
    return {**row, "params": to_json(row["params"]), "response": to_json(row["response"])}


def _command(row: dict[str, Any]) -> Command:
    state = CommandState(row["state"])
    params, response = (from_json(row[name]) for name in ("params", "response"))
    return Command(**{**row, "state": state, "params": params, "response": response})
