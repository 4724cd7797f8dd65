"""Rows in, values out; which files the registry opens; what is all or nothing."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hub.errors import Conflict, Invalid, StoreError
from hub.model import ApiKey, Command, CommandState, Device, Retention, Role
from hub.registry import schema
from hub.registry.database import Database, Transaction
from hub.registry.people import SWEEP_AFTER_US
from hub.registry.registry import Registry
from tests.principals import principal
from tests.registry.disks import locked

NOW = 1_795_170_094_504_000
BOILER = Device(0, "boiler-1", "Boiler", {"site": "north"}, NOW, 2.5)
PUMP = Device(0, "pump-1", "Pump", {}, NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry #1?.db"  # a folder may have any name


@pytest.fixture
async def registry(path: Path) -> AsyncIterator[Registry]:
    async with Registry.open(path) as registry:
        yield registry


def key(key_id: str, device: int = 0) -> ApiKey:
    return ApiKey(key_id, device, bytes(32), NOW)


def command(device: Device) -> Command:
    return Command(0, device.number, "reboot", {"in_s": [1, None]}, CommandState.QUEUED, NOW, NOW + 1_000_000)


async def test_devices_and_keys_come_back_after_a_restart(path: Path) -> None:
    async with Registry.open(path) as registry:
        added = await registry.devices.add([BOILER, PUMP], [("boiler-1", key("a")), ("pump-1", key("b"))])
    async with Registry.open(path) as registry:
        assert await registry.devices.all() == added
        assert [replace(one, number=0) for one in added] == [BOILER, PUMP]
        assert {one.id: one.device for one in await registry.keys.all()} == {
            "a": added[0].number,
            "b": added[1].number,
        }


async def test_adding_devices_is_all_or_nothing(registry: Registry) -> None:
    await registry.devices.add([PUMP])
    with pytest.raises(Conflict, match="pump-1"):
        await registry.devices.add([BOILER, PUMP], [("boiler-1", key("a"))])
    assert [device.id for device in await registry.devices.all()] == ["pump-1"]
    assert await registry.keys.all() == []


async def test_of_many_devices_the_one_that_exists_already_is_named(registry: Registry) -> None:
    await registry.devices.add([PUMP])
    many = [replace(BOILER, id=f"boiler-{place}") for place in range(2_000)]
    with pytest.raises(Conflict, match="'pump-1' exists already"):
        await registry.devices.add([*many, PUMP])
    assert len(await registry.devices.add(many)) == 2_000
    assert await registry.devices.add([]) == []


async def test_a_number_is_never_used_again(registry: Registry) -> None:
    (pump,) = await registry.devices.add([PUMP])
    await registry.devices.remove(pump)
    (again,) = await registry.devices.add([PUMP])
    assert again.number > pump.number


async def test_a_removed_device_takes_keys_attributes_and_commands_with_it(registry: Registry) -> None:
    boiler, pump = await registry.devices.add([BOILER, PUMP], [("boiler-1", key("a")), ("pump-1", key("b"))])
    for device in (boiler, pump):
        await registry.attributes.put(device, "device", {"firmware": "1.2"}, NOW, 10, 1_000)
        await registry.commands.add(command(device))
    await registry.devices.remove(boiler)
    assert [one.id for one in await registry.keys.all()] == ["b"]
    assert await registry.attributes.of(boiler) == {"device": {}, "shared": {}}
    assert await registry.commands.of(boiler, 10) == []
    assert (await registry.attributes.of(pump))["device"] == {"firmware": "1.2"}
    assert len(await registry.commands.open()) == 1


async def test_a_late_note_of_use_does_not_undo_a_revocation(registry: Registry) -> None:
    (boiler,) = await registry.devices.add([BOILER], [("boiler-1", key("a"))])
    (kept,) = await registry.keys.all()
    await registry.keys.update([replace(kept, revoked_at=NOW + 1)])
    await registry.keys.update([replace(kept, last_used_at=NOW + 2, last_used_from="10.0.0.7")])
    (kept,) = await registry.keys.all()
    assert kept == ApiKey("a", boiler.number, bytes(32), NOW, NOW + 2, "10.0.0.7", NOW + 1)


async def test_a_late_note_of_use_does_not_bring_a_removed_key_back(registry: Registry) -> None:
    (boiler,) = await registry.devices.add([BOILER], [("boiler-1", key("a"))])
    (kept,) = await registry.keys.all()
    await registry.devices.remove(boiler)
    await registry.keys.update([replace(kept, last_used_at=NOW + 2)])
    assert await registry.keys.all() == []


async def test_attributes_are_set_changed_and_removed(registry: Registry) -> None:
    (boiler,) = await registry.devices.add([BOILER])
    await registry.attributes.put(
        boiler, "device", {"a": 1, "b": [None, {"x": "ü"}], "c": False}, NOW, 3, 1_000
    )
    await registry.attributes.put(boiler, "shared", {"a": "other scope"}, NOW, 3, 1_000)
    await registry.attributes.put(boiler, "device", {"a": None, "b": 2.5, "d": ""}, NOW, 3, 1_000)
    assert await registry.attributes.of(boiler) == {
        "device": {"b": 2.5, "c": False, "d": ""},
        "shared": {"a": "other scope"},
    }


async def test_attributes_over_the_limit_change_nothing(registry: Registry) -> None:
    (boiler,) = await registry.devices.add([BOILER])
    await registry.attributes.put(boiler, "device", {"a": 1}, NOW, 2, 1_000)
    with pytest.raises(Invalid, match="3 attributes"):
        await registry.attributes.put(boiler, "device", {"a": 9, "b": 2, "c": 3}, NOW, 2, 1_000)
    with pytest.raises(Invalid, match="1003 bytes"):
        await registry.attributes.put(boiler, "shared", {"long": "x" * 995}, NOW, 2, 1_000)
    assert (await registry.attributes.of(boiler))["device"] == {"a": 1}


async def test_a_command_keeps_every_step_of_its_life(registry: Registry) -> None:
    (boiler,) = await registry.devices.add([BOILER])
    queued, is_new = await registry.commands.add(command(boiler))
    assert (queued, is_new) == (replace(command(boiler), id=queued.id), True)
    answered = queued.sent(NOW + 1).delivered(NOW + 2).answered(NOW + 3, {"ok": True})
    assert await registry.commands.open() == [queued]
    await registry.commands.update([answered])
    newer, _ = await registry.commands.add(command(boiler))
    assert await registry.commands.of(boiler, 10) == [newer, answered]
    assert await registry.commands.of(boiler, 1) == [newer]
    assert await registry.commands.open() == [newer]


async def test_of_many_that_use_a_credential_one_succeeds(registry: Registry) -> None:
    await registry.credentials.put(b"d", "link", principal("ada", Role.ADMIN), NOW + 10)
    found = await registry.credentials.find(b"d", "link", NOW)
    assert found is not None
    assert (found.name, found.credential) == ("ada", "link 64")
    assert await registry.credentials.find(b"d", "session", NOW) is None
    assert await registry.credentials.find(b"d", "link", NOW + 10) is None
    used = await asyncio.gather(*(registry.credentials.remove(b"d", NOW) for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]


async def test_removing_a_credential_sweeps_those_that_have_long_been_over(registry: Registry) -> None:
    await registry.credentials.put(b"old", "session", principal("ada", Role.VIEWER), NOW)
    assert await registry.credentials.remove(b"other", NOW + 1) is False
    assert await registry.credentials.find(b"old", "session", NOW - 1) is not None  # the clock may be wrong
    assert await registry.credentials.remove(b"other", NOW + SWEEP_AFTER_US) is False
    assert await registry.credentials.find(b"old", "session", NOW - 1) is None


async def test_the_first_secret_of_a_name_is_the_one_that_stays(registry: Registry) -> None:
    assert await registry.secret("token", b"first") == b"first"
    assert await registry.secret("token", b"second") == b"first"


async def test_many_writers_at_once_all_get_through(registry: Registry) -> None:
    made = [Device(0, f"device-{number}", "", {}, NOW) for number in range(60)]
    done: list[str] = []

    async def add(device: Device) -> None:
        await registry.devices.add([device])
        done.append(device.id)

    await asyncio.gather(*map(add, made))
    assert len(await registry.devices.all()) == 60
    # Each had its turn: none waits until it has waited too long.
    assert done == [device.id for device in made]


# Files


async def test_what_reads_does_not_wait_for_what_writes(path: Path) -> None:
    release = threading.Event()
    async with Database.open(path) as database:
        writing = asyncio.create_task(database.write(lambda _: release.wait(30)))
        assert await database.read(lambda found: found.value("SELECT count(*) FROM devices")) == 0
        assert not writing.done()
        release.set()
        assert await writing


async def test_what_goes_wrong_within_a_transaction_undoes_all_of_it(path: Path) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.run("INSERT INTO removed VALUES (1)")
        raise Invalid("no")

    async with Database.open(path) as database:
        with pytest.raises(Invalid):
            await database.write(fail)
        assert await database.read(lambda found: found.rows("SELECT * FROM removed")) == []
        assert await database.write(lambda written: written.run("INSERT INTO removed VALUES (2)")) == 1


async def refused(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(StoreError) as error:
        async with Registry.open(path):
            pass
    assert path.read_bytes() == before
    return str(error.value)


@pytest.mark.parametrize(
    "content", [b"x" * 200, b"SQLite format 3\0" + b"\xff" * 4080, json.dumps({}).encode() * 900]
)
async def test_a_file_of_another_kind_is_refused_and_left_untouched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    message = await refused(path)
    assert message.startswith(f"{path}: not a registry of this hub, or damaged")
    assert message.endswith("it was left untouched")


async def test_the_database_of_another_program_is_refused_and_left_untouched(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE schema_version (number INTEGER)")
        other.execute("CREATE TABLE accounts (balance REAL)")
    other.close()
    assert await refused(path) == f"{path}: not a registry of this hub; it was left untouched"


async def test_a_newer_schema_is_refused_and_left_untouched(path: Path) -> None:
    async with Registry.open(path):
        pass
    newer = sqlite3.connect(path)
    with newer:
        newer.execute("INSERT INTO schema_version VALUES (99)")
    newer.close()
    assert await refused(path) == (
        f"{path}: written by a newer version of the hub (schema 99, this one knows {len(schema.MIGRATIONS)})"
    )


@contextmanager
def older_store(path: Path, version: int) -> Iterator[sqlite3.Connection]:
    """A store as the version of that schema made it, to be filled."""
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("CREATE TABLE schema_version (number INTEGER NOT NULL)")
        for number, statements in enumerate(schema.MIGRATIONS[:version], 1):
            for statement in statements:
                older.execute(statement)
            older.execute("INSERT INTO schema_version VALUES (?)", [number])
        yield older


async def test_an_older_schema_is_brought_up_to_date_with_what_it_holds(path: Path) -> None:
    boiler = replace(BOILER, number=7)
    with older_store(path, 1) as older:
        older.execute("INSERT INTO devices VALUES (7, 'boiler-1', 'Boiler', '{}', ?, NULL)", [NOW])
    async with Registry.open(path) as registry:
        await registry.devices.remove(boiler)
        assert await registry.devices.removed() == [boiler.number]


async def test_a_store_of_the_second_schema_keeps_its_devices_as_configured(path: Path) -> None:
    with older_store(path, 2) as older:
        labels = '{"site": "north"}'
        older.execute("INSERT INTO devices VALUES (7, 'boiler-1', 'Boiler', ?, ?, 2.5)", [labels, NOW])
    boiler = replace(BOILER, number=7)
    async with Registry.open(path) as registry:
        assert await registry.devices.all() == [boiler]
        await registry.devices.update(replace(boiler, retention=Retention(0, None, 60.0)))
    async with Registry.open(path) as registry:
        assert await registry.devices.all() == [replace(boiler, retention=Retention(0, None, 60.0))]


async def test_a_store_of_the_fourth_schema_learns_intervals(path: Path) -> None:
    added = [replace(BOILER, number=7), replace(PUMP, number=8)]
    with older_store(path, 4) as older:
        for one in added:
            row = [one.number, one.id, one.name, json.dumps(one.labels), NOW, one.expected_interval_s]
            older.execute("INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL)", row)
    boiler, pump = (device.number for device in added)
    async with Registry.open(path) as registry:
        assert await registry.devices.learnt_intervals() == {}
        await registry.devices.keep_learnt_intervals({boiler: 600.0, pump: 1.5, 99: 2.0})
        await registry.devices.update(replace(added[0], name="Old boiler"))
    async with Registry.open(path) as registry:
        assert await registry.devices.learnt_intervals() == {boiler: 600.0, pump: 1.5}
        assert await registry.devices.all() == [replace(added[0], name="Old boiler"), added[1]]


async def test_commands_of_an_older_version_have_the_states_of_now(path: Path) -> None:
    version = next(place for place, made in enumerate(schema.MIGRATIONS) if "ended_at" in made[0])
    adding = """INSERT INTO commands
        (device, method, params, state, created_at, expires_at, sent_at, answered_at, response)
        VALUES (7, ?, ?, ?, 1, 9, ?, ?, ?)"""
    rows: list[tuple[str, int | None, int | None, bytes]] = [
        ("queued", None, None, b"null"),
        ("sent", 2, None, b"null"),
        ("answered", 2, 3, b'{"ok": true}'),
        ("answered", 2, 3, b'{"error": "stuck"}'),
        ("answered", 2, 3, b"20"),
        ("expired", 2, None, b"null"),
    ]
    with older_store(path, version) as older:
        older.execute(
            "INSERT INTO devices (number, id, name, labels, created_at) VALUES (7, 'b', '', '{}', 1)"
        )
        for state, sent_at, answered_at, response in rows:
            older.execute(adding, ("m", b'{"a": 1}', state, sent_at, answered_at, response))
    async with Registry.open(path) as registry:
        found = reversed(await registry.commands.of(replace(BOILER, number=7), 10))
        told = [(one.state.value, one.sent_at, one.delivered_at, one.ended_at, one.response) for one in found]
        assert told == [
            ("queued", None, None, None, None),
            ("sent", 2, None, None, None),
            ("done", 2, 3, 3, {"ok": True}),
            ("failed", 2, 3, 3, {"error": "stuck"}),
            ("done", 2, 3, 3, 20),
            ("expired", 2, None, 9, None),
        ]
        assert [one.is_sent_once for one in await registry.commands.open()] == [False, True]


async def test_a_migration_that_stops_in_its_middle_leaves_nothing_behind(path: Path) -> None:
    async with Registry.open(path):
        pass
    other = sqlite3.connect(path)
    other.executescript("DROP TABLE devices; DROP TABLE keys; DELETE FROM schema_version")
    before = set(other.execute("SELECT name FROM sqlite_master"))
    with pytest.raises(StoreError, match="attributes already exists"):  # after devices and keys were made
        async with Registry.open(path):
            pass
    assert set(other.execute("SELECT name FROM sqlite_master")) == before
    other.close()


async def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"missing/registry\.db"):
        async with Registry.open(tmp_path / "missing" / "registry.db"):
            pass


async def test_a_disk_that_says_no_is_a_store_error_and_changes_nothing(registry: Registry) -> None:
    await registry.devices.add([PUMP])
    with locked(registry), pytest.raises(StoreError, match="locked"):
        await registry.devices.add([BOILER])
    assert [device.id for device in await registry.devices.all()] == ["pump-1"]
