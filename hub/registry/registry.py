"""The registry: devices, keys, attributes, commands, sessions. SQLite by SQLAlchemy Core."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import URL, CursorResult, bindparam, delete, event, func, insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.errors import Conflict, Invalid, StoreError
from hub.model import ApiKey, Command, CommandState, Device, Principal, Retention, Role
from hub.registry import schema
from hub.registry.schema import attributes, commands, credentials, devices, keys, removed, secrets

TURN_TIMEOUT_S = 30.0


class Registry:
    """Rows in, values out. Every method is one transaction, on disk when it returns; StoreError when it cannot be."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite lets one write at a time, and those that wait for it try again at random: of 500 that came at once, some
        # were still waiting after 5 s and failed. Here each gets its turn in the order in which they came.
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Registry"]:
        """The registry in the file at `path`, made or migrated as needed. Raises StoreError."""
        await asyncio.to_thread(_refuse_foreign, path)
        engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)))
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        try:
            try:
                await _migrate(engine, path)
            except DatabaseError as error:
                raise StoreError(f"{path}: {error.orig}") from error
            yield cls(engine)
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise StoreError(f"registry: {error.orig}") from error
        except PoolTimeoutError as error:  # so many wait for a slow disk that no connection became free
            raise StoreError("registry: too much waits for the disk") from error

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._writing.acquire()
        except TimeoutError:
            raise StoreError("registry: too much waits for the disk") from None
        try:
            async with self._begin() as connection:
                yield connection
        finally:
            self._writing.release()

    # Devices

    async def devices(self) -> list[Device]:
        """All devices, by id."""
        async with self._begin() as connection:
            rows = await connection.execute(select(devices).order_by(devices.c.id))
            return [_device(row._asdict()) for row in rows]

    async def add_devices(
        self, new: Iterable[Device], new_keys: Iterable[tuple[str, ApiKey]] = ()
    ) -> list[Device]:
        """Add devices (their `number` is ignored) and keys by device id, all or none. Raises Conflict."""
        new = list(new)
        if not new:
            return []
        rows = [{"id": device.id, "created_at": device.created_at, **_settings(device)} for device in new]
        inserting = insert(devices).returning(devices.c.id, devices.c.number)
        try:
            async with self._write() as connection:
                numbers = {found.id: found.number for found in await connection.execute(inserting, rows)}
                key_rows = [asdict(replace(key, device=numbers[of])) for of, key in new_keys]
                if key_rows:
                    await connection.execute(insert(keys), key_rows)
        except IntegrityError as error:
            known = {device.id for device in await self.devices()}
            if twice := [device.id for device in new if device.id in known]:
                raise Conflict(f"a device {twice[0]!r} exists already") from error
            raise
        return [replace(device, number=numbers[device.id]) for device in new]

    async def update_device(self, device: Device) -> None:
        """Write what operators set of a device."""
        mine = devices.c.number == device.number
        async with self._write() as connection:
            await connection.execute(update(devices).where(mine).values(_settings(device)))

    async def remove_device(self, device: Device) -> None:
        """Remove a device with its keys, attributes and commands. Its number is not used again.

        It stays in `removed` until `confirm_removed`, for the history learns of it later.
        """
        async with self._write() as connection:
            await connection.execute(upsert(removed).values(device=device.number).on_conflict_do_nothing())
            await connection.execute(delete(devices).where(devices.c.number == device.number))
            for table in (keys, attributes, commands):
                await connection.execute(delete(table).where(table.c.device == device.number))

    async def removed(self) -> list[int]:
        """The numbers of removed devices of which the history may still hold something."""
        async with self._begin() as connection:
            return list(await connection.scalars(select(removed.c.device)))

    async def confirm_removed(self, numbers: Iterable[int]) -> None:
        """The history holds nothing more of these."""
        async with self._write() as connection:
            await connection.execute(delete(removed).where(removed.c.device.in_(list(numbers))))

    # Keys

    async def keys(self) -> list[ApiKey]:
        """All keys, revoked ones too."""
        async with self._begin() as connection:
            return [ApiKey(**row._mapping) for row in await connection.execute(select(keys))]

    async def add_key(self, key: ApiKey) -> None:
        """Add one more key of a device."""
        async with self._write() as connection:
            await connection.execute(insert(keys).values(asdict(key)))

    async def update_keys(self, changed: Iterable[ApiKey]) -> None:
        """Write the last use and the revocation of keys. None is made by this, and a revocation is never undone."""
        rows = [
            {
                "key_id": key.id,
                "at": key.last_used_at,
                "address": key.last_used_from,
                "revoked": key.revoked_at,
            }
            for key in changed
        ]
        if not rows:
            return
        statement = (
            update(keys)
            .where(keys.c.id == bindparam("key_id"))
            .values(
                last_used_at=bindparam("at"),
                last_used_from=bindparam("address"),
                revoked_at=func.coalesce(bindparam("revoked"), keys.c.revoked_at),
            )
        )
        async with self._write() as connection:
            await connection.execute(statement, rows)

    # Attributes

    async def attributes(self, device: Device) -> dict[str, dict[str, object]]:
        """A device's attributes: {"device": {name: value}, "shared": {name: value}}."""
        found: dict[str, dict[str, object]] = {"device": {}, "shared": {}}
        async with self._begin() as connection:
            query = select(attributes).where(attributes.c.device == device.number).order_by(attributes.c.name)
            for row in await connection.execute(query):
                found[row.scope][row.name] = row.value
        return found

    async def put_attributes(
        self, device: Device, scope: str, values: Mapping[str, object], now: int, count_max: int
    ) -> None:
        """Set attributes of one scope; None removes one. Raises Invalid, and changes nothing, over `count_max`."""
        kept = [
            {"device": device.number, "scope": scope, "name": name, "value": value, "updated_at": now}
            for name, value in values.items()
            if value is not None
        ]
        gone = [name for name, value in values.items() if value is None]
        mine = (attributes.c.device == device.number) & (attributes.c.scope == scope)
        async with self._write() as connection:
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

    # Commands

    async def add_command(self, command: Command) -> Command:
        """Add a command (its `id` is ignored); returned with its id."""
        row = asdict(command)
        del row["id"]
        async with self._write() as connection:
            result = await connection.execute(insert(commands).values(row))
        return replace(command, id=_new_id(result))

    async def update_command(self, command: Command) -> None:
        """Write how far a command has come."""
        row = {name: getattr(command, name) for name in ("state", "sent_at", "answered_at", "response")}
        async with self._write() as connection:
            await connection.execute(update(commands).where(commands.c.id == command.id).values(row))

    async def commands(self, device: Device, limit: int, before: int | None = None) -> list[Command]:
        """A device's commands, newest first; those older than the one with the id `before`, if that is given."""
        query = select(commands).where(commands.c.device == device.number)
        if before is not None:
            query = query.where(commands.c.id < before)
        return await self._commands(query.order_by(commands.c.id.desc()).limit(limit))

    async def open_commands(self) -> list[Command]:
        """The commands that wait for delivery or an answer, oldest first."""
        waiting = commands.c.state.in_([CommandState.QUEUED, CommandState.SENT])
        return await self._commands(select(commands).where(waiting).order_by(commands.c.id))

    async def _commands(self, query: Any) -> list[Command]:
        async with self._begin() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(query)]
        return [Command(**{**row, "state": CommandState(row["state"])}) for row in rows]

    # Operators

    async def put_credential(self, digest: bytes, kind: str, principal: Principal, expires_at: int) -> None:
        """Keep a one-time link or a session, by the digest of its secret."""
        row = {
            "digest": digest,
            "kind": kind,
            "name": principal.name,
            "role": principal.role,
            "expires_at": expires_at,
        }
        async with self._write() as connection:
            await connection.execute(insert(credentials).values(row))

    async def credential(self, digest: bytes, kind: str, now: int) -> Principal | None:
        """Whose link or session this is, unless it is unknown or over."""
        mine = (
            (credentials.c.digest == digest) & (credentials.c.kind == kind) & (credentials.c.expires_at > now)
        )
        async with self._begin() as connection:
            row = (await connection.execute(select(credentials).where(mine))).first()
        return Principal(row.name, Role(row.role)) if row else None

    async def remove_credential(self, digest: bytes, now: int) -> bool:
        """Remove a link or session, and all that are over. True if it was there: of two that try, one succeeds."""
        async with self._write() as connection:
            await connection.execute(delete(credentials).where(credentials.c.expires_at <= now))
            gone = await connection.execute(delete(credentials).where(credentials.c.digest == digest))
        return gone.rowcount == 1

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The kept secret of that name; `fresh` becomes it if there is none yet."""
        async with self._write() as connection:
            row = {"name": name, "value": fresh}
            await connection.execute(upsert(secrets).values(row).on_conflict_do_nothing())
            kept = await connection.scalar(select(secrets.c.value).where(secrets.c.name == name))
        if kept is None:
            raise StoreError(f"registry: the secret {name!r} could not be kept")
        return bytes(kept)


def _settings(device: Device) -> dict[str, object]:
    return {
        "name": device.name,
        "labels": device.labels,
        "expected_interval_s": device.expected_interval_s,
        **device.retention._asdict(),
    }


def _device(row: Mapping[str, Any]) -> Device:
    retention = Retention(row["raw_s"], row["minute_s"], row["hour_s"])
    named = {name: value for name, value in row.items() if name not in Retention._fields}
    return Device(**named, retention=retention)


def _new_id(result: CursorResult[Any]) -> int:
    if result.inserted_primary_key is None:
        raise StoreError("registry: the database gave no id to a new row")
    return int(result.inserted_primary_key[0])


def _set_pragmas(connection: Any, record: object) -> None:
    """WAL, so that reading never waits for writing; synchronous FULL, so that what is said to be kept is on disk."""
    del record
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _refuse_foreign(path: Path) -> None:
    """Look before anything is written, be it only the journal's mode: the file may belong to another program."""
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise StoreError(
            f"{path}: not a registry of this hub, or damaged ({error}); it was left untouched"
        ) from error
    if tables and not {"schema_version", "credentials"} <= tables:
        raise StoreError(f"{path}: not a registry of this hub; it was left untouched")


async def _migrate(engine: AsyncEngine, path: Path) -> None:
    """Bring the file to this version's schema, in one transaction: a start cut short leaves it as it was.

    BEGIN is said here, for the driver begins none before statements that change the schema.
    """
    async with engine.begin() as connection:
        await connection.execute(text("BEGIN IMMEDIATE"))
        await connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)"))
        done = await connection.scalar(text("SELECT coalesce(max(number), 0) FROM schema_version")) or 0
        if done > len(schema.MIGRATIONS):
            raise StoreError(
                f"{path}: written by a newer version of the hub (schema {done}, this one knows {len(schema.MIGRATIONS)})"
            )
        for number, statements in enumerate(schema.MIGRATIONS[done:], done + 1):
            for statement in statements:
                await connection.execute(text(statement))
            await connection.execute(text("INSERT INTO schema_version VALUES (:number)"), {"number": number})
