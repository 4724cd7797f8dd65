"""`hub journal`: what it says of a damaged journal, and what is there after a repair."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.state import looked_at
from hub.history.journal.journal import REPAIRED
from tests.cli.conftest import Run
from tests.history.journals import batch_of, opened, records
from tests.history.rows import stored_values
from tests.hub_process import HubProcess, make_store

MIB = 1_048_576
LARGE = 3500  # values; two batches of so many fill a file of the smallest journal


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store whose hub was killed: five batches wait in three files, of 3,500 values each."""
    data = tmp_path / "data"
    make_store(data)
    with looked_at(data / "history.duckdb") as state:
        assert state.batches == 0
    with opened(data / "journal", state.identity, MIB) as journal:
        for number in range(1, 6):
            journal.append(batch_of(number, *[float(number)] * LARGE))
    assert len(files(data)) == 3
    return data


def files(store: Path) -> list[Path]:
    return sorted((store / "journal").glob("*.journal"))


def spoil(path: Path, number: int) -> int:
    """Damage the content of that batch's record; where it begins."""
    [record] = [one for one in records(path) if one.number == number]
    with path.open("r+b") as file:
        file.seek(record.end - 8)
        file.write(b"spoilt")
    return record.offset


async def values_after_start(store: Path) -> dict[float, int]:
    """How often each value is in the history once a hub has started."""
    async with EmbeddedHistory.open(store / "history.duckdb", 256, 100):
        assert files(store) == []
    values = stored_values(store / "history.duckdb")
    return {value: values.count(value) for value in sorted(set(values))}


def test_a_journal_in_order_is_listed(run: Run, store: Path) -> None:
    done = run("journal", "check")
    assert (done.returncode, done.stderr) == (0, "")
    for path, batches in zip(files(store), (" 1 to 2 ", " 3 to 4 ", " 5 "), strict=True):
        [row] = [line for line in done.stdout.splitlines() if path.name in line]
        assert batches in row
    assert "The history has all up to batch 0." in done.stdout
    listed = json.loads(run("journal", "check", "--json").stdout)
    assert [file["readings"] for file in listed["files"]] == [2 * LARGE, 2 * LARGE, LARGE]
    assert [file["bytes"] for file in listed["files"]] == [records(path)[-1].end for path in files(store)]


def test_what_was_being_written_is_no_damage(run: Run, store: Path) -> None:
    last = files(store)[-1]
    [record] = records(last)
    os.truncate(last, record.end - 100)
    done = run("journal", "check")
    assert done.returncode == 0
    assert f"bytes unfinished, from byte {record.offset}" in done.stdout
    assert "is no damage" in done.stdout


def test_beside_a_running_hub_it_says_so(run_process: Run, shared_hub: HubProcess) -> None:
    store = {"HUB__STORE__PATH": str(shared_hub.data_dir)}
    done = run_process("journal", "check", **store)
    assert done.returncode == 0, done.stderr
    assert "another process has it open" in done.stdout
    done = run_process("journal", "repair", "--yes", **store)
    assert done.returncode == 3
    assert "another process has it open" in done.stderr


Spoil = Callable[[Path], list[tuple[Path, int]]]


def content(store: Path) -> list[tuple[Path, int]]:
    return [(path, spoil(path, number)) for path, number in ((files(store)[0], 1), (files(store)[1], 4))]


def header(store: Path) -> list[tuple[Path, int]]:
    path = files(store)[1]
    with path.open("r+b") as file:
        file.write(b"spoilt")
    return [(path, 0)]


def missing(store: Path) -> list[tuple[Path, int]]:
    files(store)[1].unlink()
    return [(files(store)[1], records(files(store)[1])[0].offset)]


def half(store: Path) -> list[tuple[Path, int]]:
    path = files(store)[0]
    record = records(path)[-1]
    os.truncate(path, record.end - 1)
    return [(path, record.offset)]


def copied(store: Path) -> list[tuple[Path, int]]:
    path = files(store)[0]
    other = path.with_name(f"{9:020d}.journal")
    other.write_bytes(path.read_bytes())
    return [(other, 0)]


