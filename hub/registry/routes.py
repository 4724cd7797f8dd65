from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.model.route import Route, read_route, write_route
from hub.registry.database import Database, Transaction, from_json, to_json

_UPDATE = "UPDATE routes SET body = :body, updated_at = :updated_at, by_whom = :by_whom WHERE id = :id"


class StoredRoutes:
    """Which alerts go to whom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Route]:
        """All routes, oldest first."""
        sql = "SELECT * FROM routes ORDER BY id"
        return await self._database.read(lambda found: [_route(row) for row in found.rows(sql)])

    async def add(self, route: Route) -> Route:
        """Add a route (its `id` is ignored); returned with its id."""
        row = {**_row(route), "created_at": route.created_at}
        return replace(route, id=await self._database.write(lambda written: written.insert("routes", row)))

    async def update(self, route: Route) -> None:
        """Write how a route is now."""
        row = _row(route)
        await self._database.write(lambda written: written.run(_UPDATE, **row, id=route.id))

    async def remove(self, route_id: int) -> None:
        """Take a route away, with what waited for its time by it."""

        def remove(written: Transaction) -> None:
            written.run("DELETE FROM routes WHERE id = :id", id=route_id)
            written.run("DELETE FROM watches WHERE route = :id", id=route_id)

        await self._database.write(remove)


def _row(route: Route) -> dict[str, object]:
    return {"body": to_json(write_route(route)), "updated_at": route.updated_at, "by_whom": route.by}


def _route(row: Mapping[str, Any]) -> Route:
    route = read_route(from_json(row["body"]), row["id"])
    return replace(route, created_at=row["created_at"], updated_at=row["updated_at"], by=row["by_whom"])
