from typing import NamedTuple

from hub.model import AuditEntry
from hub.registry.database import Database, Transaction
from hub.registry.schema import AUDIT_TRIMMED

TRIM_STEP = 10_000  # at once, so that other writes have their turn


class AuditFilter(NamedTuple):
    """Which entries: of a time (µs, UTC), of somebody, with this in `what`, of a device, older than the one
    numbered.
    """

    start: int
    before: int
    who: str | None = None
    what: str | None = None
    device: str | None = None
    older: int | None = None


_CLAUSES = {
    "who": "who = :who",
    "what": "instr(what, :what) > 0",
    "device": "device = :device",
    "older": "number < :older",
}


class StoredAudit:
    """What people and programs did. Nothing changes an entry; the oldest are taken away by `trim` alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, *entries: AuditEntry) -> None:
        """Add entries; their `number` is ignored."""

        def add(transaction: Transaction) -> None:
            for row in rows:
                transaction.insert("audit", row)

        rows = [_row(entry) for entry in entries]
        await self._database.write(add)

    async def find(self, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
        """Newest first. Only what is asked for stands in the statement, so that an index can serve it."""
        given = {name: value for name, value in wanted._asdict().items() if value is not None}
        clauses = ["at >= :start AND at < :before", *(_CLAUSES[name] for name in given if name in _CLAUSES)]
        sql = f"SELECT * FROM audit WHERE {' AND '.join(clauses)} ORDER BY number DESC LIMIT :limit"
        rows = await self._database.read(lambda found: found.rows(sql, **given, limit=limit))
        return [AuditEntry(**row) for row in rows]

    async def trim(self, before: int | None, rows_max: int) -> int:
        """Take away the oldest entries, those from before this time and those beyond `rows_max`; how many
        went. There may be more: call it again. A gap in the numbers that are left was not made by this.
        """
        return await self._database.write(lambda written: _trim(written, before, rows_max))


def _row(entry: AuditEntry) -> dict[str, object]:
    names = ("at", "who", "credential", "address", "what", "device", "result", "count", "detail")
    return {name: getattr(entry, name) for name in names}


def _trim(transaction: Transaction, before: int | None, rows_max: int) -> int:
    first = transaction.value("SELECT min(number) FROM audit")
    if first is None:
        return 0
    last = transaction.value("SELECT max(number) FROM audit")
    until = last - rows_max
    if before is not None:
        sql = "SELECT number FROM audit WHERE at >= :before ORDER BY number LIMIT 1"
        kept = transaction.value(sql, before=before)
        until = max(until, last if kept is None else kept - 1)
    until = min(until, first + TRIM_STEP - 1)
    if until < first:
        return 0
    noting = """INSERT INTO notes VALUES (:name, :value)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
    transaction.run(noting, name=AUDIT_TRIMMED, value=until)
    return transaction.run("DELETE FROM audit WHERE number <= :until", until=until)
