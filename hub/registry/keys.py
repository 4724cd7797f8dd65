from collections.abc import Iterable
from dataclasses import fields

from sqlalchemy import bindparam, func, insert, select, update

from hub.model import ApiKey
from hub.registry.database import Database
from hub.registry.schema import keys

# By name and not by `asdict`, which takes 40 µs a key: many are added at once.
_FIELDS = tuple(field.name for field in fields(ApiKey))


def row_of(key: ApiKey) -> dict[str, object]:
    """A key as its table has it."""
    return {name: getattr(key, name) for name in _FIELDS}


class StoredKeys:
    """The devices' API keys. A device's first key is added with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[ApiKey]:
        """All keys, revoked ones too."""
        async with self._database.read() as connection:
            return [ApiKey(**row._mapping) for row in await connection.execute(select(keys))]

    async def add(self, key: ApiKey) -> None:
        """Add one more key of a device."""
        async with self._database.write() as connection:
            await connection.execute(insert(keys).values(row_of(key)))

    async def update(self, changed: Iterable[ApiKey]) -> None:
        """Write the last use and the revocation of keys. None is made, and a revocation is never undone."""
        rows = [
            {
                "key_id": key.id,
                "at": key.last_used_at,
                "address": key.last_used_from,
                "revoked": key.revoked_at,
            }
            for key in changed
        ]
        if not rows:
            return
        statement = (
            update(keys)
            .where(keys.c.id == bindparam("key_id"))
            .values(
                last_used_at=bindparam("at"),
                last_used_from=bindparam("address"),
                revoked_at=func.coalesce(bindparam("revoked"), keys.c.revoked_at),
            )
        )
        async with self._database.write() as connection:
            await connection.execute(statement, rows)
