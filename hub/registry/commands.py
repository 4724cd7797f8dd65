from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from hub.model import Command, CommandBatch, CommandState, Device
from hub.registry.database import Database, Transaction, from_json, to_json

KEPT_MAX = 1_000
"""How many commands of one device are kept; beyond, the oldest that have ended go."""
BATCHES_MAX = 1_000

# The two times it begins with change only when the hub's clock was set.
_UPDATE = """UPDATE commands SET created_at = :created_at, expires_at = :expires_at, state = :state,
    sent_at = :sent_at, delivered_at = :delivered_at, ended_at = :ended_at, response = :response,
    is_sent_once = :is_sent_once WHERE id = :id"""
_OF = """SELECT * FROM commands WHERE device = :device AND (:before IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit"""
_ONE = "SELECT * FROM commands WHERE device = :device AND id = :id"
_ASKED_BEFORE = "SELECT * FROM commands WHERE device = :device AND request = :request"
_OPEN_STATES = ", ".join(f"'{state}'" for state in CommandState if state.is_open)
_OPEN = f"SELECT * FROM commands WHERE state IN ({_OPEN_STATES}) ORDER BY id"
_FORGET = f"""DELETE FROM commands WHERE device = :device AND state NOT IN ({_OPEN_STATES}) AND id <=
    (SELECT id FROM commands WHERE device = :device ORDER BY id DESC LIMIT 1 OFFSET {KEPT_MAX})"""
_OF_BATCH = "SELECT * FROM commands WHERE batch = :batch ORDER BY id"
_BATCH_ASKED_BEFORE = "SELECT * FROM batches WHERE request = :request"


class StoredCommands:
    """The commands to devices, and how far each has come.

    A `request` is what a request is known by that comes again: what it asked for was done before.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, command: Command, request: bytes | None = None) -> tuple[Command, bool]:
        """Add a command (its `id` is ignored): with its id, or the one from before; and whether it is new."""

        def add(written: Transaction) -> tuple[Command, bool]:
            if request is not None:
                for row in written.rows(_ASKED_BEFORE, device=command.device, request=request):
                    return _command(row), False
            return _add(written, command, request), True

        return await self._database.write(add)

    async def add_batch(
        self, batch: CommandBatch, commands: Sequence[Command], request: bytes | None = None
    ) -> tuple[CommandBatch, list[Command]]:
        """Add a batch and its commands (their ids are ignored); or the batch from before, and no command."""

        def add(written: Transaction) -> tuple[CommandBatch, list[Command]]:
            if request is not None:
                for row in written.rows(_BATCH_ASKED_BEFORE, request=request):
                    return _batch(row), []
            values = asdict(batch)
            del values["id"]
            row = {**values, "params": to_json(batch.params), "request": request}
            added = replace(batch, id=written.insert("batches", row))
            written.run("DELETE FROM batches WHERE id <= :id", id=added.id - BATCHES_MAX)
            return added, [_add(written, replace(one, batch=added.id), None) for one in commands]

        return await self._database.write(add)

    async def update(self, commands: Sequence[Command]) -> None:
        """Write how far commands have come."""
        rows = [_row(one) for one in commands]
        await self._database.write(lambda written: written.run_many(_UPDATE, rows))

    async def of(self, device: Device, limit: int, before: int | None = None) -> list[Command]:
        """A device's commands, newest first; with `before`, those older than the one with that id."""
        return await self._read(_OF, device=device.number, before=before, limit=limit)

    async def one(self, device: Device, command_id: int) -> Command | None:
        """One of a device's commands."""
        return next(iter(await self._read(_ONE, device=device.number, id=command_id)), None)

    async def open(self) -> list[Command]:
        """The commands that wait for delivery or an answer, oldest first."""
        return await self._read(_OPEN)

    async def batch(self, batch_id: int) -> tuple[CommandBatch, list[Command]] | None:
        """A batch, and its commands in the order they were made; those of removed devices are gone."""

        def find(found: Transaction) -> tuple[CommandBatch, list[Command]] | None:
            for row in found.rows("SELECT * FROM batches WHERE id = :id", id=batch_id):
                return _batch(row), [_command(one) for one in found.rows(_OF_BATCH, batch=batch_id)]
            return None

        return await self._database.read(find)

    async def _read(self, sql: str, **values: object) -> list[Command]:
        return await self._database.read(lambda found: [_command(row) for row in found.rows(sql, **values)])


def _add(written: Transaction, command: Command, request: bytes | None) -> Command:
    row = _row(command)
    del row["id"]
    added = replace(command, id=written.insert("commands", {**row, "request": request}))
    written.run(_FORGET, device=command.device)
    return added


def _row(command: Command) -> dict[str, Any]:
    row = asdict(command)
    return {**row, "params": to_json(row["params"]), "response": to_json(row["response"])}


def _command(row: Mapping[str, Any]) -> Command:
    values = {name: value for name, value in row.items() if name != "request"}
    params, response = (from_json(row[name]) for name in ("params", "response"))
    state, once = CommandState(row["state"]), bool(row["is_sent_once"])
    return Command(**{**values, "state": state, "params": params, "response": response, "is_sent_once": once})


def _batch(row: Mapping[str, Any]) -> CommandBatch:
    values = {name: value for name, value in row.items() if name != "request"}
    return CommandBatch(**{**values, "params": from_json(row["params"])})
