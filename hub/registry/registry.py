from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.registry.alerts import StoredAlerts
from hub.registry.attributes import StoredAttributes
from hub.registry.audit import StoredAudit
from hub.registry.commands import StoredCommands
from hub.registry.database import Database, Transaction
from hub.registry.deliveries import StoredDeliveries
from hub.registry.devices import StoredDevices
from hub.registry.inbox import StoredInbox
from hub.registry.keys import StoredKeys
from hub.registry.methods import StoredMethods
from hub.registry.notes import StoredNotes
from hub.registry.operators import StoredOperators
from hub.registry.passkeys import StoredPasskeys
from hub.registry.people import StoredCredentials
from hub.registry.provided import StoredProvidedSessions
from hub.registry.routes import StoredRoutes
from hub.registry.rules import StoredRules
from hub.registry.silences import StoredSilences
from hub.registry.targets import StoredTargets
from hub.registry.tokens import StoredTokens


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
        self.methods = StoredMethods(database)
        self.credentials = StoredCredentials(database)
        self.tokens = StoredTokens(database)
        self.operators = StoredOperators(database)
        self.passkeys = StoredPasskeys(database)
        self.audit = StoredAudit(database)
        self.provided = StoredProvidedSessions(database)
        self.rules = StoredRules(database)
        self.alerts = StoredAlerts(database)
        self.silences = StoredSilences(database)
        self.targets = StoredTargets(database)
        self.routes = StoredRoutes(database)
        self.deliveries = StoredDeliveries(database)
        self.notes = StoredNotes(database)
        self.inbox = StoredInbox(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Registry"]:
        """The registry in the file at `path`, made or migrated as needed. Raises StoreError."""
        async with Database.open(path) as database:
            yield cls(database)

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The kept secret of that name; `fresh` becomes it if there is none yet."""

        def keep(transaction: Transaction) -> bytes:
            adding = "INSERT INTO secrets VALUES (:name, :fresh) ON CONFLICT DO NOTHING"
            transaction.run(adding, name=name, fresh=fresh)
            return bytes(transaction.value("SELECT value FROM secrets WHERE name = :name", name=name))

        return await self._database.write(keep)

    async def noted(self, name: str) -> int:
        """What an earlier run of the hub noted under that name; 0 where there is nothing."""
        sql = "SELECT value FROM notes WHERE name = :name"
        return int(await self._database.read(lambda found: found.value(sql, name=name)) or 0)

    async def note(self, name: str, value: int) -> None:
        """Note it in place of what was there."""
        sql = """INSERT INTO notes VALUES (:name, :value)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
        await self._database.write(lambda written: written.run(sql, name=name, value=value))