@pytest.mark.parametrize(
    ("damage", "kept", "lost"),
    [
        pytest.param(content, {2, 3, 5}, "1, 4;", id="content"),
        pytest.param(header, {1, 2, 3, 4, 5}, "none;", id="header"),
        pytest.param(missing, {1, 2, 5}, "3 to 4;", id="missing"),
        pytest.param(half, {1, 3, 4, 5}, "2;", id="half"),
        pytest.param(copied, {1, 2, 3, 4, 5}, "none;", id="copied"),
    ],
)
async def test_damage_is_named_and_all_else_is_saved(
    run: Run, store: Path, damage: Spoil, kept: set[int], lost: str
) -> None:
    places = damage(store)
    before = {path.name: path.read_bytes() for path in files(store)}
    started = await started_in_vain(store)
    assert f"{places[0][0]}, byte {places[0][1]}: " in started
    assert "`hub journal repair`" in started
    checked = run("journal", "check")
    assert checked.returncode == 1
    for path, offset in places:
        assert f"{path}, byte {offset}" in checked.stdout
    assert {path.name: path.read_bytes() for path in files(store)} == before

    done = run("journal", "repair", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Saved: {len(kept)} batches with {len(kept) * LARGE} readings" in done.stdout
    assert f"Lost batches: {lost}" in done.stdout
    [aside] = (store / "journal").glob("damaged-*")
    assert str(aside) in done.stdout
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == before
    assert run("journal", "check").returncode == 0
    assert "is in order" in run("journal", "repair").stdout
    assert await values_after_start(store) == {float(number): LARGE for number in kept}


async def started_in_vain(store: Path) -> str:
    with pytest.raises(Exception, match="journal") as told:
        async with EmbeddedHistory.open(store / "history.duckdb", 256, 100):
            pass
    return str(told.value)


async def test_what_the_history_has_is_not_saved_again(run: Run, store: Path) -> None:
    kept = {path: path.read_bytes() for path in files(store)}
    assert len(await values_after_start(store)) == 5
    for path, content in kept.items():
        path.write_bytes(content)
    spoil(files(store)[0], 1)
    assert "Saved: 0 batches" in run("journal", "repair", "--yes").stdout
    assert set((await values_after_start(store)).values()) == {LARGE}


def test_it_asks_first(store: Path) -> None:
    spoil(files(store)[0], 1)
    before = sorted((store / "journal").iterdir())
    environment = {"HUB__STORE__PATH": str(store)}
    refused = CliRunner().invoke(app, ["journal", "repair"], input="n\n", env=environment)
    assert refused.exit_code == 1
    assert "Go on?" in refused.output
    assert sorted((store / "journal").iterdir()) == before
    assert CliRunner().invoke(app, ["journal", "repair"], input="y\n", env=environment).exit_code == 0
    assert sorted((store / "journal").iterdir()) != before


def refusal(done: "CompletedProcess[str]") -> str:
    assert done.returncode == 3
    return done.stderr


async def test_a_repair_that_was_cut_short_is_gone_on_with(run: Run, store: Path) -> None:
    """At each moment of it a hub is refused, and a second repair gets the same."""
    spoil(files(store)[0], 1)
    before = files(store)
    assert run("journal", "repair", "--yes").returncode == 0
    [whole] = files(store)
    [aside] = (store / "journal").glob("damaged-*")
    saved = whole.read_bytes()
    whole.rename(store / "journal" / REPAIRED)
    for left in range(len(before) + 1):
        for path in before[left:]:
            path.write_bytes((aside / path.name).read_bytes())
        assert "a repair of the journal was cut short" in await started_in_vain(store)
        assert run("journal", "check").returncode == 1
        done = run("journal", "repair", "--yes")
        assert done.returncode == 0, done.stderr
        assert [path.read_bytes() for path in files(store)] == [saved]
        whole.rename(store / "journal" / REPAIRED)
    run("journal", "repair", "--yes")
    assert await values_after_start(store) == {float(number): LARGE for number in range(2, 6)}


def test_a_journal_of_another_history_is_not_repaired(run: Run, store: Path) -> None:
    (store / "history.duckdb").unlink()
    (store / "registry.db").unlink()
    make_store(store / "other")
    (store / "other" / "history.duckdb").replace(store / "history.duckdb")
    done = run("journal", "check")
    assert done.returncode == 1
    assert "belongs to another history" in done.stdout
    assert "belongs to another history" in refusal(run("journal", "repair", "--yes"))
    assert len(files(store)) == 3
