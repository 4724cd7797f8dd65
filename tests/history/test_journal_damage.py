"""A journal that is damaged, lacks a part, or is somebody else's is refused, by file and place,
and left as it is.
"""

import os
import random
import stat
import zlib
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.history.journal.reading import Damaged
from hub.history.journal.segment import HEADER, RECORD, SegmentHeader
from tests.history.journals import HISTORY, MIB, batch_of, found, opened, records, write
from tests.rounds import tried


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def refused(folder: Path) -> Damaged:
    """How it is refused; nothing was changed."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Damaged) as told:
        found(folder)
    assert "`hub journal check`" in str(told.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    return told.value


def test_every_byte_before_the_last_record_counts(folder: Path) -> None:
    [path] = write(
        folder, batch_of(1, 1.0), *(batch_of(number, *[1.0] * (number % 3)) for number in range(2, 45))
    )
    content, kept = path.read_bytes(), records(path)
    used = {position for one in kept for position in range(one.offset, one.end)}
    gaps = set(range(HEADER.size, kept[-1].offset)) - used
    assert any(one.offset % 4096 == 0 for one in kept)  # one begins a page
    assert len(gaps) > 8  # to align records, and before that page
    for position in tried(kept[-1].offset):
        wrong = bytearray(content)
        wrong[position] ^= 0x40
        path.write_bytes(wrong)
        told = refused(folder)
        place = next((one.offset for one in kept if one.offset <= position < one.end), position)
        expected = 0 if position < HEADER.size else place
        # A head that is wrong in its first bytes may leave zeros there: then what follows them is named.
        assert expected <= told.offset <= expected + RECORD.size, position
        assert str(told).startswith(f"{path}, byte {told.offset}: ")


def test_a_whole_record_of_zeros_is_missed(folder: Path) -> None:
    noise = random.Random(5)
    [path] = write(folder, *(batch_of(n, *(noise.random() for _ in range(300))) for n in (1, 2, 3)))
    _, second, third = records(path)
    assert third.offset % 4096 == 0  # so what is before it looks as if it had been left free
    content = bytearray(path.read_bytes())
    content[second.offset : second.end] = bytes(second.end - second.offset)
    path.write_bytes(content)
    told = refused(folder)
    assert (told.offset, told.why) == (third.offset, "batch 2 is missing")


def test_the_last_record_is_not_torn_where_something_stands_behind_it(folder: Path) -> None:
    """Both are damaged, and so neither tells of the other by checking."""
    [path] = write(folder, *(batch_of(number, 1.0) for number in (1, 2, 3)))
    _, second, third = records(path)
    content = bytearray(path.read_bytes())
    content[second.end - 1] ^= 1
    content[third.end - 1] ^= 1
    path.write_bytes(content)
    assert refused(folder).offset == second.offset


@pytest.fixture
def three(folder: Path) -> list[Path]:
    """Three files; the first two have two batches each."""
    large = [1.0] * 3500
    paths = write(folder, *(batch_of(number, *large) for number in range(1, 6)), bytes_max=MIB)
    assert [int(path.stem) for path in paths] == [1, 3, 5]
    return paths


@pytest.mark.parametrize(
    ("gone", "why"), [(0, "batches 1 to 2 are missing"), (1, "batches 3 to 4 are missing")]
)
def test_a_file_that_is_missing_is_missed(folder: Path, three: list[Path], gone: int, why: str) -> None:
    three[gone].unlink()
    assert refused(folder).why == why


def test_what_the_history_has_may_be_missing(folder: Path, three: list[Path]) -> None:
    three[0].unlink()
    assert len(found(folder, after=2)) == 3
    three[1].unlink()
    assert len(found(folder, after=4)) == 1
    assert found(folder, after=5) == []


@pytest.mark.parametrize("left", [0, 10, HEADER.size])
def test_only_the_last_file_may_be_unfinished(folder: Path, three: list[Path], left: int) -> None:
    os.truncate(three[1], left)
    assert refused(folder).offset in (0, HEADER.size)


def test_only_the_last_file_may_end_with_half_a_record(folder: Path, three: list[Path]) -> None:
    last = records(three[1])[-1]
    os.truncate(three[1], last.end - 1)
    assert refused(folder).offset == last.offset


def test_a_file_by_another_name_is_damage(folder: Path, three: list[Path]) -> None:
    three[1].rename(folder / SegmentHeader(HISTORY, 4).file_name)
    assert three[1].name in refused(folder).why


def test_a_journal_of_another_history_or_of_a_newer_hub_is_refused(folder: Path, three: list[Path]) -> None:
    with pytest.raises(StoreError, match="it belongs to another history than the one here"):
        found(folder, history=bytes(16))
    content = bytearray(three[0].read_bytes())
    packed = HEADER.pack(b"HUBJRNL\n", 2, HISTORY, 1, bytes(16), 0)[:-4]
    content[: HEADER.size] = packed + zlib.crc32(packed).to_bytes(4, "little")
    three[0].write_bytes(content)
    with pytest.raises(StoreError, match="written by a newer version of the hub"):
        found(folder)


def test_other_files_in_the_folder_are_left_alone(folder: Path, three: list[Path]) -> None:
    other = folder / "notes.journal"
    other.write_text("not the hub's")
    assert len(found(folder)) == 5
    with opened(folder) as journal:
        journal.clear()
    assert list(folder.iterdir()) == [other]
    assert not any(path.exists() for path in three)


def test_files_and_folder_are_the_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    [path] = write(folder, batch_of(1, 1.0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_journal_has_one_owner(folder: Path) -> None:
    with opened(folder), pytest.raises(StoreError, match="another hub, or a repair, is at work"):
        found(folder)
    assert found(folder) == []


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    """Where the folder around it is missing, a disk may not be mounted, and it is not made."""
    with pytest.raises(StoreError, match="is its disk mounted"):
        found(tmp_path / "mnt" / "journal")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/journal: Not a directory"):
        found(tmp_path / "file" / "journal")
    with pytest.raises(StoreError, match=r"file: File exists"):
        found(tmp_path / "file")
