from collections.abc import Mapping

from sqlalchemy import LargeBinary, cast, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.errors import Invalid
from hub.model import Device
from hub.registry.database import Database
from hub.registry.schema import attributes

_BYTES = func.length(cast(attributes.c.name, LargeBinary)) + func.length(
    cast(attributes.c.value, LargeBinary)
)


class StoredAttributes:
    """The devices' attributes, by scope: reported by the device, or shared with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, device: Device) -> dict[str, dict[str, object]]:
        """A device's attributes: {"device": {name: value}, "shared": {name: value}}."""
        found: dict[str, dict[str, object]] = {"device": {}, "shared": {}}
        async with self._database.read() as connection:
            query = select(attributes).where(attributes.c.device == device.number).order_by(attributes.c.name)
            for row in await connection.execute(query):
                found[row.scope][row.name] = row.value
        return found

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
        kept = [
            {"device": device.number, "scope": scope, "name": name, "value": value, "updated_at": now}
            for name, value in values.items()
            if value is not None
        ]
        gone = [name for name, value in values.items() if value is None]
        mine = (attributes.c.device == device.number) & (attributes.c.scope == scope)
        async with self._database.write() as connection:
            if gone:
                await connection.execute(delete(attributes).where(mine & attributes.c.name.in_(gone)))
            if kept:
                statement = upsert(attributes)
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["device", "scope", "name"],
                        set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
                    ),
                    kept,
                )
            count = await connection.scalar(select(func.count()).select_from(attributes).where(mine))
            if count is not None and count > count_max:
                raise Invalid(f"{count} attributes would be kept of {device.id!r}; at most {count_max}")
            size = await connection.scalar(
                select(func.sum(_BYTES)).where(attributes.c.device == device.number)
            )
            if size is not None and size > bytes_max:
                raise Invalid(
                    f"{size} bytes of attributes would be kept of {device.id!r}; at most {bytes_max}"
                )
