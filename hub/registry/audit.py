from hub.model import AuditEntry
from hub.registry.database import Database

_FIND = """SELECT * FROM audit
    WHERE (:who IS NULL OR who = :who) AND (:device IS NULL OR device = :device)
        AND (:what IS NULL OR instr(what, :what) > 0)
        AND at >= :start AND at < :before AND (:older IS NULL OR number < :older)
    ORDER BY number DESC LIMIT :limit"""


class StoredAudit:
    """What people and programs did. It only grows: nothing changes an entry, or takes one away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        """Add an entry; its `number` is ignored."""
        row = {
            "at": entry.at,
            "who": entry.who,
            "credential": entry.credential,
            "address": entry.address,
            "what": entry.what,
            "device": entry.device,
        }
        await self._database.write(lambda written: written.insert("audit", row))

    async def find(
        self,
        start: int,
        before: int,
        limit: int,
        who: str | None = None,
        what: str | None = None,
        device: str | None = None,
        older: int | None = None,
    ) -> list[AuditEntry]:
        """Entries of a time, newest first: of somebody, with this in `what`, older than the one numbered."""
        values = {"start": start, "before": before, "limit": limit, "who": who, "what": what}
        rows = await self._database.read(
            lambda found: found.rows(_FIND, **values, device=device, older=older)
        )
        return [AuditEntry(**row) for row in rows]
