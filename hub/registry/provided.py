from typing import NamedTuple

from hub.registry.database import Database
from hub.registry.people import session_id


class ProvidedSession(NamedTuple):
    """A session that a provider of OpenID Connect gave. Times are µs, UTC."""

    name: str  # whose it is
    provider: str
    created_at: int
    checked_at: int
    sealed: bytes | None  # the provider's tokens, which only the secret of the session opens


class StoredProvidedSessions:
    """What of sessions came from a provider, by the digests of their secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self,
        digest: bytes,
        provider: str,
        provider_session: str | None,
        checked_at: int,
        sealed: bytes | None,
    ) -> None:
        """Note which provider gave this session, and what it calls it."""
        sql = """UPDATE credentials SET provider = :provider, provider_session = :provider_session,
            checked_at = :checked_at, sealed = :sealed WHERE digest = :digest"""
        values = {"provider": provider, "provider_session": provider_session, "checked_at": checked_at}
        await self._database.write(lambda written: written.run(sql, **values, sealed=sealed, digest=digest))

    async def check(self, digest: bytes, checked_at: int, sealed: bytes | None) -> None:
        """Note that the provider has said that it goes on."""
        sql = "UPDATE credentials SET checked_at = :checked_at, sealed = :sealed WHERE digest = :digest"
        await self._database.write(
            lambda written: written.run(sql, checked_at=checked_at, sealed=sealed, digest=digest)
        )

    async def find(self, digest: bytes) -> ProvidedSession | None:
        """The session, if a provider gave it. One that it was cut short to note of has never been checked."""
        sql = """SELECT name, provider, origin, created_at, checked_at, sealed FROM credentials
            WHERE digest = :digest AND kind = 'session' AND origin LIKE 'oidc:%'"""
        rows = await self._database.read(lambda found: found.rows(sql, digest=digest))
        if not rows:
            return None
        row = rows[0]
        provider = row["provider"] or row["origin"].partition(":")[2]
        sealed = None if row["sealed"] is None else bytes(row["sealed"])
        return ProvidedSession(row["name"], provider, row["created_at"], row["checked_at"] or 0, sealed)

    async def of(
        self, provider: str, name: str | None, provider_session: str | None
    ) -> list[tuple[str, str]]:
        """Name and id of the sessions of a person, or of what the provider calls so; of both, where both are
        said.
        """
        sql = """SELECT name, digest FROM credentials WHERE kind = 'session' AND provider = :provider
            AND (:name IS NULL OR name = :name)
            AND (:provider_session IS NULL OR provider_session = :provider_session)"""
        values = {"provider": provider, "name": name, "provider_session": provider_session}
        rows = await self._database.read(lambda found: found.rows(sql, **values))
        return [(row["name"], session_id(bytes(row["digest"]))) for row in rows]
