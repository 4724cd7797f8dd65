from collections.abc import Iterable
from dataclasses import fields

from hub.model import ApiKey
from hub.registry.database import Database

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
        return await self._database.read(
            lambda found: [ApiKey(**row) for row in found.rows("SELECT * FROM keys")]
        )

    async def add(self, key: ApiKey) -> None:
        """Add one more key of a device."""
        await self._database.write(lambda written: written.insert("keys", row_of(key)))

    async def update(self, changed: Iterable[ApiKey]) -> None:
        """Write the last use and the revocation of keys. None is made, and a revocation is never undone."""
        rows = [row_of(key) for key in changed]
        if not rows:
            return
        sql = """UPDATE keys SET last_used_at = :last_used_at, last_used_from = :last_used_from,
            revoked_at = coalesce(:revoked_at, revoked_at) WHERE id = :id"""
        await self._database.write(lambda written: written.run_many(sql, rows))
