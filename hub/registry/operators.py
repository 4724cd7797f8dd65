import sqlite3

from hub.errors import Conflict
from hub.model import Operator
from hub.registry.database import Database, Transaction
from hub.registry.inbox import forget_person
from hub.registry.tokens import grants_from_json, grants_to_json


class StoredOperators:
    """The people who use the hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Operator]:
        """All, by name."""
        rows = await self._database.read(lambda found: found.rows("SELECT * FROM operators ORDER BY name"))
        return [Operator(**{**row, "grants": grants_from_json(row["grants"])}) for row in rows]

    async def add(self, operator: Operator) -> None:
        """Add one. Raises Conflict."""
        row = {
            "name": operator.name,
            "grants": grants_to_json(operator.grants),
            "created_at": operator.created_at,
            "password": operator.password,
            "issuer": operator.issuer,
            "subject": operator.subject,
            "checked_at": operator.checked_at,
        }
        try:
            await self._database.write(lambda written: written.insert("operators", row))
        except sqlite3.IntegrityError as error:
            raise Conflict(f"an operator {operator.name!r} exists already") from error

    async def update(self, operator: Operator) -> None:
        """Write what one may, the password, and when a provider said so last."""
        sql = """UPDATE operators SET grants = :grants, password = :password, checked_at = :checked_at
            WHERE name = :name"""
        values = {
            "name": operator.name,
            "grants": grants_to_json(operator.grants),
            "password": operator.password,
            "checked_at": operator.checked_at,
        }
        await self._database.write(lambda written: written.run(sql, **values))

    async def remove(self, name: str) -> None:
        """Remove one, with sessions, links and passkeys, and what others wrote to them alone.

        What they wrote to others stays, and is nobody's.
        """

        def remove(transaction: Transaction) -> None:
            transaction.run("DELETE FROM operators WHERE name = :name", name=name)
            transaction.run("DELETE FROM credentials WHERE name = :name", name=name)
            transaction.run("DELETE FROM passkeys WHERE operator = :name", name=name)
            forget_person(transaction, name)

        await self._database.write(remove)
