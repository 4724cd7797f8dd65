"""Whatever happens to its files, a repair saves every record that was not touched, and nothing twice."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.history.journal.reading import HistoryState
from hub.history.journal.repair import plan, repair
from hub.history.journal.segment import HEADER
from tests.history.journals import HISTORY, MIB, RUN, batch_of, found, records, write
from tests.rounds import rounds

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BATCHES, LARGE = 40, 6_000
Hit = tuple[int, int]  # a place in a file: from, up to


def damage(path: Path, chance: random.Random) -> Hit:
    """Something of one kind that disks and people do to a file; what of it is not as it was."""
    content = bytearray(path.read_bytes())
    start = chance.randrange(len(content))
    size = min(chance.choice((1, 8, 512, 4096, 20_000)), len(content) - start)
    match chance.randrange(4):
        case 0:
            content[start : start + size] = bytes(size)
        case 1:
            content[start : start + size] = chance.randbytes(size)
        case 2:
            content[start] ^= 1 << chance.randrange(8)
            size = 1
        case _:
            size = len(content) - start
            del content[start:]
    path.write_bytes(content)
    return start, start + size


@pytest.mark.parametrize("seed", range(rounds(25)))
def test_all_that_was_not_touched_is_saved_once_and_in_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "journal"
    sizes = [chance.choice((1, 3, 60, 400, LARGE)) for _ in range(BATCHES)]
    sizes[10] = sizes[20] = LARGE  # so that there are several files
    paths = write(
        folder,
        *(batch_of(number, *[float(number)] * size) for number, size in enumerate(sizes, 1)),
        bytes_max=MIB,
    )
    assert len(paths) > 1
    whole = {path: records(path) for path in paths}
    safe = {one.number for kept in whole.values() for one in kept}
    for path in chance.sample(paths, chance.randint(1, len(paths))):
        if path.stat().st_size:
            start, end = damage(path, chance)
            safe -= {one.number for one in whole[path] if one.offset < end and start < one.end}
    if chance.random() < 0.3:
        gone = chance.choice(paths)
        gone.unlink()
        safe -= {one.number for one in whole[gone]}
    has = chance.choice((0, 5, BATCHES))
    state = HistoryState(HISTORY, has, RUN)

    before = {path.name: path.read_bytes() for path in paths if path.exists()}
    wanted = plan(folder, state)
    aside = repair(folder, state, wanted, NOW)

    values = [set(batch) for batch in found(folder, after=has)]
    saved = [int(value) for batch in values for value in batch]
    assert all(len(batch) == 1 for batch in values)
    assert saved == sorted(set(saved))
    assert {number for number in safe if number > has} <= set(saved)
    lost = {number for first, last in wanted.lost for number in range(first, last + 1)}
    assert lost.isdisjoint(saved)
    assert lost == set(range(has + 1, max(saved, default=has))) - set(saved)
    assert aside is not None
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == before
    again = plan(folder, state)
    assert (again.faults, again.is_begun) == ([], False)
    assert HEADER.size <= sum(path.stat().st_size for path in folder.glob("*.journal"))
