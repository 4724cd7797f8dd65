"""A disk that fails under the journal: nothing that was on it is lost, and nothing is there twice."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.history.batch import Batch
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.journal.journal import Journal
from hub.history.journal.reading import segments
from tests.history.disks import full_journal, journal_without_sync
from tests.history.journals import MIB, batch_of, found, in_place_of, opened
from tests.history.rows import T0, append, stored_values

DEADLINE_S = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def fail(journal: Journal, batch: Batch, on: str) -> None:
    """/dev/full takes nothing; /dev/null takes what is written, and says no to fdatasync."""
    with in_place_of(journal._segments[-1]._file, on), pytest.raises(StoreError, match=r"^journal: .*: "):
        journal.append(batch)


def test_a_sync_that_fails_ends_the_file_behind_what_is_on_disk(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append(batch_of(1, 1.0))
        fail(journal, batch_of(2, 2.0), "/dev/null")
        # As a disk may have it after a sync that failed: it is on it, and nobody knows.
        journal._segments[-1].write(2, b"something else")
        journal.append(batch_of(2, 2.0))
        journal.append(batch_of(3, 3.0))
    first, second = segments(folder)
    assert (int(first.stem), int(second.stem)) == (1, 2)
    assert found(folder) == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize("on", ["/dev/full", "/dev/null"])
@pytest.mark.parametrize("before", [0, 2])
def test_however_often_it_fails_each_batch_is_there_once(folder: Path, on: str, before: int) -> None:
    with opened(folder) as journal:
        for number in range(1, before + 1):
            journal.append(batch_of(number, float(number)))
        journal._writable(before + 1)  # the file is there, and maybe empty
        for _ in range(3):
            fail(journal, batch_of(before + 1, before + 1.0), on)
        journal.append(batch_of(before + 1, before + 1.0))
    assert found(folder) == [[float(number)] for number in range(1, before + 2)]


def test_what_is_done_with_goes_also_while_the_last_file_fails(folder: Path) -> None:
    with opened(folder, bytes_max=MIB) as journal:
        for number in (1, 2, 3):
            journal.append(batch_of(number, *([1.0] * 3500)))
        assert len(segments(folder)) == 2
        fail(journal, batch_of(4, 4.0), "/dev/null")
        journal.forget(3)
        assert [int(path.stem) for path in segments(folder)] == [3]


def test_a_full_journal_has_room_again_when_the_history_has_what_is_in_it(folder: Path) -> None:
    with opened(folder, bytes_max=MIB) as journal:
        number = 0
        while not journal.is_full:
            number += 1
            journal.append(batch_of(number, *([1.0] * 3500)))
        assert MIB <= journal.bytes < 1.2 * MIB
        journal.forget(number // 2)
        assert journal.bytes < 0.7 * MIB
        journal.forget(number)
        assert (journal.is_full, journal.is_large) == (False, False)
        assert len(segments(folder)) <= 1
        journal.close()
        assert segments(folder) == []


def test_where_a_new_file_cannot_be_made_nothing_is_left_of_it(folder: Path) -> None:
    """In a process of its own: no file may grow there at all."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from hub.errors import StoreError\n"
        "from tests.history.journals import batch_of, opened\n"
        "with opened(Path(sys.argv[1])) as journal:\n"
        "    limit = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))\n"
        "    try:\n"
        "        journal.append(batch_of(1, 1.0))\n"
        "    except StoreError as error:\n"
        "        print(error, list(Path(sys.argv[1]).iterdir()))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, limit)\n"
        "    journal.append(batch_of(1, 1.0))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == f"journal: {folder}: File too large []", done.stderr
    assert found(folder) == [[1.0]]


def test_a_folder_that_cannot_be_written_is_refused_at_the_start_and_not_at_the_first_reading() -> None:
    with pytest.raises(StoreError, match="the journal cannot be written there"):
        found(Path("/proc/self"))


@pytest.mark.parametrize("trouble", [full_journal, journal_without_sync])
@pytest.mark.parametrize("before", [0, 1])
async def test_a_hub_acknowledges_once_the_disk_works_again_and_has_everything_once(
    tmp_path: Path, trouble: Callable[[EmbeddedHistory], AbstractContextManager[None]], before: int
) -> None:
    path = tmp_path / "history.duckdb"
    async with EmbeddedHistory.open(path, 128, 100) as history:
        append(history, *[1.0] * before)
        await history.stored
        with trouble(history):
            append(history, 2.0)
            stored = history.stored
            async with asyncio.timeout(DEADLINE_S):
                while history.failure is None:
                    await asyncio.wait([stored], timeout=0.01)
            append(history, 3.0, start=T0 + 5)
            assert not stored.done()
        await history.stored
        assert stored.done()
    assert stored_values(path) == [*[1.0] * before, 2.0, 3.0]
