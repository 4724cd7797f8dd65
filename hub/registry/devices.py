from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from hub.errors import Conflict
from hub.model import ApiKey, Device, Retention
from hub.registry.database import Database
from hub.registry.keys import row_of
from hub.registry.schema import attributes, commands, devices, keys, removed


class StoredDevices:
    """The devices, and those that were removed until the history has let go of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Device]:
        """All devices, by id."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(devices).order_by(devices.c.id))
            return [_device(row._asdict()) for row in rows]

    async def add(self, new: Iterable[Device], new_keys: Iterable[tuple[str, ApiKey]] = ()) -> list[Device]:
        """Add devices (their `number` is ignored) and keys by device id, all or none. Raises Conflict."""
        new = list(new)
        if not new:
            return []
        rows = [{"id": device.id, "created_at": device.created_at, **_settings(device)} for device in new]
        inserting = insert(devices).returning(devices.c.id, devices.c.number)
        try:
            async with self._database.write() as connection:
                numbers = {found.id: found.number for found in await connection.execute(inserting, rows)}
                key_rows = [{**row_of(key), "device": numbers[of]} for of, key in new_keys]
                if key_rows:
                    await connection.execute(insert(keys), key_rows)
        except IntegrityError as error:
            known = {device.id for device in await self.all()}
            if twice := [device.id for device in new if device.id in known]:
                raise Conflict(f"a device {twice[0]!r} exists already") from error
            raise
        return [replace(device, number=numbers[device.id]) for device in new]

    async def update(self, device: Device) -> None:
        """Write what operators set of a device."""
        mine = devices.c.number == device.number
        async with self._database.write() as connection:
            await connection.execute(update(devices).where(mine).values(_settings(device)))

    async def learnt_intervals(self) -> dict[int, float]:
        """How often devices report, in seconds by device number, of those of which that is known."""
        query = select(devices.c.number, devices.c.learnt_interval_s)
        async with self._database.read() as connection:
            rows = await connection.execute(query.where(devices.c.learnt_interval_s.is_not(None)))
            return {row.number: row.learnt_interval_s for row in rows}

    async def keep_learnt_intervals(self, learnt: Mapping[int, float]) -> None:
        """Write what was learnt, by device number, in one transaction; removed devices are passed over."""
        rows = [{"of": number, "interval_s": interval_s} for number, interval_s in learnt.items()]
        keeping = update(devices).where(devices.c.number == bindparam("of"))
        async with self._database.write() as connection:
            await connection.execute(keeping.values(learnt_interval_s=bindparam("interval_s")), rows)

    async def remove(self, device: Device) -> None:
        """Remove a device with its keys, attributes and commands. Its number is not used again.

        It stays in `removed` until `confirm_removed`, because the history learns of it later.
        """
        async with self._database.write() as connection:
            await connection.execute(upsert(removed).values(device=device.number).on_conflict_do_nothing())
            await connection.execute(delete(devices).where(devices.c.number == device.number))
            for table in (keys, attributes, commands):
                await connection.execute(delete(table).where(table.c.device == device.number))

    async def removed(self) -> list[int]:
        """The numbers of removed devices of which the history may still hold something."""
        async with self._database.read() as connection:
            return list(await connection.scalars(select(removed.c.device)))

    async def confirm_removed(self, numbers: Iterable[int]) -> None:
        """The history holds nothing more of these."""
        async with self._database.write() as connection:
            await connection.execute(delete(removed).where(removed.c.device.in_(list(numbers))))


def _settings(device: Device) -> dict[str, object]:
    return {
        "name": device.name,
        "labels": device.labels,
        "expected_interval_s": device.expected_interval_s,
        **device.retention._asdict(),
    }


def _device(row: Mapping[str, Any]) -> Device:
    retention = Retention(row["raw_s"], row["minute_s"], row["hour_s"])
    others = (*Retention._fields, devices.c.learnt_interval_s.name)
    named = {name: value for name, value in row.items() if name not in others}
    return Device(**named, retention=retention)
