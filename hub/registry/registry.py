from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.errors import StoreError
from hub.registry.attributes import StoredAttributes
from hub.registry.commands import StoredCommands
from hub.registry.database import Database
from hub.registry.devices import StoredDevices
from hub.registry.keys import StoredKeys
from hub.registry.people import StoredCredentials
from hub.registry.schema import notes, secrets


class Registry:
    """Values in, values out, by what they are of. Every method is one transaction, on disk when it returns;
    it raises StoreError when it cannot be.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.devices = StoredDevices(database)
        self.keys = StoredKeys(database)
        self.attributes = StoredAttributes(database)
        self.commands = StoredCommands(database)
        self.credentials = StoredCredentials(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Registry"]:
        """The registry in the file at `path`, made or migrated as needed. Raises StoreError."""
        async with Database.open(path) as database:
            yield cls(database)

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The kept secret of that name; `fresh` becomes it if there is none yet."""
        async with self._database.write() as connection:
            row = {"name": name, "value": fresh}
            await connection.execute(upsert(secrets).values(row).on_conflict_do_nothing())
            kept = await connection.scalar(select(secrets.c.value).where(secrets.c.name == name))
        if kept is None:
            raise StoreError(f"registry: the secret {name!r} could not be kept")
        return bytes(kept)

    async def noted(self, name: str) -> int:
        """What an earlier run of the hub noted under that name; 0 where there is nothing."""
        async with self._database.read() as connection:
            return int(await connection.scalar(select(notes.c.value).where(notes.c.name == name)) or 0)

    async def note(self, name: str, value: int) -> None:
        """Note it in place of what was there."""
        noting = upsert(notes).values(name=name, value=value)
        async with self._database.write() as connection:
            await connection.execute(
                noting.on_conflict_do_update(index_elements=["name"], set_={"value": noting.excluded.value})
            )
