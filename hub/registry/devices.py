import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hub.errors import Conflict
from hub.model import ApiKey, Device, Retention
from hub.registry.database import Database, Transaction, from_json
from hub.registry.keys import row_of


class StoredDevices:
    """The devices, and those that were removed until the history has let go of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Device]:
        """All devices, by id."""
        return await self._database.read(
            lambda found: [_device(row) for row in found.rows("SELECT * FROM devices ORDER BY id")]
        )

    async def add(self, new: Iterable[Device], new_keys: Iterable[tuple[str, ApiKey]] = ()) -> list[Device]:
        """Add devices (their `number` is ignored) and keys by device id, all or none. Raises Conflict."""
        new = list(new)
        if not new:
            return []

        def add(transaction: Transaction) -> dict[str, int]:
            numbers = {
                device.id: transaction.insert(
                    "devices", {"id": device.id, "created_at": device.created_at, **_settings(device)}
                )
                for device in new
            }
            for of, key in new_keys:
                transaction.insert("keys", {**row_of(key), "device": numbers[of]})
            return numbers

        try:
            numbers = await self._database.write(add)
        except sqlite3.IntegrityError as error:
            known = {device.id for device in await self.all()}
            if twice := [device.id for device in new if device.id in known]:
                raise Conflict(f"a device {twice[0]!r} exists already") from error
            raise
        return [replace(device, number=numbers[device.id]) for device in new]

    async def update(self, device: Device) -> None:
        """Write what operators set of a device."""
        sql = """UPDATE devices
            SET name = :name, labels = :labels, expected_interval_s = :expected_interval_s,
                raw_s = :raw_s, minute_s = :minute_s, hour_s = :hour_s
            WHERE number = :number"""
        await self._database.write(
            lambda written: written.run(sql, number=device.number, **_settings(device))
        )

    async def learnt_intervals(self) -> dict[int, float]:
        """How often devices report, in seconds by device number, of those of which that is known."""
        sql = "SELECT number, learnt_interval_s FROM devices WHERE learnt_interval_s IS NOT NULL"
        rows = await self._database.read(lambda found: found.rows(sql))
        return {row["number"]: row["learnt_interval_s"] for row in rows}

    async def keep_learnt_intervals(self, learnt: Mapping[int, float]) -> None:
        """Write what was learnt, by device number, in one transaction; removed devices are passed over."""
        rows = [{"number": number, "interval_s": interval_s} for number, interval_s in learnt.items()]
        sql = "UPDATE devices SET learnt_interval_s = :interval_s WHERE number = :number"
        await self._database.write(lambda written: written.run_many(sql, rows))

    async def remove(self, device: Device) -> None:
        """Remove a device with its keys, attributes, commands and notes. Its number is not used again.

        It stays in `removed` until `confirm_removed`, because the history learns of it later.
        """

        def remove(transaction: Transaction) -> None:
            number = device.number
            transaction.run("INSERT INTO removed VALUES (:number) ON CONFLICT DO NOTHING", number=number)
            transaction.run("DELETE FROM devices WHERE number = :number", number=number)
            for table in ("keys", "attributes", "commands", "methods", "device_notes", "inbox"):
                transaction.run(f"DELETE FROM {table} WHERE device = :number", number=number)

        await self._database.write(remove)

    async def removed(self) -> list[int]:
        """The numbers of removed devices of which the history may still hold something."""
        return await self._database.read(
            lambda found: [row["device"] for row in found.rows("SELECT device FROM removed")]
        )

    async def confirm_removed(self, numbers: Iterable[int]) -> None:
        """The history holds nothing more of these."""
        rows = [{"number": number} for number in numbers]
        await self._database.write(
            lambda written: written.run_many("DELETE FROM removed WHERE device = :number", rows)
        )


def _settings(device: Device) -> dict[str, object]:
    return {
        "name": device.name,
        "labels": json.dumps(device.labels),
        "expected_interval_s": device.expected_interval_s,
        **device.retention._asdict(),
    }


def _device(row: Mapping[str, Any]) -> Device:
    retention = Retention(row["raw_s"], row["minute_s"], row["hour_s"])
    others = (*Retention._fields, "learnt_interval_s")
    named = {name: value for name, value in row.items() if name not in others}
    return Device(**{**named, "labels": from_json(row["labels"])}, retention=retention)
