"""What a crash leaves at the end of the journal is cut off, however it looks; all before it is there."""

import random
from itertools import product
from pathlib import Path

import pytest

from hub.history.journal.segment import AHEAD_BYTES, HEADER, PAGE
from tests.history.journals import batch_of, found, records, write

LARGE = 1_000  # values: over several pages
GOOD = [[1.0], [2.0, 2.5]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def torn(folder: Path, values: int) -> tuple[Path, bytes, int, int]:
    """A journal whose last record has so many values: its file, all of that, and where the record stands."""
    batches = [batch_of(number, *good) for number, good in enumerate(GOOD, 1)]
    [path] = write(folder, *batches, batch_of(3, *(float(value) for value in range(values))))
    last = records(path)[-1]
    assert last.number == 3
    return path, path.read_bytes(), last.offset, last.end


def test_a_file_that_was_cut_at_any_byte_of_its_last_record_has_all_before_it(folder: Path) -> None:
    path, content, start, end = torn(folder, 5)
    for cut in range(start, end):
        path.write_bytes(content[:cut])
        assert found(folder) == GOOD, cut
        path.write_bytes(content[:cut] + bytes(len(content) - cut))  # the same within what was filled ahead
        assert found(folder) == GOOD or content[cut:end].strip(b"\0") == b"", cut
    path.write_bytes(content[:end])
    assert found(folder) == [*GOOD, [0.0, 1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize("left", ["zeros", "garbage"])
def test_any_pages_of_the_last_record_may_be_missing(folder: Path, left: str) -> None:
    path, content, start, end = torn(folder, LARGE)
    pages = range(start // PAGE, end // PAGE + 1)
    assert len(pages) > 4
    noise = random.Random(5)
    for written in product((True, False), repeat=len(pages)):
        torn_content = bytearray(content)
        for page, is_there in zip(pages, written, strict=True):
            first, behind = max(page * PAGE, start), min((page + 1) * PAGE, end)
            if not is_there:
                size = behind - first
                torn_content[first:behind] = noise.randbytes(size) if left == "garbage" else bytes(size)
        path.write_bytes(torn_content)
        expected = [*GOOD, [float(value) for value in range(LARGE)]] if all(written) else GOOD
        assert found(folder) == expected, written


def test_a_byte_of_the_last_record_that_is_wrong_ends_the_journal_there(folder: Path) -> None:
    path, content, start, end = torn(folder, 5)
    for position in range(start, end):
        wrong = bytearray(content)
        wrong[position] ^= 0xFF
        path.write_bytes(wrong)
        assert found(folder) == GOOD, position


def test_a_file_whose_making_was_cut_short_is_empty(folder: Path) -> None:
    [path] = write(folder, batch_of(1, 1.0))
    header = path.read_bytes()[: HEADER.size]
    for there in range(HEADER.size + 1):
        for filled in (0, HEADER.size - there, AHEAD_BYTES):
            path.write_bytes(header[:there] + bytes(filled))
            assert found(folder) == [], (there, filled)
