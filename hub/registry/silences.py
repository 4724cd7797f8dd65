from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.model.alert import Silence
from hub.model.rule import read_which, write_which
from hub.registry.database import Database, from_json, to_json


class StoredSilences:
    """What nobody is to be told of, and until when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Silence]:
        """All that are kept, oldest first."""
        sql = "SELECT * FROM silences ORDER BY id"
        return await self._database.read(lambda found: [_silence(row) for row in found.rows(sql)])

    async def add(self, silence: Silence) -> Silence:
        """Add one (its `id` is ignored); returned with its id."""
        row = {
            "which": None if silence.which is None else to_json(write_which(silence.which)),
            "rule": silence.rule,
            "until": silence.until,
            "by_whom": silence.by,
            "made_at": silence.made_at,
            "comment": silence.comment,
        }
        return replace(
            silence, id=await self._database.write(lambda written: written.insert("silences", row))
        )

    async def remove(self, silence_id: int) -> None:
        """End one."""
        sql = "DELETE FROM silences WHERE id = :id"
        await self._database.write(lambda written: written.run(sql, id=silence_id))


def _silence(row: Mapping[str, Any]) -> Silence:
    which = row["which"]
    return Silence(
        id=row["id"],
        until=row["until"],
        by=row["by_whom"],
        made_at=row["made_at"],
        which=None if which is None else read_which(from_json(which), "which"),
        rule=row["rule"],
        comment=row["comment"],
    )
