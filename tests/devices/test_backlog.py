from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.backlog import Backlog, MemoryBacklog
from devices.spool import Spool


@pytest.fixture(params=["memory", "file"])
def backlog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backlog]:
    backlog: Backlog = MemoryBacklog() if request.param == "memory" else Spool(tmp_path / "spool.db")
    yield backlog
    backlog.close()


def fill(backlog: Backlog, count: int) -> None:
    for number in range(count):
        backlog.add(b"%04d" % number)


def texts(backlog: Backlog, count_max: int = 10_000, size_max: int = 1_000_000) -> list[int]:
    return [int(entry.text) for entry in backlog.take(count_max, size_max)]


def test_entries_are_taken_oldest_first_and_once(backlog: Backlog) -> None:
    fill(backlog, 5)
    assert texts(backlog, 2) == [0, 1]
    assert (backlog.unsent, backlog.taken) == (3, 2)
    assert texts(backlog) == [2, 3, 4]
    assert texts(backlog) == []


def test_more_entries_than_are_read_at_a_time_come_in_order(backlog: Backlog) -> None:
    fill(backlog, 2_500)
    assert texts(backlog) == list(range(2_500))


def test_a_batch_is_bounded_in_bytes_but_never_empty(backlog: Backlog) -> None:
    fill(backlog, 5)
    assert texts(backlog, size_max=10) == [0, 1]  # four bytes and a comma each
    assert texts(backlog, size_max=1) == [2]


def test_what_was_taken_is_unsent_again_in_its_old_place(backlog: Backlog) -> None:
    fill(backlog, 6)
    first = backlog.take(2, 1_000)
    texts(backlog, 2)
    backlog.done(first)
    backlog.rewind()
    assert (backlog.unsent, backlog.taken) == (4, 0)
    assert texts(backlog) == [2, 3, 4, 5]


def test_only_the_oldest_unsent_is_dropped(backlog: Backlog) -> None:
    fill(backlog, 5)
    texts(backlog, 2)
    backlog.drop()
    assert (backlog.unsent, backlog.taken) == (2, 2)
    backlog.rewind()
    assert texts(backlog) == [0, 1, 3, 4]


def test_places_only_rise(backlog: Backlog) -> None:
    fill(backlog, 3)
    backlog.done(backlog.take(3, 1_000))
    assert backlog.next_place == 4
    fill(backlog, 1)
    assert [entry.place for entry in backlog.take(1, 1_000)] == [4]
