import sqlite3
from dataclasses import fields

from hub.errors import Conflict
from hub.model import Passkey
from hub.registry.database import Database


class StoredPasskeys:
    """The passkeys of people. They go with the person, in `StoredOperators.remove`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Passkey]:
        """All, oldest first."""
        sql = "SELECT * FROM passkeys ORDER BY created_at, id"
        return [Passkey(**row) for row in await self._database.read(lambda found: found.rows(sql))]

    async def add(self, passkey: Passkey) -> None:
        """Add one. Raises Conflict."""
        row = {one.name: getattr(passkey, one.name) for one in fields(passkey)}
        try:
            await self._database.write(lambda written: written.insert("passkeys", row))
        except sqlite3.IntegrityError as error:
            raise Conflict("this passkey is known already") from error

    async def note_use(self, passkey: Passkey) -> None:
        """Write when it was used last, and how often it says it was."""
        sql = "UPDATE passkeys SET sign_count = :count, last_used_at = :at WHERE id = :id"
        count, at = passkey.sign_count, passkey.last_used_at
        await self._database.write(lambda written: written.run(sql, count=count, at=at, id=passkey.id))

    async def remove(self, passkey: Passkey) -> None:
        """Remove it."""
        sql = "DELETE FROM passkeys WHERE id = :id"
        await self._database.write(lambda written: written.run(sql, id=passkey.id))
