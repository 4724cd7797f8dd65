from collections.abc import Mapping

from hub.errors import Invalid
from hub.model import Device
from hub.registry.database import Database, Transaction, from_json, to_json

_PUT = """INSERT INTO attributes (device, scope, name, value, updated_at)
    VALUES (:device, :scope, :name, :value, :now)
    ON CONFLICT (device, scope, name)
    DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"""
_REMOVE = "DELETE FROM attributes WHERE device = :device AND scope = :scope AND name = :name"
_COUNT = "SELECT count(*) FROM attributes WHERE device = :device AND scope = :scope"
_BYTES = """SELECT coalesce(sum(length(CAST(name AS BLOB)) + length(CAST(value AS BLOB))), 0) FROM attributes
    WHERE device = :device"""


class StoredAttributes:
    """The devices' attributes, by scope: reported by the device, or shared with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, device: Device) -> dict[str, dict[str, object]]:
        """A device's attributes: {"device": {name: value}, "shared": {name: value}}."""
        sql = "SELECT scope, name, value FROM attributes WHERE device = :device ORDER BY name"
        found: dict[str, dict[str, object]] = {"device": {}, "shared": {}}
        for row in await self._database.read(lambda stored: stored.rows(sql, device=device.number)):
            found[row["scope"]][row["name"]] = from_json(row["value"])
        return found

    async def shared_with(self) -> set[int]:
        """The numbers of the devices with which operators share any."""
        sql = "SELECT DISTINCT device FROM attributes WHERE scope = 'shared'"
        return await self._database.read(lambda stored: {row["device"] for row in stored.rows(sql)})

    async def put(
        self,
        device: Device,
        scope: str,
        values: Mapping[str, object],
        now: int,
        count_max: int,
        bytes_max: int,
    ) -> None:
        """Set attributes of one scope; None removes one. Over `count_max` raises Invalid and keeps all.

        `bytes_max` bounds all that is kept of the device, both scopes together.
        """
        mine = {"device": device.number, "scope": scope}
        kept = [
            {**mine, "name": name, "value": to_json(value), "now": now}
            for name, value in values.items()
            if value is not None
        ]
        gone = [{**mine, "name": name} for name, value in values.items() if value is None]

        def put(transaction: Transaction) -> None:
            transaction.run_many(_REMOVE, gone)
            transaction.run_many(_PUT, kept)
            count = transaction.value(_COUNT, **mine)
            if count > count_max:
                raise Invalid(f"{count} attributes would be kept of {device.id!r}; at most {count_max}")
            size = transaction.value(_BYTES, device=device.number)
            if size > bytes_max:
                raise Invalid(
                    f"{size} bytes of attributes would be kept of {device.id!r}; at most {bytes_max}"
                )

        await self._database.write(put)
