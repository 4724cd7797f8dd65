from collections.abc import Mapping

from sqlalchemy import bindparam, delete, insert, select, update

from hub.model import Principal, Role
from hub.registry.database import Database
from hub.registry.schema import credentials

SWEEP_AFTER_US = 30 * 86_400_000_000  # what is over stays so long: the clock that says so may be wrong


class StoredCredentials:
    """One-time links and browser sessions, by the digests of their secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, digest: bytes, kind: str, principal: Principal, expires_at: int) -> None:
        """Keep a one-time link or a session, by the digest of its secret."""
        row = {
            "digest": digest,
            "kind": kind,
            "name": principal.name,
            "role": principal.role,
            "expires_at": expires_at,
        }
        async with self._database.write() as connection:
            await connection.execute(insert(credentials).values(row))

    async def find(self, digest: bytes, kind: str, now: int) -> Principal | None:
        """Whose link or session this is, unless it is unknown or over."""
        mine = (
            (credentials.c.digest == digest) & (credentials.c.kind == kind) & (credentials.c.expires_at > now)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(select(credentials).where(mine))).first()
        return Principal(row.name, Role(row.role)) if row else None

    async def set_ends(self, ends: Mapping[bytes, int]) -> None:
        """Write when links and sessions end, by their digests; those that are gone stay so."""
        rows = [{"of": digest, "ends": at} for digest, at in ends.items()]
        if not rows:
            return
        mine = credentials.c.digest == bindparam("of")
        async with self._database.write() as connection:
            await connection.execute(
                update(credentials).where(mine).values(expires_at=bindparam("ends")), rows
            )

    async def remove(self, digest: bytes, now: int) -> bool:
        """Remove a link or session, and all that have long been over. True if it was there.

        Of two that try, one succeeds.
        """
        async with self._database.write() as connection:
            await connection.execute(
                delete(credentials).where(credentials.c.expires_at <= now - SWEEP_AFTER_US)
            )
            gone = await connection.execute(delete(credentials).where(credentials.c.digest == digest))
        return gone.rowcount == 1
