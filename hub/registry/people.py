from collections.abc import Mapping

from hub.model import Grant, Principal, Role
from hub.registry.database import Database, Transaction

SWEEP_AFTER_US = 30 * 86_400_000_000  # what is over stays so long: the clock that says so may be wrong


class StoredCredentials:
    """One-time links and browser sessions, by the digests of their secrets.

    All digests are in memory too: who guesses costs no transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._digests: set[bytes] | None = None  # None: not read yet
        self._put: set[bytes] = set()  # in this run, maybe while the others are being read

    async def put(self, digest: bytes, kind: str, principal: Principal, expires_at: int) -> None:
        """Keep a one-time link or a session, by the digest of its secret."""
        row = {
            "digest": digest,
            "kind": kind,
            "name": principal.name,
            "role": principal.grants[0].role,
            "expires_at": expires_at,
        }
        await self._database.write(lambda written: written.insert("credentials", row))
        self._put.add(digest)

    async def find(self, digest: bytes, kind: str, now: int) -> Principal | None:
        """Whose link or session this is, unless it is unknown or over."""
        if not await self._is_known(digest):
            return None
        sql = """SELECT name, role FROM credentials
            WHERE digest = :digest AND kind = :kind AND expires_at > :now"""
        rows = await self._database.read(lambda found: found.rows(sql, digest=digest, kind=kind, now=now))
        return Principal(rows[0]["name"], (Grant(Role(rows[0]["role"])),)) if rows else None

    async def has_any(self, kind: str, now: int) -> bool:
        """Whether there is a link, or a session, that is not over."""
        sql = "SELECT count(*) FROM credentials WHERE kind = :kind AND expires_at > :now"
        return bool(await self._database.read(lambda found: found.value(sql, kind=kind, now=now)))

    async def _is_known(self, digest: bytes) -> bool:
        if self._digests is None:
            rows = await self._database.read(lambda found: found.rows("SELECT digest FROM credentials"))
            self._digests = {bytes(row["digest"]) for row in rows}
        return digest in self._digests or digest in self._put

    async def set_ends(self, ends: Mapping[bytes, int]) -> None:
        """Write when links and sessions end, by their digests; those that are gone stay so."""
        rows = [{"digest": digest, "ends": at} for digest, at in ends.items()]
        if not rows:
            return
        sql = "UPDATE credentials SET expires_at = :ends WHERE digest = :digest"
        await self._database.write(lambda written: written.run_many(sql, rows))

    async def remove(self, digest: bytes, now: int) -> bool:
        """Remove a link or session, and all that have long been over. True if it was there.

        Of two that try, one succeeds.
        """

        def remove(transaction: Transaction) -> int:
            transaction.run("DELETE FROM credentials WHERE expires_at <= :over", over=now - SWEEP_AFTER_US)
            return transaction.run("DELETE FROM credentials WHERE digest = :digest", digest=digest)

        was_there = await self._database.write(remove) == 1
        self._put.discard(digest)
        if self._digests is not None:
            self._digests.discard(digest)
        return was_there
