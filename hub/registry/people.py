from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hub.model import Principal, Session
from hub.registry.database import Database, Transaction

NOTED_EVERY_US = 3_600_000_000  # how exactly it is known when a session was used last
SWEEP_AFTER_US = 30 * 86_400_000_000  # what is over stays so long: the clock that says so may be wrong


class Begun(NamedTuple):
    """When, from where and how somebody came in."""

    at: int | None  # µs, UTC
    address: str | None
    origin: str | None
    confirmed_at: int | None = None  # when they proved who they are; None: when they came in


UNKNOWN = Begun(None, None, None)


class KeptCredential(NamedTuple):
    """Whose link or session it is. Times are µs, UTC."""

    name: str
    credential: str  # "session 8ac1…", "link 91d0…"
    confirmed_at: int | None  # when they proved last who they are
    expires_at: int


def session_id(digest: bytes) -> str:
    """What a session is called where its secret must not be."""
    return digest.hex()[:16]


class StoredCredentials:
    """One-time links and browser sessions, by the digests of their secrets.

    All digests are in memory too: who guesses costs no transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._digests: set[bytes] | None = None  # None: not read yet
        self._put: set[bytes] = set()  # in this run, maybe while the others are being read

    async def put(
        self, digest: bytes, kind: str, principal: Principal, expires_at: int, begun: Begun = UNKNOWN
    ) -> None:
        """Keep a one-time link or a session, by the digest of its secret."""
        row = {
            "digest": digest,
            "kind": kind,
            "name": principal.name,
            "role": principal.grants[0].role,
            "expires_at": expires_at,
            "created_at": begun.at,
            "used_at": begun.at,
            "confirmed_at": begun.at if begun.confirmed_at is None else begun.confirmed_at,
            "address": begun.address,
            "origin": begun.origin,
        }
        await self._database.write(lambda written: written.insert("credentials", row))
        self._put.add(digest)

    async def find(
        self, digest: bytes, kind: str, now: int, idle_us: int | None = None
    ) -> KeptCredential | None:
        """Whose link or session this is, unless it is unknown, over, or was not used for so long."""
        if not await self._is_known(digest):
            return None
        sql = """SELECT name, used_at, confirmed_at, expires_at FROM credentials
            WHERE digest = :digest AND kind = :kind AND expires_at > :now"""
        rows = await self._database.read(lambda found: found.rows(sql, digest=digest, kind=kind, now=now))
        if not rows:
            return None
        used_at = rows[0]["used_at"]
        if idle_us is not None and used_at is not None:
            if used_at + idle_us <= now:
                return None
            if used_at + NOTED_EVERY_US <= now:
                await self._note_use(digest, now)
        row, credential = rows[0], f"{kind} {session_id(digest)}"
        return KeptCredential(row["name"], credential, row["confirmed_at"], row["expires_at"])

    async def _note_use(self, digest: bytes, now: int) -> None:
        sql = "UPDATE credentials SET used_at = :now WHERE digest = :digest"
        await self._database.write(lambda written: written.run(sql, digest=digest, now=now))

    async def note_browser(self, digest: bytes, browser: str) -> None:
        """Note what the browser that has this session calls itself."""
        sql = "UPDATE credentials SET browser = :browser WHERE digest = :digest"
        await self._database.write(lambda written: written.run(sql, digest=digest, browser=browser))

    async def confirm(self, digest: bytes, now: int) -> None:
        """Note that whoever has this session proved just now who they are."""
        sql = "UPDATE credentials SET confirmed_at = :now WHERE digest = :digest"
        await self._database.write(lambda written: written.run(sql, digest=digest, now=now))

    async def sessions(self, name: str, now: int) -> list[Session]:
        """A person's sessions, oldest first."""
        sql = """SELECT * FROM credentials WHERE kind = 'session' AND name = :name AND expires_at > :now
            ORDER BY created_at, digest"""
        rows = await self._database.read(lambda found: found.rows(sql, name=name, now=now))
        return [
            Session(
                session_id(bytes(row["digest"])),
                name,
                row["expires_at"],
                row["created_at"],
                row["used_at"],
                row["address"],
                row["origin"] or "link",
                row["browser"],
            )
            for row in rows
        ]

    async def end_sessions(self, name: str, only: str | None = None, but: str | None = None) -> list[str]:
        """End a person's sessions, or the one with that id, or all but one; the ids of those that ended."""

        def end(transaction: Transaction) -> list[bytes]:
            sql = "SELECT digest FROM credentials WHERE kind = 'session' AND name = :name"
            found = [bytes(row["digest"]) for row in transaction.rows(sql, name=name)]
            ended = [one for one in found if only in (None, session_id(one)) and session_id(one) != but]
            rows = [{"digest": digest} for digest in ended]
            transaction.run_many("DELETE FROM credentials WHERE digest = :digest", rows)
            return ended

        ended = await self._database.write(end)
        self._forget(ended)
        return [session_id(digest) for digest in ended]

    def _forget(self, digests: Iterable[bytes]) -> None:
        self._put.difference_update(digests)
        if self._digests is not None:
            self._digests.difference_update(digests)

    async def has_any(self, kind: str, now: int) -> bool:
        """Whether there is a link, or a session, that is not over."""
        sql = "SELECT count(*) FROM credentials WHERE kind = :kind AND expires_at > :now"
        return bool(await self._database.read(lambda found: found.value(sql, kind=kind, now=now)))

    async def _is_known(self, digest: bytes) -> bool:
        if self._digests is None:
            rows = await self._database.read(lambda found: found.rows("SELECT digest FROM credentials"))
            self._digests = {bytes(row["digest"]) for row in rows}
        return digest in self._digests or digest in self._put

    async def set_ends(self, ends: Mapping[bytes, int], by: int = 0) -> None:
        """Write when links and sessions end, by their digests, as the clock was set by so much; those that
        are gone stay so.
        """
        rows = [{"digest": digest, "ends": at, "by": by} for digest, at in ends.items()]
        if not rows:
            return
        sql = """UPDATE credentials SET expires_at = :ends, used_at = used_at + :by,
            confirmed_at = confirmed_at + :by WHERE digest = :digest"""
        await self._database.write(lambda written: written.run_many(sql, rows))

    async def remove(self, digest: bytes, now: int) -> bool:
        """Remove a link or session, and all that have long been over. True if it was there.

        Of two that try, one succeeds.
        """

        def remove(transaction: Transaction) -> int:
            transaction.run("DELETE FROM credentials WHERE expires_at <= :over", over=now - SWEEP_AFTER_US)
            return transaction.run("DELETE FROM credentials WHERE digest = :digest", digest=digest)

        was_there = await self._database.write(remove) == 1
        self._forget([digest])
        return was_there
