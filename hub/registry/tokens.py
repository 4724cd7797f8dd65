from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from hub.model import Grant, Right, Role, Scope, Token, TokenKind
from hub.registry.database import Database, from_json, to_json

_UPDATE = """UPDATE tokens SET last_used_at = :last_used_at, last_used_from = :last_used_from,
    revoked_at = coalesce(:revoked_at, revoked_at) WHERE id = :id"""


class StoredTokens:
    """The tokens of programs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Token]:
        """All tokens, revoked ones too, oldest first."""
        sql = "SELECT * FROM tokens ORDER BY created_at, id"
        return await self._database.read(lambda found: [_token(row) for row in found.rows(sql)])

    async def add(self, token: Token) -> None:
        """Add a token."""
        row = {one.name: getattr(token, one.name) for one in fields(token) if one.name != "grant"}
        row["grants"] = grants_to_json([token.grant])
        row["rights"] = None if token.rights is None else to_json(sorted(token.rights))
        await self._database.write(lambda written: written.insert("tokens", row))

    async def update(self, changed: Iterable[Token]) -> None:
        """Write the last use and the revocation of tokens. A revocation is never undone."""
        rows = [_uses(token) for token in changed]
        if rows:
            await self._database.write(lambda written: written.run_many(_UPDATE, rows))

    async def remove(self, tokens: Iterable[Token]) -> None:
        """Forget tokens that have long been over."""
        rows = [{"id": token.id} for token in tokens]
        if rows:
            sql = "DELETE FROM tokens WHERE id = :id"
            await self._database.write(lambda written: written.run_many(sql, rows))


def _uses(token: Token) -> dict[str, object]:
    return {name: getattr(token, name) for name in ("id", "last_used_at", "last_used_from", "revoked_at")}


def _token(row: Mapping[str, Any]) -> Token:
    [grant] = grants_from_json(row["grants"])
    rights = row["rights"]
    limited = None if rights is None else frozenset(Right(one) for one in from_json(rights))
    kept = {name: value for name, value in row.items() if name not in ("grants", "rights", "kind")}
    return Token(**kept, kind=TokenKind(row["kind"]), grant=grant, rights=limited)


def grants_to_json(grants: Iterable[Grant]) -> bytes:
    """Grants as the tables have them."""
    return to_json(
        [
            {
                "role": grant.role,
                "devices": None if grant.scope is None else sorted(grant.scope.devices),
                "labels": None if grant.scope is None else sorted(grant.scope.labels),
            }
            for grant in grants
        ]
    )


def grants_from_json(stored: object) -> tuple[Grant, ...]:
    """Grants from the tables."""
    found = []
    for one in from_json(stored):
        scope = None
        if one["devices"] is not None:
            scope = Scope(frozenset(one["devices"]), frozenset((key, value) for key, value in one["labels"]))
        found.append(Grant(Role(one["role"]), scope))
    return tuple(found)
