from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from hub.model import ALL_KEY_RIGHTS, ApiKey, KeyRight
from hub.registry.database import Database, Transaction, from_json, to_json

# By name and not by `asdict`, which takes 40 µs a key: many are added at once.
_FIELDS = tuple(field.name for field in fields(ApiKey))


def row_of(key: ApiKey) -> dict[str, object]:
    """A key as its table has it."""
    row = {name: getattr(key, name) for name in _FIELDS}
    row["rights"] = None if key.rights == ALL_KEY_RIGHTS else to_json(sorted(key.rights))
    return row


def _key(row: dict[str, Any]) -> ApiKey:
    rights = row.pop("rights")
    if rights is None:
        return ApiKey(**row)
    return ApiKey(**row, rights=frozenset(KeyRight(one) for one in from_json(rights)))


class StoredKeys:
    """The devices' API keys. A device's first key is added with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[ApiKey]:
        """All keys, revoked ones too."""
        return await self._database.read(
            lambda found: [_key(row) for row in found.rows("SELECT * FROM keys")]
        )

    async def add(
        self, key: ApiKey, replaced: ApiKey | None = None, forgotten: Iterable[ApiKey] = ()
    ) -> None:
        """Add one more key of a device, write the end of the one that it replaces, and take others away; or
        do nothing of it.
        """
        ids = [{"id": one.id} for one in forgotten]

        def add(transaction: Transaction) -> None:
            if ids:
                transaction.run_many("DELETE FROM keys WHERE id = :id", ids)
            transaction.insert("keys", row_of(key))
            if replaced is not None:
                sql = "UPDATE keys SET expires_at = :expires_at WHERE id = :id"
                transaction.run(sql, id=replaced.id, expires_at=replaced.expires_at)

        await self._database.write(add)

    async def update(self, changed: Iterable[ApiKey]) -> None:
        """Write the last use and the revocation of keys. None is made, and a revocation is never undone."""
        rows = [row_of(key) for key in changed]
        if not rows:
            return
        sql = """UPDATE keys SET last_used_at = :last_used_at, last_used_from = :last_used_from,
            revoked_at = coalesce(:revoked_at, revoked_at) WHERE id = :id"""
        await self._database.write(lambda written: written.run_many(sql, rows))
