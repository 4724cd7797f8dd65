from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.model.rule import Rule, read_rule, write_rule
from hub.registry.database import Database, from_json, to_json

_UPDATE = "UPDATE rules SET body = :body, updated_at = :updated_at, by_whom = :by_whom WHERE id = :id"


class StoredRules:
    """The rules that operators made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Rule]:
        """All rules, oldest first."""
        sql = "SELECT * FROM rules ORDER BY id"
        return await self._database.read(lambda found: [_rule(row) for row in found.rows(sql)])

    async def add(self, rule: Rule) -> Rule:
        """Add a rule (its `id` is ignored); returned with its id."""
        row = _row(rule)
        added = await self._database.write(
            lambda written: written.insert("rules", {**row, "created_at": rule.created_at})
        )
        return replace(rule, id=added)

    async def update(self, rule: Rule) -> None:
        """Write how a rule is now."""
        row = _row(rule)
        await self._database.write(lambda written: written.run(_UPDATE, **row, id=rule.id))

    async def remove(self, rule_id: int) -> None:
        """Take a rule away."""
        await self._database.write(
            lambda written: written.run("DELETE FROM rules WHERE id = :id", id=rule_id)
        )


def _row(rule: Rule) -> dict[str, object]:
    return {"body": to_json(write_rule(rule)), "updated_at": rule.updated_at, "by_whom": rule.by}


def _rule(row: Mapping[str, Any]) -> Rule:
    rule = read_rule(from_json(row["body"]), row["id"])
    return replace(rule, created_at=row["created_at"], updated_at=row["updated_at"], by=row["by_whom"])
