from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.model.target import AlertTarget, TargetKind
from hub.registry.database import Database

_UPDATE = """UPDATE targets SET name = :name, kind = :kind, address = :address, secret = :secret
    WHERE id = :id"""


class StoredTargets:
    """Whom alerts are told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[AlertTarget]:
        """All targets, oldest first."""
        sql = "SELECT * FROM targets ORDER BY id"
        return await self._database.read(lambda found: [_target(row) for row in found.rows(sql)])

    async def add(self, target: AlertTarget) -> AlertTarget:
        """Add a target (its `id` is ignored); returned with its id."""
        row = {**_row(target), "created_at": target.created_at, "by_whom": target.by}
        return replace(target, id=await self._database.write(lambda written: written.insert("targets", row)))

    async def update(self, target: AlertTarget) -> None:
        """Write how a target is now."""
        row = _row(target)
        await self._database.write(lambda written: written.run(_UPDATE, **row, id=target.id))

    async def remove(self, target_id: int) -> None:
        """Take a target away."""
        sql = "DELETE FROM targets WHERE id = :id"
        await self._database.write(lambda written: written.run(sql, id=target_id))


def _row(target: AlertTarget) -> dict[str, object]:
    return {
        "name": target.name,
        "kind": target.kind.value,
        "address": target.address,
        "secret": target.secret,
    }


def _target(row: Mapping[str, Any]) -> AlertTarget:
    return AlertTarget(
        row["id"],
        row["name"],
        TargetKind(row["kind"]),
        row["address"],
        row["secret"],
        row["created_at"],
        row["by_whom"],
    )
